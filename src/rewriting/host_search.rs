//! The search for hosts in whatever spelling: it finds each place where one stands, whether or not the rewriter can make
//! anything of it.
//!
//! What is searched for in all bytes is cheap: of each host a run of letters that nobody escapes (`shop`, `example`), around
//! which the rest is read in any spelling; and the beginnings of escapes that stand for a letter.

use std::ops::Range;

use super::spelled;
use memchr::memmem::Finder;

/// A place where a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its number in the list that the search was made of.
    pub(super) host: usize,
}

/// Searches for several hosts at once.
#[derive(Clone, Debug)]
pub(super) struct HostSearch {
    /// By host: in ASCII, and in Unicode where that differs, in lower case.
    forms: Vec<Vec<Vec<char>>>,
    anchors: Vec<Anchor>,
}

/// Bytes that are looked for, and what they are of each host.
#[derive(Clone, Debug)]
struct Anchor {
    bytes: Vec<u8>,
    search: AnchorSearch,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    host: usize,
    form: usize,
    /// Which of the form's characters are the anchor; empty for a spelling of the first, which begins around it.
    chars: (usize, usize),
}

#[derive(Clone, Debug)]
enum AnchorSearch {
    /// Bytes without letters of ASCII have one case.
    Exact(Box<Finder<'static>>),
    /// The rarest letter in prose, and where among the bytes it is.
    Rarest { letter: u8, offset: usize },
}

/// From the rarest in English to the most frequent.
const LETTERS: &[u8] = b"zqjxkvbpygfwmucldrhsnioate";
/// A run as long as this is shared by hosts that have it; shorter ones are too frequent.
const SHARED_RUN: usize = 4;
/// No spelling of a letter is longer.
const LONGEST_LETTER: usize = 20;

impl HostSearch {
    pub(super) fn new(hosts: &[String]) -> Self {
        let forms: Vec<Vec<Vec<char>>> = hosts.iter().map(|host| forms_of(host)).collect();
        let mut anchors: Vec<Anchor> = Vec::new();
        for (host, forms) in forms.iter().enumerate() {
            for (form, chars) in forms.iter().enumerate() {
                add_anchor(&mut anchors, forms, host, form, chars);
            }
        }
        Self { forms, anchors }
    }

    /// Whether a host stands in a text; raw COPY text will do.
    pub(super) fn is_in(&self, raw: &[u8]) -> bool {
        !self.forms.is_empty() && self.each(raw, &mut |_| true)
    }

    /// All places where a host stands, in order.
    pub(super) fn all(&self, text: &[u8]) -> Vec<Found> {
        let mut all = Vec::new();
        self.each(text, &mut |found| {
            all.push(found);
            false
        });
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The bytes that are looked for first.
    pub(super) fn anchors(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|anchor| anchor.bytes.as_slice())
    }

    /// How long, in bytes, what is searched for may be.
    pub(super) fn longest(&self) -> usize {
        self.forms.iter().flatten().map(|form| form.len() * LONGEST_LETTER).max().unwrap_or(0)
    }

    /// Shows each place until `seen` answers that it has seen enough, which is the answer then.
    fn each(&self, text: &[u8], seen: &mut impl FnMut(Found) -> bool) -> bool {
        let is_enough = self.anchors.iter().any(|anchor| match &anchor.search {
            AnchorSearch::Exact(finder) => finder.find_iter(text).any(|at| self.each_around(text, at, anchor, seen)),
            AnchorSearch::Rarest { letter, offset } => self.each_by_letter(text, anchor, *letter, *offset, seen),
        });
        let (mut tried, longest) = (0, self.longest());
        let mut hits = memchr::memchr3_iter(b'%', b'\\', b'&', text).filter(|at| spelled::is_letter(text, *at));
        is_enough
            || hits.any(|at| {
                let starts = tried.max(at.saturating_sub(longest))..at + 1;
                tried = starts.end;
                self.each_from_any(text, &starts, seen)
            })
    }

    fn each_by_letter(
        &self,
        text: &[u8],
        anchor: &Anchor,
        letter: u8,
        offset: usize,
        seen: &mut impl FnMut(Found) -> bool,
    ) -> bool {
        let hits = memchr::memchr2_iter(letter, letter.to_ascii_uppercase(), text);
        hits.filter_map(|at| at.checked_sub(offset)).any(|start| {
            let is_it =
                text.get(start..start + anchor.bytes.len()).is_some_and(|run| run.eq_ignore_ascii_case(&anchor.bytes));
            is_it && self.each_around(text, start, anchor, seen)
        })
    }

    /// The hosts around an anchor that stands at `at`.
    fn each_around(&self, text: &[u8], at: usize, anchor: &Anchor, seen: &mut impl FnMut(Found) -> bool) -> bool {
        anchor.places.iter().any(|place| {
            let form = &self.forms[place.host][place.form];
            let (first, last) = place.chars;
            if first == last {
                return self.each_from(text, at.saturating_sub(LONGEST_LETTER)..at + 1, place, seen);
            }
            let end = form[last..].iter().try_fold(at + anchor.bytes.len(), |at, c| spelled::end_of(text, at, *c));
            let Some(end) = end else { return false };
            let start = form[..first].iter().rev().try_fold(at, |at, c| spelled::start_of(text, at, *c));
            start.is_some_and(|start| seen(Found { start, end, host: place.host }))
        })
    }

