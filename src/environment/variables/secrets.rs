//! Which variable holds a secret, told by its name or by its value, and what stands in its place in a copy.

use serde_json::Value;

use super::credentials::{credentials, with_passwords};
use super::fresh::Fresh;
use super::names::Name;
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

/// Judges a variable. `has`: whether its owner has another of a name.
pub(super) fn judge(name: &Name<'_>, text: &str, has: &dyn Fn(&str) -> bool, fresh: &mut Fresh) -> Verdict {
    if text.trim().is_empty() {
        return Verdict::Plain;
    }
    if pieces(text).iter().any(|piece| matches!(piece, Piece::Reference(_))) {
        return between_references(text, fresh);
    }
    if let Some(json) = json(text) {
        return in_json(name, &json, fresh);
    }
    let is_pem = text.contains("-----BEGIN ") || text.starts_with("LS0tLS1CRUdJTi");
    let is_half = name.is_vapid() || name.public_half().is_some_and(|public| has(&public));
    if is_pem || is_half && !live_keys::is_secret(text) && !is_setting(text) {
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
    if name.is_shown() || live_keys::is_publishable(text) {
        return Verdict::Plain;
    }
    if !name.is_login() && (text.contains("://") || !credentials(text).is_empty()) {
        return in_address(text, fresh);
    }
    let is_harmless = is_plain(text) || is_path(text) || is_word(text) && name.may_be_of_a_word();
    let is_secret = name.is_secret() && !(if name.is_login() { is_switch(text) } else { is_harmless });
    if is_secret || looks_random(text) && !name.is_identifier() {
        return Verdict::Renewed(fresh.instead_of(text));
    }
    Verdict::Plain
}

fn renewed(old: &str, new: Option<String>) -> Verdict {
    new.filter(|new| new != old).map_or(Verdict::Plain, Verdict::Renewed)
}

/// What is written between references: a key that was put there, and a password for a server that is not one of the copy.
fn between_references(text: &str, fresh: &mut Fresh) -> Verdict {
    let fresh = std::cell::RefCell::new(fresh);
    let with = with_passwords(text, |credential, password| {
        let is_literal = !password.contains("${{") && !is_inside(&credential.server);
        is_literal.then(|| fresh.borrow_mut().password(password))
    });
    let text_now = with.as_deref().unwrap_or(text);
    let kept = |piece: Piece<'_>| match piece {
        Piece::Text(text) if credentials(text_now).is_empty() && (looks_random(text) || live_keys::is_secret(text)) => {
            fresh.borrow_mut().instead_of(text)
        }
        Piece::Text(text) => text.to_owned(),
        Piece::Reference(reference) => format!("${{{{{reference}}}}}"),
    };
    renewed(text, Some(pieces(text_now).into_iter().map(kept).collect()))
}

/// Whether a server is one of the copy: it is named by a reference, or by a name that no other network knows.
fn is_inside(server: &str) -> bool {
    server.contains("${{") || server.contains(".railway.internal")
}

