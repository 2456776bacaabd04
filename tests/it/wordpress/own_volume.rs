//! A WordPress whose theme, plug-in and uploads are on its volume, and its copy on one of its own.

use std::fs;
use std::path::PathBuf;

use backboard::wordpress::{PICTURE, PRIVATE};
use backboard::{ExtraService, SiteFiles, WorldOptions};
use serde_json::{Value, json};

use super::fact;
use crate::files::tree;
use crate::stage::Stage;

async fn stage(files: SiteFiles) -> Option<Stage> {
    if let Err(reason) = backboard::relay::containers_possible() {
        crate::asked::skip(with_nothing, &reason);
        return None;
    }
    let extra_services = vec![ExtraService::MariaDb, ExtraService::WordPress];
    let mut stage = Stage::of(WorldOptions { extra_services, site_files: Some(files), ..WorldOptions::prompt() }).await;
    stage.know_relay();
    Some(stage)
}

fn with_nothing() {}

/// Makes a copy; its host, and what came of its files.
async fn copied(stage: &Stage, more: &Value) -> (String, Value) {
    let services = json!({"environment_name": "copy", "web_service": "wordpress", "include_services": ["wordpress"]});
    let mut request = stage.request(services);
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let files = stage.steps_until("sync-files", "site", &request).await.outputs();
    stage.step("start-apps", "site", &request).await.expect(0);
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap();
    let host = copy.domains.keys().find(|host| host.starts_with("wordpress-")).unwrap().clone();
    (host, files)
}

fn volume(stage: &Stage, environment: &str) -> PathBuf {
    let environments = stage.world.environments();
    let one = environments.iter().find(|one| (one.name == "production") == (environment == "production")).unwrap();
    stage.world.volume(&one.id, "wordpress").unwrap()
}

async fn a_copy_of(files: SiteFiles) {
    let Some(stage) = stage(files).await else { return };
    let (source, production) = (volume(&stage, "production"), backboard::wordpress::HOST);
    let home = stage.world.fetch(production, "/").await.unwrap().body;
    assert_eq!([fact(&home, "uploads"), fact(&home, "private-files")], ["500", "5"], "{home}");
    let (before, picture) = (tree::of(&source), format!("/{PICTURE}"));
    let (host, outputs) = copied(&stage, &json!({})).await;
    assert!(tree::of(&source) == before, "production's volume was written");

    let page = stage.world.fetch(&host, "/").await.unwrap().body;
    let facts = ["theme", "uploads", "private-files", "customers"].map(|name| fact(&page, name));
    assert_eq!(facts, ["Acme Harbour", "500", "0", fact(&home, "customers")], "{outputs}");
    assert!(page.contains(&format!("src=\"https://{host}/{PICTURE}\"")) && !page.contains(production), "{page}");
    let style = stage.world.fetch(&host, "/wp-content/uploads/elementor/css/post-7.css").await.unwrap();
    assert!(style.status == 200 && style.body.contains(&host) && !style.body.contains(production), "{}", style.body);
    let [there, here] = [production, &host].map(|host| stage.world.fetch(host, &picture));
    let (there, here) = (there.await.unwrap(), here.await.unwrap());
    assert_eq!((there.status, here.status, &here.body), (200, 200, &there.body));
    for path in PRIVATE {
        let path = format!("/{path}");
        let [there, here] = [production, &host].map(|host| stage.world.fetch(host, &path));
        assert_eq!([there.await.unwrap().status, here.await.unwrap().status], [200, 404], "{path}");
    }

    // Each environment serves its own volume, and its PHP knows which one it is in.
    let content = match files {
        SiteFiles::InHtml => volume(&stage, "copy").join("wp-content"),
        SiteFiles::InContent => volume(&stage, "copy"),
    };
    fs::write(content.join("uploads/probe.php"), "<?php echo getenv('RAILWAY_ENVIRONMENT_NAME');").unwrap();
    let probes = [&*host, production].map(|host| stage.world.fetch(host, "/wp-content/uploads/probe.php"));
    let [here, there] = probes;
    assert_eq!((here.await.unwrap().body.as_str(), there.await.unwrap().status), ("copy", 404));
    fs::write(content.join("uploads/probe.php"), "<?php echo 'another';").unwrap();
    assert_eq!(stage.world.fetch(&host, "/wp-content/uploads/probe.php").await.unwrap().body, "another");
    fs::remove_file(content.join("uploads/2026/11/harbour.png")).unwrap();
    let [there, here] = [production, &host].map(|host| stage.world.fetch(host, &picture));
    assert_eq!([there.await.unwrap().status, here.await.unwrap().status], [200, 404]);
    assert!(stage.world.ssh_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_shows_the_theme_and_pictures_of_its_own_volume_where_the_whole_site_is_on_one() {
    a_copy_of(SiteFiles::InHtml).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_shows_the_theme_and_pictures_of_its_own_volume_where_wp_content_is_on_one() {
    a_copy_of(SiteFiles::InContent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_volume_is_empty_has_what_the_image_puts_there_and_no_more() {
    let Some(stage) = stage(SiteFiles::InContent).await else { return };
    let (host, _) = copied(&stage, &json!({"allow_empty_volumes": ["wordpress"]})).await;
    let content = volume(&stage, "copy");
    let is_there = |path: &str| content.join(path).exists();
    assert!(is_there("themes/twentytwentyfive/style.css") && is_there("plugins/index.php"));
    assert!(!is_there("themes/acme") && !is_there("plugins/acme-shop"));
    assert!(!stage.world.fetch(&host, "/").await.unwrap().body.contains("Acme Harbour"));
}
