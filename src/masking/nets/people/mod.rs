//! Known people: whom the site itself names as its users, customers and commenters.
//!
//! A first pass over the source shows the values that are masked as a person's to a `gathering`, which keeps keyed hashes of
//! them: names as pairs of words (`names`), streets with the number of a house (`streets`), telephone numbers (`phones`),
//! `emails`, and logins and companies as whole values. What stands in published text leaves again. Every other text is then
//! rolled over by its `words` (`rolling`), whatever case they are in and however they are escaped (`folded`, `escapes`), and
//! whoever is found becomes the stranger that the person is everywhere else.

mod columns;
mod digest;
mod emails;
mod escapes;
mod folded;
mod gathering;
mod hashes;
mod known;
mod letters;
mod names;
mod phones;
pub(crate) mod published;
mod rolling;
mod streets;
mod unspaced;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use columns::{PeopleColumns, Told};
pub(crate) use digest::PeopleDigest;
pub(crate) use gathering::Gatherer;
pub(crate) use known::{Identifier, KnownPeople, PeopleCounts};
pub(in crate::masking) use phones::national as national_phone;

use super::Nets;
use crate::contract::transformer::Transformer;
use crate::masking::key::Key;
use crate::masking::{numbers, strangers};
use letters::Case;
use words::Words;

/// A shorter text holds nobody.
const SHORTEST: usize = 5;

/// The text with every known person in it replaced by the stranger that the person is everywhere else; `None` when
/// there is none.
pub(crate) fn masked(nets: &Nets, text: &str) -> Option<String> {
    let people = nets.people.get().filter(|people| text.len() >= SHORTEST && !people.is_empty())?;
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    if !people.is_without(Identifier::Email) {
        for email in emails::in_text(text) {
            let address = email.plain(text);
            if people.holds_email(&address) {
                let stranger = strangers::one_email(&nets.key, &address).replacen('@', email.sign, 1);
                found.push((email.range, stranger));
            }
        }
    }
    people.roll(text, &mut |somebody| {
        let is_within_email =
            found.iter().any(|(range, _)| range.start < somebody.range.end && somebody.range.start < range.end);
        if !is_within_email {
            let stranger = stranger(nets, somebody.identifier, &text[somebody.range.clone()]);
            found.push((somebody.range, stranger));
        }
    });
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|(range, _)| range.start);
    let (mut masked, mut done) = (String::with_capacity(text.len() + 64), 0);
    for (range, stranger) in found {
        masked.push_str(&text[done..range.start]);
        masked.push_str(&stranger);
        done = range.end;
    }
    masked.push_str(&text[done..]);
    Some(masked)
}

/// Whether a value may be a known login or company: a quick look, which most values do not pass.
pub(crate) fn may_be_whole(nets: &Nets, value: &str) -> bool {
    nets.people.get().is_some_and(|people| people.may_hold_whole(value))
}

/// What a known login or company becomes that is the whole value of such a field.
pub(crate) fn masked_whole(nets: &Nets, transformer: Transformer, value: &str) -> Option<String> {
    nets.people.get().filter(|people| people.holds_whole(value))?;
    match transformer {
        Transformer::Login => Some(strangers::login(&nets.key, value)),
        Transformer::Company => Some(strangers::company(&nets.key, value)),
        _ => None,
    }
}

fn stranger(nets: &Nets, identifier: Identifier, text: &str) -> String {
    let key = &nets.key;
    match identifier {
        Identifier::Phone => in_place(text, &numbers::phone(key, text)),
        Identifier::Street => in_place(text, &strangers::street(key, &escapes::plain(text))),
        _ => name(key, text),
    }
}

/// A stranger's name in the place of another: word for word, so that what stands between them stays.
fn name(key: &Key, text: &str) -> String {
    let words: Vec<_> = Words::of(text, 0).collect();
    let is_slug = words[1..].iter().all(|word| word.gap.is_hyphen());
    let is_small = words.iter().all(|word| word.case == Case::Small);
    let (mut name, mut done, mut at) = (String::new(), 0, 0);
    while at < words.len() {
        // `Anna-Lena` is one word, but where all are joined like this.
        let joined = words[at + 1..].iter().take_while(|word| !is_slug && word.gap.is_hyphen()).count();
        let range = words[at].start..words[at + joined].end;
        let stranger = strangers::name(key, &escapes::plain(&text[range.clone()]));
        name.push_str(&text[done..range.start]);
        match words[at].case {
            Case::Small if is_small => name.push_str(&stranger.to_lowercase()),
            Case::Large => name.push_str(&stranger.to_uppercase()),
            _ => name.push_str(&stranger),
        }
        done = range.end;
        at += joined + 1;
    }
    name + &text[done..]
}

/// A stranger whose blanks and sign are written as the text writes them.
fn in_place(text: &str, stranger: &str) -> String {
    let is_in_url = memchr::memmem::find(text.as_bytes(), b"%20").is_some();
    let is_in_form = text.bytes().skip(1).any(|byte| byte == b'+') && !text.contains(' ');
    let spelled = match (is_in_url, is_in_form) {
        (true, _) => stranger.replace(' ', "%20"),
        (_, true) => stranger.replace(' ', "+"),
        _ => stranger.to_owned(),
    };
    if text.starts_with("%2") { spelled.replacen('+', "%2B", 1) } else { spelled }
}
