//! The copy engine: a whole database out of one server and into another, over the protocol, nothing on disk.
//!
//! How a row runs through it: [`copy_database`] (`engine`) makes attempts until one is complete. An `attempt` looks at
//! both ends (`preflight`), takes the `snapshot` that all readers share, reads the schema (`dump`), and makes an empty
//! database beside the target's with what stands before the data. Then pairs of sessions, one with the source and one with
//! the new database, take items off the work list (`rows`): each is a few small tables, or a range of a large one's pages.
//! A row leaves the source as a message of a COPY, is read on the stream that the session's driver has lent
//! (`session::copy_protocol`, `session::shared_stream`), passes the transform of `copying` where it may have to change,
//! is counted in a digest and written to the other session in the bytes in which it came. A table that is loaded gets its
//! constraints and indexes and is read back and compared, others still on their way; sequences, large objects, what calls
//! functions that may read other tables, and materialized views come last (`filling` and `post_data`). Then the `swap` gives
//! the new database the old one's name.
//!
//! Rooms, each of which knows only those before it: `session`; `dump` and `rows`; `preflight`; `post_data`; the files here.
//! A [`dry_run()`] and [`inspect()`] make the checks of `preflight` and change nothing; an [`audit()`] searches a copy that is there.

#[cfg(any(test, fuzzing))]
pub mod any_bytes;
mod attempt;
mod audit;
mod dump;
mod engine;
mod filling;
mod post_data;
mod preflight;
mod rows;
mod schema;
mod session;
mod snapshot;
mod swap;

pub use audit::audit;
pub(crate) use dump::pg_dump::ensure_can_dump;
pub use engine::{clear, copy_database};
pub use preflight::dry_run::dry_run;
pub use preflight::inspect::{inspect, inspect_masking, inspect_target};
pub(crate) use preflight::inspect::{inspect_contents, read_schema};
pub(crate) use preflight::site_addresses::site_addresses;
pub use preflight::site_addresses::site_urls;
pub use preflight::source_login::source_login;
pub use session::endpoint::{Endpoint, TlsMode};
pub use session::refusal::OLDEST_MAJOR;
