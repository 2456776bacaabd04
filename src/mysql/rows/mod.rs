//! How rows travel: as the packets of an answer, changed where they must be, into the text of a LOAD, and back to be compared.

pub(super) mod copy;
pub(super) mod load_text;
pub(super) mod relation;
pub(super) mod verify;
mod wire;