/// Passwords and keys within the address of something outside.
fn in_address(text: &str, fresh: &mut Fresh) -> Verdict {
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
    let mut new = head.to_owned();
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

fn json(text: &str) -> Option<Value> {
    let json: Value = serde_json::from_str(text).ok()?;
    matches!(json, Value::Object(_) | Value::Array(_)).then_some(json)
}

fn in_json(name: &Name<'_>, json: &Value, fresh: &mut Fresh) -> Verdict {
    if json["type"] == "service_account" {
        return Verdict::Off("{}".to_owned());
    }
    if !json["kty"].is_null() || !json["keys"][0]["kty"].is_null() {
        return Verdict::Kept(Need::KeyPair);
    }
    if name.decrypts() {
        return Verdict::Kept(Need::Decrypts);
    }
    let mut new = json.clone();
    renew_within(name, &mut new, false, fresh);
    if new == *json && name.is_secret() {
        renew_within(name, &mut new, true, fresh);
    }
    if new == *json { Verdict::Plain } else { Verdict::Renewed(new.to_string()) }
}

fn renew_within(name: &Name<'_>, json: &mut Value, all: bool, fresh: &mut Fresh) {
    match json {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(field, value)| renew_within(&Name::of(field), value, all, fresh));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| renew_within(name, value, all, fresh)),
        Value::String(text) => {
            if all && !is_setting(text) {
                *text = fresh.instead_of(text);
            } else if let Verdict::Renewed(new) | Verdict::Off(new) = judge(name, text, &|_| false, fresh) {
                *text = new;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
fn is_setting(text: &str) -> bool {
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
mod tests {
    use super::*;

    fn verdict(name: &str, text: &str) -> Verdict {
        judge(&Name::of(name), text, &|other| other == "SIGNING_PUBLIC_KEY", &mut Fresh::default())
    }

    #[test]
    fn secrets_become_something_random_and_never_nothing() {
        for (name, text) in [
            ("ADMIN_PASSWORD", "admin"),
            ("ADMIN_PASSWORD", "123456"),
            ("JWT_SECRET", "changeme"),
            ("WEBHOOK_SECRET", "whsec_Q3iT9xLw7Zr2Kp8Nv5Bm"),
            ("ANYTHING", "c4n4ryXq7Lm2Rz8TvB1k"),
            ("API_TOKEN", "plain-words-as-token"),
            ("API_TOKEN", "letmein"),
            ("SMTP_URL", "smtp://orders:pw@mail.example.com:587"),
            ("HOOK", "https://hooks.slack.com/services/T00/B00/c4n4ryXq7Lm2Rz8TvB1k"),
            ("FEED", "https://api.example.com/x?token=abcdefghijklmnop"),
            ("MIXED", "sk-proj-c4n4ryXq7Lm2Rz8TvB1k${{NOTHING}}"),
            ("CONFIG", r#"{"api_key":"c4n4ryXq7Lm2Rz8TvB1k","mode":"fast"}"#),
        ] {
            let Verdict::Renewed(new) = verdict(name, text) else { panic!("{name}={text}") };
            assert!(!new.is_empty() && new != text, "{name}={text} {new}");
            assert!(!new.contains("c4n4ry") && !new.contains(":pw@"), "{new}");
        }
        let Verdict::Off(new) = verdict("STRIPE_KEY", "sk_live_c4n4ryXq7Lm2Rz8TvB1k") else { panic!("not off") };
        assert!(new.starts_with("sk_test_") && new.len() == "sk_live_c4n4ryXq7Lm2Rz8TvB1k".len(), "{new}");
        assert_eq!(verdict("SENTRY_DSN", "https://c4n4ry@o1.ingest.sentry.io/1"), Verdict::Off(String::new()));
    }

    #[test]
    fn settings_references_and_what_everybody_sees_stay() {
        for (name, text) in [
            ("TOKEN_TTL", "86400"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("AUTH", "optional"),
            ("CACHE_KEY", "products"),
            ("SESSION_KEY_LIFETIME", "P7D"),
            ("SECRET_MODE", "true"),
            ("DATABASE_URL", "${{Postgres.DATABASE_URL}}"),
            ("REDIS_URL", "redis://default:pw@${{RAILWAY_PRIVATE_DOMAIN}}:6379"),
            ("CACHE_URL", "redis://default:pw@redis.railway.internal:6379"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_live_c4n4ryXq7Lm2Rz8TvB1k"),
            ("NEXT_PUBLIC_MAPS_KEY", "c4n4ryXq7Lm2Rz8TvB1k"),
            ("WP_HOME", "https://shop.example.com"),
            ("TLS_KEY", "/etc/ssl/private.pem"),
            ("API_KEY_ID", "9f86d081884c7d659a2feaa0c55ad015"),
            ("KEY", ""),
        ] {
            assert_eq!(verdict(name, text), Verdict::Plain, "{name}={text}");
        }
    }

    #[test]
    fn keys_that_data_needs_and_halves_of_pairs_are_kept() {
        assert_eq!(verdict("APP_KEY", "base64:c4n4ryXq7Lm2Rz8TvB1k"), Verdict::Kept(Need::Decrypts));
        assert_eq!(verdict("DB_ENCRYPTION_KEY", "c4n4ryXq7Lm2Rz8TvB1k"), Verdict::Kept(Need::Decrypts));
        assert_eq!(verdict("SIGNING_PRIVATE_KEY", "c4n4ryXq7Lm2Rz8TvB1k"), Verdict::Kept(Need::KeyPair));
        assert_eq!(verdict("DEPLOY", "-----BEGIN PRIVATE KEY-----\nx"), Verdict::Kept(Need::KeyPair));
        assert_eq!(verdict("ENCRYPTION", "enabled"), Verdict::Plain);
    }
}
