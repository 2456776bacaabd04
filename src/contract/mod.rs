//! What callers write and read: the request, the owner's policy, the record in a copy, rules of masking, durations.
//!
//! Nothing here knows what is done with it. `input.rs` reads all of it, and names every wrong field at once.

pub mod environment_type;
pub mod ids;
pub mod input;
pub mod masking_rules;
pub(crate) mod nearest;
pub mod policy;
pub mod record;
pub mod request;
pub mod transformer;
pub mod ttl;
