//! What belongs to each constant in a copy.

use url::Url;

use super::WpConfigValues;
use super::settings::{Literal, Settings};
use crate::files::php::literal::{double_quoted, single_quoted};
use crate::rewriting::Rewriter;

/// Constants with which a site signs what it gives to browsers and programs: whoever has production's can sign for it.
const SALTS: &[&str] = &[
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
    // Of WordPress before 2.6, and of plug-ins that sign logins of their own.
    "SECRET_KEY",
    "SECRET_SALT",
    "JWT_AUTH_SECRET_KEY",
    "GRAPHQL_JWT_AUTH_SECRET_KEY",
];

/// Where a network of sites is at home in the copy.
pub(super) struct Addresses {
    domain: Option<String>,
    path: Option<String>,
}

impl Addresses {
    /// A domain and a path are one address, which may become another with another path.
    pub(super) fn of(settings: &Settings, urls: &Rewriter) -> Self {
        let domain = settings.literal("DOMAIN_CURRENT_SITE").and_then(|domain| std::str::from_utf8(domain).ok());
        let path = settings.literal("PATH_CURRENT_SITE").and_then(|path| std::str::from_utf8(path).ok());
        let new = domain.and_then(|domain| rewritten(urls, domain, path.unwrap_or("/")));
        let (domain, path) = new.map(|new| (host(&new), folder(&new))).unzip();
        Self { domain: domain.flatten(), path }
    }
}

/// What stands in a literal's place; none where it stays.
pub(super) fn new(
    name: &str,
    literal: &Literal,
    values: &WpConfigValues<'_>,
    addresses: &Addresses,
) -> Option<Vec<u8>> {
    let old = literal.value.as_deref();
    let text = old.and_then(|old| std::str::from_utf8(old).ok());
    let login = |of: fn(&super::DbValues) -> &String| values.db.map(|db| of(db).clone().into_bytes());
    let new = match name {
        "DB_NAME" => login(|db| &db.name),
        "DB_USER" => login(|db| &db.user),
        "DB_PASSWORD" => login(|db| &db.password),
        "DB_HOST" => login(|db| &db.host),
        _ if SALTS.contains(&name) => Some((values.salt)(name).into_bytes()),
        "DOMAIN_CURRENT_SITE" => addresses.domain.clone().map(String::into_bytes),
        "PATH_CURRENT_SITE" => addresses.path.clone().filter(|_| old.is_some()).map(String::into_bytes),
        "COOKIE_DOMAIN" => text.filter(|text| !text.is_empty()).map(|text| cookie_domain(values.urls, text)),
        _ => old.and_then(|old| values.urls.rewrite(old)).map(|rewritten| rewritten.value),
    };
    let new = new.filter(|new| Some(new.as_slice()) != old)?;
    Some(if literal.is_double { double_quoted(&new) } else { single_quoted(&new) })
}

/// A cookie's domain in the copy: its own host, else none, with which cookies are for the host that sets them. One that is wider than
/// production's host would be refused by browsers.
fn cookie_domain(urls: &Rewriter, domain: &str) -> Vec<u8> {
    let new = rewritten(urls, domain.trim_start_matches('.'), "/");
    new.and_then(|new| new.host_str().map(str::to_owned)).unwrap_or_default().into_bytes()
}

/// The copy's address of a domain and a path.
fn rewritten(urls: &Rewriter, domain: &str, path: &str) -> Option<Url> {
    let old = format!("https://{domain}/{}", path.trim_start_matches('/'));
    Url::parse(&urls.rewrite_text(&old)?).ok()
}

fn host(url: &Url) -> Option<String> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

fn folder(url: &Url) -> String {
    format!("{}/", url.path().trim_end_matches('/'))
}
