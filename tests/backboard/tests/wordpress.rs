//! A container of WordPress shows the site of its database, and what it sends is caught.

use anyhow::Result;
use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};
use backboard::wordpress::{self, Container, ContainerOptions};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_container_fills_a_volume_that_is_empty_and_touches_no_site_that_is_there() -> Result<()> {
    let volume = tempfile::tempdir()?;
    let options = || ContainerOptions { site: Some(volume.path().to_owned()), ..ContainerOptions::default() };
    drop(Container::start(options()).await?);
    assert!(volume.path().join("wp-content/plugins/acme-shop/acme-shop.php").exists());
    std::fs::write(volume.path().join("wp-config.php"), "<?php // mine")?;
    std::fs::remove_file(volume.path().join("wp-content/plugins/acme-shop/acme-shop.php"))?;
    drop(Container::start(options()).await?);
    assert_eq!(std::fs::read_to_string(volume.path().join("wp-config.php"))?, "<?php // mine");
    assert!(!volume.path().join("wp-content/plugins/acme-shop/acme-shop.php").exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_shows_the_site_of_its_database_and_its_mails_are_caught() -> Result<()> {
    let home = MysqlHome::of(Family::MariaDb)?.remove(0);
    let server = Server::start(&home, ServerOptions::default()).await?;
    server.sql(&wordpress::dump(false).await?)?;
    let variables = [
        ("WORDPRESS_DB_HOST", format!("127.0.0.1:{}", server.port())),
        ("WORDPRESS_DB_NAME", "railway".to_owned()),
        ("WORDPRESS_DB_USER", "railway".to_owned()),
        ("WORDPRESS_DB_PASSWORD", server.options().password.clone()),
        ("WORDPRESS_CONFIG_EXTRA", "define('DISABLE_WP_CRON', true);".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let container = Container::start(ContainerOptions { variables, ..ContainerOptions::default() }).await?;
    let shown = |path: &str| -> Result<String> {
        let url = format!("http://127.0.0.1:{}{path}", container.port());
        let headers = ["-H", "Host: outfitters.example.com", "-H", "X-Forwarded-Proto: https"];
        let output =
            Command::new("curl").args(["--silent", "--show-error", "--fail"]).args(headers).arg(url).output()?;
        anyhow::ensure!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let page = shown("/2026/item-7/")?;
    assert!(page.contains("id=\"customers\">2000<") && page.contains("id=\"orders\">5000<"), "{page}");
    assert!(shown("/about/")?.contains("größer als du denkst"), "what Elementor has built");
    assert!(shown("/wp-json/wp/v2/posts")?.contains("\"slug\":\"item-300\""));
    assert!(container.mails().is_empty());
    shown("/wp-cron.php")?;
    let mails = container.mails();
    assert!(mails.len() > 3 && mails.iter().all(|mail| mail.contains("@people.example.net")), "{mails:?}");
    Ok(())
}
