//! Which columns of a table tell whom the site knows: those whose values are masked as a person's, by a rule or by a net.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::Gatherer;
use super::known::mixed;
use crate::contract::transformer::Transformer;
use crate::data::tables::Table;
use crate::formats::{self, FieldPath, Scalar, ValueEditor};
use crate::masking::assignment::Assignment;
use crate::masking::row_masker::{RowDecision, RowMasker};
use crate::masking::table::TableMask;
use crate::masking::values;

/// What of a table is read for the dictionary.
pub(crate) struct PeopleColumns {
    /// The columns that tell somebody, and those that decide on them.
    pub(crate) read: Vec<usize>,
    /// Those that tell somebody.
    told: Vec<usize>,
    names: Vec<String>,
    /// None where the rows stay behind.
    masker: Option<RowMasker>,
    /// The column that names what a row's value is.
    pub(crate) key: Option<usize>,
    /// The column by which the rows of one person are known, where each has many.
    whose: Option<usize>,
    /// Users whose logins are kept, and the column with their ids.
    kept: Option<(usize, Arc<HashSet<String>>)>,
    rows: u64,
}

/// What the values of a key tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Nothing,
    /// Nothing, but for what has a structure.
    Within,
    Somebody,
}

impl PeopleColumns {
    /// `None` when nothing in a table tells who somebody is.
    pub(crate) fn of(
        table: &Table,
        assignment: &Assignment,
        kept: Option<(usize, Arc<HashSet<String>>)>,
    ) -> Option<Self> {
        let is_text = |column: &usize| table.columns[*column].column_type.is_changed_as_text();
        let named = |column: &usize| values::personal(&table.columns[*column].name).is_some_and(Gatherer::takes);
        let mask = assignment.mask.as_ref().filter(|_| assignment.emptied.is_none());
        let all = 0..table.columns.len();
        let told: Vec<usize> = match mask {
            None if assignment.emptied.is_none() => Vec::new(),
            None => all.filter(is_text).filter(named).collect(),
            Some(mask) => all.filter(is_text).filter(|column| tells(mask, *column)).collect(),
        };
        if told.is_empty() {
            return None;
        }
        let key = mask.filter(|mask| mask.key_names_value).and_then(|mask| mask.key_column);
        let is_owner = |column: &usize| {
            let column = &table.columns[*column];
            column.column_type.is_integer() && column.name.to_lowercase().ends_with("_id")
        };
        let whose = key.and_then(|_| (1..table.columns.len()).find(is_owner));
        let rules = mask.iter().flat_map(|mask| &mask.rules);
        let tested = rules.filter_map(|rule| rule.condition.as_ref()).map(|condition| condition.column);
        let nets = mask.iter().flat_map(|mask| &mask.column_nets).flat_map(|column| &column.in_rows);
        let deciding: BTreeSet<usize> = told
            .iter()
            .copied()
            .chain(tested)
            .chain(nets.flat_map(|(conditions, _)| conditions.iter().flatten()).map(|condition| condition.column))
            .chain(mask.and_then(|mask| mask.key_column))
            .chain(whose)
            .chain(kept.as_ref().map(|(column, _)| *column))
            .collect();
        Some(Self {
            read: deciding.into_iter().collect(),
            told,
            names: table.columns.iter().map(|column| column.name.clone()).collect(),
            masker: mask.cloned().map(RowMasker::new),
            key,
            whose,
            kept,
            rows: 0,
        })
    }

    /// The columns whose values a key names.
    pub(crate) fn of_keys(&self) -> impl Iterator<Item = usize> {
        self.told.iter().copied().filter(|column| Some(*column) != self.key)
    }

