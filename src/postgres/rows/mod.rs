//! How rows travel: a work list of tables and ranges of them, pairs of sessions that work it off, and the formats of a COPY.

pub(super) mod copy;
pub(super) mod format;
pub(super) mod load;
pub(super) mod relation;
pub(super) mod work_list;

#[cfg(test)]
mod transform_tests;
