//! The search for hosts in what is encoded: for their letters as base64 and hexadecimal spell them, whatever lies around
//! them, so that nothing is decoded to no purpose.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use data_encoding::{BASE64_NOPAD, HEXLOWER, HEXUPPER};

/// A host of fewer letters than these in base64 would be found everywhere.
const SHORTEST_ENCODED: usize = 6;
/// Nothing that holds a host and is compressed has fewer letters in base64.
const SHORTEST_PACKED: usize = 20;
/// More are not searched for by whole vectors of bytes.
const MOST_BY_VECTORS: usize = 64;

/// A place that may be within something encoded.
#[derive(Clone, Debug)]
pub(super) struct EncodedHit {
    pub(super) place: Range<usize>,
    /// Whether the letters of a host stand there, and not only the beginning of what is compressed.
    pub(super) is_host: bool,
}

/// Searches for several hosts at once.
#[derive(Clone, Debug)]
pub(super) struct EncodedSearch {
    letters: AhoCorasick,
    /// No run of letters that is shorter is looked into; unless there are so few to search for that nothing is faster.
    shortest: Option<usize>,
}

impl EncodedSearch {
    pub(super) fn new(hosts: &[String]) -> Self {
        let needles = host_needles(hosts);
        let shortest = needles.iter().map(Vec::len).min().unwrap_or(SHORTEST_PACKED).min(SHORTEST_PACKED);
        let all = MAGICS.iter().copied().chain(needles.iter().map(Vec::as_slice)).filter(|_| !hosts.is_empty());
        // Of the kinds of match this one is searched for by whole vectors of bytes.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostFirst);
        let is_slow = MAGICS.len() + needles.len() > MOST_BY_VECTORS;
        Self { letters: builder.build(all).expect("short patterns"), shortest: is_slow.then_some(shortest) }
    }

    /// The first place at or after `from` that may be within something encoded in which a host stands.
    pub(super) fn first(&self, text: &[u8], from: usize) -> Option<EncodedHit> {
        let mut from = from;
        if self.letters.patterns_len() == 0 {
            return None;
        }
        let Some(shortest) = self.shortest else { return self.first_in(text, from.min(text.len())..text.len()) };
        loop {
            let run = long_run(text, from, shortest)?;
            from = run.end;
            let hit = self.first_in(text, run);
            if hit.is_some() {
                return hit;
            }
        }
    }

    fn first_in(&self, text: &[u8], run: Range<usize>) -> Option<EncodedHit> {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'+';
        self.letters.find_iter(Input::new(text).range(run)).find_map(|found| {
            let is_host = !MAGICS.contains(&&text[found.range()]);
            let is_it = is_host || !text[..found.start()].last().is_some_and(is_part);
            is_it.then(|| EncodedHit { place: found.range(), is_host })
        })
    }
}

/// The letters of base64 in either alphabet, and the backslash that JSON puts before one of them.
const IS_LETTER: [bool; 256] = {
    let mut is_letter = [false; 256];
    let mut b = 0_u8;
    while b < 128 {
        is_letter[b as usize] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'\\');
        b += 1;
    }
    is_letter
};

/// The first run of so many letters at or after `from`; of most bytes in between none is looked at.
fn long_run(text: &[u8], from: usize, shortest: usize) -> Option<Range<usize>> {
    let mut start = from;
    loop {
        let candidate = text.get(start..start + shortest)?;
        match candidate.iter().rposition(|b| !IS_LETTER[usize::from(*b)]) {
            Some(other) => start += other + 1,
            None => {
                let end = start + shortest;
                let rest = text[end..].iter().position(|b| !IS_LETTER[usize::from(*b)]);
                return Some(start..rest.map_or(text.len(), |more| end + more));
            }
        }
    }
}

/// What gzip and zlib begin with in base64, whatever their level.
const MAGICS: &[&[u8]] = &[b"H4sI", b"eJw", b"eJx", b"eJy", b"eJz", b"eNo", b"eNp", b"eNq", b"eNr"];

/// The letters of hosts in base64, once or twice, wherever in it they begin, and in hexadecimal.
fn host_needles(hosts: &[String]) -> Vec<Vec<u8>> {
    let mut needles: Vec<Vec<u8>> = Vec::new();
    // What is in another need not be searched for twice.
    let cores: Vec<&String> = hosts
        .iter()
        .filter(|host| !hosts.iter().any(|other| other != *host && host.contains(other.as_str())))
        .collect();
    for host in &cores {
        let unicode = idna::domain_to_unicode(host).0;
        let spelled = if unicode == **host { vec![(*host).clone()] } else { vec![(*host).clone(), unicode] };
        let once: Vec<_> = spelled.iter().flat_map(|host| in_base64(host.as_bytes())).collect();
        needles.extend(once.iter().flat_map(|letters| in_base64(letters)));
        needles.extend(once);
        for hex in [HEXLOWER, HEXUPPER] {
            needles.extend(spelled.iter().map(|host| hex.encode(host.as_bytes()).into_bytes()));
        }
    }
    needles.retain(|needle| needle.len() >= SHORTEST_ENCODED);
    needles
}

/// What base64 makes of bytes, without what depends on those around them, by where they begin.
fn in_base64(bytes: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|before| {
        let all = [&vec![0; before][..], bytes].concat();
        let first = (8 * before).div_ceil(6);
        let last = 8 * all.len() / 6;
        BASE64_NOPAD.encode(&all).as_bytes()[first..last].to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_seen_wherever_it_begins() {
        for others in [0, 12] {
            let others = (0..others).map(|i| format!("site{i}.example.com"));
            let hosts: Vec<String> = others.chain(["shop.acme-prod.test".to_owned()]).collect();
            let search = EncodedSearch::new(&hosts);
            for before in ["", "a", "ab", "abc"] {
                let once = data_encoding::BASE64.encode(format!("{before}https://shop.acme-prod.test/x").as_bytes());
                assert!(search.first(once.as_bytes(), 0).is_some_and(|hit| hit.is_host), "{once}");
                let twice = data_encoding::BASE64.encode(once.as_bytes());
                assert!(search.first(twice.as_bytes(), 0).is_some_and(|hit| hit.is_host), "{twice}");
            }
            assert!(search.first(b"x=H4sIAAAAAAAAA\\/8vKLy0q", 0).is_some());
            assert!(search.first(b"xH4sIAAAAAAAAA\\/8vKLy0q", 0).is_none());
            assert_eq!(search.first(b"a word, H4sIAAAA", 0).is_some(), search.shortest.is_none());
        }
    }
}
