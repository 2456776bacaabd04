//! Rows under a mask: which rule or net holds for which value of a row, and what the value becomes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::contract::transformer::Transformer;
use crate::masking::met::Met;
use crate::masking::nets::{Net, NetCounts};
use crate::masking::switches::LiveSwitch;
use crate::masking::table::{ColumnNet, Condition, TableMask, TableRule};
use crate::masking::values::ValueMasker;

/// Keys of rows that are remembered with their rules; a table with more looks them up anew.
const MOST_REMEMBERED: usize = 4096;
/// Where the rules of any other key stand, one after the other.
const OTHER_KEY: usize = 1;
/// Switches that are named as live, of one table.
const MOST_LIVE: usize = 500;

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewValue {
    Unchanged,
    Null,
    Value(Vec<u8>),
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowDecision {
    /// No rule is about it.
    Unchanged,
    /// It is left behind, by this rule.
    Dropped(usize),
    /// Some of its columns have a rule: see [`RowMasker::rule`].
    Masked,
}

/// The rules for the rows of one key.
#[derive(Default)]
struct KeyRules {
    /// Those whose condition on the key column holds, or that have none on it.
    rules: Vec<usize>,
    /// Columns, and the places of what holds in some of their rows and may hold in these.
    nets: Vec<(usize, usize)>,
    name: String,
}

/// What made a value new, as far as that depends on nothing but the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Rule(usize),
    Net { net: Net, column: usize, key: usize },
}

/// Chooses the rules of rows; one for each part of a table, since it remembers what it met.
pub(crate) struct RowMasker {
    mask: Arc<TableMask>,
    known_keys: HashMap<Box<[u8]>, usize>,
    by_key: Vec<KeyRules>,
    /// Which of `by_key` holds for the row.
    current: usize,
    /// The rule of each column of the row.
    by_column: Vec<Option<usize>>,
    /// The net of each column of the row.
    nets: Vec<Net>,
    has_nets: bool,
    /// By column, how many texts the nets changed.
    pub(crate) net_counts: Vec<NetCounts>,
    /// Switches that look live and that nothing tells how to put off, by column and key.
    pub(crate) live: BTreeSet<(usize, String, LiveSwitch)>,
    met: Met<Maker, (NewValue, NetCounts)>,
}

impl RowMasker {
    pub(crate) fn new(mask: Arc<TableMask>) -> Self {
        let mut masker = Self {
            by_column: vec![None; mask.limits.len()],
            nets: vec![Net::None; mask.limits.len()],
            has_nets: mask.column_nets.iter().any(ColumnNet::holds),
            net_counts: vec![NetCounts::default(); mask.limits.len()],
            live: BTreeSet::new(),
            mask,
            known_keys: HashMap::new(),
            by_key: Vec::new(),
            current: 0,
            met: Met::none(),
        };
        // For rows whose key is NULL, and for all where there is no key column.
        let first = masker.choose_by(None);
        masker.by_key.push(first);
        masker.by_key.push(KeyRules::default());
        masker
    }

    pub(crate) fn mask(&self) -> &TableMask {
        &self.mask
    }

