//! Finds how secrets begin: many literals at once, in pieces of many bytes at a time.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, Span};

/// So many are searched for together.
const TOGETHER: usize = 60;
/// In shorter texts one byte after the other is looked at.
const SHORT: usize = 96;
/// What is searched by all before any is asked again.
const WINDOW: usize = 4096;
/// None is longer.
const LONGEST: usize = 64;

/// A list of literals, told apart by their places in it.
pub(super) struct Literals {
    all: AhoCorasick,
    /// The same in groups of like lengths, each with the places of its own.
    groups: Vec<(Vec<usize>, Searcher)>,
}

impl Literals {
    pub(super) fn new(literals: &[String]) -> Self {
        let all = AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("our own list is valid");
        // The shortest of a group decides how much of a text tells that none of it is there.
        let mut places: Vec<usize> = (0..literals.len()).collect();
        places.sort_by_key(|place| literals[*place].len());
        let group = |places: &[usize]| {
            let mut builder = Config::new().match_kind(MatchKind::LeftmostLongest).builder();
            let searcher = builder.extend(places.iter().map(|place| &literals[*place])).build()?;
            Some((places.to_vec(), searcher))
        };
        let short = places.partition_point(|place| literals[*place].len() < 4);
        let groups: Option<Vec<_>> =
            [&places[..short], &places[short..]].iter().flat_map(|places| places.chunks(TOGETHER)).map(group).collect();
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
            let of_group = |(places, group): &(Vec<usize>, Searcher)| {
                let found = group.find_in(text, window)?;
                Some((found.span(), places[found.pattern().as_usize()]))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_place_wherever_it_stands() {
        let literals: Vec<String> = (0..200).map(|number| "x".repeat(number % 7) + &format!("-{number}!")).collect();
        let finder = Literals::new(&literals);
        for before in [0, 50, WINDOW - 3, 2 * WINDOW] {
            for (place, literal) in literals.iter().enumerate() {
                let text = " ".repeat(before) + literal + " behind";
                let (span, found) = finder.find(text.as_bytes(), 0).expect("it is there");
                assert_eq!((&text[span.start..span.end], found), (literal.as_str(), place));
            }
        }
        assert!(finder.find(&[b' '; 3 * WINDOW], 0).is_none() && finder.find(b"", 0).is_none());
    }
}
