//! The copy engine for MariaDB and MySQL: a whole database out of one server and into another, over the protocol, nothing on disk.
//!
//! How a row runs through it: [`copy_database`] (`engine`) makes attempts until one is complete. An `attempt` looks at both ends
//! (`compatibility`), takes the `snapshot` that all readers share (`beginning`), and makes a database beside the target's with
//! tables that have no keys but their primary ones (`schema`, `create_table`). Then pairs of sessions, one with the source and one
//! with the new database, take items off one list (`filling`): a few dozen small tables, or a range of a large one. A row leaves
//! the source as a packet of an answer, passes the transform of `copying` where it may have to change, is counted in a digest and
//! written as a line of a LOAD (`rows`); the server's word on what it has taken must be that it took every row as it was sent. A
//! table that is loaded gets its keys and is read back and compared (`finishing`), others still on their way. Then one statement
//! puts the new tables in the old ones' places (`swap`), and what is no table is made beside them (`objects`).
//!
//! Nothing here ever writes to a source: a `session::source_session` cannot.

mod attempt;
mod audit;
mod beginning;
mod catalog;
mod column_types;
mod compatibility;
mod create_table;
mod definer;
mod dry_run;
mod engine;
mod filling;
mod finishing;
mod inspect;
mod lent_settings;
mod note_table;
mod objects;
mod packet_room;
mod preflight;
mod rows;
mod schema;
mod schema_text;
mod sequences;
mod session;
mod snapshot;
mod source_login;
mod swap;
mod target_server;

pub(crate) use audit::audit;
pub(crate) use dry_run::dry_run;
pub(crate) use engine::clear;
pub use engine::copy_database;
pub use inspect::inspect;
pub(crate) use inspect::{inspect_contents, read_schema, site_addresses};
pub use session::endpoint::{Endpoint, TlsMode};
pub(crate) use source_login::source_login;
