//! Where in a value a password stands: in the login of a URL, or behind a word such as `password=` in a connection string.

use std::ops::Range;

use crate::masking::live_keys;
use crate::secret::{logins, looks_random};

/// Words before a password in the connection strings of libpq, ODBC, ADO, JDBC and PDO.
const PASSWORD_WORDS: &[&str] = &["password", "passwd", "pwd", "pass"];

/// Where in a value a password stands.
pub(super) struct Credential {
    pub(super) range: Range<usize>,
    /// The host that it is for, with its port; of connection strings, the whole text.
    pub(super) server: String,
}

/// Every password that stands in `text` as a part of it.
pub(super) fn credentials(text: &str) -> Vec<Credential> {
    let mut found: Vec<_> = logins(text).into_iter().flat_map(|login| in_url(text, &login)).collect();
    found.extend(behind_words(text));
    found.extend(before_protocol(text));
    found.sort_by_key(|credential| credential.range.start);
    found.dedup_by(|second, first| second.range.start < first.range.end);
    found
}

/// The password of a login, and its user where that is the key: `sendgrid+api://KEY@default`.
fn in_url(text: &str, login: &Range<usize>) -> Vec<Credential> {
    let before = text[..login.start].trim_end_matches("://");
    let scheme = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c))).next().unwrap_or_default();
    let rest = &text[login.end + 1..];
    let end = rest.find(|c: char| c.is_whitespace() || "/?#,;'\"<>`".contains(c)).unwrap_or(rest.len());
    let server = &rest[..end];
    let written = &text[login.clone()];
    let (user, password) = match written.find(':') {
        Some(colon) => (login.start..login.start + colon, Some(login.start + colon + 1..login.end)),
        None => (login.clone(), None),
    };
    // A lone login of a web address, or of a provider instead of a server, is a token, that of a server a user.
    let is_of_provider = scheme.contains("+api") || scheme.contains("+http") || server == "default";
    let is_token =
        password.is_none() && matches!(scheme, "http" | "https") || is_of_provider || is_key(&text[user.clone()]);
    let ranges = is_token.then_some(user).into_iter().chain(password).filter(|range| !range.is_empty());
    ranges.map(|range| Credential { range, server: server.to_owned() }).collect()
}

fn is_key(user: &str) -> bool {
    !user.contains("${{") && (looks_random(user) || live_keys::is_secret(user))
}

/// `host=db password=secret`, `Server=db;Pwd=secret;`.
fn behind_words(text: &str) -> Vec<Credential> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for word in PASSWORD_WORDS {
        for (at, _) in lower.match_indices(word) {
            let is_whole = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let after = &text[at + word.len()..];
            let value = after.trim_start().strip_prefix('=').map(str::trim_start);
            let Some(value) = value.filter(|_| is_whole) else { continue };
            let start = text.len() - value.len();
            let (skip, end) = match value.chars().next() {
                Some(quote @ ('\'' | '"')) => (1, value[1..].find(quote).map(|end| end + 1)),
                _ => (0, value.find(|c: char| c.is_whitespace() || c == ';' || c == '&')),
            };
            let range = start + skip..start + end.unwrap_or(value.len());
            if !range.is_empty() {
                found.push(Credential { range, server: text.to_owned() });
            }
        }
    }
    found
}

/// `user:secret@tcp(db:3306)/name`, as drivers for Go have it.
fn before_protocol(text: &str) -> Option<Credential> {
    let (at, _) = ["@tcp(", "@unix("].iter().find_map(|mark| text.match_indices(mark).last())?;
    let login = &text[..at];
    let colon = login.find(':').filter(|_| !login.contains("://"))?;
    Some(Credential { range: colon + 1..at, server: text[at + 1..].to_owned() })
}

/// `text` with its passwords through `change`, last first; `None` when nothing changes.
pub(super) fn with_passwords(text: &str, change: impl Fn(&Credential, &str) -> Option<String>) -> Option<String> {
    let mut new = text.to_owned();
    for credential in credentials(text).iter().rev() {
        if let Some(password) = change(credential, &text[credential.range.clone()]) {
            new.replace_range(credential.range.clone(), &password);
        }
    }
    (new != text).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_where_connection_strings_have_them() {
        for (text, expected) in [
            ("postgres://me:s3cret@db:5432/x", "s3cret"),
            ("postgres://${{PGUSER}}:s3c/ret@${{RAILWAY_PRIVATE_DOMAIN}}:5432/${{PGDATABASE}}", "s3c/ret"),
            ("jdbc:postgresql://db/x?user=me&password=s3cret&ssl=true", "s3cret"),
            ("host=db user=me password='s3 cret' dbname=x", "s3 cret"),
            ("Server=db;User Id=me;Password = s3cret;", "s3cret"),
            ("me:s3cret@tcp(db:3306)/x", "s3cret"),
            ("https://t0ken@github.com/x", "t0ken"),
            ("postmark+api://k3y@default", "k3y"),
            ("brevo+api://k3y@default", "k3y"),
            ("slack://xoxb-k3y@default?channel=x", "xoxb-k3y"),
            ("amqp://c4n4ryXq7Lm2Rz8TvB1k@queue.example", "c4n4ryXq7Lm2Rz8TvB1k"),
        ] {
            let found = credentials(text);
            let [one] = &found[..] else { panic!("{text}: {}", found.len()) };
            assert_eq!(&text[one.range.clone()], expected, "{text}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_a_user_is_one() {
        let text = "mailgun+https://k3y-1:mg.example.com@default";
        let found: Vec<_> = credentials(text).into_iter().map(|c| &text[c.range]).collect();
        assert_eq!(found, ["k3y-1", "mg.example.com"]);
    }

    #[test]
    fn users_databases_and_paths_are_none() {
        for text in [
            "postgres://postgres@db/postgres",
            "/var/lib/postgres",
            "dbname=postgres user=postgres",
            "https://example.com/p?password_hint=x",
        ] {
            assert!(credentials(text).is_empty(), "{text}");
        }
    }
}
