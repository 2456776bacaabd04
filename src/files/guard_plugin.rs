//! The guard plug-in, which keeps a WordPress of a copy to itself (`guard.php`), filled in for one copy.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use url::Url;

use super::path::Path;
use super::php::literal::single_quoted;
use crate::error::Failure;
use crate::inert::one_line;

/// What the file is called in `mu-plugins`; one that comes with the source is another copy's, and is replaced.
pub const FILE: &str = "railstage.php";

/// The header by which a WordPress says which copy it is; its value is the environment's id.
pub const HEADER: &str = "X-Railstage-Copy";

const TEMPLATE: &str = include_str!("guard.php");

/// How much of a source's name is shown, characters.
const LONGEST_NAME: usize = 80;

/// What a guard plug-in must know of its copy.
#[derive(Clone, Debug)]
pub struct GuardPlugin {
    /// Id of the copy's environment: anywhere else it does nothing.
    pub environment_id: String,
    /// What the copy was made of, in words for people.
    pub copied_from: String,
    pub copied_at: Timestamp,
    /// Whom the copy may send requests to, beside itself by `localhost` and its private network: its own hosts, and those that the policy
    /// allows; a port is of no account.
    pub hosts: Vec<String>,
    /// Production's URL, where uploads that were not copied are looked for; none where they all came along, or a gate stands before it.
    pub missing_uploads: Option<String>,
}

impl GuardPlugin {
    /// The file.
    ///
    /// # Errors
    /// When the environment's id can be none, or production's URL is none: a guard would not act, or lead elsewhere.
    pub fn text(&self) -> Result<Vec<u8>> {
        let id = &self.environment_id;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        ensure!(is_id, Failure::outside("the copy's environment has an id that is none"));
        let name: String = one_line(&self.copied_from).chars().take(LONGEST_NAME).collect();
        let day = self.copied_at.strftime("%Y-%m-%d");
        let ribbon = format!("STAGING, copied from {name} on {day}, mail is off");
        let production = self.missing_uploads.as_deref().map(origin).transpose()?.unwrap_or_default();
        let hosts: Vec<_> = self.hosts.iter().map(|host| single_quoted(bare(host).as_bytes())).collect();
        let value = |name: &str| match name {
            "environment_id" => single_quoted(id.as_bytes()),
            "hosts" => hosts.join(&b", "[..]),
            "production" => single_quoted(production.as_bytes()),
            _ => single_quoted(ribbon.as_bytes()),
        };
        Ok(filled(&value))
    }
}

/// Where it goes in a folder `mu-plugins` of a volume.
pub(crate) fn path(mu_plugins: &[u8]) -> Path {
    let slash: &[u8] = if mu_plugins.is_empty() { b"" } else { b"/" };
    [mu_plugins, slash, FILE.as_bytes()].concat().into()
}

/// Whether a file of the volume at `mount_path` is one: that of another copy.
pub(crate) fn is_one(mount_path: &str, path: &[u8]) -> bool {
    let whole = [mount_path.trim_end_matches('/').as_bytes(), b"/", path].concat();
    whole.ends_with(format!("/mu-plugins/{FILE}").as_bytes())
}

/// The template with a value for each `'@name@'` in it; what a value holds is not looked at again.
fn filled(value: &dyn Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let mut text = Vec::new();
    for (n, part) in TEMPLATE.split("'@").enumerate() {
        match part.split_once("@'").filter(|_| n > 0) {
            Some((name, rest)) => {
                text.extend(value(name));
                text.extend(rest.as_bytes());
            }
            None => text.extend(part.as_bytes()),
        }
    }
    text
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Result<String> {
    let parsed = Url::parse(url).context("read production's URL")?;
    let is_web = ["http", "https"].contains(&parsed.scheme()) && parsed.has_host();
    ensure!(is_web, "production's URL is none of a site");
    Ok(parsed.origin().ascii_serialization())
}

/// A host as `parse_url` tells it, in small letters.
fn bare(host: &str) -> String {
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    let without_port = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None if host.matches(':').count() > 1 => Some(host.as_str()),
        None => host.split(':').next(),
    };
    without_port.unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(from: &str, production: Option<&str>) -> String {
        let hosts =
            ["Shop-Staging.Up.Railway.App".to_owned(), "mail.example.com:8025".to_owned(), "[::2]:80".to_owned()];
        let guard = GuardPlugin {
            environment_id: "0c6a-env".to_owned(),
            copied_from: from.to_owned(),
            copied_at: Timestamp::UNIX_EPOCH,
            hosts: hosts.to_vec(),
            missing_uploads: production.map(str::to_owned),
        };
        String::from_utf8(guard.text().unwrap()).unwrap()
    }

    #[test]
    fn every_value_stands_in_its_place() {
        let plugin = text("production", Some("https://shop.example.com:8443/blog/"));
        assert!(plugin.contains("$copy = '0c6a-env';"));
        assert!(plugin.contains("['shop-staging.up.railway.app', 'mail.example.com', '::2']"));
        assert!(plugin.contains("$production = 'https://shop.example.com:8443';"));
        assert!(plugin.contains("'STAGING, copied from production on 1970-01-01, mail is off'"));
        assert!(text("production", None).contains("$production = '';"));
        assert!(!plugin.contains("'@") && plugin.contains(&format!("header(\"{HEADER}: $copy\")")));
        assert!(TEMPLATE.lines().count() <= 150);
    }

    #[test]
    fn a_name_that_looks_like_code_or_like_a_place_to_fill_stays_text() {
        let plugin = text("'); system('x'); // ?> \\ '@production@'\n<?php", Some("https://shop.example.com"));
        let line = plugin
            .lines()
            .find(|line| line.contains("copied from '"))
            .or_else(|| plugin.lines().find(|line| line.contains("STAGING")));
        let line = line.unwrap();
        assert!(line.contains(r"copied from \'); system(\'x\'); // ?> \\ \'@production@\'\\n<?php on"), "{line}");
        assert_eq!(plugin.lines().count(), TEMPLATE.lines().count());
    }

    #[test]
    fn a_guard_that_would_not_act_or_lead_to_nowhere_is_not_written() {
        let guard = |id: &str, production: Option<&str>| GuardPlugin {
            environment_id: id.to_owned(),
            copied_from: "production".to_owned(),
            copied_at: Timestamp::UNIX_EPOCH,
            hosts: Vec::new(),
            missing_uploads: production.map(str::to_owned),
        };
        for id in ["", "a b", "a\r\nSet-Cookie: x", "é"] {
            assert!(guard(id, None).text().is_err(), "{id:?}");
        }
        for url in ["", "shop.example.com", "javascript:alert(1)", "file:///etc/passwd"] {
            assert!(guard("id", Some(url)).text().is_err(), "{url:?}");
        }
    }

    #[test]
    fn another_copys_file_is_known_by_its_place() {
        assert_eq!(&*path(b"wp-content/mu-plugins"), b"wp-content/mu-plugins/railstage.php");
        assert_eq!(&*path(b""), b"railstage.php");
        for (mount, file) in [
            ("/var/www/html", "wp-content/mu-plugins/railstage.php"),
            ("/var/www/html/wp-content/", "mu-plugins/railstage.php"),
            ("/app/web/app/mu-plugins", "railstage.php"),
        ] {
            assert!(is_one(mount, file.as_bytes()), "{mount} {file}");
        }
        assert!(!is_one("/var/www/html", b"wp-content/plugins/railstage.php") && !is_one("/", b"railstage.php"));
    }
}
