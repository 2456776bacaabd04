//! The mask of one table: which rule holds for which value of a row, and what the value becomes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wildmatch::WildMatch;

use crate::contract::transformer::Transformer;
use crate::masking::key::Key;
use crate::masking::transformers::Fit;

/// Keys of rows that are remembered with their rules; a table with more looks them up anew.
const MOST_REMEMBERED: usize = 4096;
/// Values that are remembered with what they became, and how long they may be.
const VALUES_REMEMBERED: usize = 2048;
const LONGEST_REMEMBERED: usize = 128;

/// Who made a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Own,
    Preset,
}

/// A rule as it is for one table.
#[derive(Debug)]
pub(crate) struct MaskRule {
    /// `None`: the rule is for whole rows.
    pub(crate) column: Option<usize>,
    pub(crate) test: Option<Test>,
    pub(crate) transformer: Transformer,
    /// What `set` puts there.
    pub(crate) value: Vec<u8>,
    pub(crate) because: Option<String>,
    pub(crate) origin: Origin,
}

/// A condition on the value of a column.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) column: usize,
    pub(crate) wants: Wants,
}

/// What a value must be.
#[derive(Debug)]
pub(crate) enum Wants {
    Exactly(String),
    Glob(WildMatch),
    /// Users whose logins stay.
    KeptUser(Arc<HashSet<String>>),
}

impl Wants {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Exactly(text) => text.as_bytes() == value,
            Self::Glob(glob) => std::str::from_utf8(value).is_ok_and(|value| glob.matches(value)),
            Self::KeptUser(ids) => std::str::from_utf8(value).is_ok_and(|value| ids.contains(value)),
        }
    }
}

/// What a column takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) fit: Fit,
    /// Whether nothing is NULL there, not an empty text.
    pub(crate) is_emptied_by_null: bool,
}

/// The rules of one table.
#[derive(Debug)]
pub(crate) struct TableMask {
    pub(crate) key: Key,
    /// In order: the first that fits a value holds.
    pub(crate) rules: Vec<MaskRule>,
    pub(crate) slots: Vec<Slot>,
    /// The column by which rules are chosen, as `meta_key` is.
    pub(crate) switch: Option<usize>,
    /// Whether that column names what the row's value is.
    pub(crate) switch_is_name: bool,
}

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum New {
    Stays,
    Null,
    Value(Vec<u8>),
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No rule is about it.
    Stays,
    /// It is left behind, by this rule.
    Dropped(usize),
    /// See [`Chooser::rule`].
    Changes,
}

/// The rules for the rows of one key.
#[derive(Default)]
struct Chosen {
    /// Those whose test on the switch holds, or that have none on it.
    rules: Vec<usize>,
    name: String,
}

/// A value, and what it became.
#[derive(Default)]
struct Remembered {
    /// The number of its rule, plus one.
    rule: usize,
    old: Vec<u8>,
    new: Option<Vec<u8>>,
}

/// Chooses the rules of rows; one for each part of a table, since it remembers what it met.
pub(crate) struct Chooser {
    mask: Arc<TableMask>,
    met: HashMap<Box<[u8]>, usize>,
    chosen: Vec<Chosen>,
    /// Which of `chosen` holds for the row.
    current: usize,
    /// The rule of each column of the row.
    by_column: Vec<Option<usize>>,
    /// By a hash of rule and value; the next of the same hash takes the place.
    values: Vec<Remembered>,
}

impl Chooser {
    pub(crate) fn new(mask: Arc<TableMask>) -> Self {
        let mut chooser = Self {
            by_column: vec![None; mask.slots.len()],
            mask,
            met: HashMap::new(),
            chosen: Vec::new(),
            current: 0,
            values: Vec::new(),
        };
        // For rows whose key is NULL, and for all where there is no switch.
        let first = chooser.choose_by(None);
        chooser.chosen.push(first);
        chooser.chosen.push(Chosen::default());
        chooser
    }

    pub(crate) fn mask(&self) -> &TableMask {
        &self.mask
    }

