//! Real Postgres servers on loopback ports: started in a moment from a cached template, gone without a trace.
//!
//! [`Cluster::start`] copies the template (or a loaded fixture), gives the copy an identity of its own, starts it, and
//! sets user, password and database. Dropping the [`Cluster`] stops the server and removes its folder.

pub(crate) mod account;
mod cluster;
mod identity;
pub(crate) mod spawn;
mod template;

pub use cluster::{Cluster, ClusterOptions};
pub use template::PgBin;
