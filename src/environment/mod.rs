//! What is known of a copy and its source at Railway: whose it is, what may be written or deleted, its services and hosts.

pub(crate) mod clock;
pub(crate) mod code;
pub(crate) mod costs;
pub(crate) mod databases;
pub(crate) mod deletion_rules;
pub(crate) mod deployments;
pub(crate) mod drift;
pub(crate) mod fidelity;
pub(crate) mod granted;
pub(crate) mod guard;
pub(crate) mod hosts;
pub(crate) mod lease;
pub(crate) mod lineage;
pub(crate) mod live;
pub(crate) mod masking_of_request;
pub(crate) mod named;
pub(crate) mod neighbours;
pub(crate) mod plan_hash;
pub(crate) mod proxies;
pub(crate) mod recorded;
pub(crate) mod refreshing;
pub(crate) mod removal;
pub(crate) mod same_key;
pub(crate) mod services;
pub(crate) mod standing;
pub(crate) mod variables;
