//! Streets with the number of a house, as they are compared: whichever stands first, and however `Street` is cut short.

use super::known::mixed;
use super::words::{Gap, Word, Words};

/// So many words of a street's name are looked at.
pub(super) const MOST_WORDS: usize = 4;
/// Fewer letters are no street.
const FEWEST_LETTERS: usize = 4;

/// What kinds of streets are called, and what is short for it.
#[rustfmt::skip]
const KINDS: &[&[&str]] = &[
    &["street", "st", "str"], &["road", "rd"], &["avenue", "ave", "av", "avenida", "avda"], &["lane", "ln"], &["drive", "dr"],
    &["boulevard", "blvd", "bd", "bvd", "bulvar"], &["square", "sq"], &["court", "ct"], &["place", "pl", "plaza", "platz", "plac", "piazza"],
    &["terrace", "ter", "terr"], &["highway", "hwy"], &["parkway", "pkwy"], &["crescent", "cres"], &["close", "cl"],
    &["gardens", "gdns"], &["strasse"], &["weg"], &["gasse"], &["allee"], &["straat"], &["laan"], &["rue"], &["chemin", "ch"],
    &["calle", "c"], &["via"], &["viale"], &["rua"], &["ulica", "ul"], &["way"], &["mews"], &["grove"], &["quay"], &["row"], &["walk"],
];

/// What a number may stand behind that is no street's: `Apartment 4`.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "apt", "apartment", "flat", "unit", "suite", "ste", "floor", "fl", "room", "rm", "box", "building", "bldg", "block",
    "etage", "stock", "og", "wohnung", "whg", "top", "stiege", "zimmer", "postfach", "piso", "puerta", "appt", "bat", "batiment",
    "etage", "escalier", "interno", "scala", "apto", "casa", "no", "nr", "nummer", "number", "lot", "level", "door", "entrance", "po",
];

/// The words that mean something in a street, as hashes under one seed.
#[derive(Debug, Default)]
pub(super) struct StreetWords {
    /// Each with what it is short for.
    kinds: Vec<(u64, u64)>,
    units: Vec<u64>,
}

impl StreetWords {
    pub(super) fn under(seed: u64) -> Self {
        let hash = |word: &str| Words::of(word, seed).next().map_or(0, |word| word.hash);
        let of_kind = |kind: &&[&str]| {
            let whole = hash(kind[0]);
            kind.iter().map(|word| (hash(word), whole)).collect::<Vec<_>>()
        };
        let mut kinds: Vec<_> = KINDS.iter().flat_map(of_kind).collect();
        // `Quill Str.` and `Quill Straße` are the same.
        kinds.retain(|(short, _)| *short != hash("strasse"));
        kinds.push((hash("strasse"), hash("street")));
        kinds.sort_unstable();
        let mut units: Vec<_> = UNITS.iter().map(|word| hash(word)).collect();
        units.sort_unstable();
        Self { kinds, units }
    }

    /// The word as it is compared.
    pub(super) fn whole(&self, hash: u64) -> u64 {
        self.kinds.binary_search_by_key(&hash, |kind| kind.0).map_or(hash, |at| self.kinds[at].1)
    }

    fn is_kind(&self, hash: u64) -> bool {
        self.kinds.binary_search_by_key(&hash, |kind| kind.0).is_ok()
    }

    fn is_unit(&self, hash: u64) -> bool {
        self.units.binary_search(&hash).is_ok()
    }
}

/// A house in a street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct House {
    pub(super) hash: u64,
    /// Hashes of the number with the street's first and last word: one of them stands beside it.
    pub(super) beside: [u64; 2],
}

/// The hash of a number and a street's words.
pub(super) fn house(number: u32, words: impl Iterator<Item = u64>) -> u64 {
    words.fold(u64::from(number) + 1, mixed)
}

/// What tells that a number and the word beside it may be of a house.
pub(super) fn beside(number: u32, word: u64) -> u64 {
    mixed(!u64::from(number), word)
}

/// The houses that a value names; of several numbers each is looked at.
pub(super) fn houses(value: &str, seed: u64, known: &StreetWords) -> Vec<House> {
    let all: Vec<Word> = Words::of(value, seed).take(24).collect();
    let mut houses = Vec::new();
    for (at, number) in all.iter().enumerate() {
        let Some(house_number) = number.number.filter(|number| (1..=99_999).contains(number)) else { continue };
        let is_after_unit = at > 0 && known.is_unit(all[at - 1].hash);
        if is_after_unit {
            continue;
        }
        let before = street_before(&all[..at], known);
        let words = if before.is_empty() { street_behind(&all[at + 1..], known) } else { before };
        let letters: usize = words.iter().map(|word| word.letters).sum();
        if words.is_empty() || letters < FEWEST_LETTERS {
            continue;
        }
        let of = |word: Option<&Word>| beside(house_number, word.map_or(0, |word| known.whole(word.hash)));
        houses.push(House {
            hash: house(house_number, words.iter().map(|word| known.whole(word.hash))),
            beside: [of(words.first()), of(words.last())],
        });
    }
    houses
}

/// The words before a number, back to a comma or another number. One right before the number is no end: `Calle Mayor, 5`.
fn street_before<'a>(words: &'a [Word], known: &StreetWords) -> &'a [Word] {
    let mut begin = words.len();
    let mut is_cut = false;
    while begin > 0 && !is_cut && words.len() - begin < MOST_WORDS {
        let word = &words[begin - 1];
        if word.letters == 0 || known.is_unit(word.hash) {
            break;
        }
        is_cut = word.gap.has(Gap::COMMA);
        begin -= 1;
    }
    &words[begin..]
}

/// The words behind a number, up to the one that says what kind of street it is.
fn street_behind<'a>(words: &'a [Word], known: &StreetWords) -> &'a [Word] {
    let is_word = |(at, word): &(usize, &Word)| word.letters > 0 && (*at == 0 || !word.gap.has(Gap::COMMA));
    let len = words.iter().enumerate().take(MOST_WORDS).take_while(is_word).count();
    let kind = words[..len].iter().enumerate().skip(1).find(|(_, word)| known.is_kind(word.hash));
    &words[..kind.map_or(len, |(at, _)| at + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(value: &str) -> Vec<u64> {
        houses(value, 1, &StreetWords::under(1)).iter().map(|house| house.hash).collect()
    }

    #[test]
    fn a_house_is_one_however_it_is_written() {
        for spellings in [
            &[
                "12 Quill Street",
                "12 Quill St.",
                "12, quill st",
                "Quill Street 12",
                "12a QUILL STREET, Flat 3",
                "Flat 3, 12 Quill Street",
            ][..],
            &["Quillstraße 7", "Quillstr. 7", "QUILLSTRASSE 7", "Quillstr 7b"],
            &["Große Quill Straße 7", "Grosse Quill Str. 7"],
            &["12 rue de la Quille", "12, rue de la Quille", "Rue de la Quille 12"],
            &["Calle Quilla, 5", "C/ Quilla 5"],
        ] {
            let all: Vec<_> = spellings.iter().map(|spelling| hashes(spelling)).collect();
            assert!(all.iter().all(|hashes| hashes.len() == 1 && *hashes == all[0]), "{spellings:?} {all:?}");
        }
        assert_ne!(hashes("12 Quill Street"), hashes("13 Quill Street"));
        for none in ["Apartment 4", "Flat 12", "PO Box 77", "Quill Street", "", "12", "4 A"] {
            assert!(hashes(none).is_empty(), "{none}");
        }
    }
}
