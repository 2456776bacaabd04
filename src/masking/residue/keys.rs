//! Keys of providers, private keys and hashes of passwords, by how they begin; the list is data that masking reads as well, the reader is not.

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

/// How keys begin, and the lines that they are of.
struct Keys {
    lines: Vec<Line>,
    /// By its first byte: a beginning, and its line.
    begins: Vec<Vec<(Vec<u8>, usize)>>,
    /// A bit for each hash of three bytes that any begins with: most words begin with none of them.
    likely: Vec<u64>,
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
    };
    for (number, line) in keys.lines.iter().enumerate() {
        for begin in line.begins.iter().map(String::as_bytes) {
            keys.begins[usize::from(begin[0])].push((begin.to_vec(), number));
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
    for at in starts(text) {
        for (end, line) in KEYS.at(text, at) {
            let identifier = if line.kind.is_some() { Identifier::PasswordHash } else { Identifier::Secret };
            if !found.has_formed(identifier) && is_key(text, end, line) {
                found.add_formed(identifier);
            }
        }
    }
}

/// Where words and signs begin: no key stands within a word.
fn starts(text: &[u8]) -> impl Iterator<Item = usize> {
    const PIECE: usize = 64;
    let mut is_in_word = false;
    text.chunks(PIECE).zip((0..).step_by(PIECE)).flat_map(move |(piece, at)| {
        let is_letter =
            |byte: u8| u8::from((byte | 0x20).wrapping_sub(b'a') < 26) | u8::from(byte.wrapping_sub(b'0') < 10) != 0;
        let (letters, blanks) = (bytes::ones(piece, is_letter), bytes::ones(piece, |byte| byte == b' '));
        let within = letters & (letters << 1 | u64::from(is_in_word));
        is_in_word = letters >> (PIECE - 1) == 1;
        let mut starts = !(within | blanks);
        std::iter::from_fn(move || {
            let next = starts.trailing_zeros() as usize;
            starts &= starts.wrapping_sub(1);
            (next < piece.len()).then_some(at + next)
        })
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
