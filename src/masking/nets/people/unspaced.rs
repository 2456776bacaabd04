//! Names in scripts that have no blanks between words: `山田太郎` is found within whatever stands around it.

use super::known::mixed;

/// A shorter name is a word as well.
const FEWEST: usize = 3;
/// No name is longer.
const MOST: usize = 8;
/// So many characters tell at once whether a name may begin there.
const BEGINNING: usize = 2;
/// What a character weighs more than the one behind it.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Characters in a row, as a number that is made of those of its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    sum: u64,
    chars: usize,
    head: [char; BEGINNING],
}

impl Run {
    /// `None` when something else is among them than blanks.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut run = Self::default();
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '・') {
            run = run.with(c).filter(|run| run.chars <= MOST)?;
        }
        (run.chars > 0).then_some(run)
    }

    fn with(self, c: char) -> Option<Self> {
        let sum = self.sum.wrapping_mul(BASE).wrapping_add(u64::from(u32::from(c)));
        let mut head = self.head;
        if let Some(place) = head.get_mut(self.chars) {
            *place = c;
        }
        is_unspaced(c).then_some(Self { sum, chars: self.chars + 1, head })
    }

    /// This one and then another.
    pub(super) fn and(self, other: Self) -> Self {
        let weight = (0..other.chars).fold(1_u64, |weight, _| weight.wrapping_mul(BASE));
        let mut head = self.head;
        for (place, c) in head.iter_mut().skip(self.chars).zip(other.head) {
            *place = c;
        }
        Self { sum: self.sum.wrapping_mul(weight).wrapping_add(other.sum), chars: self.chars + other.chars, head }
    }

    /// The hash of how it begins.
    pub(super) fn beginning(self, seed: u64) -> u64 {
        self.head.iter().fold(!seed, |hash, c| mixed(hash, u64::from(u32::from(*c))))
    }

    /// Its hash, if it is long enough for a name.
    pub(super) fn name(self, seed: u64) -> Option<u64> {
        (FEWEST..=MOST).contains(&self.chars).then(|| mixed(self.sum, seed))
    }
}

/// Han, Kana and Hangul.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The hashes of what may be a name at the beginning of a text, each with its length, the longest last.
pub(super) fn names_at(text: &str, seed: u64, may_begin: impl Fn(u64) -> bool) -> impl Iterator<Item = (u64, usize)> {
    let mut head = text.chars();
    let head = [head.next().unwrap_or_default(), head.next().unwrap_or_default()];
    let may_begin = may_begin(Run { head, ..Run::default() }.beginning(seed));
    let chars = if may_begin { text } else { "" }.char_indices().take(MOST);
    let runs = chars.scan(Run::default(), |run, (at, c)| {
        *run = run.with(c)?;
        Some((*run, at + c.len_utf8()))
    });
    runs.filter_map(move |(run, end)| Some((run.name(seed)?, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_the_same_however_it_is_put_together() {
        let name = |run: Option<Run>| run.unwrap().name(1);
        let (last, first) = (Run::of("山田").unwrap(), Run::of("太郎").unwrap());
        assert_eq!(name(Some(last.and(first))), name(Run::of("山田 太郎")));
        assert_ne!(name(Some(first.and(last))), name(Run::of("山田太郎")));
        assert!(Run::of("Zoë").is_none() && Run::of("").is_none() && Run::of("王明").unwrap().name(1).is_none());
        let found: Vec<_> = names_at("山田太郎様から", 1, |_| true).map(|(hash, _)| hash).collect();
        assert!(found.contains(&name(Run::of("山田太郎")).unwrap()));
        assert_eq!(names_at("山田太郎", 1, |_| false).count() + names_at("", 1, |_| true).count(), 0);
    }
}
