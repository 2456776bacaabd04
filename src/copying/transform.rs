//! What happens to a row on its way: per column, mask, rewrite or keep. A row that no rule is about and that has no old
//! host in it passes as it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::BytesMut;

use super::row::{Field, Row as _, RowFormat};
use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Table};
use crate::masking::nets::NetCounts;
use crate::masking::table::{NewValue, RowDecision, RowMasker, TableMask};
use crate::rewriting::Rewriter;
use crate::rewriting::wordpress;

pub(crate) const NO_TEXT: &str = "not a text column";
pub(crate) const NEVER: &str = "never rewritten";
pub(crate) const KEY: &str = "part of a key";
pub(crate) const PROTECTED: &str = "tells a plugin that this is a copy";
pub(crate) const TOO_LONG: &str = "the rewritten value is too long for the column";

/// Whether a column is rewritten.
enum ColumnRewrite {
    Rewrite,
    /// Left as it is, for this reason.
    Leave(&'static str),
}

/// What became of one table's values, or of a part of them, in numbers.
#[derive(Debug, Default)]
pub(crate) struct TransformCounts {
    pub(crate) rewritten: u64,
    pub(crate) malformed: u64,
    /// Values left with an old host in them, by column and reason.
    pub(crate) left: BTreeMap<(usize, &'static str), u64>,
    /// Values that each rule of the table's mask has changed or kept, or rows that it left behind.
    pub(crate) masked: Vec<u64>,
    /// By column, what the nets have changed.
    pub(crate) nets: Vec<NetCounts>,
    /// Switches that look live and are left, by column, key and path.
    pub(crate) live: BTreeSet<(usize, String, String)>,
}

impl TransformCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.rewritten += other.rewritten;
        self.malformed += other.malformed;
        for (what, values) in other.left {
            *self.left.entry(what).or_default() += values;
        }
        self.masked.resize(self.masked.len().max(other.masked.len()), 0);
        for (all, more) in self.masked.iter_mut().zip(other.masked) {
            *all += more;
        }
        self.nets.resize(self.nets.len().max(other.nets.len()), NetCounts::default());
        self.nets.iter_mut().zip(other.nets).for_each(|(all, more)| all.add(more));
        self.live.extend(other.live);
    }

    pub(crate) fn overflow(&self) -> u64 {
        self.left.iter().filter(|((_, reason), _)| *reason == TOO_LONG).map(|(_, values)| values).sum()
    }
}

/// What holds for all fields of a row.
#[derive(Clone, Copy, Default)]
struct RowFlags {
    is_masked: bool,
    may_rewrite: bool,
    is_protected: bool,
}

/// The transform of one table's rows.
pub(crate) struct Transform<'a, F> {
    rewriter: &'a Rewriter,
    columns: &'a [Column],
    format: F,
    /// By column.
    rewrites: Vec<ColumnRewrite>,
    /// The column that names what the row's value is, as `option_name` does.
    key_column: Option<usize>,
    masks: Option<RowMasker>,
    pub(crate) counts: TransformCounts,
}

/// Whether a table's rows are looked into at all.
pub(crate) fn is_needed(table: &Table, mask: Option<&Arc<TableMask>>, rewriter: &Rewriter) -> bool {
    (!rewriter.is_empty() || mask.is_some()) && !table.columns.is_empty()
}

impl<'a, F: RowFormat> Transform<'a, F> {
    /// The transform of a table, or `None` when its rows pass as they are.
    pub(crate) fn of(
        table: &'a Table,
        mask: Option<&Arc<TableMask>>,
        rewriter: &'a Rewriter,
        format: F,
    ) -> Option<Self> {
        is_needed(table, mask, rewriter).then(|| Self {
            rewriter,
            columns: &table.columns,
            format,
            rewrites: table.columns.iter().map(column_rewrite).collect(),
            key_column: table.columns.iter().position(|column| wordpress::is_key_column(&column.name)),
            counts: TransformCounts {
                masked: vec![0; mask.map_or(0, |mask| mask.rules.len())],
                ..TransformCounts::default()
            },
            masks: mask.cloned().map(RowMasker::new),
        })
    }

    /// What became of the values of all rows.
    pub(crate) fn into_counts(mut self) -> TransformCounts {
        if let Some(masks) = self.masks {
            (self.counts.nets, self.counts.live) = (masks.net_counts, masks.live);
        }
        self.counts
    }

    /// Whether something in these raw bytes of a row may have to change.
    pub(crate) fn may_change(&self, raw: &[u8]) -> bool {
        // Which rules are about a row shows only when it is there as a whole.
        self.masks.is_some() || self.rewriter.may_match(raw)
    }

    /// How many bytes [`Self::may_change`] must see together to be sure.
    pub(crate) fn longest_needle(&self) -> usize {
        self.rewriter.longest_host()
    }

