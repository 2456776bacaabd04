//! A copy's own `wp-config.php`, made of its source's: literal logins, keys and addresses are replaced, and what names production still is told.
//!
//! `settings` finds what a file defines, `values` knows what belongs to each constant, `standing` looks at all else.

mod settings;
mod standing;
#[cfg(test)]
mod tests;
mod values;

use std::ops::Range;

use super::php::lexer::tokens;
use crate::rewriting::Rewriter;
use settings::Settings;
pub use standing::{Standing, What};
use values::Addresses;

/// Where the copy's site finds its database.
#[derive(Clone)]
pub struct DbValues {
    pub name: String,
    pub user: String,
    pub password: String,
    /// With its port, where it is not 3306.
    pub host: String,
}

/// What stands in a copy's file in the place of the source's, and what may stand in it no more.
pub struct WpConfigValues<'a> {
    /// None where the site's database is not known: its login stays as it is, and is told if it is production's.
    pub db: Option<&'a DbValues>,
    /// Production's URLs and the copy's.
    pub urls: &'a Rewriter,
    /// A fresh key or salt, by the constant's name; the same for the same name, so that a second run changes nothing.
    pub salt: &'a dyn Fn(&str) -> String,
    /// Production's database servers: `host` or `host:port`, as they cannot stand for the copy's own.
    pub old_database_hosts: &'a [String],
    /// Passwords of production's databases.
    pub old_passwords: &'a [String],
    /// Whether a text holds a provider's key with which a copy could bill or send.
    pub is_live: &'a dyn Fn(&str) -> bool,
}

/// A file as the copy has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    pub bytes: Vec<u8>,
    /// Names of the constants that have another value now, and `comment` where one held a secret; sorted, each once.
    pub replaced: Vec<String>,
    /// What names production still, or is live: the copy must not start with it.
    pub standing: Vec<Standing>,
    /// The line in which the site gives its content or its `mu-plugins` a folder of their own, in which no guard is looked for.
    pub own_content_folder: Option<usize>,
}

/// Whether a file is a `wp-config.php`, or one of those that it is split into by custom.
pub(crate) fn is_wp_config(path: &[u8]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default().to_ascii_lowercase();
    let is_part = |prefix: &[u8]| name.starts_with(prefix) && name.ends_with(b".php");
    let is_known = [b"local-config.php".as_slice(), b"wp-salt.php", b"wp-salts.php"].contains(&name.as_slice());
    let is_in_content = path.windows(11).any(|part| part == b"wp-content/");
    !is_in_content && name != b"wp-config-sample.php" && (is_known || is_part(b"wp-config.") || is_part(b"wp-config-"))
}

/// Replaces what is a copy's own.
pub fn rewrite(source: &[u8], values: &WpConfigValues<'_>) -> Rewritten {
    let mut made =
        Rewritten { bytes: source.to_vec(), replaced: Vec::new(), standing: Vec::new(), own_content_folder: None };
    let tokens = match tokens(source) {
        Ok(tokens) => tokens,
        Err(broken) => {
            made.standing.push(Standing { line: broken.line, constant: None, what: What::Unreadable });
            return made;
        }
    };
    let settings = Settings::of(source, &tokens);
    let addresses = Addresses::of(&settings, values.urls);
    let mut edits = Vec::new();
    for setting in &settings.all {
        if ["WP_CONTENT_DIR", "WPMU_PLUGIN_DIR"].contains(&setting.name()) {
            made.own_content_folder.get_or_insert(setting.line);
        }
        for literal in &setting.literals {
            if let Some(new) = values::new(setting.name(), literal, values, &addresses) {
                edits.push(Edit { place: literal.place.clone(), bytes: new });
                made.replaced.push(setting.name().to_owned());
            }
        }
    }
    let comments = standing::comments(source, &tokens, values);
    made.replaced.extend(comments.iter().map(|_| "comment".to_owned()));
    edits.extend(comments);
    edits.sort_by_key(|edit| edit.place.start);
    // `define` within `define`: what is outside counts.
    edits.dedup_by(|next, one| next.place.start < one.place.end);
    made.replaced.sort();
    made.replaced.dedup();
    made.standing = standing::all(&tokens, &settings, &edits, values);
    made.bytes = applied(source, &edits);
    made
}

/// Other bytes for a part of a file.
struct Edit {
    place: Range<usize>,
    bytes: Vec<u8>,
}

fn applied(source: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut new = Vec::with_capacity(source.len() + 64 * edits.len());
    let mut done = 0;
    for edit in edits {
        new.extend_from_slice(&source[done..edit.place.start]);
        new.extend_from_slice(&edit.bytes);
        done = edit.place.end;
    }
    new.extend_from_slice(&source[done..]);
    new
}