    /// The hosts that begin in a range, whichever.
    fn each_from_any(&self, text: &[u8], starts: &Range<usize>, seen: &mut impl FnMut(Found) -> bool) -> bool {
        self.forms.iter().enumerate().any(|(host, forms)| {
            (0..forms.len())
                .any(|form| self.each_from(text, starts.clone(), &Place { host, form, chars: (0, 0) }, seen))
        })
    }

    /// The hosts that begin in a range.
    fn each_from(
        &self,
        text: &[u8],
        mut range: Range<usize>,
        place: &Place,
        seen: &mut impl FnMut(Found) -> bool,
    ) -> bool {
        let form = &self.forms[place.host][place.form];
        range.any(|start| {
            let is_within = start > 0 && text[start] == b'\\' && text[start - 1] == b'\\';
            let end = form.iter().try_fold(start, |at, c| spelled::end_of(text, at, *c));
            end.is_some_and(|end| !is_within && seen(Found { start, end, host: place.host }))
        })
    }
}

/// A host as the address bar may show it, and as servers know it.
fn forms_of(host: &str) -> Vec<Vec<char>> {
    let ascii: Vec<char> = host.to_ascii_lowercase().chars().collect();
    let (unicode, _) = idna::domain_to_unicode(host);
    let unicode: Vec<char> = unicode.to_lowercase().chars().collect();
    if unicode == ascii { vec![ascii] } else { vec![ascii, unicode] }
}

/// The runs of ASCII letters and digits of a form, the best to search for first.
fn runs(form: &[char]) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut runs = Vec::new();
    let mut at = 0;
    for run in form.split(|c| !c.is_ascii_alphanumeric()) {
        if !run.is_empty() {
            runs.push((at..at + run.len(), run.iter().map(|c| *c as u8).collect::<Vec<u8>>()));
        }
        at += run.len() + 1;
    }
    let rarity = |run: &[u8]| rarest(run).map_or(LETTERS.len(), |(letter, _)| place_of(letter));
    runs.sort_by_key(|(_, run)| (std::cmp::Reverse(run.len()), rarity(run)));
    runs
}

fn place_of(letter: u8) -> usize {
    LETTERS.iter().position(|known| *known == letter).unwrap_or(LETTERS.len())
}

fn rarest(run: &[u8]) -> Option<(u8, usize)> {
    LETTERS.iter().find_map(|&letter| Some((letter, memchr::memchr(letter, run)?)))
}

/// Adds what is looked for of one form; a run that is looked for already will do.
fn add_anchor(anchors: &mut Vec<Anchor>, forms: &[Vec<char>], host: usize, form: usize, chars: &[char]) {
    let runs = runs(chars);
    let is_known = |run: &[u8]| anchors.iter().any(|anchor| anchor.bytes == run);
    let is_shared = |run: &[u8]| {
        run.len() >= SHARED_RUN && forms.iter().all(|form| self::runs(form).iter().any(|(_, other)| other == run))
    };
    let known = runs.iter().find(|(_, run)| run.len() >= SHARED_RUN && is_known(run));
    let shared = || runs.iter().find(|(_, run)| is_shared(run));
    let best = known
        .or_else(shared)
        .or_else(|| runs.first())
        .filter(|(_, run)| run.len() > 1 || chars.iter().all(char::is_ascii));
    match best {
        Some((at, run)) => put(anchors, run, Place { host, form, chars: (at.start, at.end) }),
        None => {
            for spelling in spellings(chars[0]) {
                put(anchors, &spelling, Place { host, form, chars: (0, 0) });
            }
        }
    }
}

fn put(anchors: &mut Vec<Anchor>, bytes: &[u8], place: Place) {
    match anchors.iter_mut().find(|anchor| anchor.bytes == bytes) {
        Some(anchor) => anchor.places.push(place),
        None => {
            let exact = || AnchorSearch::Exact(Box::new(Finder::new(bytes).into_owned()));
            let search = rarest(bytes).map_or_else(exact, |(letter, offset)| AnchorSearch::Rarest { letter, offset });
            anchors.push(Anchor { bytes: bytes.to_vec(), search, places: vec![place] });
        }
    }
}

/// What some part of each spelling of a character is.
fn spellings(c: char) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for c in [Some(c), c.to_uppercase().next()].into_iter().flatten() {
        let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
        let bytes = c.encode_utf8(&mut utf8).as_bytes();
        all.push(bytes.to_vec());
        let code = u32::from(c);
        all.extend(
            [format!("u{:04x}", c.encode_utf16(&mut utf16)[0]), format!("{code:x}"), format!("#{code};")]
                .map(String::into_bytes),
        );
        all.push(format!("{:02x}", bytes[bytes.len() - 1]).into_bytes());
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
#[path = "host_search_tests.rs"]
mod tests;
