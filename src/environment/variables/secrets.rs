//! Which variable holds a secret, told by its name or by its value, and what stands in its place in a copy.

use super::credentials::{credentials, with_passwords};
use super::fresh::Fresh;
use super::json::judge_json;
use super::names::Name;
use super::pem;
use super::urls::{in_address, is_inside, is_server_inside};
use super::written::{Piece, pieces};
use crate::masking::live_keys;
use crate::secret::looks_random;

/// What becomes of a variable, judged by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is no secret, or refers to what is one elsewhere.
    Plain,
    Kept(Need),
    /// Its provider's word for off.
    Off(String),
    /// Something random, in the place of all of it or of what is secret in it.
    Renewed(String),
}

/// Why a secret comes along without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Data that is copied may be encrypted with it.
    Decrypts,
    /// It is half of a pair, of which the other half may be anywhere.
    KeyPair,
}

/// What else the owner of a variable has.
pub(super) struct Beside<'a> {
    /// Whether it has another of a name.
    pub(super) has: &'a dyn Fn(&str) -> bool,
    /// The name of the one that holds the address of an account at Google's.
    pub(super) account: Option<&'a str>,
}

impl Beside<'_> {
    pub(super) const NOTHING: Beside<'static> = Beside { has: &|_| false, account: None };
}

/// Judges a variable.
pub(super) fn judge(name: &Name<'_>, text: &str, beside: &Beside<'_>, fresh: &mut Fresh) -> Verdict {
    if text.trim().is_empty() {
        return Verdict::Plain;
    }
    if pieces(text).iter().any(|piece| matches!(piece, Piece::Reference(_))) {
        return between_references(name, text, fresh);
    }
    if let Some(verdict) = judge_json(name, text, fresh) {
        return verdict;
    }
    if pem::is_pem(text) {
        let is_account = pem::is_private(text) && name.is_of_account(beside.account);
        return if is_account { Verdict::Renewed(pem::nobodys(text)) } else { Verdict::Kept(Need::KeyPair) };
    }
    let has_other = || name.public_half().is_some_and(|public| (beside.has)(&public));
    let is_half = name.is_vapid() && !is_setting(text) || is_key_material(text) && has_other();
    if is_half && !live_keys::is_secret(text) {
        return Verdict::Kept(Need::KeyPair);
    }
    if live_keys::is_secret(text) {
        let new = fresh.instead_of(text);
        let off = live_keys::prefix(text).zip(live_keys::test_prefix(text));
        return match off {
            Some((live, test)) => Verdict::Off(format!("{test}{}", &new[live.len()..])),
            None => Verdict::Renewed(new),
        };
    }
    if name.decrypts() && !is_setting(text) && (name.is_secret() || looks_random(text)) {
        return Verdict::Kept(Need::Decrypts);
    }
    if name.is_watcher() {
        return Verdict::Off(String::new());
    }
    if name.is_shown() || live_keys::is_publishable(text) || !name.is_login() && is_server_inside(text) {
        return Verdict::Plain;
    }
    // `PROXY_PASS` is a URL.
    let may_be_address = !name.is_login() || name.has_one_of(&["PROXY"]) && text.starts_with("http");
    if may_be_address && (text.contains("://") || !credentials(text).is_empty()) {
        return in_address(text, fresh);
    }
    let is_word = is_word(text) && name.may_be_of_a_word() || name.is_auth() && is_way_to_log_in(text);
    let is_harmless = is_plain(text) || is_path(text) || is_word;
    let is_secret = name.is_secret() && !(if name.is_login() { is_switch(text) } else { is_harmless });
    if is_secret || looks_random(text) && !name.is_identifier() && !is_public_id(text) {
        return Verdict::Renewed(fresh.instead_of(text));
    }
    Verdict::Plain
}

/// Whether a value is long enough for a key of a pair, and not only for a login: 32 bytes in hexadecimal or Base64.
fn is_key_material(text: &str) -> bool {
    let text = text.trim().trim_end_matches('=');
    let is_hex = text.len() >= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    // `0x` begins the key of an account on a blockchain.
    let is_base64 = text.len() >= 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b));
    is_hex || is_base64 && !text.starts_with("0x") && !text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether everybody may know a value though it looks random: an address on a blockchain, a product at a payment provider's, the path of a
