//! Sessions with servers: where one leads, how it is secured, what it is set to, what it says, how long it may be silent,
//! and how a COPY speaks on it. Nothing here knows a table.

mod answer_timeout;
mod at_work;
pub(super) mod computing;
pub(super) mod connect;
mod connection;
pub(super) mod copy_protocol;
pub(super) mod endpoint;
pub(super) mod fault;
mod framing;
pub(super) mod pool;
pub(super) mod raised;
pub(super) mod refusal;
pub(super) mod remedy;
mod server_words;
pub(super) mod settings;
pub(super) mod shared_stream;
pub(super) mod source_session;
pub(super) mod sql;
pub(super) mod target_server;
mod tls;
mod url;
