//! What follows a table's rows: its indexes and constraints, the comparison with the source, sequences, large objects, views.

pub(super) mod per_table;
pub(super) mod sequences_and_objects;
pub(super) mod verify;
pub(super) mod views;
