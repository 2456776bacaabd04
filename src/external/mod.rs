//! The programs and services outside that are neither Railway nor a database: child processes, HTTP, mail, Kestra, TLS.

pub(crate) mod addresses;
pub(crate) mod executions;
pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod kestra;
pub(crate) mod mail;
pub(crate) mod print;
pub(crate) mod privacy;
pub(crate) mod process;
pub(crate) mod process_env;
pub(crate) mod tcp;
pub(crate) mod tls;
