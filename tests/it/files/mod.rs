//! Files of volumes: all that is wanted of them, exactly, and nothing of production but read.

mod exact;
mod faults;
mod tree;

use std::path::PathBuf;

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};

use crate::stage::Stage;

/// What may be sent to a container of production: whether it is there, and what reads it.
const MARKER: &str = "printf 'railstage-%s\\n' is-here";
const READER: &str = include_str!("../../../src/files/reader.sh");

/// A world whose app `media` has a volume, and a relay that the policy knows.
async fn with_media() -> Option<Stage> {
    if let Err(reason) = backboard::relay::containers_possible() {
        crate::asked::skip(with_nothing, &reason);
        return None;
    }
    let options = WorldOptions { extra_services: vec![ExtraService::Media], ..WorldOptions::prompt() };
    let mut stage = Stage::of(options).await;
    stage.know_relay();
    Some(stage)
}

fn with_nothing() {}

/// A request that copies the files of `media`, and no database.
fn request(stage: &Stage, more: &Value) -> Value {
    let mut request = stage.request(json!({"environment_name": "copy", "include_services": ["web", "media"]}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

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
