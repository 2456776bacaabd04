//! What is found out before rows move: what both ends are, hold and lack, and what cannot be carried.

pub(super) mod catalog;
pub(super) mod compatibility;
pub(super) mod dry_run;
pub(super) mod inspect;
pub(super) mod inventory;
mod left_out;
pub(super) mod people;
pub(super) mod room;
pub(super) mod shape;
