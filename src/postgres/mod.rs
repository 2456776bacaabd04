//! The copy engine.
mod connect;
mod endpoint;
mod fault;
mod settings;
mod snapshot;
mod source;
mod sql;
mod tables;
mod tls;
pub use endpoint::Endpoint;
