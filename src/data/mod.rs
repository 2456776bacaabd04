//! What is known of data, whatever server it is on: a table with its columns and their types, the digest of its rows, and the settings by which plugins act.

pub(crate) mod digest;
pub(crate) mod switches;
pub(crate) mod table_glob;
pub(crate) mod tables;
