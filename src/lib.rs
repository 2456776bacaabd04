//! railstage: an isolated staging copy of a live Railway environment, data included.
//!
//! The steps (`steps/`) are what users, flows and schemas speak of; beside them stands one file for each outside thing:
//! `railway/`, `postgres/`, `kestra.rs`, `http.rs`, `process.rs`. `guard.rs` says what may be written or deleted.

pub mod cli;
pub mod commands;
pub mod error;
pub mod masking;
pub mod postgres;
pub mod schema;
pub mod steps;
pub mod wordpress;

mod context;
mod databases;
mod deployments;
mod guard;
mod hosts;
mod http;
mod input;
mod kestra;
mod log;
mod policy;
mod process;
mod progress;
mod railway;
mod record;
mod removal;
mod request;
mod run;
mod runner;
mod secret;
mod services;
mod step;
mod stop;
mod ticker;
mod tls;
mod ttl;
