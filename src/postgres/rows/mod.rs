//! How rows travel: which parts of which tables, over which pair of sessions, in which format.

pub(super) mod copy;
pub(super) mod format;
pub(super) mod load;
pub(super) mod relation;
pub(super) mod work_list;

#[cfg(test)]
mod transform_tests;
