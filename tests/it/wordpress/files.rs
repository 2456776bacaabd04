//! A WordPress whose files come along, with the copy's guard plug-in among them.

use backboard::ExtraService;
use backboard::wordpress::HOST;
use serde_json::{Value, json};

use super::stage;
use crate::stage::{Call, Stage, finish};

/// A world whose WordPress has a photo, and a relay that the policy knows.
async fn with_photo() -> Option<Stage> {
    if let Err(reason) = backboard::relay::containers_possible() {
        crate::asked::skip(with_nothing, &reason);
        return None;
    }
    let mut stage = stage(ExtraService::WordPress).await;
    stage.know_relay();
    let uploads = content(&stage, "production").join("uploads/2026/11");
    std::fs::create_dir_all(&uploads).unwrap();
    std::fs::write(uploads.join("photo.png"), "\u{89}PNG photo").unwrap();
    Some(stage)
}

fn with_nothing() {}

fn content(stage: &Stage, environment: &str) -> std::path::PathBuf {
    stage.world.volume(environment, "wordpress").unwrap().join("wp-content")
}

async fn clone(stage: &Stage, asked: &Value, more: &[&str]) -> Call {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["clone", "--json", "--environment-name", "site", "--project-id", &stage.world.project_id()]);
    command.args(["--web-service", "wordpress", "--include-services", "wordpress"]);
    command.args(["--files", &json!([asked]).to_string()]).arg("--policy").arg(policy.path()).args(more);
    finish(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_its_own_files_and_a_guard_and_shows_productions_uploads_where_it_is_asked_to() {
    let Some(stage) = with_photo().await else { return };
    // A guard that production has from who knows where is another copy's.
    let mu_plugins = content(&stage, "production").join("mu-plugins");
    std::fs::create_dir_all(&mu_plugins).unwrap();
    std::fs::write(mu_plugins.join("railstage.php"), "<?php // of another copy").unwrap();
    let home = stage.world.volume("production", "wordpress").unwrap();
    std::fs::write(home.join(".htaccess"), format!("RewriteRule ^old$ https://{HOST}/new [R]\n")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [html, json] = ["sheet.html", "sheet.json"].map(|name| folder.path().join(name).display().to_string());
    let sheets = ["--sheet", &*html, "--sheet", &*json];
    let call = clone(&stage, &json!({"service": "wordpress", "mode": "production"}), &sheets).await;
    call.expect(0);
    let report = call.json();
    let files = &report["steps"]["sync_files"]["services"][0];
    assert_eq!(files["guards"], json!(["wp-content/mu-plugins/railstage.php"]), "{files}");
    assert!(files["left"].to_string().contains("uploads, which production shows"), "{files}");

    let [page, sheet] = [&html, &json].map(|path| std::fs::read_to_string(path).unwrap());
    let told = ".htaccess: names production in 1 place, and stays as it is";
    assert_eq!(files["naming_production"][0], told, "{files}");
    assert!(page.contains(told) && page.contains("uploads, which production shows"), "{page}");
    assert!(sheet.contains(told), "{sheet}");

    let host = report["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    let id = stage.world.environment_id("site").unwrap();
    let page = stage.world.fetch(&host, "/").await.unwrap();
    assert_eq!(page.header("x-railstage-copy"), id);
    assert!(page.body.contains("STAGING, copied from production on "), "{}", page.body);
    let own = content(&stage, "site");
    assert!(!own.join("uploads/2026/11/photo.png").exists());
    let guard = std::fs::read_to_string(own.join("mu-plugins/railstage.php")).unwrap();
    assert!(guard.contains(&id) && guard.contains(&host), "{guard}");
    let photo = "/wp-content/uploads/2026/11/photo.png";
    let led = stage.world.fetch(&host, photo).await.unwrap();
    assert_eq!((led.status, led.location.as_deref()), (302, Some(&*format!("https://{HOST}{photo}"))));

    // Whoever copies the copy gets a guard of his own, and production keeps what it had.
    assert_eq!(std::fs::read_to_string(mu_plugins.join("railstage.php")).unwrap(), "<?php // of another copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_say_that_it_is_guarded_is_no_ready_copy() {
    let Some(stage) = with_photo().await else { return };
    let mu_plugins = content(&stage, "production").join("mu-plugins");
    std::fs::create_dir_all(&mu_plugins).unwrap();
    let hides = "<?php header_register_callback(static function () { header_remove('X-Railstage-Copy'); });";
    std::fs::write(mu_plugins.join("zz-hides.php"), hides).unwrap();
    let call = clone(&stage, &json!({"service": "wordpress"}), &[]).await;
    assert_eq!(call.code, 1, "{}", call.stderr);
    assert!(call.stderr.contains("the guard plug-in of service `wordpress` does not act"), "{}", call.stderr);
    assert!(stage.world.environment_id("site").is_err(), "it is rolled back");
}
