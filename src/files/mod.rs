//! Files of volumes: read in a source's container, changed where the copy needs it, and written in the copy's, through memory alone.
//!
//! `container.rs` asks the reader and feeds the writer, two constant texts for a container's shell; `listing.rs` is what a volume holds,
//! `choice.rs` what of it comes along, `difference.rs` what must be done, `batches.rs` in what portions, `sending.rs` does it, and `copying.rs` goes on until nothing differs.
//! `beside.rs` is for new files of a running app: a third text has them take their places all at once, and `reusing.rs` takes what is there already.

mod archive;
mod attempts;
mod batches;
mod beside;
#[cfg(test)]
mod beside_tests;
mod choice;
mod container;
mod copying;
mod difference;
mod guard_place;
pub mod guard_plugin;
mod listing;
mod needs;
mod options;
mod own;
mod path;
mod php;
mod report;
mod reusing;
mod sending;
pub(crate) mod texts;
#[cfg(test)]
mod texts_tests;
pub mod wp_config;

pub(crate) use self::beside::{Beside, Standing};
pub(crate) use self::choice::Choice;
pub(crate) use self::container::Place;
pub(crate) use self::copying::copy;
pub(crate) use self::guard_place::{Places, places};
pub(crate) use self::options::{FilesOptions, OwnFile, OwnFiles, Treatment};
pub(crate) use self::path::shown;
pub(crate) use self::report::{FilesReport, LeftFiles};
pub(crate) use self::reusing::ensure_fits;
