//! What callers write and read: the request, the owner's policy, the record in a copy, rules of masking, durations.
//!
//! Nothing here knows what is done with it. `input.rs` reads all of it, and names every wrong field at once.

pub mod bounds;
pub(crate) mod code_source;
pub(crate) mod connect;
pub(crate) mod copied;
pub(crate) mod copying_request;
pub(crate) mod deploy_policy;
pub(crate) mod deploy_request;
pub(crate) mod deployed;
pub(crate) mod domain_request;
pub(crate) mod environment_type;
pub(crate) mod expiry;
pub(crate) mod extend_request;
pub(crate) mod files_request;
pub(crate) mod gate;
pub(crate) mod health_check;
pub(crate) mod ids;
pub(crate) mod input;
pub(crate) mod made;
pub(crate) mod made_with;
pub(crate) mod masked;
pub(crate) mod masking_rules;
pub(crate) mod nearest;
pub(crate) mod notify_request;
pub(crate) mod on_residue;
pub mod policy;
pub(crate) mod record;
pub(crate) mod refresh_request;
pub(crate) mod request;
mod request_hash;
pub(crate) mod signature;
pub(crate) mod source_login;
pub(crate) mod transformer;
pub(crate) mod ttl;
pub(crate) mod unknown;
pub(crate) mod variable_override;
