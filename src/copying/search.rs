//! The rows of a copy, searched as they are read back: what of people stands in each value, and whether it should.

use std::sync::Arc;

use super::row::{Field as _, Row as _, RowFormat};
use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Table};
use crate::masking::nets::Net;
use crate::masking::residue::{
    Found, HIDDEN_KEY, Places, ResidueCounts, Searcher, Stays, holds_versions, is_readable, is_searched, unwritable,
};
use crate::masking::row_masker::{RowDecision, RowMasker};
use crate::masking::table::{ColumnNet, Expected};
use crate::rewriting::wordpress;

/// So many places of a table are told apart; what is found in more is counted under their columns.
const MOST_PLACES: usize = 2000;
/// A longer key is no key.
const LONGEST_KEY: usize = 64;

/// Searches the rows of one table.
pub(crate) struct RowSearch<'a, F> {
    table: &'a Table,
    places: &'a Places,
    format: F,
    searcher: Searcher,
    masker: Option<RowMasker>,
    /// By column, whether it is searched.
    searched: Vec<bool>,
    pub(crate) counts: ResidueCounts,
}

impl<'a, F: RowFormat> RowSearch<'a, F> {
    pub(crate) fn new(table: &'a Table, places: &'a Places, format: F) -> Self {
        let is_key = |column: &Column| wordpress::is_key_column(&column.name);
        let named = places.mask.as_ref().filter(|mask| mask.key_names_value).and_then(|mask| mask.key_column);
        Self {
            table,
            places,
            format,
            searcher: Searcher::new(places.nets.clone()),
            masker: places.mask.clone().map(RowMasker::new),
            searched: table.columns.iter().map(|column| is_searched(column.column_type)).collect(),
            counts: ResidueCounts {
                key_column: named.or_else(|| table.columns.iter().position(is_key)),
                ..ResidueCounts::default()
            },
        }
    }

    /// Counts a row that is too long to be held.
    pub(crate) fn skip(&mut self) {
        self.counts.rows += 1;
        self.counts.long_rows += 1;
    }

    /// Searches a row in the bytes in which it came.
    pub(crate) fn row(&mut self, bytes: &[u8]) {
        self.counts.rows += 1;
        let Some(row) = self.format.row(bytes, &self.table.columns) else { return };
        let mut is_decided = false;
        for (column, (_, field)) in row.fields().enumerate() {
            if !self.searched[column] {
                continue;
            }
            let Some(value) = field.value() else { continue };
            let found = match self.table.columns[column].column_type {
                ColumnType::Bytes => self.bytes(column, &value),
                _ => self.searcher.search(&value),
            };
            if found.is_none() {
                continue;
            }
            if let Some(masker) = self.masker.as_mut().filter(|_| !is_decided) {
                let decision = masker.decide(|column| row.field(column).value());
                is_decided = !matches!(decision, RowDecision::Dropped(_));
            }
            let key = self.counts.key_column.filter(|key| *key != column).and_then(|key| row.field(key).value());
            let names = [Some(self.table.columns[column].name.as_bytes()), key.as_deref()];
            let found = if names.into_iter().flatten().any(holds_versions) { found.without_ip() } else { found };
            self.count(column, key.as_deref(), found, is_decided);
        }
    }

    /// What stands in bytes that are text, or would be without compression; any others are told.
    fn bytes(&mut self, column: usize, value: &[u8]) -> Found {
        let decoded = value.strip_prefix(b"\\x").and_then(|hex| data_encoding::HEXLOWER.decode(hex).ok());
        let value = decoded.as_deref().unwrap_or(value);
        if value.is_empty() || is_readable(value) {
            return self.searcher.search(value);
        }
        *self.counts.unread.entry((column, NO_TEXT)).or_default() += 1;
        Found::default()
    }

    fn count(&mut self, column: usize, key: Option<&[u8]>, found: Found, is_decided: bool) {
        if found.is_cut {
            *self.counts.unread.entry((column, TOO_MUCH)).or_default() += 1;
        }
        if found.iter().next().is_none() {
            return;
        }
        let because = self.stays_because(column, is_decided).map(|(stays, because)| (stays, Arc::from(because)));
        let found = if self.is_replaced(column, is_decided) { found.only_known() } else { found };
        let is_full = self.counts.values.len() >= MOST_PLACES;
        let key = key.filter(|_| !is_full).map(|key| self.key(key));
        for identifier in found.iter() {
            *self.counts.values.entry((column, key.clone(), identifier, because.clone())).or_default() += 1;
        }
    }

    /// A key as it may be told: one that says who somebody is is not.
    fn key(&mut self, key: &[u8]) -> Box<str> {
        match std::str::from_utf8(key) {
            Ok(key) if key.len() <= LONGEST_KEY && self.searcher.search(key.as_bytes()).is_none() => key.into(),
            _ => HIDDEN_KEY.into(),
        }
    }

    /// Whether a rule puts a new value in the place of the old one in a column of the row last decided on.
    fn is_replaced(&self, column: usize, is_decided: bool) -> bool {
        let masker = self.masker.as_ref().filter(|_| is_decided);
        let rule = masker.and_then(|masker| Some(&masker.mask().rules[masker.rule(column)?]));
        rule.is_some_and(|rule| rule.transformer != Transformer::Keep && !rule.transformer.is_partial())
    }

    /// Why something may stand in a column of the row last decided on, if it may.
    fn stays_because(&self, column: usize, is_decided: bool) -> Option<(Stays, String)> {
        if self.places.is_emptied {
            return None;
        }
        let table_column = &self.table.columns[column];
        let of_rule = |because: &Option<String>| {
            let because = because.as_ref().map_or("a rule says so", String::as_str);
            (Stays::Rule, because.to_owned())
        };
        if let Some(masker) = self.masker.as_ref().filter(|_| is_decided) {
            if let Some(number) = masker.rule(column) {
                let rule = &masker.mask().rules[number];
                let is_user =
                    matches!(rule.condition.as_ref().map(|condition| &condition.expected), Some(Expected::KeptUser(_)));
                return match rule.transformer {
                    Transformer::Keep if is_user => Some((Stays::KeepUsers, KEPT_USER.to_owned())),
                    // Whoever writes a rule knows what it sets.
                    Transformer::Keep | Transformer::Set => Some(of_rule(&rule.because)),
                    _ => None,
                };
            }
            if masker.net(column) != Net::None {
                return None;
            }
            if has_net(&masker.mask().column_nets[column]) {
                return Some((Stays::Public, PUBLIC.to_owned()));
            }
        } else if self.masker.is_some() {
            // A row that was to be left behind.
            return None;
        }
        let kept = self.places.kept.iter().find(|(kept, _)| *kept == column);
        let kept = kept.map(|(_, because)| of_rule(because));
        let unwritable = || unwritable(table_column).map(|because| (Stays::Unwritable, because));
        kept.or_else(unwritable)
    }
}

const NO_TEXT: &str = "bytes that are no text";
const TOO_MUCH: &str = "more stands in them, one form in another, than is decoded";
const KEPT_USER: &str = "of a user who keeps the login";
const PUBLIC: &str = "production shows it to everyone, or it is nobody's";

/// Whether a net holds for the values of a column in any rows, or none needs to.
fn has_net(column: &ColumnNet) -> bool {
    column.is_known || column.net != Net::None || column.in_rows.iter().any(|(_, net)| *net != Net::None)
}
