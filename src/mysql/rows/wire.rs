//! Rows in the bytes in which a server sends them: fields that say how long they are.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{BufMut as _, BytesMut};

use crate::copying::row::{Field, Row, RowFormat};
use crate::data::tables::Column;

/// What stands for NULL.
pub(super) const NULL: u8 = 0xfb;

/// The one format of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire;

/// The length of a field behind what says so, and how long that is; `None` for NULL. Nothing, where it is garbled or cut.
fn length(bytes: &[u8]) -> Option<(usize, Option<usize>)> {
    let (first, rest) = bytes.split_first()?;
    let of = |len: usize| {
        let mut number = [0; 8];
        number[..len].copy_from_slice(rest.get(..len)?);
        Some((1 + len, Some(usize::try_from(u64::from_le_bytes(number)).ok()?)))
    };
    match first {
        small @ 0..=0xfa => Some((1, Some(usize::from(*small)))),
        &NULL => Some((1, None)),
        0xfc => of(2),
        0xfd => of(3),
        0xfe => of(8),
        0xff => None,
    }
}

/// The first field of a row that begins with these bytes, if it is there as a whole.
pub(crate) fn first(bytes: &[u8]) -> Option<&[u8]> {
    let (head, len) = length(bytes)?;
    bytes.get(head..)?.get(..len?)
}

/// Appends a field.
pub(crate) fn put(value: Option<&[u8]>, out: &mut BytesMut) {
    let Some(value) = value else {
        out.put_u8(NULL);
        return;
    };
    let number = (value.len() as u64).to_le_bytes();
    let (mark, len) = match value.len() {
        0..=0xfa => (None, 1),
        0xfb..=0xffff => (Some(0xfc), 2),
        0x1_0000..=0xff_ffff => (Some(0xfd), 3),
        _ => (Some(0xfe), 8),
    };
    out.extend(mark);
    out.extend_from_slice(&number[..len]);
    out.extend_from_slice(value);
}

impl RowFormat for Wire {
    type Row<'r> = WireRow<'r>;

    fn row<'r>(self, bytes: &'r [u8], columns: &'r [Column]) -> Option<WireRow<'r>> {
        WireRow::of(bytes, columns.len())
    }

    fn put(self, _: &Column, value: Option<&[u8]>, out: &mut BytesMut) {
        put(value, out);
    }
}

impl<'r> WireRow<'r> {
    /// A row of so many columns.
    pub(crate) fn of(bytes: &'r [u8], columns: usize) -> Option<Self> {
        let row = WireRow { bytes, columns };
        let mut end = 0;
        for _ in 0..columns {
            let (head, len) = length(bytes.get(end..)?)?;
            end = end.checked_add(head)?.checked_add(len.unwrap_or(0))?;
        }
        (end == bytes.len()).then_some(row)
    }
}

/// A row, as it travels.
#[derive(Clone, Copy)]
pub(crate) struct WireRow<'r> {
    bytes: &'r [u8],
    columns: usize,
}

/// A field of a row; `None` is NULL.
#[derive(Clone, Copy)]
pub(crate) struct WireField<'r>(Option<&'r [u8]>);

impl<'r> Field<'r> for WireField<'r> {
    fn raw(self) -> Option<&'r [u8]> {
        self.0
    }

    fn value(self) -> Option<Cow<'r, [u8]>> {
        self.0.map(Cow::Borrowed)
    }
}

impl<'r> Row<'r> for WireRow<'r> {
    type Field = WireField<'r>;

    fn begin(&self) -> usize {
        0
    }

    fn bytes(&self) -> &'r [u8] {
        self.bytes
    }

    fn fields(&self) -> impl Iterator<Item = (Range<usize>, WireField<'r>)> + use<'r> {
        let (bytes, mut begin) = (self.bytes, 0);
        (0..self.columns).map_while(move |_| {
            let (head, len) = length(bytes.get(begin..)?)?;
            let value = begin + head..begin + head + len.unwrap_or(0);
            let place = begin..value.end;
            begin = value.end;
            Some((place, WireField(len.and_then(|_| bytes.get(value)))))
        })
    }

    fn field(&self, number: usize) -> WireField<'r> {
        self.fields().nth(number).map_or(WireField(None), |(_, field)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::column;

    #[test]
    fn a_row_is_read_as_it_was_put() {
        let long = [vec![b'x'; 250], vec![b'y'; 251], vec![b'z'; 70_000], vec![0xff; 0x100_0000]];
        let values: Vec<Option<&[u8]>> =
            [Some(&b""[..]), None].into_iter().chain(long.iter().map(|value| Some(value.as_slice()))).collect();
        let columns: Vec<_> = (0..values.len()).map(|number| column(&number.to_string())).collect();
        let mut bytes = BytesMut::new();
        for value in &values {
            put(*value, &mut bytes);
        }
        let row = Wire.row(&bytes, &columns).unwrap();
        assert!(row.fields().map(|(_, field)| field.0).eq(values.iter().copied()));
        assert_eq!(row.field(2).value().unwrap().len(), 250);
        let places: Vec<_> = row.fields().map(|(place, _)| place).collect();
        assert!(
            places.windows(2).all(|pair| pair[0].end == pair[1].start) && places.last().unwrap().end == bytes.len()
        );
        for garbled in [&bytes[..bytes.len() - 1], b"", b"\xff", b"\xfc\x01"] {
            assert!(Wire.row(garbled, &columns).is_none());
        }
        bytes.put_u8(0);
        assert!(Wire.row(&bytes, &columns).is_none(), "a field more");
    }
}
