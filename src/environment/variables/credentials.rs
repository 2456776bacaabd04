//! Where in a value a password stands: in the login of a URL, or behind a word such as `password=` in a connection string.

use std::ops::Range;

use crate::secret::logins;

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
    let mut found: Vec<_> = logins(text).into_iter().filter_map(|login| in_url(text, login)).collect();
    found.extend(behind_words(text));
    found.extend(before_protocol(text));
    found.sort_by_key(|credential| credential.range.start);
    found.dedup_by(|second, first| second.range.start < first.range.end);
    found
}

fn in_url(text: &str, login: Range<usize>) -> Option<Credential> {
    let is_web = ["http://", "https://"].iter().any(|scheme| text[..login.start].ends_with(scheme));
    let written = &text[login.clone()];
    let range = match written.find(':') {
        Some(colon) => login.start + colon + 1..login.end,
        // A lone login of a web address is a token, that of a server a user.
        None if is_web => login.clone(),
        None => return None,
    };
    let rest = &text[login.end + 1..];
    let end = rest.find(|c: char| c.is_whitespace() || "/?#,;'\"<>`".contains(c)).unwrap_or(rest.len());
    (!range.is_empty()).then(|| Credential { range, server: rest[..end].to_owned() })
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
        ] {
            let found = credentials(text);
            let [one] = &found[..] else { panic!("{text}: {}", found.len()) };
            assert_eq!(&text[one.range.clone()], expected, "{text}");
        }
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
