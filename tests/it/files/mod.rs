//! Files of volumes: all that is wanted of them, exactly, and nothing of production but read.

mod again;
mod exact;
mod faults;
mod images;
mod killing;
mod memory;
mod refresh;
pub(crate) mod tree;

use std::path::PathBuf;

use crate::media::{request, with_media};
use crate::stage::Stage;

/// What may be sent to a container of production: whether it is there, and what reads it.
const MARKER: &str = "printf 'railstage-%s\\n' is-here";
const READER: &str = include_str!("../../../src/files/reader.sh");

fn source(stage: &Stage) -> PathBuf {
    stage.world.volume("production", "media").unwrap()
}

fn target(stage: &Stage) -> PathBuf {
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap();
    stage.world.volume(&copy.id, "media").unwrap()
}

/// Production's container was asked for nothing but by the two texts, and has nothing new.
fn assert_only_read(stage: &Stage) {
    for text in stage.world.commands_in("production").unwrap() {
        assert!(text == MARKER || text == READER, "{text}");
    }
}
