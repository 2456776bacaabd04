//! How rows travel: as the packets of an answer, changed where they must be, into the text of a LOAD, and back to be compared.

pub(super) mod copy;
pub(super) mod cutting;
mod letters;
pub(super) mod load_text;
pub(super) mod relation;
pub(super) mod row_transform;
pub(super) mod verify;
pub(super) mod wire;
pub(super) mod work_list;
