//! What is done to the rows of a table of this server's: the transform that all copies share, behind what makes UTF-8 of values, and
//! the search through rows that are there.

use bytes::BytesMut;

use super::letters;
use super::relation::{Relation, Travel};
use super::wire::{self, Wire};
use crate::copying::row::{Field as _, Row as _, RowFormat as _};
use crate::copying::search::RowSearch;
use crate::copying::transform::{Transform, TransformCounts};
use crate::data::tables::Column;
use crate::masking::residue::ResidueCounts;
use crate::mysql::session::fault::Fault;

/// The transform of one table's rows.
pub(crate) struct RowTransform<'a> {
    transform: Transform<'a, Wire>,
    spelling: Spelling<'a>,
    changed: BytesMut,
}

impl<'a> RowTransform<'a> {
    pub(crate) fn of(relation: &'a Relation, transform: Transform<'a, Wire>) -> Self {
        Self { transform, spelling: Spelling::of(relation), changed: BytesMut::new() }
    }

    pub(crate) fn into_counts(self) -> TransformCounts {
        self.transform.into_counts()
    }

    /// Whether something in these raw bytes of a row may have to change.
    pub(crate) fn may_change(&self, raw: &[u8]) -> bool {
        self.transform.may_change(raw)
    }

    /// How many bytes [`Self::may_change`] must see together to be sure.
    pub(crate) fn longest_needle(&self) -> usize {
        self.transform.longest_needle()
    }

    /// Appends the row as it is to be sent. The answer is whether it is: one that is left behind appends nothing.
    pub(crate) fn apply(&mut self, row: &[u8], out: &mut BytesMut) -> Result<bool, Fault> {
        if self.spelling.is_plain() {
            return Ok(self.transform.apply(row, out));
        }
        self.changed.clear();
        let read = self.spelling.read(row);
        if !self.transform.apply(read, &mut self.changed) {
            return Ok(false);
        }
        if *self.changed == *read {
            out.extend_from_slice(row);
            return Ok(true);
        }
        self.spelling.spell(row, &self.changed, out)?;
        Ok(true)
    }
}

/// The search through one table's rows.
pub(crate) struct TableSearch<'a> {
    search: RowSearch<'a, Wire>,
    spelling: Spelling<'a>,
}

impl<'a> TableSearch<'a> {
    /// Nothing where nobody is masked.
    pub(crate) fn of(relation: &'a Relation) -> Option<Self> {
        let places = relation.places.as_ref()?;
        Some(Self { search: RowSearch::new(&relation.table, places, Wire), spelling: Spelling::of(relation) })
    }

    pub(crate) fn row(&mut self, row: &[u8]) {
        if self.spelling.is_plain() {
            self.search.row(row);
        } else {
            self.search.row(self.spelling.read(row));
        }
    }

    /// Counts a row that is too long to be held.
    pub(crate) fn skip(&mut self) {
        self.search.skip();
    }

    pub(crate) fn into_counts(self) -> ResidueCounts {
        self.search.counts
    }
}

/// What of a table's values is spelled in another way than it is read.
struct Spelling<'a> {
    relation: &'a Relation,
    /// By column, whether the server keeps no blanks at the end of a value.
    are_stripped: Vec<bool>,
    /// A row as it is read.
    read: BytesMut,
}

impl<'a> Spelling<'a> {
    fn of(relation: &'a Relation) -> Self {
        let is_stripped = |column: &Column| column.type_name.starts_with("char(");
        let are_stripped = relation.table.columns.iter().map(is_stripped).collect();
        Self { relation, are_stripped, read: BytesMut::new() }
    }

    /// Whether all values are sent as they come out of the transform.
    fn is_plain(&self) -> bool {
        !self.relation.travels.contains(&Travel::AsLatin) && !self.are_stripped.contains(&true)
    }

    /// A row whose values are UTF-8; one that is garbled is left, for others to refuse.
    fn read<'r>(&'r mut self, row: &'r [u8]) -> &'r [u8] {
        let Some(whole) = Wire.row(row, &self.relation.table.columns) else { return row };
        self.read.clear();
        for ((_, field), travel) in whole.fields().zip(&*self.relation.travels) {
            match (field.raw(), travel) {
                (Some(value), Travel::AsLatin) => wire::put(Some(&letters::read(value)), &mut self.read),
                (value, _) => wire::put(value, &mut self.read),
            }
        }
        &self.read
    }

    /// Appends a row that was changed, with what is as it was in the bytes in which it came.
    fn spell(&self, row: &[u8], changed: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        let columns = &self.relation.table.columns;
        let (Some(old), Some(new)) = (Wire.row(row, columns), Wire.row(changed, columns)) else {
            return Err(Fault::of_answer("a row has not the fields that it should have"));
        };
        let ways = self.relation.travels.iter().zip(&self.are_stripped);
        for (((_, old), (_, new)), (travel, is_stripped)) in old.fields().zip(new.fields()).zip(ways) {
            let Some(value) = new.raw() else {
                wire::put(None, out);
                continue;
            };
            let before = old.raw().unwrap_or_default();
            let read = if *travel == Travel::AsLatin { letters::read(before) } else { before.into() };
            if old.raw().is_some() && *read == *value {
                wire::put(Some(before), out);
                continue;
            }
            let blanks = if *is_stripped { value.iter().rev().take_while(|byte| **byte == b' ').count() } else { 0 };
            let value = value.get(..value.len() - blanks).unwrap_or_default();
            let spelled =
                if *travel == Travel::AsLatin { letters::spelled(value, before) } else { Some(value.to_vec()) };
            let no_room = || Fault::of_answer("a value was given letters for which its column has no room");
            wire::put(Some(&spelled.ok_or_else(no_room)?), out);
        }
        Ok(())
    }
}
