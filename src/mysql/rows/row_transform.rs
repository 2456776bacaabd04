//! What is done to the rows of a table of this server's: the transform that all copies share, behind what makes UTF-8 of values, and
//! the search through rows that are there.

use std::borrow::Cow;

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

    /// What people will know a row by that begins with these bytes, if that is a number: whatever else it begins with is somebody's data.
    pub(crate) fn number_of(&self, row: &[u8]) -> String {
        let first = self.spelling.relation.table.columns.first().filter(|column| column.column_type.is_integer());
        let number = first.and_then(|_| wire::first(row));
        number.map_or("a row".to_owned(), |number| format!("row `{}`", String::from_utf8_lossy(number)))
    }

    /// Appends the row as it is to be sent. The answer is whether it is: one that is left behind appends nothing.
    pub(crate) fn apply(&mut self, row: &[u8], out: &mut BytesMut) -> Result<bool, Fault> {
        self.changed.clear();
        if self.spelling.reads_as_it_is {
            let begin = out.len();
            let is_sent = self.transform.apply(row, out);
            if !is_sent || self.spelling.spells_as_it_is || out[begin..] == *row {
                return Ok(is_sent);
            }
            self.changed.extend_from_slice(&out[begin..]);
            out.truncate(begin);
        } else {
            let read = self.spelling.read(row);
            if !self.transform.apply(read, &mut self.changed) {
                return Ok(false);
            }
            if *self.changed == *read {
                out.extend_from_slice(row);
                return Ok(true);
            }
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
        self.search.row(self.spelling.read(row));
    }

    /// Counts a row that is too long to be held.
    pub(crate) fn skip(&mut self) {
        self.search.skip();
    }

    pub(crate) fn into_counts(self) -> ResidueCounts {
        self.search.counts
    }
}

/// How the server gives a new value back, and so how it must be sent to be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    AsItIs,
    /// Without blanks at its end.
    Stripped,
    /// A day and a time with so many digits behind the second; `true`, where there is none before 1970.
    Time(usize, bool),
}

impl Kept {
    fn of(column: &Column) -> Self {
        let name = &*column.type_name;
        let digits = name.find('(').and_then(|at| name.get(at + 1..)?.trim_end_matches(')').parse().ok());
        match name.split('(').next().unwrap_or_default() {
            "char" => Self::Stripped,
            "datetime" => Self::Time(digits.unwrap_or(0), false),
            "timestamp" => Self::Time(digits.unwrap_or(0), true),
            _ => Self::AsItIs,
        }
    }

    fn spelled<'v>(self, new: &'v [u8], old: &'v [u8]) -> Cow<'v, [u8]> {
        match self {
            Self::AsItIs => new.into(),
            Self::Stripped => {
                let blanks = new.iter().rev().take_while(|byte| **byte == b' ').count();
                new.get(..new.len() - blanks).unwrap_or_default().into()
            }
            // No day is nobody's.
            Self::Time(..) if old.starts_with(b"0000-") => old.into(),
            Self::Time(digits, is_since_1970) => {
                let mut time = String::from_utf8_lossy(new).replace('T', " ");
                if time.len() == "1970-01-01".len() {
                    time.push_str(" 00:00:00");
                }
                if is_since_1970 && time.starts_with("1970-01-01 00:00:00") {
                    time.replace_range("1970-01-01 00:00:0".len().."1970-01-01 00:00:00".len(), "1");
                }
                if digits > 0 && !time.contains('.') {
                    time.push('.');
                    time.push_str(&"0".repeat(digits));
                }
                Cow::Owned(time.into_bytes())
            }
        }
    }
}

/// What of a table's values is spelled in another way than it is read.
struct Spelling<'a> {
    relation: &'a Relation,
    /// By column.
    kept: Vec<Kept>,
    /// Whether all values are looked into as they come.
    reads_as_it_is: bool,
    /// Whether new values are sent as they come out of the transform.
    spells_as_it_is: bool,
    /// A row as it is read.
    read: BytesMut,
}

impl<'a> Spelling<'a> {
    fn of(relation: &'a Relation) -> Self {
        let kept: Vec<_> = relation.table.columns.iter().map(Kept::of).collect();
        let reads_as_it_is = !relation.travels.contains(&Travel::AsLatin);
        let spells_as_it_is = reads_as_it_is && kept.iter().all(|kept| *kept == Kept::AsItIs);
        Self { relation, kept, reads_as_it_is, spells_as_it_is, read: BytesMut::new() }
    }

    /// A row whose values are UTF-8; one that is garbled is left, for others to refuse.
    fn read<'r>(&'r mut self, row: &'r [u8]) -> &'r [u8] {
        if self.reads_as_it_is {
            return row;
        }
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
        let ways = self.relation.travels.iter().zip(&self.kept);
        for (((_, old), (_, new)), (travel, kept)) in old.fields().zip(new.fields()).zip(ways) {
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
            let value = kept.spelled(value, before);
            let spelled =
                if *travel == Travel::AsLatin { letters::spelled(&value, before) } else { Some(value.into_owned()) };
            let no_room = || Fault::of_answer("a value was given letters for which its column has no room");
            wire::put(Some(&spelled.ok_or_else(no_room)?), out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_value_is_sent_as_the_server_gives_it_back() {
        for (type_name, old, new, sent) in [
            ("char(9)", "", "a  ", "a"),
            ("varchar(9)", "", "a  ", "a  "),
            ("datetime", "1984-07-23 10:00:00", "1984-01-01 00:00:00", "1984-01-01 00:00:00"),
            ("datetime(3)", "1984-07-23 10:00:00.123", "1984-01-01 00:00:00", "1984-01-01 00:00:00.000"),
            ("timestamp", "1970-03-03 10:00:00", "1970-01-01 00:00:00", "1970-01-01 00:00:01"),
            ("timestamp(6)", "x", "1970-01-01", "1970-01-01 00:00:01.000000"),
            ("datetime(6)", "0000-00-00 00:00:00.000000", "0000-01-01 00:00:00", "0000-00-00 00:00:00.000000"),
        ] {
            let column = Column { type_name: type_name.into(), ..crate::data::tables::tests::column("c") };
            let spelled = Kept::of(&column).spelled(new.as_bytes(), old.as_bytes()).into_owned();
            assert_eq!(String::from_utf8(spelled).unwrap(), sent, "{type_name} {new}");
        }
    }
}
