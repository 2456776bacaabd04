//! Old hosts that were left in one table's values, or in a part of them: how many values, by column, key and reason.

use std::collections::BTreeMap;

use super::report::LeftUrl;
use crate::data::tables::Table;
use crate::rewriting::Left;

pub(crate) const NO_TEXT: &str = "not a text column";
pub(crate) const NEVER: &str = "never rewritten";
pub(crate) const GUID: &str = "a guid, which is kept unless it is asked for";
pub(crate) const KEY: &str = "part of a key";
pub(crate) const PROTECTED: &str = "tells a plugin that this is a copy";
pub(crate) const TOO_LONG: &str = "the rewritten value is too long for the column";
pub(crate) const NO_LETTERS: &str = "the rewritten value has letters that the column's character set may not have";

pub(crate) const COLLIDES: &str =
    "two URLs that are keys of one array become one, which would lose what is under one of them";

/// So many keys of a table are told one by one; what more there are count together.
const MOST_KEYS: usize = 1000;
/// A longer key is cut.
const LONGEST_KEY: usize = 191;

/// Whether a copy that is to leave nothing may leave what is left for this reason: a mail address is no URL, and what tells
/// a plugin that this is a copy is left on purpose.
pub(crate) fn is_fine(reason: &str) -> bool {
    reason == PROTECTED || reason == Left::Mail.reason()
}

/// By the column's number, the row's key where it has one, and the reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftUrls(BTreeMap<(usize, Option<Box<str>>, &'static str), u64>);

impl LeftUrls {
    pub(crate) fn count(&mut self, column: usize, key: Option<&[u8]>, reason: &'static str) {
        let key = key.map(|key| String::from_utf8_lossy(key).chars().take(LONGEST_KEY).collect::<String>().into());
        self.add_values((column, key, reason), 1);
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (what, values) in other.0 {
            self.add_values(what, values);
        }
    }

    fn add_values(&mut self, (column, key, reason): (usize, Option<Box<str>>, &'static str), values: u64) {
        let is_listed = self.0.len() < MOST_KEYS || self.0.contains_key(&(column, key.clone(), reason));
        *self.0.entry((column, key.filter(|_| is_listed), reason)).or_default() += values;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Option<&str>, &'static str, u64)> {
        self.0.iter().map(|((column, key, reason), values)| (*column, key.as_deref(), *reason, *values))
    }

    /// The same in words, for a table of this name.
    pub(crate) fn told(&self, table: &Table) -> Vec<LeftUrl> {
        let line = |(column, key, reason, values): (usize, Option<&str>, &'static str, u64)| LeftUrl {
            table: table.label(),
            column: table.columns[column].name.clone(),
            key: key.map(str::to_owned),
            values,
            reason: reason.to_owned(),
        };
        self.iter().map(line).collect()
    }

    /// How many values are left for a reason.
    pub(crate) fn values(&self, reason: &str) -> u64 {
        self.iter().filter(|(_, _, why, _)| *why == reason).map(|(_, _, _, values)| values).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_number_are_counted_together() {
        let mut left = LeftUrls::default();
        for i in 0..MOST_KEYS + 500 {
            left.count(1, Some(format!("key {i}").as_bytes()), NEVER);
        }
        let mut all = LeftUrls::default();
        all.count(1, None, KEY);
        all.add(left);
        assert_eq!((all.values(NEVER), all.values(KEY)), (MOST_KEYS as u64 + 500, 1));
        assert!(all.iter().count() <= MOST_KEYS + 1);
    }
}
