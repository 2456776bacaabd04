//! A site that was lived in: 300 posts, 2,000 customers, 5,000 orders, made once through WordPress itself and kept as SQL.

use super::image::Image;
use crate::cache;
use crate::mysql::{Family, MysqlHome, Server, ServerOptions};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::process::Command;

const MAKE: &str = include_str!("../../../wordpress/production.php");
const MASS: &str = include_str!("../../../wordpress/production.sql");
const NETWORK: &str = include_str!("../../../wordpress/network.php");

/// What makes a network of the site, in the variables of its container.
pub(crate) const NETWORK_EXTRA: &str = "define('MULTISITE', true); define('SUBDOMAIN_INSTALL', false); \
    define('DOMAIN_CURRENT_SITE', 'outfitters.example.com'); define('PATH_CURRENT_SITE', '/'); \
    define('SITE_ID_CURRENT_SITE', 1); define('BLOG_ID_CURRENT_SITE', 1);";

/// Where the site is at home.
pub const HOST: &str = "outfitters.example.com";

/// Who may do everything on it: login and password.
pub const ADMINISTRATOR: [&str; 2] = ["anna", "canary-admin-password"];

/// Every customer's, whose logins are `canary1` to `canary2000`.
pub const PASSWORD_OF_CUSTOMERS: &str = "canary-customer-password";

/// The site's tables and rows as SQL that both families read, made on first use; it may have a second one, in a network.
pub async fn dump(is_network: bool) -> Result<String> {
    let image = Image::find()?;
    let digest = Sha256::digest(format!("{}\n{MAKE}\n{MASS}\n{NETWORK}", image.version()?));
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let runtime = tokio::runtime::Handle::current();
    let made = tokio::task::spawn_blocking(move || {
        let folder =
            cache::made_once(&format!("wordpress-{}-{hash}", if is_network { "network" } else { "site" }), |folder| {
                fs::create_dir(folder)?;
                // The oldest, since a newer server can read what it writes.
                let home = MysqlHome::of(Family::MariaDb)?.remove(0);
                let server = runtime.block_on(Server::start(&home, ServerOptions::default()))?;
                make(&image, &server, is_network)?;
                let mut dump = Command::new(home.program("mariadb-dump"));
                dump.args(["--no-defaults", "--user=root", "--skip-comments", "--hex-blob", "--skip-dump-date"]);
                dump.arg(format!("--socket={}", server.folder().join("socket").display()))
                    .arg(&server.options().database);
                let output = dump.output().context("run mariadb-dump")?;
                ensure!(output.status.success(), "mariadb-dump: {}", String::from_utf8_lossy(&output.stderr));
                let text = String::from_utf8(output.stdout).context("read the dump")?;
                // Its first line is for MariaDB's client alone.
                let text = text.strip_prefix("/*M!999999\\- enable the sandbox mode */").unwrap_or(&text);
                fs::write(folder.join("site.sql"), text).context("keep the dump")
            })?;
        fs::read_to_string(folder.join("site.sql")).context("read the dump")
    });
    made.await?.context("make WordPress's production")
}

fn make(image: &Image, server: &Server, is_network: bool) -> Result<()> {
    let folder = tempfile::Builder::new().prefix(&crate::leftovers::prefix()).tempdir()?;
    image.unpack(folder.path(), &folder.path().join("www"), None, true)?;
    let run = |script: &str, what: &[&str], extra: &str| {
        let path = folder.path().join("script.php");
        fs::write(&path, script)?;
        let mut php = image.php();
        let ServerOptions { password, database, .. } = server.options();
        php.env("WORDPRESS_DB_HOST", format!("127.0.0.1:{}", server.port())).env("WORDPRESS_DB_NAME", database);
        php.env("WORDPRESS_DB_USER", "root").env("WORDPRESS_DB_PASSWORD", password);
        php.env("WORDPRESS_CONFIG_EXTRA", format!("define('WP_HTTP_BLOCK_EXTERNAL', true); {extra}"));
        php.args(["-d", "sendmail_path=/bin/true"]).arg(path).arg(folder.path().join("www")).args(what);
        let output = php.output()?;
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let last = said.lines().last().unwrap_or_default();
        ensure!(output.status.success() && last.starts_with('$'), "make the site: {said}{errors}");
        Ok(last.to_owned())
    };
    let home = format!("define('WP_SITEURL', 'https://{HOST}'); define('WP_HOME', 'https://{HOST}');");
    let hash = run(MAKE, &[], &home)?;
    server.sql(&format!("SET @hash = '{}';\n{MASS}", hash.replace('\'', "''")))?;
    if is_network {
        run(NETWORK, &["tables"], &home)?;
        run(NETWORK, &["sites"], NETWORK_EXTRA)?;
    }
    Ok(())
}
