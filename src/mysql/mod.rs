//! The copy engine for MariaDB and MySQL: so far its sessions, and a look at a source.

mod inspect;
#[allow(dead_code, reason = "copies are made with it")]
mod session;

pub use inspect::inspect;
pub use session::endpoint::{Endpoint, TlsMode};
