//! Where in a text a shape may begin: at a digit, an `@`, what stands between a name and its value, or the beginning of a
//! secret; all are found in pieces of many bytes at a time.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, Span};

/// So many bytes are looked at before anything is decided, which compilers make few instructions of.
const PIECE: usize = 32;
/// So many beginnings are searched for together.
const TOGETHER: usize = 60;
/// In shorter texts one byte after the other is looked at.
const SHORT: usize = 96;
/// What is searched by all before any is asked again.
const WINDOW: usize = 4096;
/// No beginning is longer.
const LONGEST: usize = 64;

fn is_mark(byte: u8) -> bool {
    // Without a branch, so that many are looked at together.
    let marks = u8::from(byte.wrapping_sub(b'0') < 11) | u8::from(byte == b'@') | u8::from(byte == b'=');
    marks != 0
}

/// The next digit, `@`, `=` or `:`.
pub(super) fn next(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut pieces = text.get(from..)?.chunks_exact(PIECE);
    for piece in pieces.by_ref() {
        if piece.iter().fold(false, |any, byte| any | is_mark(*byte)) {
            break;
        }
        at += PIECE;
    }
    text[at..].iter().position(|byte| is_mark(*byte)).map(|place| at + place)
}

/// Finds the beginnings of secrets.
pub(super) struct Literals {
    all: AhoCorasick,
    /// The same in groups, each with the number of its first.
    groups: Vec<(usize, Searcher)>,
}

impl Literals {
    pub(super) fn new(literals: &[String]) -> Self {
        let all = AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("our own list is valid");
        let group = |(number, group): (usize, &[String])| {
            let mut builder = Config::new().match_kind(MatchKind::LeftmostLongest).builder();
            Some((number * TOGETHER, builder.extend(group).build()?))
        };
        let groups: Option<Vec<_>> = literals.chunks(TOGETHER).enumerate().map(group).collect();
        Self { all, groups: groups.unwrap_or_default() }
    }

    /// The next one from a place on: where it is, and which.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(Span, usize)> {
        if text.len().saturating_sub(from) < SHORT || self.groups.is_empty() {
            let found = self.all.find(Input::new(text).range(from.min(text.len())..))?;
            return Some((found.span(), found.pattern().as_usize()));
        }
        let mut begin = from;
        while begin < text.len() {
            let window = Span { start: begin, end: text.len().min(begin + WINDOW) };
            let of_group = |(first, group): &(usize, Searcher)| {
                let found = group.find_in(text, window)?;
                Some((found.span(), first + found.pattern().as_usize()))
            };
            let hits = self.groups.iter().filter_map(of_group);
            let first = hits.min_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
            if first.is_some() || window.end == text.len() {
                return first;
            }
            begin = window.end - LONGEST;
        }
        None
    }
}