    /// Appends the row as it is to be sent. The answer is whether it is: one that is left behind appends nothing.
    pub(crate) fn apply(&mut self, row: &[u8], out: &mut BytesMut) -> bool {
        let Some(whole) = self.format.row(row, self.columns) else {
            out.extend_from_slice(row);
            return true;
        };
        let decision = match &mut self.masks {
            Some(masks) => masks.decide(|column| whole.field(column).value()),
            None => RowDecision::Unchanged,
        };
        if let RowDecision::Dropped(rule) = decision {
            self.counts.masked[rule] += 1;
            return false;
        }
        let flags = RowFlags {
            is_masked: decision == RowDecision::Masked,
            may_rewrite: self.rewriter.may_match(whole.bytes()),
            ..RowFlags::default()
        };
        if !flags.is_masked && !flags.may_rewrite {
            out.extend_from_slice(row);
            return true;
        }
        let key = self.key_column.and_then(|column| whole.field(column).raw());
        let flags = RowFlags { is_protected: key.is_some_and(wordpress::is_never_rewritten_value), ..flags };
        let begin = whole.begin();
        let mut done = 0;
        // A row may lack fields at its end, which whoever it is for refuses.
        let there = whole.fields().take_while(|(place, _)| place.end <= whole.bytes().len());
        for (i, (place, field)) in there.enumerate() {
            let new = self.new_field(i, field, flags);
            if new != NewValue::Unchanged {
                out.extend_from_slice(&row[done..begin + place.start]);
                let value = if let NewValue::Value(value) = &new { Some(value.as_slice()) } else { None };
                self.format.put(&self.columns[i], value, out);
                done = begin + place.end;
            }
        }
        out.extend_from_slice(&row[done..]);
        true
    }

    fn new_field<'r>(&mut self, i: usize, field: impl Field<'r>, flags: RowFlags) -> NewValue {
        let (new, is_done) = if flags.is_masked { self.masked(i, field) } else { (NewValue::Unchanged, false) };
        if is_done {
            return new;
        }
        let value = match &new {
            NewValue::Value(value) if self.rewriter.may_match(value) => Some(Cow::Borrowed(value.as_slice())),
            NewValue::Unchanged if flags.may_rewrite && field.raw().is_some_and(|raw| self.rewriter.may_match(raw)) => {
                field.value()
            }
            _ => None,
        };
        let Some(value) = value else { return new };
        self.rewritten(i, &value, flags.is_protected).map(NewValue::Value).unwrap_or(new)
    }

    /// What masking makes of a field, and whether that is final.
    fn masked<'r>(&mut self, i: usize, field: impl Field<'r>) -> (NewValue, bool) {
        let Some(masks) = &mut self.masks else { return (NewValue::Unchanged, false) };
        let Some(number) = masks.rule(i) else {
            let value = field.value().map(|value| unpadded(&self.columns[i], value));
            let new = masks.new_value_by_net(i, value.as_deref());
            return (self.padded(i, new), false);
        };
        let transformer = masks.mask().rules[number].transformer;
        let column = &self.columns[i];
        let value = field.value().map(|value| unpadded(column, value));
        let new = masks.new_value(number, value.as_deref());
        let is_kept = transformer == Transformer::Keep && value.is_some_and(|value| !value.is_empty());
        self.counts.masked[number] += u64::from(new != NewValue::Unchanged || is_kept);
        let is_final = new != NewValue::Unchanged && !transformer.is_partial();
        (self.padded(i, new), is_final)
    }

    fn padded(&self, i: usize, new: NewValue) -> NewValue {
        if let NewValue::Value(value) = new { NewValue::Value(padded(&self.columns[i], value)) } else { new }
    }

    /// The rewritten value, if it changes.
    fn rewritten(&mut self, i: usize, value: &[u8], is_protected: bool) -> Option<Vec<u8>> {
        let rewrite = if is_protected { &ColumnRewrite::Leave(PROTECTED) } else { &self.rewrites[i] };
        if let ColumnRewrite::Leave(reason) = rewrite {
            *self.counts.left.entry((i, reason)).or_default() += 1;
            return None;
        }
        let rewritten = match self.columns[i].column_type {
            ColumnType::NormalizedJson => self.rewriter.rewrite_jsonb(value)?,
            _ => self.rewriter.rewrite(value)?,
        };
        self.counts.malformed += u64::from(rewritten.malformed);
        if rewritten.value == value {
            return None;
        }
        if self.columns[i].max_chars.is_some_and(|max| chars(&rewritten.value) > max) {
            *self.counts.left.entry((i, TOO_LONG)).or_default() += 1;
            return None;
        }
        self.counts.rewritten += 1;
        Some(padded(&self.columns[i], rewritten.value))
    }
}

fn column_rewrite(column: &Column) -> ColumnRewrite {
    match column.column_type {
        column_type if !column_type.is_changed_as_text() => ColumnRewrite::Leave(NO_TEXT),
        _ if wordpress::is_never_rewritten(&column.name) => ColumnRewrite::Leave(NEVER),
        _ if column.is_key => ColumnRewrite::Leave(KEY),
        _ => ColumnRewrite::Rewrite,
    }
}

/// Characters as `varchar(n)` counts them; trailing blanks do not overflow it.
fn chars(value: &[u8]) -> usize {
    let value: Cow<'_, str> = String::from_utf8_lossy(value);
    value.trim_end_matches(' ').chars().count()
}

/// The value of a `char(n)` without the blanks that fill it up.
fn unpadded<'v>(column: &Column, value: Cow<'v, [u8]>) -> Cow<'v, [u8]> {
    if column.column_type != ColumnType::PaddedText {
        return value;
    }
    let len = value.len() - value.iter().rev().take_while(|b| **b == b' ').count();
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(&value[..len]),
        Cow::Owned(value) => Cow::Owned(value[..len].to_vec()),
    }
}

/// The value as a `char(n)` gives it back.
fn padded(column: &Column, mut value: Vec<u8>) -> Vec<u8> {
    if let Some(max) = column.max_chars.filter(|_| column.column_type == ColumnType::PaddedText) {
        value.truncate(value.len() - value.iter().rev().take_while(|b| **b == b' ').count());
        let missing = max.saturating_sub(chars(&value));
        value.resize(value.len() + missing, b' ');
    }
    value
}
