//! What is secret within the address of something outside, and what there only looks so.

use super::credentials::with_passwords;
use super::fresh::Fresh;
use super::names::Name;
use super::secrets::{Verdict, is_setting, renewed};
use crate::secret::looks_random;

/// Hosts where a path names something, and lets nobody in.
const OPEN_HOSTS: &[&str] =
    &["docs.google.com", "drive.google.com", "fonts.googleapis.com", "github.com", "gravatar.com"];

/// Endings of what every visitor is shown, whose names are often digests.
const OPEN_ENDINGS: &[&str] = &[
    ".avif", ".css", ".gif", ".ico", ".jpeg", ".jpg", ".js", ".mp4", ".pdf", ".png", ".svg", ".webm", ".webp", ".woff2",
];

/// Whether a server is one of the copy: it is named by a reference, or by a name that no other network knows.
pub(super) fn is_inside(server: &str) -> bool {
    server.contains("${{") || server.contains(".railway.internal")
}

/// Whether a text is nothing but a server of the copy, with or without its port.
pub(super) fn is_server_inside(text: &str) -> bool {
    let (host, port) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
    let is_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    is_host && (host.ends_with(".railway.internal") || host == "localhost") && port.parse::<u16>().is_ok()
}

/// Passwords and keys within the address of something outside.
pub(super) fn in_address(text: &str, fresh: &mut Fresh) -> Verdict {
    let fresh = std::cell::RefCell::new(fresh);
    let with = with_passwords(text, |credential, password| {
        (!is_inside(&credential.server)).then(|| fresh.borrow_mut().password(password))
    });
    let text_now = with.as_deref().unwrap_or(text);
    let Some((head, path)) = text_now.split_once("://").and_then(|(_, rest)| {
        let path = rest.find(['/', '?', '#'])?;
        Some(text_now.split_at(text_now.len() - rest.len() + path))
    }) else {
        return renewed(text, with);
    };
    if is_inside(head) {
        return renewed(text, with);
    }
    let (open, path) = path.split_at(open_part(head, path));
    let mut new = format!("{head}{open}");
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let (mut rest, mut before) = (path, "");
    while !rest.is_empty() {
        let len = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
        let run = &rest[..len];
        let is_named = new.ends_with('=') && Name::of(before).is_secret() && !is_setting(run);
        new.push_str(&if looks_random(run) || is_named { fresh.borrow_mut().instead_of(run) } else { run.to_owned() });
        let separator = rest[len..].chars().next().map(char::len_utf8).unwrap_or_default();
        new.push_str(&rest[len..len + separator]);
        (before, rest) = (run, &rest[len + separator..]);
    }
    renewed(text, Some(new))
}

/// How much of a path holds no secret, whatever it looks like.
fn open_part(head: &str, path: &str) -> usize {
    let until_query = path.find('?').unwrap_or(path.len());
    let lower = path[..until_query].to_ascii_lowercase();
    let is_of_host = OPEN_HOSTS.iter().any(|host| head.ends_with(&format!("://{host}")));
    let is_open = is_of_host || OPEN_ENDINGS.iter().any(|ending| lower.ends_with(ending));
    if is_open { until_query } else { 0 }
}
