//! What is asked of a source's tables before their rows move: whose they are, what would act in a copy, and what is masked.

pub(super) mod asked_tables;
mod checks;
mod conditions;
mod references;
mod row_reader;
mod samples;
mod shown_rows;
pub(super) mod treated;
mod variety;
