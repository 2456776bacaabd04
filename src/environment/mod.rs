//! What is known of a copy and its source at Railway: whose it is, what may be written or deleted, its services and hosts.

pub mod databases;
pub mod deployments;
pub mod guard;
pub mod hosts;
pub mod masking_of_request;
pub mod recorded;
pub mod removal;
pub mod services;