    /// What the values of a key tell, whatever else stands in their rows.
    pub(crate) fn told_by_key(&mut self, key: &str) -> Told {
        let (Some(masker), Some(key_column)) = (&mut self.masker, self.key) else { return Told::Somebody };
        let decision = masker.decide(|column| (column == key_column).then_some(Cow::Borrowed(key.as_bytes())));
        if decision != RowDecision::Masked {
            return Told::Nothing;
        }
        let told = self.told.iter().map(|column| match asked(masker, *column) {
            Some(transformer) if Gatherer::takes(transformer) => Told::Somebody,
            Some(_) if values::personal(key).is_some_and(Gatherer::takes) => Told::Somebody,
            Some(_) => Told::Within,
            None => Told::Nothing,
        });
        told.max().unwrap_or(Told::Nothing)
    }

    /// Takes what a row tells; `value` gives a column's value, `None` for NULL.
    pub(crate) fn take<'r>(&mut self, gatherer: &mut Gatherer, value: impl Fn(usize) -> Option<Cow<'r, [u8]>>) {
        self.rows += 1;
        if let Some((column, ids)) = &self.kept {
            let id = value(*column).map(|id| String::from_utf8_lossy(&id).into_owned());
            gatherer.set_kept(id.is_some_and(|id| ids.contains(&id)));
        }
        let row = self.whose.and_then(&value).map_or(self.rows, |whose| xxh3_64(&whose));
        let key = self.key.and_then(&value);
        let key = key.as_deref().map(String::from_utf8_lossy);
        if self.masker.as_mut().is_some_and(|masker| masker.decide(&value) != RowDecision::Masked) {
            return;
        }
        for column in &self.told {
            let Some(transformer) =
                self.masker.as_ref().map_or(Some(Transformer::Inside), |masker| asked(masker, *column))
            else {
                continue;
            };
            let Some(text) = value(*column) else { continue };
            let name = key.as_deref().filter(|_| self.key != Some(*column)).unwrap_or(&self.names[*column]);
            match std::str::from_utf8(&text) {
                Ok(readable) if Gatherer::takes(transformer) => {
                    gatherer.take(values::by_value(transformer, &text), name, row, readable);
                }
                _ => within(gatherer, name, row, &text),
            }
        }
        gatherer.set_kept(false);
    }
}

/// Whether a column may tell somebody in some row.
fn tells(mask: &TableMask, column: usize) -> bool {
    let by_rule = mask.rules.iter().any(|rule| {
        rule.column == Some(column) && (Gatherer::takes(rule.transformer) || rule.transformer == Transformer::Inside)
    });
    let net = &mask.column_nets[column];
    let is_closed = net.net.is_closed() || net.in_rows.iter().any(|(_, net)| net.is_closed());
    let is_named_by_key = mask.key_names_value && mask.key_column != Some(column);
    by_rule || is_closed && (is_named_by_key || values::personal(&mask.names[column]).is_some_and(Gatherer::takes))
}

/// The transformer that a value is masked by; `Inside` where that is told by names of fields.
fn asked(masker: &RowMasker, column: usize) -> Option<Transformer> {
    let transformer = match masker.rule(column) {
        Some(rule) => masker.mask().rules[rule].transformer,
        None if masker.net(column).is_closed() => Transformer::Inside,
        None => return None,
    };
    (Gatherer::takes(transformer) || transformer == Transformer::Inside).then_some(transformer)
}

/// Takes what the fields within a value tell by their names.
fn within(gatherer: &mut Gatherer, name: &str, row: u64, value: &[u8]) {
    let reader = Within { gatherer: RefCell::new(gatherer), row };
    let path = FieldPath::named(name);
    reader.text(&path, value, 0);
}

struct Within<'g> {
    gatherer: RefCell<&'g mut Gatherer>,
    row: u64,
}

impl ValueEditor for Within<'_> {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        formats::edited(text, path, self, depth).unwrap_or_else(|_| {
            let transformer = values::personal(path.name).filter(|transformer| Gatherer::takes(*transformer))?;
            let readable = std::str::from_utf8(text).ok().filter(|_| values::is_plausible(transformer, text))?;
            let mut around = path.around;
            let mut row = self.row;
            while let Some(path) = around {
                row = mixed(row, xxh3_64(path.name.as_bytes()));
                around = path.around;
            }
            self.gatherer.borrow_mut().take(values::by_value(transformer, text), path.name, row, readable);
            None
        })
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }
}
