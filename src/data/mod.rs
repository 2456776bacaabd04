//! A table, whatever server it is on: its columns and their types, and the digest of its rows.

pub(crate) mod digest;
pub(crate) mod table_glob;
pub(crate) mod tables;
