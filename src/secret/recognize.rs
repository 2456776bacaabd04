//! Which variables hold a secret, by their names or by what their values look like.

use super::{Secret, spelled};

/// Words in the name of a variable that holds a secret.
const WORDS: &[&str] = &[
    "AUTH",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "JWT",
    "KEY",
    "KEYS",
    "NONCE",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATE",
    "PWD",
    "SALT",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
];

/// Ours, which says what everybody may know.
const OUR_RECORD: &str = "RAILSTAGE";

/// So many letters and digits in a row, of both, are no word.
const RANDOM_RUN: usize = 16;

/// Makes known what of a variable is secret: all of it, or the login in a URL.
pub(crate) fn learn(name: &str, value: &str) {
    let value = value.trim();
    if value.contains("${{") || name == OUR_RECORD {
        return;
    }
    for login in spelled::told_logins(value) {
        let login = &value[login];
        let password = login.split_once(':').map_or(login, |(_, password)| password);
        Secret::new(password);
        Secret::new(percent_encoding::percent_decode_str(password).decode_utf8_lossy());
    }
    let is_address = value.contains("://");
    if !is_address && (is_secret_name(name) && !is_setting(value) || !is_railways(name) && looks_random(value)) {
        Secret::new(value);
    }
}

/// Railway's own variables are ids, names and hosts.
fn is_railways(name: &str) -> bool {
    name.starts_with("RAILWAY_")
}

/// Whether a variable's name says that its value is secret.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let says = |word: &str| {
        WORDS.contains(&word) || ["PASSWORD", "SECRET", "TOKEN", "APIKEY"].iter().any(|w| word.ends_with(w))
    };
    (!is_railways(&name) || name.ends_with("_TOKEN")) && !name.ends_with("_ID") && name.split(['_', '-', '.']).any(says)
}

/// Numbers, durations and plain words, whatever their names say: `TOKEN_TTL=86400`, `AUTH_MODE=optional`. A password that is one word would
/// blank that word everywhere: `postgres`.
fn is_setting(value: &str) -> bool {
    let is_number = value.len() < 16 && value.bytes().filter(u8::is_ascii_digit).count() + 1 >= value.len();
    is_number || value.len() < 12 && value.bytes().all(|b| b.is_ascii_lowercase())
}

/// Whether a value looks as only a program would have made it up: a secret, unless its name says what else it is.
pub(crate) fn looks_random(value: &str) -> bool {
    if value.len() < RANDOM_RUN || value.contains(char::is_whitespace) || value.contains('@') || value.starts_with('/')
    {
        return false;
    }
    if value.starts_with("eyJ") {
        return true;
    }
    let is_host = value.contains('.')
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':'));
    let is_random = |run: &str| {
        run.len() >= RANDOM_RUN
            && run.bytes().any(|b| b.is_ascii_digit())
            && run.bytes().filter(u8::is_ascii_alphabetic).count() >= 4
    };
    !is_host && value.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::scrub;

    #[test]
    fn secrets_are_known_by_name_by_look_and_in_urls() {
        for (name, value) in [
            ("STRIPE_SECRET_KEY", "canary_plain_words"),
            ("SMTP_PASS", "changeme-canary"),
            ("dbPassword", "canary-camel-case"),
            ("RAILWAY_API_TOKEN", "canary-of-railway"),
            ("SOMETHING", "c4n4ryXq7Lm2Rz8TvB1k"),
            ("SESSION", "eyJhbGciOiJub25lIn0.canary"),
        ] {
            learn(name, value);
            assert_eq!(scrub(value), "***", "{name}");
        }
        learn("DATABASE_URL", "postgres://canary-user:canary%2Dpassword@db/x");
        assert_eq!(scrub("canary-password canary%2Dpassword canary-user"), "*** *** canary-user");
    }

    #[test]
    fn settings_ids_hosts_and_names_stay() {
        for (name, value) in [
            ("RAILWAY_ENVIRONMENT_NAME", "the-environment-1"),
            ("RAILWAY_GIT_COMMIT_SHA", "0123456789abcdef0123456789abcdef01234567"),
            ("TOKEN_TTL", "864000000"),
            ("PGHOST", "postgres-9f3ab81c77de12.railway.internal"),
            ("REGION", "us-east4-eqdc4a-and-more"),
            ("POSTGRES_PASSWORD", "wordpress"),
            ("API_KEY_ID", "the-key-in-question"),
            ("KEY_URL", "https://keys.example.com/jwks"),
            ("PASSWORD", "${{Postgres.PGPASSWORD}}"),
            ("PROJECT", "6d8fbd4a-60a9-4f2e-8f3a-0dcb7a1b2c3d"),
        ] {
            learn(name, value);
            assert_eq!(scrub(value), value, "{name}");
        }
    }
}
