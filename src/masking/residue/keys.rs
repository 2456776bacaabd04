//! Keys of providers, private keys and hashes of passwords, by how they begin; the list is data that masking reads as well, the reader is not.

use std::cell::Cell;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Found, Identifier};
use crate::masking::literals::Literals;

/// Fewer letters and digits behind a beginning are no key.
const SHORTEST: usize = 8;
/// A piece that must look random has at least so many.
const SHORTEST_RANDOM: usize = 16;

/// A line of the list, as far as it is needed here.
#[derive(Deserialize)]
struct Line {
    begins: Vec<String>,
    #[serde(default)]
    rest: String,
    #[serde(default = "sixteen")]
    least: usize,
    /// So many points at least stand behind a beginning.
    #[serde(default)]
    points: usize,
    #[serde(default)]
    plain: bool,
    /// Whether a piece of what stands behind a beginning must look random.
    #[serde(default)]
    random: bool,
    /// What a block ends with.
    ends: Option<String>,
    /// A password's hash.
    #[serde(rename = "is")]
    kind: Option<String>,
    #[serde(rename = "use")]
    used: Option<String>,
    #[serde(default = "yes")]
    data: bool,
}

fn sixteen() -> usize {
    16
}

fn yes() -> bool {
    true
}

/// The beginnings of keys, and the lines that they are of.
struct Keys {
    lines: Vec<Line>,
    begins: Literals,
    /// By beginning.
    of: Vec<usize>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let lines: Vec<Line> =
        serde_yaml::from_str(include_str!("../nets/shapes/secrets.yaml")).expect("the list of secrets is one");
    // What everybody may see, and what is only known in variables, is no residue.
    let is_key = |line: &Line| line.data && line.used.as_deref() != Some("publishable");
    let lines: Vec<Line> = lines.into_iter().filter(is_key).collect();
    let (begins, of): (Vec<_>, Vec<_>) = lines
        .iter()
        .enumerate()
        .flat_map(|(number, line)| line.begins.iter().map(move |begin| (begin.clone(), number)))
        .unzip();
    Keys { lines, begins: Literals::new(&begins), of }
});

/// Looks for keys, and for hashes of passwords.
pub(super) fn search(text: &[u8], found: &mut Found) {
    let (has_key, has_hash) = (Cell::new(false), Cell::new(false));
    KEYS.begins.any(text, |begin, which| {
        let line = &KEYS.lines[KEYS.of[which]];
        let has = if line.kind.is_some() { &has_hash } else { &has_key };
        has.set(has.get() || is_key(text, begin.start, begin.end, line));
        has_key.get() && has_hash.get()
    });
    if has_key.get() {
        found.add_formed(Identifier::Secret);
    }
    if has_hash.get() {
        found.add_formed(Identifier::PasswordHash);
    }
}

/// Whether what begins here is a key of a line's.
fn is_key(text: &[u8], start: usize, end: usize, line: &Line) -> bool {
    let is_in_word = text[start].is_ascii_alphanumeric() && text[..start].last().is_some_and(u8::is_ascii_alphanumeric);
    if is_in_word {
        return false;
    }
    let rest = &text[end..];
    let rest = &rest[..rest.iter().take_while(|byte| takes(&line.rest, **byte)).count()];
    let is_made_up = || {
        line.plain
            || rest.iter().any(u8::is_ascii_digit)
            || rest.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
    };
    let has_points = || memchr::memchr_iter(b'.', rest).count() >= line.points;
    let is_random = || !line.random || rest.split(|byte| *byte == b'/').any(is_unique);
    (line.ends.is_some() || rest.len() >= line.least.max(SHORTEST) && is_made_up()) && has_points() && is_random()
}

/// Whether a piece of a path is what nothing else has: a long run of letters and digits, or groups of them.
fn is_unique(piece: &[u8]) -> bool {
    const GROUPS: usize = 5;
    let has_both = |run: &[u8]| {
        run.iter().any(u8::is_ascii_digit) && run.iter().filter(|byte| byte.is_ascii_alphabetic()).count() >= 4
    };
    let is_grouped = piece.len() == 36 && piece.split(|byte| *byte == b'-').count() == GROUPS;
    is_grouped && has_both(piece)
        || piece.split(|byte| !byte.is_ascii_alphanumeric()).any(|run| run.len() >= SHORTEST_RANDOM && has_both(run))
}

/// Whether a byte may stand in what follows a beginning.
fn takes(rest: &str, byte: u8) -> bool {
    let is_alnum = byte.is_ascii_alphanumeric();
    match rest {
        "alnum" => is_alnum,
        "hex" => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        "upper" => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        "dotted" => is_alnum || b"_-.".contains(&byte),
        "base64" => is_alnum || b"+/=_-.".contains(&byte),
        "hash" => is_alnum || b"./$+=,:_-".contains(&byte),
        "path" => is_alnum || b"/-_.~%@:?&=+".contains(&byte),
        _ => is_alnum || b"_-".contains(&byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with its own tests.
    #[derive(Deserialize)]
    struct Tested {
        holds: Option<Vec<String>>,
        #[serde(default)]
        never: Vec<String>,
        #[serde(rename = "is")]
        kind: Option<String>,
        #[serde(rename = "use")]
        used: Option<String>,
        #[serde(default = "yes")]
        data: bool,
    }

    #[test]
    fn each_line_finds_its_own_keys_and_no_words() {
        let lines: Vec<Tested> = serde_yaml::from_str(include_str!("../nets/shapes/secrets.yaml")).unwrap();
        let found = |text: &str| {
            let mut found = Found::default();
            search(text.as_bytes(), &mut found);
            found.iter().collect::<Vec<_>>()
        };
        for line in lines.iter().filter(|line| line.data) {
            let kind = if line.kind.is_some() { Identifier::PasswordHash } else { Identifier::Secret };
            let expected = if line.used.as_deref() == Some("publishable") { vec![] } else { vec![kind] };
            for text in line.holds.iter().flatten() {
                assert_eq!(found(&format!("x {text} y")), expected, "{text}");
            }
            line.never.iter().for_each(|text| assert_eq!(found(text), [], "{text}"));
        }
    }
}
