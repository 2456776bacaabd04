//! Names: which two words of one tell whom it means, and which words are none.

use super::hashes::Filter;
use super::known::pair;
use super::words::{Word, Words};
use crate::masking::words::NAMES;

/// A name of more words is a text.
const MOST_WORDS: usize = 6;
/// Of a first or a last name so many words are taken.
const MOST_OF_PART: usize = 2;
/// A shorter word of an alphabet tells nobody apart.
const FEWEST_LETTERS: usize = 2;

/// What stands before a surname and is not the whole of it.
#[rustfmt::skip]
const PARTICLES: &[&str] = &[
    "van", "von", "vom", "zu", "zum", "zur", "der", "den", "dem", "de", "del", "della", "des", "di", "da", "dos", "das", "do", "du",
    "la", "le", "el", "al", "bin", "bint", "ibn", "ben", "ter", "ten", "af", "av", "y", "e", "und", "san", "st",
    "dr", "prof", "mr", "mrs", "ms", "herr", "frau", "mme", "jr", "sr", "phd", "msc", "md",
];

/// Words that stand in every text of their language; in small letters they are no name.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    // English.
    "the", "and", "for", "with", "from", "this", "that", "will", "may", "can", "not", "but", "you", "your", "our", "was", "has", "have",
    "long", "short", "young", "old", "new", "good", "best", "love", "hope", "grace", "joy", "faith", "rose", "lily", "mark", "bill", "frank",
    "grant", "rich", "art", "drew", "gene", "jack", "may", "june", "april", "august", "summer", "winter", "day", "king", "bush", "wood", "hill",
    "park", "field", "stone", "brown", "black", "white", "green", "gray", "baker", "cook", "page", "price", "reed", "rice", "small", "sharp",
    "strong", "wise", "noble", "early", "late", "more", "less", "way", "case", "order", "post", "home", "shop", "store", "chance", "major",
    // German, Dutch.
    "der", "die", "das", "und", "ist", "ein", "eine", "nicht", "mit", "auf", "von", "aus", "gut", "lang", "kurz", "gross", "klein", "neu",
    "alt", "jung", "ernst", "wolf", "kern", "van", "het", "een", "niet", "voor", "met", "maar", "jong", "klein",
    // French, Spanish, Italian, Portuguese.
    "les", "des", "une", "est", "pas", "pour", "dans", "sur", "avec", "qui", "que", "petit", "grand", "blanc", "noir", "rose", "claire", "belle",
    "los", "las", "una", "del", "con", "por", "para", "mas", "como", "sol", "luz", "flor", "mar", "paz", "nuevo", "bueno", "blanco", "rojo",
    "che", "per", "sono", "non", "bella", "bianca", "rosa", "gatti", "uma", "com", "nao", "mais", "dos", "santo", "alba", "viola",
    // Polish, Czech, Nordic.
    "nie", "jest", "sie", "dla", "och", "att", "som", "det", "ikke", "til", "jag", "bra", "god", "ung", "stor",
];

/// What accounts are called that are nobody's in particular; two of these are no name.
#[rustfmt::skip]
const ROLES: &[&str] = &[
    "admin", "administrator", "manager", "owner", "editor", "author", "contributor", "subscriber", "customer", "client", "member", "guest",
    "user", "staff", "team", "support", "service", "services", "sales", "office", "info", "contact", "webmaster", "moderator", "vendor", "seller",
    "shop", "store", "site", "web", "website", "wordpress", "woocommerce", "commenter", "test", "tester", "demo", "default", "system", "bot",
    "sample", "example", "account", "online", "anonymous", "unknown", "company", "the", "new", "my", "our", "billing", "shipping", "order",
    "first", "last", "name", "no", "not", "available", "none", "kunde", "gast", "benutzer", "cliente", "client", "utilisateur", "usuario",
];

/// Which part of a name a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Last,
    Whole,
}

#[rustfmt::skip]
const FIRST: &[&str] = &["first", "given", "fname", "forename", "vorname", "prenom", "prénom", "nombre", "voornaam", "imie", "imię", "jmeno", "firstname", "fornavn", "förnamn"];
#[rustfmt::skip]
const LAST: &[&str] = &["last", "family", "surname", "lname", "nachname", "familienname", "apellido", "achternaam", "nazwisko", "cognome", "sobrenome", "prijmeni", "lastname", "etternavn", "efternamn", "efternavn", "nom_de_famille"];

/// The part that a field of this name holds, and what is left of its name: the same for both parts of one name.
pub(super) fn part(field: &str) -> (Part, String) {
    let lower = field.to_lowercase();
    let rest = |word: &&str| {
        let rest = lower.replacen(*word, "", 1).replace("name", "");
        rest.strip_suffix("nom").unwrap_or(&rest).trim_matches(['_', '-', ' ']).to_owned()
    };
    let find = |words: &[&str]| words.iter().find(|word| lower.contains(**word)).map(rest);
    if let Some(rest) = find(FIRST) {
        return (Part::First, rest);
    }
    find(LAST).map_or_else(|| (Part::Whole, rest(&"")), |rest| (Part::Last, rest))
}

/// Whether a field may hold a surname alone, as `name` does beside `vorname`.
pub(super) fn may_be_last(field: &str) -> bool {
    let lower = field.to_lowercase();
    let is_of_account = ["display", "nick", "user", "login", "full", "author"].iter().any(|word| lower.contains(word));
    !is_of_account && ["name", "nom", "naam", "namn", "nome"].iter().any(|word| lower.ends_with(word))
}

