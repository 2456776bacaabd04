//! What is held for each file is little.

use std::fs;

use serde_json::json;

use super::{request, source, target, with_media};
use crate::measured::measured;
use crate::stage::Call;

/// What a build without optimizations holds less than for 50,000 names, in KiB: its own code takes a third of it.
const HELD: u64 = 96 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tens_of_thousands_of_names_are_copied_in_little_memory() {
    let Some(stage) = with_media().await else { return };
    let folders = 250;
    for n in 0..folders {
        let folder = source(&stage).join(format!("wp-content/uploads/2026/{n:04}"));
        fs::create_dir_all(&folder).unwrap();
        for m in 0..200 {
            fs::write(folder.join(format!("a-photo-with-some-name-{m:03}-1024x768.jpg")), format!("{m}")).unwrap();
        }
    }
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "many", &request).await;
    let (output, peak) = measured(&mut stage.step_command("sync-files", "many", &request)).await;
    let call = Call::of(output);
    let files = call.expect(0).outputs()["services"][0].take();
    assert_eq!(files["files"], folders * 200, "{files}");
    let last = target(&stage).join(format!("wp-content/uploads/2026/{:04}", folders - 1));
    assert_eq!(fs::read_dir(last).unwrap().count(), 200);
    println!("{folders} folders: {} MiB", peak >> 10);
    assert!(peak < HELD, "{} MiB", peak >> 10);
}
