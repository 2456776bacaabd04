//! railstage: an isolated staging copy of a live Railway environment, data included.
//!
//! `ARCHITECTURE.md` has the picture. The steps (`steps/`) are what users, flows and schemas speak of.

pub mod cli;
pub mod contract;
pub mod copying;
pub mod error;
pub mod files;
pub mod masking;
pub mod mysql;
pub mod postgres;
pub mod rewriting;
pub mod steps;

pub use external::process_env::ProcessEnv;

mod data;
mod engines;
mod environment;
mod external;
mod formats;
mod inert;
mod notifying;
mod railway;
mod relay;
mod running;
mod secret;