/// class (`django.contrib.auth.hashers.Argon2PasswordHasher`).
fn is_public_id(text: &str) -> bool {
    let is_address = |hex: &str| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let is_package =
        |part: &str| (2..20).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let parts: Vec<_> = text.split('.').collect();
    let is_class = parts.len() > 2 && parts[..parts.len() - 1].iter().all(|part| is_package(part));
    is_class
        || text.strip_prefix("0x").is_some_and(is_address)
        || ["price_", "prod_", "plan_"].iter().any(|prefix| text.starts_with(prefix))
}

/// `LOGIN`, `CRAM-MD5`: a word for how somebody logs in, and not with what.
fn is_way_to_log_in(text: &str) -> bool {
    const WAYS: &[&str] = &["CRAM-MD5", "DIGEST-MD5", "OAUTH2", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2"];
    text.len() < 12 && text.bytes().all(|b| b.is_ascii_alphabetic())
        || WAYS.contains(&text.to_ascii_uppercase().as_str())
}

pub(super) fn renewed(old: &str, new: Option<String>) -> Verdict {
    new.filter(|new| new != old).map_or(Verdict::Plain, Verdict::Renewed)
}

/// What is written between references: a key that was put there, and a password for a server that is not one of the copy.
fn between_references(name: &Name<'_>, text: &str, fresh: &mut Fresh) -> Verdict {
    let fresh = std::cell::RefCell::new(fresh);
    let with = with_passwords(text, |credential, password| {
        let is_literal = !password.contains("${{") && !is_inside(&credential.server);
        is_literal.then(|| fresh.borrow_mut().password(password))
    });
    let text_now = with.as_deref().unwrap_or(text);
    let is_part = |part: &str| {
        let letters = part.chars().filter(|c| c.is_alphanumeric()).count();
        looks_random(part) || live_keys::is_secret(part) || name.is_login() && letters > 3 && !text.contains("://")
    };
    let kept = |piece: Piece<'_>| match piece {
        Piece::Text(text) if credentials(text_now).is_empty() && is_part(text) => fresh.borrow_mut().instead_of(text),
        Piece::Text(text) => text.to_owned(),
        Piece::Reference(reference) => format!("${{{{{reference}}}}}"),
    };
    renewed(text, Some(pieces(text_now).into_iter().map(kept).collect()))
}

/// Whether a value only says yes or no: `MYSQL_ALLOW_EMPTY_PASSWORD=yes` is no password.
pub(super) fn is_switch(text: &str) -> bool {
    const SWITCHES: &[&str] =
        &["auto", "disabled", "enabled", "false", "no", "none", "null", "off", "on", "true", "yes"];
    SWITCHES.contains(&text.trim().to_ascii_lowercase().as_str())
}

/// What may stand behind the number of a duration.
const UNITS: &[&str] = &[
    "d", "day", "days", "h", "hour", "hours", "hr", "m", "min", "minutes", "ms", "s", "sec", "seconds", "w", "weeks",
    "y",
];

/// A number, a duration, a switch, or a plain word.
pub(super) fn is_setting(text: &str) -> bool {
    is_plain(text) || is_word(text.trim())
}

/// A number, a duration or a switch.
fn is_plain(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_number = text.len() < 16 && digits > 0 && text.bytes().all(|b| b.is_ascii_digit() || b"+-.,_".contains(&b));
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    let is_duration = digits > 0
        && (UNITS.contains(&unit) || text.starts_with('P') && text.len() < 12 && text.ends_with(['D', 'H', 'M', 'S']));
    is_switch(text) || is_number || is_duration
}

fn is_word(text: &str) -> bool {
    text.len() < 12 && text.bytes().all(|b| b.is_ascii_lowercase())
}

fn is_path(text: &str) -> bool {
    let begins = ["/", "./", "../", "~/"].iter().any(|beginning| text.starts_with(beginning));
    begins
        && !looks_random(&text.replace('/', ""))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-~".contains(&b))
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ordinary_tests.rs"]
mod ordinary;
