//! railstage: an isolated staging copy of a live Railway environment, data included.

pub mod error;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod secret;
pub mod wordpress;
