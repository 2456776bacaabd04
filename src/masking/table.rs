//! The mask of one table: its rules, the nets of its columns, and what these take.

use std::collections::HashSet;
use std::sync::Arc;

use roaring::RoaringTreemap;
use wildmatch::WildMatch;

use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Letters, Table};
use crate::formats::json;
use crate::masking::nets::unknown::wordpress::Titles;
use crate::masking::nets::{Net, Nets, unknown};
use crate::masking::row_masker::NewValue;
use crate::masking::transformers::ValueLimits;
use crate::rewriting::wordpress;

/// Who made a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Caller,
    Preset,
}

/// A rule as it is for one table.
#[derive(Clone, Debug)]
pub(crate) struct TableRule {
    /// `None`: the rule is for whole rows.
    pub(crate) column: Option<usize>,
    pub(crate) condition: Option<Condition>,
    pub(crate) transformer: Transformer,
    /// What `set` puts there.
    pub(crate) value: Vec<u8>,
    pub(crate) because: Option<String>,
    pub(crate) origin: Origin,
    /// Whether it speaks of this table alone, and not of all that it is a part of.
    pub(crate) is_only: bool,
}

/// A condition on the value of a column.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) column: usize,
    pub(crate) expected: Expected,
}

/// What a value must be.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    Exactly(String),
    Glob(WildMatch),
    /// Users whose logins stay.
    KeptUser(Arc<HashSet<String>>),
    /// Ids of published posts.
    Published(Arc<RoaringTreemap>),
    /// Choices of which there are few.
    Choice(Arc<HashSet<String>>),
    /// What published posts and rates are called.
    Title(Arc<Titles>),
}

impl Expected {
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Exactly(text) => text.as_bytes() == value,
            Self::Glob(glob) => std::str::from_utf8(value).is_ok_and(|value| glob.matches(value)),
            Self::Choice(choices) => std::str::from_utf8(value).is_ok_and(|value| choices.contains(value)),
            Self::Title(titles) => std::str::from_utf8(value).is_ok_and(|value| titles.hold(value)),
            Self::KeptUser(ids) => std::str::from_utf8(value).is_ok_and(|value| ids.contains(value)),
            Self::Published(ids) => {
                std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()).is_some_and(|id| ids.contains(id))
            }
        }
    }
}

/// What a column takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ColumnLimits {
    pub(super) value: ValueLimits,
    /// Whether nothing is NULL there, not an empty text.
    pub(super) is_emptied_by_null: bool,
    /// Whether the server puts the members of objects into an order of its own.
    pub(super) orders_members: bool,
    max_bytes: Option<usize>,
    letters: Letters,
}

impl ColumnLimits {
    fn of(column: &Column) -> Self {
        // What is made for a value has hardly a letter of more than one byte.
        let max_chars = column.max_chars.into_iter().chain(column.max_bytes).min();
        Self {
            value: ValueLimits { max_chars, is_unique: column.is_unique, keeps_form: false },
            is_emptied_by_null: !column.column_type.is_plain_text() || column.is_unique && column.is_nullable,
            orders_members: column.column_type == ColumnType::NormalizedJson,
            max_bytes: column.max_bytes,
            letters: column.letters,
        }
    }

    /// A value as the column takes it, that a net has made of another.
    pub(super) fn fitted(self, nets: &Nets, old: &[u8], new: Vec<u8>) -> NewValue {
        match self.value.fitted(nets, old, new) {
            Some(new) => self.held(old, self.ordered(new)),
            None => self.emptied(),
        }
    }

    fn emptied(self) -> NewValue {
        if self.is_emptied_by_null { NewValue::Null } else { NewValue::Value(Vec::new()) }
    }

    /// A value with the letters and the bytes for which the column has room.
    pub(super) fn held(self, old: &[u8], new: Vec<u8>) -> NewValue {
        let mut new = self.letters.fitted(old, new);
        let Some(max) = self.max_bytes.filter(|max| *max < new.len()) else { return NewValue::Value(new) };
        // Half a structure is none.
        let is_structure = matches!(new.first(), Some(b'{' | b'[' | b'<' | b'"')) || new.get(1) == Some(&b':');
        if is_structure {
            return self.emptied();
        }
        let end = (0..=max).rev().find(|end| new.get(*end).is_none_or(|byte| byte & 0xc0 != 0x80));
        new.truncate(end.unwrap_or(0));
        NewValue::Value(new)
    }

    /// A value as the server would give it back: a key that is masked may have its place elsewhere.
    pub(super) fn ordered(self, new: Vec<u8>) -> Vec<u8> {
        if self.orders_members { json::in_server_order(new) } else { new }
    }
}

/// The nets of a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnNet {
    pub(crate) net: Net,
    /// Whether it is known for what it is, so that nothing needs to be judged.
    pub(crate) is_known: bool,
    /// Whether rows are told apart by it, so that programs look its values up word for word.
    pub(crate) is_key: bool,
    /// Whether its values are those of a key elsewhere that stay, as its name tells.
    pub(crate) is_linked: bool,
    /// Rows in which another one holds, those of which one of each list of conditions is true; the first that fits.
    pub(crate) in_rows: Vec<(Vec<Vec<Condition>>, Net)>,
}

impl ColumnNet {
    /// Puts a net in the place of another one, in whatever rows that holds.
    pub(crate) fn put(&mut self, old: Net, new: Net) {
        let in_rows = self.in_rows.iter_mut().map(|(_, net)| net);
        in_rows.chain([&mut self.net]).filter(|net| **net == old).for_each(|net| *net = new);
    }

