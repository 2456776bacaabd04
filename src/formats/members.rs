//! Members of arrays and objects: keys that are kept apart when they change, and pairs that say in one member what the
//! other is, as `{"name": "email", "value": …}`.

use std::collections::HashSet;

/// The keys of one array or object.
#[derive(Default)]
pub(super) struct Keys {
    taken: Option<HashSet<Vec<u8>>>,
}

impl Keys {
    /// The new key, or one like it that no other member has; `all` gives those that there are.
    pub(super) fn apart(&mut self, new: &[u8], all: impl FnOnce() -> HashSet<Vec<u8>>) -> Vec<u8> {
        let taken = self.taken.get_or_insert_with(all);
        let mut key = new.to_vec();
        let mut number = taken.len();
        while !taken.insert(key.clone()) {
            // What is an address stays one.
            let at = memchr::memchr(b'@', new).unwrap_or(new.len());
            key = [&new[..at], format!("-{number}").as_bytes(), &new[at..]].concat();
            number += 1;
        }
        key
    }
}

/// Names of members that name a pair, the more telling first.
const NAMES: &[&str] = &[
    "name",
    "key",
    "meta_key",
    "option_name",
    "field",
    "field_name",
    "label",
    "question",
    "property",
    "attribute",
    "title",
    "id",
    "k",
];

/// Names of members with what a pair is about.
const VALUES: &[&str] = &["value", "meta_value", "option_value", "field_value", "answer", "response", "val", "v"];

/// The name of a pair, as far as its members were looked at.
#[derive(Default)]
pub(super) struct Pair {
    name: Option<((bool, usize), String)>,
    has_value: bool,
}

impl Pair {
    /// Whether a member may be a part of a pair.
    pub(super) fn may_be_part(member: &str) -> bool {
        member.len() <= 12 && (rank(member).is_some() || is_value(member))
    }

    /// Looks at a member; `text` is its value when that is one.
    pub(super) fn look(&mut self, member: &str, text: Option<&str>) {
        self.has_value |= is_value(member);
        let Some((rank, text)) = rank(member).zip(text) else { return };
        // A number tells nothing, and a word with one in it, such as `input_3`, less than a label.
        let is_telling = text.len() <= 100 && text.chars().any(char::is_alphabetic);
        let rank = (text.bytes().any(|b| b.is_ascii_digit()), rank);
        if is_telling && self.name.as_ref().is_none_or(|(known, _)| rank < *known) {
            self.name = Some((rank, text.to_owned()));
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_ref().filter(|_| self.has_value).map(|(_, name)| name.as_str())
    }
}

/// Whether a member is what its pair is about.
pub(super) fn is_value(member: &str) -> bool {
    VALUES.iter().any(|name| name.eq_ignore_ascii_case(member))
}

fn rank(member: &str) -> Option<usize> {
    NAMES.iter().position(|name| name.eq_ignore_ascii_case(member))
}