/// The words of a name that count, at most so many: none when it is a text, or has no two.
fn words_of(name: &str, seed: u64) -> Option<Vec<Word>> {
    if name.len() > 200 || memchr::memchr3(b'@', b'<', b'{', name.as_bytes()).is_some() {
        return None;
    }
    let words: Vec<Word> = Words::of(name, seed).take(MOST_WORDS + 1).collect();
    (words.len() <= MOST_WORDS && words.iter().all(|word| word.letters > 0)).then_some(words)
}

/// Words that mean something in a name, as hashes under one seed.
#[derive(Debug, Default)]
pub(super) struct NameWords {
    particles: Vec<u64>,
    roles: Vec<u64>,
}

impl NameWords {
    pub(super) fn under(seed: u64) -> Self {
        let (mut particles, mut roles) = (hashes(PARTICLES, seed), hashes(ROLES, seed));
        particles.sort_unstable();
        roles.sort_unstable();
        Self { particles, roles }
    }

    /// Whether a word stands before a surname and is not the whole of it.
    pub(super) fn is_particle(&self, hash: u64) -> bool {
        self.particles.binary_search(&hash).is_ok()
    }

    fn is_role(&self, hash: u64) -> bool {
        self.roles.binary_search(&hash).is_ok()
    }

    /// The pairs of words that a first and a last name are known by, with both words.
    pub(super) fn pairs<'a>(&'a self, first: &'a [u64], last: &'a [u64]) -> impl Iterator<Item = (u64, u64, u64)> + 'a {
        let all = first.iter().flat_map(|one| last.iter().map(|other| (*one, *other)));
        let names = all.filter(|(one, other)| one != other && !(self.is_role(*one) && self.is_role(*other)));
        names.map(|(one, other)| (one, other, pair(one, other)))
    }
}

fn hashes(words: &[&str], seed: u64) -> Vec<u64> {
    words.iter().filter_map(|word| Words::of(word, seed).next()).map(|word| word.hash).collect()
}

/// The words by which a first or a last name is told.
pub(super) fn told_by(part: Part, name: &str, seed: u64, known: &NameWords) -> Vec<u64> {
    let Some(words) = words_of(name, seed) else { return Vec::new() };
    let words: Vec<_> = words.iter().filter(|word| word.letters >= FEWEST_LETTERS).map(|word| word.hash).collect();
    let fewest = if part == Part::Whole { 2 } else { 1 };
    let own: Vec<_> = words.iter().copied().filter(|word| !known.is_particle(*word)).collect();
    let words = if own.len() < fewest { words } else { own };
    match part {
        Part::First | Part::Last => words.into_iter().take(MOST_OF_PART).collect(),
        // Whatever is between the first and the last may be missing.
        Part::Whole => match words.as_slice() {
            [first, .., last] => vec![*first, *last],
            _ => Vec::new(),
        },
    }
}

/// Whether strangers are called by a word.
pub(super) fn is_strangers(word: &str) -> bool {
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// The words that strangers are called by.
pub(super) fn strangers_words(seed: u64) -> Vec<u64> {
    hashes(NAMES, seed)
}

/// Adds the words that are no name in small letters in any text.
pub(super) fn add_common(prose: &mut Filter, seed: u64) {
    hashes(COMMON, seed).into_iter().chain(hashes(PARTICLES, seed)).for_each(|word| prose.add(word));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_field_tells_which_part_it_holds() {
        for (first, last) in [
            ("billing_first_name", "billing_last_name"),
            ("firstName", "lastName"),
            ("Payer first name", "Payer last name"),
            ("vorname", "nachname"),
            ("given_name", "family_name"),
            ("first_name", "surname"),
        ] {
            let (first, last) = (part(first), part(last));
            assert_eq!((first.0, last.0), (Part::First, Part::Last));
            assert_eq!(first.1, last.1);
        }
        assert_eq!(part("display_name").0, Part::Whole);
        assert_eq!(part("billing_vorname").1, part("billing_name").1);
        assert_eq!(part("prenom").1, part("nom").1);
        assert!(may_be_last("nom") && !may_be_last("display_name") && !may_be_last("street"));
    }

    #[test]
    fn a_name_is_told_by_its_first_and_last_word() {
        let hash = |word: &str| Words::of(word, 1).next().unwrap().hash;
        let told_by = |part, name| told_by(part, name, 1, &NameWords::under(1));
        assert_eq!(told_by(Part::Whole, "Zoë María van der Quill"), [hash("zoe"), hash("quill")]);
        assert_eq!(told_by(Part::Last, "García López Quill"), [hash("garcia"), hash("lopez")]);
        assert_eq!(told_by(Part::Whole, "Rose La"), [hash("rose"), hash("la")]);
        assert_eq!(told_by(Part::Last, "van der Berg"), [hash("berg")]);
        for none in ["Zoë", "", "a text of far too many words for one", "Zoë <zoe@example.com>", "Zoë 12", "Z Q"] {
            assert!(told_by(Part::Whole, none).is_empty(), "{none}");
        }
        let (one, other) = (told_by(Part::First, "Hans Peter"), told_by(Part::Last, "Quill"));
        let known = NameWords::under(1);
        assert_eq!(known.pairs(&one, &other).count(), 2);
        assert_eq!(known.pairs(&[hash("Shop")], &[hash("Manager")]).count(), 0, "nobody in particular");
    }
}
