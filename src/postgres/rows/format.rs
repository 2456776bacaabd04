//! Rows of a COPY, as text or in binary: where their fields are, and what stands in them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{BufMut as _, BytesMut};

use crate::copying::row::{Field, Row, RowFormat};
use crate::data::tables::{Column, ColumnType};

/// How a binary COPY begins; flags and the length of an extension follow, both always 0. No row can begin like it: it
/// would have 20,551 columns.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// How long all that is before the first row of a binary COPY.
pub(crate) const HEADER_BYTES: usize = SIGNATURE.len() + 8;
/// How a binary COPY ends.
const END: &[u8] = b"\xff\xff";
/// How long a field is, before it in binary.
const LEN_BYTES: usize = 4;
/// How many fields there are, before them in binary.
const COUNT_BYTES: usize = 2;

/// How rows travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyFormat {
    Text,
    Binary,
}

impl CopyFormat {
    /// Tells the row in a message from what stands around the rows of a COPY; the end has no row.
    pub(crate) fn row_in(self, message: &[u8]) -> (&[u8], Option<&[u8]>) {
        match self {
            Self::Text => (&[], Some(message)),
            Self::Binary => {
                let begin = if message.starts_with(SIGNATURE) { HEADER_BYTES.min(message.len()) } else { 0 };
                let (header, row) = message.split_at(begin);
                if row == END { (message, None) } else { (header, Some(row)) }
            }
        }
    }
}

impl RowFormat for CopyFormat {
    type Row<'r> = CopyRow<'r>;

    fn row<'r>(self, bytes: &'r [u8], columns: &'r [Column]) -> Option<CopyRow<'r>> {
        CopyRow::of(bytes, columns, self)
    }

    fn put(self, column: &Column, value: Option<&[u8]>, out: &mut BytesMut) {
        match (self, value) {
            (Self::Text, None) => out.extend_from_slice(b"\\N"),
            (Self::Text, Some(value)) => escape_into(value, out),
            (Self::Binary, None) => out.put_i32(-1),
            (Self::Binary, Some(value)) => {
                let version: &[u8] =
                    if column.column_type == ColumnType::NormalizedJson { &[JSONB_VERSION] } else { &[] };
                out.put_i32(i32::try_from(version.len() + value.len()).unwrap_or(i32::MAX));
                out.extend_from_slice(version);
                out.extend_from_slice(value);
            }
        }
    }
}

/// The only version of a `jsonb` in binary, which stands before its text.
const JSONB_VERSION: u8 = 1;

/// A row, as it travels.
#[derive(Clone, Copy)]
pub(crate) struct CopyRow<'r> {
    /// Without the end of its line, or the number of its fields.
    bytes: &'r [u8],
    columns: &'r [Column],
    format: CopyFormat,
}

/// A field of a row.
#[derive(Clone, Copy)]
pub(crate) struct CopyField<'r> {
    /// As it travels; `None` is NULL.
    raw: Option<&'r [u8]>,
    column: &'r Column,
    format: CopyFormat,
}

impl<'r> Field<'r> for CopyField<'r> {
    fn raw(self) -> Option<&'r [u8]> {
        self.raw
    }

    /// In binary only texts and whole numbers have a value.
    fn value(self) -> Option<Cow<'r, [u8]>> {
        let raw = self.raw?;
        Some(match (self.format, self.column.column_type) {
            (CopyFormat::Text, _) if memchr::memchr(b'\\', raw).is_some() => Cow::Owned(unescape(raw)),
            (CopyFormat::Binary, ColumnType::NormalizedJson) => Cow::Borrowed(raw.get(1..).unwrap_or_default()),
            (CopyFormat::Binary, column_type) if column_type.is_integer() => {
                Cow::Owned(integer(raw).to_string().into_bytes())
            }
            _ => Cow::Borrowed(raw),
        })
    }
}

impl<'r> CopyRow<'r> {
    /// `None` when the bytes are no whole row of these columns.
    fn of(bytes: &'r [u8], columns: &'r [Column], format: CopyFormat) -> Option<Self> {
        let bytes = match format {
            CopyFormat::Text => bytes.strip_suffix(b"\n")?,
            CopyFormat::Binary => {
                let (count, fields) = bytes.split_first_chunk::<COUNT_BYTES>()?;
                (usize::from(u16::from_be_bytes(*count)) == columns.len()).then_some(fields)?
            }
        };
        Some(Self { bytes, columns, format })
    }

