//! The copy engine: a whole database out of one server and into another, over the protocol, nothing on disk.
//!
//! How data runs through it: [`copy_database`] (`engine`) opens a session beside the target (`upkeep`, with the lock
//! on copies into it) and makes attempts. An `attempt` looks at both ends (`guard`), takes the `snapshot` that all
//! readers share, has `pg_dump` read the schema (`schema`, `script`), makes an empty database of the source's `shape`
//! and the first half of the schema in it. Then pairs of sessions (`load`) take `parts` of the `tables` (as the
//! `catalog` tells them) off a list: large tables in ranges, small ones many at a time. Rows are `copy`'d as raw
//! messages (`tap`, `wire`), and where something in them may change (`transform`; `masking` says to whom) row by row
//! (`rows`), under a watchdog (`pulse`, and `patience` for single answers) and a limit (`flow`). A table that has
//! arrived gets its indexes (`indexing`, with sessions of a `pool`) and is read back and compared (`verify`,
//! `digest`). What follows the rows is in `finish` and `views`, what is not carried is told by `inventory` and
//! `left_out`. Production is let go before the last indexes are built. At last the `swap` gives the new database the
//! old one's name. `source` is the only way to a source, and it cannot write; `connect`, `settings`, `tls` and
//! `fault` are what a session is, and what it says. A `plan` makes the checks and does nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::masking::Masking;
use crate::wordpress::rewrite::UrlPair;

mod attempt;
mod catalog;
mod connect;
mod copy;
mod digest;
mod endpoint;
mod engine;
mod fault;
mod finish;
mod flow;
mod guard;
mod indexing;
mod inspect;
mod inventory;
mod left_out;
mod load;
mod masking;
mod parts;
mod patience;
mod phases;
mod plan;
mod pool;
mod pulse;
mod report;
mod room;
mod rows;
mod schema;
mod script;
mod settings;
mod shape;
mod snapshot;
mod source;
mod sql;
mod swap;
pub(crate) mod tables;
mod tap;
mod tls;
mod transform;
mod upkeep;
mod verify;
mod views;
mod wire;

pub use endpoint::{Endpoint, TlsMode};
pub use engine::copy_database;
pub use inspect::{inspect, inspect_masking, inspect_target, site_urls};
pub use plan::{CopyPlan, PlannedTable, plan};
pub use report::{CopyReport, LeftColumn, PhaseTime, Skipped, SourceReport, TableTime, TargetReport, WordPressSite};
pub use verify::Verify;

pub use crate::progress::Progress;

/// What a copy may be told.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Names the copy: a second one of the same name into the same target finds the first and does nothing. A copy
    /// without a name is always made.
    pub copy_id: String,
    /// URLs that are rewritten on the way.
    pub rewrite: Vec<UrlPair>,
    /// How people are masked; `None` copies them as they are.
    pub masking: Option<Masking>,
    /// Globs (`*`, `?`) on `table` or `schema.table`: these tables come without their rows.
    pub exclude_table_data: Vec<String>,
    /// How many tables are copied at a time, each over a session of its own on either end.
    pub jobs: usize,
    /// Tables larger than this, in bytes, are copied in several ranges at a time.
    pub cut_bytes: u64,
    /// Tables whose values have so many bytes or more on average travel in binary where their types allow it, since that
    /// is less work at both ends; shorter values would be longer in binary. 0: all tables whose types allow it.
    pub binary_from_bytes: u64,
    /// A limit on what is read from the source, in megabytes (1,000,000 bytes) per second.
    pub max_mb_per_s: Option<f64>,
    /// How tables are checked before the swap.
    pub verify: Verify,
    /// A transfer that moves no byte for so long is given up, and so is a server that does not answer.
    pub stall: Duration,
    /// How long the source's snapshot may be held: while it is, the source cannot clean up after its own changes.
    pub snapshot_max_age: Duration,
    /// How many times the whole is tried, each time with a snapshot of its own, when a line or a server fails.
    pub attempts: u32,
    /// The program that reads the schema: a name to be found on PATH, or a path.
    pub pg_dump: PathBuf,
}

impl Default for CopyOptions {
    /// Two pairs of sessions, which production hardly notices; two minutes of silence are a broken line.
    fn default() -> Self {
        Self {
            copy_id: String::new(),
            rewrite: Vec::new(),
            masking: None,
            exclude_table_data: Vec::new(),
            jobs: 2,
            cut_bytes: 1 << 30,
            binary_from_bytes: 24,
            max_mb_per_s: None,
            verify: Verify::Digest,
            stall: Duration::from_secs(120),
            snapshot_max_age: Duration::from_secs(60 * 60),
            attempts: 3,
            pg_dump: PathBuf::from("pg_dump"),
        }
    }
}
