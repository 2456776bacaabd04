//! What follows the rows: a table's constraints, indexes and comparison; sequences, large objects and materialized views.

pub(super) mod computed_columns;
mod contents;
pub(super) mod index_samples;
pub(super) mod per_table;
mod recompressing;
pub(super) mod sequences_and_objects;
pub(super) mod statistics;
pub(super) mod table_entries;
pub(super) mod verify;
pub(super) mod views;
pub(super) mod waiting;