    /// Puts a net in the place of the one that closes, in the rows of which one of each list of conditions is true.
    pub(crate) fn put_where(&mut self, conditions: Vec<Vec<Condition>>, new: Net) {
        let mut in_rows = Vec::with_capacity(self.in_rows.len() + 1);
        for (mut when, net) in std::mem::take(&mut self.in_rows) {
            if net == Net::Close && new == Net::Words {
                let closed = when.clone();
                when.extend(conditions.iter().cloned());
                in_rows.push((when, new));
                in_rows.push((closed, net));
            } else {
                in_rows.push((when, net));
            }
        }
        in_rows.push((conditions, new));
        self.in_rows = in_rows;
    }

    /// Whether some of its values are choices.
    pub(crate) fn has_choices(&self) -> bool {
        let mut conditions = self.in_rows.iter().flat_map(|(when, _)| when.iter().flatten());
        conditions.any(|when| matches!(when.expected, Expected::Choice(_)))
    }

    /// Whether one holds in some row.
    pub(crate) fn holds(&self) -> bool {
        self.net != Net::None || self.in_rows.iter().any(|(_, net)| *net != Net::None)
    }
}

/// The rules of one table.
#[derive(Clone, Debug)]
pub(crate) struct TableMask {
    pub(crate) nets: Arc<Nets>,
    /// In order: the first that fits a value holds.
    pub(crate) rules: Vec<TableRule>,
    /// By column, what holds for values that no rule speaks of.
    pub(crate) column_nets: Vec<ColumnNet>,
    pub(crate) limits: Vec<ColumnLimits>,
    /// By column, the name of its values where no key names them.
    pub(crate) names: Vec<Box<str>>,
    /// Whether nothing tells what the table is about, so that it is closed as soon as a value in it is somebody's.
    pub(crate) may_close: bool,
    /// Whether it is content by its name or columns, so that it is closed when a column has the addresses of people.
    pub(crate) is_content: bool,
    /// The column by which rules are chosen, as `meta_key` is.
    pub(crate) key_column: Option<usize>,
    /// Whether that column names what the row's value is.
    pub(crate) key_names_value: bool,
}

impl TableMask {
    /// The mask that these rules are for a table.
    pub(crate) fn of(table: &Table, rules: Vec<TableRule>, nets: &Arc<Nets>) -> Self {
        let named = table.columns.iter().position(|column| wordpress::is_key_column(&column.name));
        let named = named.or_else(|| unknown::key_column(table));
        let tested = rules.iter().filter_map(|rule| rule.condition.as_ref());
        let first = tested
            .filter(|condition| !matches!(condition.expected, Expected::KeptUser(_) | Expected::Published(_)))
            .map(|condition| condition.column)
            .next();
        Self {
            nets: nets.clone(),
            rules,
            column_nets: vec![ColumnNet::default(); table.columns.len()],
            limits: table.columns.iter().map(ColumnLimits::of).collect(),
            names: table.columns.iter().map(|column| column.name.as_str().into()).collect(),
            may_close: false,
            is_content: false,
            key_column: named.or(first),
            key_names_value: named.is_some(),
        }
    }

    /// Leaves what no rule speaks of in a column as it is.
    pub(crate) fn take_net_off(&mut self, column: usize) {
        if !self.rules.iter().any(|rule| rule.column == Some(column)) {
            self.column_nets[column] = ColumnNet::default();
        }
    }

    /// Whether the net of a column, and of a key in it, is known by its name.
    pub(crate) fn is_named(&self, column: usize, key: Option<&str>) -> bool {
        let nets = &self.column_nets[column];
        // What a sample has told is not known by its name.
        let is_judged = |when: &Condition| matches!(when.expected, Expected::Choice(_));
        let named = nets.in_rows.iter().filter(|(_, net)| *net != Net::Words);
        let mut conditions =
            named.map(|(when, _)| when.iter().flatten()).filter(|when| !when.clone().any(is_judged)).flatten();
        nets.is_known
            && key.is_none_or(|key| {
                conditions.any(|when| Some(when.column) == self.key_column && when.expected.holds(key.as_bytes()))
            })
    }

    /// Whether a rule or a net goes by a column.
    pub(crate) fn tests(&self, column: usize) -> bool {
        let nets = self.column_nets.iter().flat_map(|nets| &nets.in_rows).flat_map(|(when, _)| when.iter().flatten());
        let rules = self.rules.iter().filter_map(|rule| rule.condition.as_ref());
        rules.chain(nets).any(|condition| condition.column == column)
    }

    /// Makes the strangers of a column keep the form of what they stand for, where there are such.
    pub(crate) fn keep_form(&mut self, column: usize) {
        self.limits[column].value.keeps_form = true;
    }
}

/// What rules and masks of tests have alike.
#[cfg(any(test, fuzzing))]
impl TableRule {
    /// A rule of a caller's, whose `set` puts the word `set` there.
    pub(crate) fn of_test(column: Option<usize>, condition: Option<Condition>, transformer: Transformer) -> Self {
        let (value, because) = (b"set".to_vec(), None);
        Self { column, condition, transformer, value, because, origin: Origin::Caller, is_only: false }
    }
}

#[cfg(any(test, fuzzing))]
impl TableMask {
    /// The mask that these rules are for so many columns without nets; `key_column` names what the others are.
    pub(crate) fn of_test(rules: Vec<TableRule>, columns: usize, key_column: Option<usize>) -> Self {
        Self {
            nets: Nets::new(crate::masking::key::Key::random()),
            rules,
            column_nets: Vec::new(),
            limits: vec![ColumnLimits::default(); columns],
            names: vec!["".into(); columns],
            may_close: false,
            is_content: false,
            key_column,
            key_names_value: key_column.is_some(),
        }
    }
}
