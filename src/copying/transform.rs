//! What happens to a row on its way: per column, mask, rewrite or keep. A row that no rule is about and that has no old
//! host in it passes as it is.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;

use super::left_urls;
use super::row::{Field, Row, RowFormat};
pub(crate) use super::transform_counts::TransformCounts;
use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Table, chars};
use crate::masking::row_masker::{NewValue, RowDecision, RowMasker};
use crate::masking::table::TableMask;
use crate::rewriting::{Left, Rewriter, columns, wordpress};

/// Whether a column is rewritten.
enum ColumnRewrite {
    Rewrite,
    /// Left as it is, for this reason.
    Leave(&'static str),
}

/// What holds for all fields of a row.
#[derive(Default)]
struct RowFacts<'r> {
    is_masked: bool,
    may_rewrite: bool,
    /// What names the row's value.
    key: Option<Cow<'r, [u8]>>,
    /// New values of columns that change with others.
    joint: Vec<(usize, NewValue)>,
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
    /// The columns of a site's domain and path.
    address: Option<(usize, usize)>,
    /// A URL's column, and that of its hash.
    hash: Option<(usize, usize)>,
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
        rewrites_guid: bool,
        format: F,
    ) -> Option<Self> {
        is_needed(table, mask, rewriter).then(|| Self {
            rewriter,
            columns: &table.columns,
            format,
            rewrites: table.columns.iter().map(|column| column_rewrite(column, rewrites_guid)).collect(),
            key_column: table.columns.iter().position(|column| wordpress::is_key_column(&column.name)),
            address: columns::address_columns(&table.columns),
            hash: columns::hash_columns(&table.columns),
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
        self.masks.is_some() || self.rewriter.names_host(raw)
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
        let is_masked = decision == RowDecision::Masked;
        let may_rewrite = self.rewriter.may_match(whole.bytes());
        if !is_masked && !may_rewrite {
            out.extend_from_slice(row);
            return true;
        }
        let mut facts = RowFacts { is_masked, may_rewrite, ..RowFacts::default() };
        if may_rewrite {
            facts.key = self.key_column.and_then(|column| whole.field(column).value());
            facts.joint = self.joint(&whole);
        }
        let begin = whole.begin();
        let mut done = 0;
        // A row may lack fields at its end, which whoever it is for refuses.
        let there = whole.fields().take_while(|(place, _)| place.end <= whole.bytes().len());
        for (i, (place, field)) in there.enumerate() {
            let new = self.new_field(i, field, &mut facts);
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

    /// What columns become that change with others: a site's domain and path, and the hash of a URL, which becomes nothing,
    /// since whoever reads it makes it anew.
    fn joint(&mut self, row: &F::Row<'_>) -> Vec<(usize, NewValue)> {
        let mut joint = Vec::new();
        let value = |column: usize| row.field(column).value();
        if let Some((domain, path)) = self.address
            && let (Some(old_domain), Some(old_path)) = (value(domain), value(path))
            && let Some((new_domain, new_path)) = self.rewriter.address(&old_domain, &old_path)
            && self.fits(domain, &old_domain, &new_domain)
            && self.fits(path, &old_path, &new_path)
        {
            self.counts.rewritten += 1 + u64::from(*new_path != *old_path);
            joint.push((domain, NewValue::Value(padded(&self.columns[domain], new_domain))));
            joint.push((path, NewValue::Value(padded(&self.columns[path], new_path))));
        }
        if let Some((url, hash)) = self.hash
            && let Some(old) = value(url)
            && let Some(new) = self.rewriter.rewrite(&old)
            && new.value != *old
            && self.fits(url, &old, &new.value)
        {
            let none = if self.columns[hash].is_nullable { NewValue::Null } else { NewValue::Value(Vec::new()) };
            joint.push((hash, none));
        }
        joint
    }

    fn fits(&self, column: usize, old: &[u8], new: &[u8]) -> bool {
        let column = &self.columns[column];
        column.has_room(new) && column.letters.hold(old, new)
    }

    fn new_field<'r>(&mut self, i: usize, field: impl Field<'r>, facts: &mut RowFacts<'_>) -> NewValue {
        let (new, is_done) = if facts.is_masked { self.masked(i, field) } else { (NewValue::Unchanged, false) };
        if is_done {
            return new;
        }
        if let Some(at) = facts.joint.iter().position(|(column, _)| *column == i) {
            return facts.joint.swap_remove(at).1;
        }
        let value = match &new {
            NewValue::Value(value) if self.rewriter.may_match(value) => Some(Cow::Borrowed(value.as_slice())),
            NewValue::Unchanged if facts.may_rewrite && field.raw().is_some_and(|raw| self.rewriter.may_match(raw)) => {
                field.value()
            }
            _ => None,
        };
        let Some(value) = value else { return new };
        let key = facts.key.as_deref().filter(|_| self.key_column != Some(i));
        self.rewritten(i, &value, key).map(NewValue::Value).unwrap_or(new)
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
    fn rewritten(&mut self, i: usize, value: &[u8], key: Option<&[u8]>) -> Option<Vec<u8>> {
        let rewritten = match self.columns[i].column_type {
            ColumnType::NormalizedJson => self.rewriter.rewrite_jsonb(value)?,
            ColumnType::TextList if &*self.columns[i].type_name == "hstore" => self.rewriter.rewrite_hstore(value)?,
            _ => self.rewriter.rewrite(value)?,
        };
        let is_changed = rewritten.value != value;
        let stays = match self.rewrites[i] {
            _ if key.is_some_and(wordpress::is_never_rewritten_value) => Some(left_urls::PROTECTED),
            ColumnRewrite::Leave(reason) => Some(reason),
            ColumnRewrite::Rewrite => {
                self.counts.malformed += u64::from(rewritten.malformed);
                let column = &self.columns[i];
                let has_room = column.has_room(&rewritten.value);
                let has_letters = column.letters.hold(value, &rewritten.value);
                let reason = if has_room { left_urls::NO_LETTERS } else { left_urls::TOO_LONG };
                (is_changed && !(has_room && has_letters)).then_some(reason)
            }
        };
        let is_named = is_changed || rewritten.left.is_some_and(|left| left != Left::Mail);
        let left = stays.filter(|_| is_named).or(rewritten.left.map(Left::reason));
        if let Some(reason) = left {
            self.counts.left.count(i, key, reason);
        }
        if stays.is_some() || !is_changed {
            return None;
        }
        if rewritten.collides {
            self.counts.collided.count(i, key, left_urls::COLLIDES);
        }
        self.counts.rewritten += 1;
        Some(padded(&self.columns[i], rewritten.value))
    }
}

fn column_rewrite(column: &Column, rewrites_guid: bool) -> ColumnRewrite {
    match column.column_type {
        column_type if !column_type.is_changed_as_text() && column_type != ColumnType::TextList => {
            ColumnRewrite::Leave(left_urls::NO_TEXT)
        }
        _ if wordpress::is_guid(&column.name) && !rewrites_guid => ColumnRewrite::Leave(left_urls::GUID),
        _ if wordpress::is_never_rewritten(&column.name) => ColumnRewrite::Leave(left_urls::NEVER),
        _ if column.is_key => ColumnRewrite::Leave(left_urls::KEY),
        _ => ColumnRewrite::Rewrite,
    }
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
