//! The schema: read as a dump by `pg_dump`, cut into its entries, and restored on the target over the protocol.

pub(super) mod entries;
pub(super) mod pg_dump;
pub(super) mod restore;
pub(super) mod schema_text;
pub(super) mod spelling;
