//! Keys of providers, private keys and hashes of passwords, by how they begin; the list is data that masking reads as well, the reader is not.

use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Found, Identifier};
use crate::formats::bytes;

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

impl Line {
    /// Of what lies around the blanks of a beginning and behind it, the longest piece is no shorter than this.
    fn shortest_piece(&self, begin: &[u8]) -> usize {
        let mut pieces = begin.split(|byte| is_blank(*byte)).map(<[u8]>::len);
        let last = pieces.next_back().unwrap_or(0);
        let rest = if self.ends.is_some() { 0 } else { self.least.max(SHORTEST) };
        pieces.chain([last + rest]).max().unwrap_or(0)
    }
}

/// How keys begin, and the lines that they are of.
struct Keys {
    lines: Vec<Line>,
    /// By its first byte: a beginning, and its line.
    begins: Vec<Vec<(Vec<u8>, usize)>>,
    /// A bit for each hash of three bytes that any begins with: most words begin with none of them.
    likely: Vec<u64>,
    /// What holds one has a piece without blanks of so many bytes at least.
    shortest: usize,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let lines: Vec<Line> =
        serde_yaml::from_str(include_str!("../nets/shapes/secrets.yaml")).expect("the list of secrets is one");
    // What everybody may see, and what is only known in variables, is no residue.
    let is_key = |line: &Line| line.data && line.used.as_deref() != Some("publishable");
    let mut keys = Keys {
        lines: lines.into_iter().filter(is_key).collect(),
        begins: vec![Vec::new(); 1 << 8],
        likely: vec![0; Keys::HASHES / 64],
        shortest: usize::MAX,
    };
    for (number, line) in keys.lines.iter().enumerate() {
        for begin in line.begins.iter().map(String::as_bytes) {
            keys.begins[usize::from(begin[0])].push((begin.to_vec(), number));
            keys.shortest = keys.shortest.min(keys.lines[number].shortest_piece(begin));
            let thirds = begin.get(2).map_or(0..=u8::MAX, |third| *third..=*third);
            for hash in thirds.map(|third| Keys::hash([begin[0], begin[1], third])) {
                keys.likely[hash / 64] |= 1 << (hash % 64);
            }
        }
    }
    keys
});

impl Keys {
    const HASHES: usize = 1 << 15;

    fn hash(begin: [u8; 3]) -> usize {
        let [first, second, third] = begin.map(usize::from);
        (first.wrapping_mul(0x4f1) ^ second.wrapping_mul(0x1f3d) ^ third.wrapping_mul(0x0b)) % Self::HASHES
    }

    /// The lines whose keys may begin at a place, each with where its beginning ends.
    fn at<'k>(&'k self, text: &'k [u8], at: usize) -> impl Iterator<Item = (usize, &'k Line)> {
        let likely = |begin: &[u8; 3]| {
            let hash = Self::hash(*begin);
            self.likely[hash / 64] >> (hash % 64) & 1 == 1
        };
        let begins =
            text[at..].first_chunk().filter(|begin| likely(begin)).map(|begin| &self.begins[usize::from(begin[0])]);
        let is_here = move |(begin, _): &&(Vec<u8>, usize)| text[at..].starts_with(begin);
        begins.into_iter().flatten().filter(is_here).map(move |(begin, line)| (at + begin.len(), &self.lines[*line]))
    }
}

/// Looks for keys, and for hashes of passwords.
pub(super) fn search(text: &[u8], found: &mut Found) {
    let keys = &*KEYS;
    for at in pieces(text, keys.shortest).flat_map(|piece| starts(text, piece)) {
        for (end, line) in keys.at(text, at) {
            let identifier = if line.kind.is_some() { Identifier::PasswordHash } else { Identifier::Secret };
            if !found.has_formed(identifier) && is_key(text, end, line) {
                found.add_formed(identifier);
            }
        }
    }
}

/// Whether it ends a piece of a text: no key has any such byte behind its beginning.
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

/// The pieces without blanks of so many bytes or more, each with the word before it, which a key may begin with.
fn pieces(text: &[u8], shortest: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = bytes::next_run(text, from, shortest, |byte| !is_blank(byte))?;
        let end = bytes::next(text, begin + shortest, is_blank).unwrap_or(text.len());
        let blanks = text[from..begin].iter().rev().take_while(|byte| is_blank(**byte)).count();
        let word = text[from..begin - blanks].iter().rev().take_while(|byte| !is_blank(**byte)).count();
        from = end;
        Some(begin - blanks - word..end)
    })
}

/// Where words and signs begin in a piece: no key stands within a word.
fn starts(text: &[u8], piece: Range<usize>) -> impl Iterator<Item = usize> {
    let mut is_in_word = false;
    piece.filter(move |at| {
        let is_letter = text[*at].is_ascii_alphanumeric();
        let is_within = is_letter && is_in_word;
        is_in_word = is_letter;
        !is_within
    })
}

/// Whether what stands behind the beginning of a line's keys makes it one.
fn is_key(text: &[u8], end: usize, line: &Line) -> bool {
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