    /// The decision on a row; `value` gives a column's value, `None` for NULL.
    pub(crate) fn decide<'r>(&mut self, value: impl Fn(usize) -> Option<Cow<'r, [u8]>>) -> RowDecision {
        self.current = match self.mask.key_column.and_then(&value) {
            None => 0,
            Some(key) => self.find(&key),
        };
        let (mask, rules) = (&*self.mask, &self.by_key[self.current].rules);
        if rules.is_empty() && !self.has_nets {
            return RowDecision::Unchanged;
        }
        self.by_column.fill(None);
        let mut is_any = false;
        let mut is_whole = false;
        for number in rules {
            let rule = &mask.rules[*number];
            let condition = rule.condition.as_ref().filter(|condition| Some(condition.column) != mask.key_column);
            let holds =
                |condition: &Condition| value(condition.column).is_some_and(|value| condition.expected.holds(&value));
            if condition.is_some_and(|condition| !holds(condition)) {
                continue;
            }
            match (rule.column, rule.transformer) {
                (None, Transformer::DropRows) => return RowDecision::Dropped(*number),
                (None, _) => {
                    is_whole = true;
                    break;
                }
                (Some(column), _) => {
                    self.by_column[column].get_or_insert(*number);
                    is_any = true;
                }
            }
        }
        self.nets.fill(Net::None);
        if self.has_nets && !is_whole {
            is_any |= self.choose_nets(value);
        }
        if is_any { RowDecision::Masked } else { RowDecision::Unchanged }
    }

    /// Chooses the nets of the row's columns that have no rule, and tells whether one holds.
    fn choose_nets<'r>(&mut self, value: impl Fn(usize) -> Option<Cow<'r, [u8]>>) -> bool {
        let (mask, key) = (&*self.mask, &self.by_key[self.current]);
        for ((net, column), rule) in self.nets.iter_mut().zip(&mask.column_nets).zip(&self.by_column) {
            *net = if rule.is_none() { column.net } else { Net::None };
        }
        let holds = |when: &Condition| {
            Some(when.column) == mask.key_column || value(when.column).is_some_and(|value| when.expected.holds(&value))
        };
        let mut done = None;
        for (column, place) in &key.nets {
            if done == Some(*column) || self.by_column[*column].is_some() {
                continue;
            }
            let (when, net) = &mask.column_nets[*column].in_rows[*place];
            if when.iter().all(|one_of| one_of.iter().any(holds)) {
                self.nets[*column] = *net;
                done = Some(*column);
            }
        }
        self.nets.iter().any(|net| *net != Net::None)
    }

    /// The rule for a column of the row last looked at.
    pub(crate) fn rule(&self, column: usize) -> Option<usize> {
        self.by_column[column]
    }

    /// The net of a column of the row last looked at, where no rule holds.
    pub(crate) fn net(&self, column: usize) -> Net {
        self.nets[column]
    }

    /// What the net of a column makes of its value in the row last looked at.
    pub(crate) fn new_value_by_net(&mut self, column: usize, value: Option<&[u8]>) -> NewValue {
        let net = self.nets[column];
        let Some(value) = value.filter(|value| net != Net::None && !value.is_empty()) else {
            return NewValue::Unchanged;
        };
        // The keys that are not remembered share a number.
        let is_known = self.current != OTHER_KEY;
        let maker = is_known.then_some(Maker::Net { net, column, key: self.current });
        let (new, counts) = self.remembered(maker, value, |masker| masker.made_by_net(net, column, value));
        self.net_counts[column].add(counts);
        new
    }

    fn made_by_net(&mut self, net: Net, column: usize, value: &[u8]) -> (NewValue, NetCounts) {
        let named = &self.by_key[self.current].name;
        let is_named_by_key = !named.is_empty() && self.mask.key_column != Some(column);
        let named = if is_named_by_key { named } else { &*self.mask.names[column] };
        let masker = ValueMasker::of(net, &self.mask.nets);
        let new = masker.masked(value, named);
        for live in masker.live() {
            if self.live.len() < MOST_LIVE {
                self.live.insert((column, named.to_owned(), live));
            }
        }
        let counts = masker.counts().of_values(u64::from(new.is_some()));
        let limits = self.mask.limits[column];
        (new.map_or(NewValue::Unchanged, |new| limits.fitted(&self.mask.nets, value, new)), counts)
    }

    /// The value that a rule puts in the place of another.
    pub(crate) fn new_value(&mut self, number: usize, value: Option<&[u8]>) -> NewValue {
        match value {
            Some(value) if self.mask.rules[number].transformer.is_of_value_alone() => {
                let made = |masker: &mut Self| (masker.made(number, Some(value)), NetCounts::default());
                self.remembered(Some(Maker::Rule(number)), value, made).0
            }
            value => self.made(number, value),
        }
    }

    /// A new value for one that may have been met before.
    fn remembered(
        &mut self,
        maker: Option<Maker>,
        value: &[u8],
        make: impl FnOnce(&mut Self) -> (NewValue, NetCounts),
    ) -> (NewValue, NetCounts) {
        let Some(maker) = maker else { return make(self) };
        if let Some(made) = self.met.get(maker, value) {
            return made;
        }
        let made = make(self);
        self.met.put(maker, value, &made);
        made
    }

    fn made(&self, number: usize, value: Option<&[u8]>) -> NewValue {
        let rule = &self.mask.rules[number];
        let limits = rule.column.map(|column| self.mask.limits[column]).unwrap_or_default();
        match (rule.transformer, value) {
            (Transformer::Set, value) if value == Some(&rule.value) => NewValue::Unchanged,
            (Transformer::Set, value) => limits.held(value.unwrap_or_default(), rule.value.clone()),
            (Transformer::Empty, Some(_)) if limits.is_emptied_by_null => NewValue::Null,
            (Transformer::Keep, _) | (_, None) | (Transformer::Empty, Some(b"")) => NewValue::Unchanged,
            (Transformer::Empty, Some(_)) => NewValue::Value(Vec::new()),
            (transformer, Some(value)) => {
                let name = &self.by_key[self.current].name;
                transformer
                    .masked(&self.mask.nets, name, value, limits.value)
                    .map_or(NewValue::Unchanged, |new| limits.held(value, limits.ordered(new)))
            }
        }
    }

    fn find(&mut self, key: &[u8]) -> usize {
        if let Some(known) = self.known_keys.get(key) {
            return *known;
        }
        let rules = self.choose_by(Some(key));
        if self.known_keys.len() == MOST_REMEMBERED {
            self.by_key[OTHER_KEY] = rules;
            return OTHER_KEY;
        }
        self.by_key.push(rules);
        self.known_keys.insert(key.into(), self.by_key.len() - 1);
        self.by_key.len() - 1
    }

    fn choose_by(&self, key: Option<&[u8]>) -> KeyRules {
        let holds = |rule: &TableRule| match &rule.condition {
            Some(condition) if Some(condition.column) == self.mask.key_column => {
                key.is_some_and(|key| condition.expected.holds(key))
            }
            _ => true,
        };
        let rules = &self.mask.rules;
        let is_named = self.mask.key_names_value;
        let may_hold = |one_of: &Vec<Condition>| match one_of.first() {
            Some(first) if Some(first.column) == self.mask.key_column => {
                key.is_some_and(|key| one_of.iter().any(|when| when.expected.holds(key)))
            }
            _ => true,
        };
        let nets = self.mask.column_nets.iter().enumerate().flat_map(|(column, nets)| {
            let may_hold = nets.in_rows.iter().enumerate().filter(|(_, (when, _))| when.iter().all(may_hold));
            may_hold.map(move |(place, _)| (column, place))
        });
        KeyRules {
            rules: (0..rules.len()).filter(|number| holds(&rules[*number])).collect(),
            nets: nets.collect(),
            name: key.filter(|_| is_named).map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "row_masker_tests.rs"]
mod tests;
