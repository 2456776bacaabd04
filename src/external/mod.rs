//! The programs and services outside that are neither Railway nor a database: child processes, HTTP, Kestra, TLS.

pub mod http;
pub mod kestra;
pub mod process;
pub mod process_env;
pub mod tls;
