//! A world with an app that has a volume.

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};

use crate::stage::Stage;

/// A world whose app `media` has a volume, and a relay that the policy knows.
pub(crate) async fn with_media() -> Option<Stage> {
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
pub(crate) fn request(stage: &Stage, more: &Value) -> Value {
    let mut request = stage.request(json!({"environment_name": "copy", "include_services": ["web", "media"]}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}
