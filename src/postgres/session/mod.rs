//! What a session with a server is: where it leads, how it is secured, what it is set to, what it says, how long it may be silent.

mod answer_timeout;
pub(super) mod connect;
pub(super) mod endpoint;
pub(super) mod fault;
pub(super) mod pool;
pub(super) mod settings;
pub(super) mod source;
pub(super) mod sql;
mod tap;
pub(super) mod target_server;
mod tls;
pub(super) mod wire;