    /// The field that begins at `start`, with all that belongs to it.
    fn next(&self, start: usize) -> (Range<usize>, Option<&'r [u8]>) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        match self.format {
            CopyFormat::Text => {
                let len = memchr::memchr(b'\t', rest).unwrap_or(rest.len());
                (start..start + len, Some(&rest[..len]).filter(|raw| *raw != b"\\N"))
            }
            CopyFormat::Binary => {
                let Some((len, rest)) = rest.split_first_chunk::<LEN_BYTES>() else {
                    return (start..self.bytes.len(), None);
                };
                // A length under zero is NULL's.
                let Ok(len) = usize::try_from(i32::from_be_bytes(*len)) else {
                    return (start..start + LEN_BYTES, None);
                };
                let raw = &rest[..len.min(rest.len())];
                (start..start + LEN_BYTES + raw.len(), Some(raw))
            }
        }
    }
}

impl<'r> Row<'r> for CopyRow<'r> {
    type Field = CopyField<'r>;

    fn begin(&self) -> usize {
        if self.format == CopyFormat::Binary { COUNT_BYTES } else { 0 }
    }

    fn bytes(&self) -> &'r [u8] {
        self.bytes
    }

    fn fields(&self) -> impl Iterator<Item = (Range<usize>, CopyField<'r>)> + use<'r> {
        let row = *self;
        let mut start = 0;
        row.columns.iter().map(move |column| {
            let (range, raw) = row.next(start);
            start = if row.format == CopyFormat::Text { range.end + 1 } else { range.end };
            (range, CopyField { raw, column, format: row.format })
        })
    }

    fn field(&self, number: usize) -> CopyField<'r> {
        let (column, format) = (&self.columns[number], self.format);
        let raw = match format {
            CopyFormat::Text => {
                Some(text_field(self.bytes, number, self.columns.len() - 1)).filter(|raw| *raw != b"\\N")
            }
            CopyFormat::Binary => {
                let start = (0..number).fold(0, |start, _| self.next(start).0.end);
                self.next(start).1
            }
        };
        CopyField { raw, column, format }
    }
}

/// The first field's value, of a row of which only the beginning may be there.
pub(crate) fn first_field<'r>(begin: &'r [u8], columns: &'r [Column], format: CopyFormat) -> Option<Cow<'r, [u8]>> {
    let bytes = begin.get(if format == CopyFormat::Binary { COUNT_BYTES } else { 0 }..)?;
    let raw = CopyRow { bytes, columns, format }.next(0).1;
    let field = CopyField { raw, column: columns.first()?, format };
    Field::value(field)
}

/// A whole number of two, four or eight bytes.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

/// `last` is the number of the last field, for the shorter way there.
fn text_field(line: &[u8], number: usize, last: usize) -> &[u8] {
    if number * 2 > last {
        let mut end = line.len();
        for _ in number..last {
            end = memchr::memrchr(b'\t', &line[..end]).unwrap_or(0);
        }
        let start = memchr::memrchr(b'\t', &line[..end]).map_or(0, |tab| tab + 1);
        return &line[start..end];
    }
    let mut start = 0;
    for _ in 0..number {
        start = memchr::memchr(b'\t', &line[start..]).map_or(line.len(), |tab| start + tab + 1);
    }
    let end = memchr::memchr(b'\t', &line[start..]).map_or(line.len(), |tab| start + tab);
    &line[start..end]
}

/// The value that a field of text stands for.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        value.extend_from_slice(&rest[..at]);
        let Some(escaped) = rest.get(at + 1) else { return value };
        value.push(match escaped {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            other => *other,
        });
        rest = &rest[at + 2..];
    }
    value.extend_from_slice(rest);
    value
}

/// Writes a value as a field of text, exactly as the server would: the rows are compared with what it gives back.
fn escape_into(value: &[u8], field: &mut BytesMut) {
    // Most stretches of a value need nothing, which a compiler can find out for a whole one at once.
    for stretch in value.chunks(64) {
        let found = stretch.iter().fold(0, |found, byte| found | u8::from(*byte < b' ') | u8::from(*byte == b'\\'));
        if found == 0 {
            field.extend_from_slice(stretch);
            continue;
        }
        let mut plain = 0;
        for (at, byte) in stretch.iter().enumerate() {
            let Some(letter) = escape_letter(*byte) else { continue };
            field.extend_from_slice(&stretch[plain..at]);
            field.extend_from_slice(&[b'\\', letter]);
            plain = at + 1;
        }
        field.extend_from_slice(&stretch[plain..]);
    }
}

fn escape_letter(byte: u8) -> Option<u8> {
    Some(match byte {
        8 => b'b',
        12 => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        11 => b'v',
        b'\\' => b'\\',
        _ => return None,
    })
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
