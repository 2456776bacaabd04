//! What a session with a server is: where it leads, how it is secured, what it is set to, what it says, how long it may be silent.

pub(super) mod connect;
pub(super) mod endpoint;
pub(super) mod fault;
pub(super) mod patience;
pub(super) mod settings;
pub(super) mod source;
pub(super) mod sql;
pub(super) mod tap;
mod tls;
pub(super) mod wire;
