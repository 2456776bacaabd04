//! Values with a structure: what is personal or secret within them.
//!
//! `formats` reads a value; each text in it is shown to the masker (`masker`) with the path of its field, which tells
//! whose it is or what it opens (`fields`, `names`, `made_up`). What cannot be read as a structure is a text itself.

mod by_name;
mod fields;
mod made_up;
mod masker;
mod name_words;
mod names;
mod records;

#[cfg(test)]
mod tests;

pub(super) use by_name::ByName;
pub(super) use fields::{field_kind, in_record, is_named, is_secret, personal};
pub(super) use made_up::is_unwritable;
pub(super) use masker::{ValueMasker, by_value, is_plausible};
