//! The copy engine: a whole database out of one server and into another, over the protocol, nothing on disk.
//!
//! How data runs through it: [`copy_database`] (`engine`) opens a session beside the target (`target_server`, with the lock
//! on copies into it) and makes attempts. An `attempt` looks at both ends (`guard`), takes the `snapshot` that all
//! readers share, has `pg_dump` read the schema (`schema`, `script`), makes an empty database of the source's `shape`
//! and the first half of the schema in it. Then pairs of sessions (`load`) take `parts` of the `tables` (as the
//! `catalog` tells them) off a list: large tables in ranges, small ones many at a time. Rows are `copy`'d as raw
//! messages (`tap`, `wire`), and where something in them may change (`transform`; `masking` says to whom) row by row
//! (`rows`), under a watchdog (`watchdog`, and `answer_timeout` for single answers) and a limit (`meter`). A table that has
//! arrived gets its indexes (`indexing`, with sessions of a `pool`) and is read back and compared (`verify`,
//! `digest`). What follows the rows is in `finish` and `views`, what is not carried is told by `inventory` and
//! `left_out`. Production is let go before the last indexes are built. At last the `swap` gives the new database the
//! old one's name. `source` is the only way to a source, and it cannot write; `connect`, `settings`, `tls` and
//! `fault` are what a session is, and what it says. A `plan` makes the checks and does nothing.

mod attempt;
mod dump;
mod engine;
mod post_data;
mod preflight;
mod rows;
mod session;
mod snapshot;
mod swap;
mod totals;

pub use engine::copy_database;
pub use preflight::dry_run::{DryRun, DryRunTable, dry_run};
pub use preflight::inspect::{inspect, inspect_masking, inspect_target, site_urls};
pub use session::endpoint::{Endpoint, TlsMode};