    /// The verdict on a row; `value` gives a column's value, `None` for NULL.
    pub(crate) fn look<'r>(&mut self, value: impl Fn(usize) -> Option<Cow<'r, [u8]>>) -> Verdict {
        self.current = match self.mask.switch.and_then(&value) {
            None => 0,
            Some(key) => self.find(&key),
        };
        let (mask, chosen) = (&*self.mask, &self.chosen[self.current]);
        if chosen.rules.is_empty() {
            return Verdict::Stays;
        }
        self.by_column.fill(None);
        let mut is_any = false;
        for number in &chosen.rules {
            let rule = &mask.rules[*number];
            let test = rule.test.as_ref().filter(|test| Some(test.column) != mask.switch);
            if test.is_some_and(|test| !value(test.column).is_some_and(|value| test.wants.holds(&value))) {
                continue;
            }
            match (rule.column, rule.transformer) {
                (None, Transformer::DropRows) => return Verdict::Dropped(*number),
                (None, _) => break,
                (Some(column), _) => {
                    self.by_column[column].get_or_insert(*number);
                    is_any = true;
                }
            }
        }
        if is_any { Verdict::Changes } else { Verdict::Stays }
    }

    /// The rule for a column of the row last looked at.
    pub(crate) fn rule(&self, column: usize) -> Option<usize> {
        self.by_column[column]
    }

    /// The value that a rule puts in the place of another.
    pub(crate) fn new_value(&mut self, number: usize, value: Option<&[u8]>) -> New {
        let rule = &self.mask.rules[number];
        if let Some(value) = value.filter(|value| value.len() <= LONGEST_REMEMBERED)
            && rule.transformer.is_of_value_alone()
        {
            return self.remembered(number, value);
        }
        self.made(number, value)
    }

    /// The same for a value that may have been met before: people come again, and towns even more so.
    fn remembered(&mut self, number: usize, value: &[u8]) -> New {
        if self.values.is_empty() {
            self.values.resize_with(VALUES_REMEMBERED, Remembered::default);
        }
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(value, number as u64);
        let place = (hash % VALUES_REMEMBERED as u64) as usize;
        let known = &self.values[place];
        if known.rule != number + 1 || known.old != value {
            let new = self.made(number, Some(value));
            let known = &mut self.values[place];
            known.rule = number + 1;
            known.old.clear();
            known.old.extend_from_slice(value);
            known.new = match &new {
                New::Value(new) => Some(new.clone()),
                _ => None,
            };
            return new;
        }
        known.new.clone().map_or(New::Stays, New::Value)
    }

    fn made(&self, number: usize, value: Option<&[u8]>) -> New {
        let rule = &self.mask.rules[number];
        let slot = rule.column.map(|column| self.mask.slots[column]).unwrap_or_default();
        match (rule.transformer, value) {
            (Transformer::Set, value) if value == Some(&rule.value) => New::Stays,
            (Transformer::Set, _) => New::Value(rule.value.clone()),
            (Transformer::Keep, _) | (_, None) => New::Stays,
            (Transformer::Empty, Some(_)) if slot.is_emptied_by_null => New::Null,
            (Transformer::Empty, Some(b"")) => New::Stays,
            (Transformer::Empty, Some(_)) => New::Value(Vec::new()),
            (transformer, Some(value)) => {
                let name = &self.chosen[self.current].name;
                transformer.masked(&self.mask.key, name, value, slot.fit).map_or(New::Stays, New::Value)
            }
        }
    }

    fn find(&mut self, key: &[u8]) -> usize {
        if let Some(known) = self.met.get(key) {
            return *known;
        }
        let chosen = self.choose_by(Some(key));
        if self.met.len() == MOST_REMEMBERED {
            self.chosen[1] = chosen;
            return 1;
        }
        self.chosen.push(chosen);
        self.met.insert(key.into(), self.chosen.len() - 1);
        self.chosen.len() - 1
    }

    fn choose_by(&self, key: Option<&[u8]>) -> Chosen {
        let holds = |rule: &MaskRule| match &rule.test {
            Some(test) if Some(test.column) == self.mask.switch => key.is_some_and(|key| test.wants.holds(key)),
            _ => true,
        };
        let rules = &self.mask.rules;
        let is_named = self.mask.switch_is_name;
        Chosen {
            rules: (0..rules.len()).filter(|number| holds(&rules[*number])).collect(),
            name: key.filter(|_| is_named).map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
