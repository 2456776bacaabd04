//! A row out of the bytes in which it came into the text of a LOAD, in whatever pieces it comes.

use bytes::{BufMut as _, BytesMut};

use super::wire::NULL;
use crate::mysql::session::fault::Fault;

/// How the text of a LOAD is read: what [`RowWriter`] writes.
pub(crate) const FORMAT: &str = "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'";

/// So many bytes are searched at a time for what must be escaped: in most there is nothing.
const CHUNK_BYTES: usize = 256;

/// Writes rows of so many columns.
pub(crate) struct RowWriter {
    columns: usize,
    /// How many fields of the row have begun.
    begun: usize,
    /// What of a field is still to come.
    left: u64,
    /// What has come of the number that says how long the next field is, and how many bytes it has.
    head: u64,
    head_known: u32,
    head_bytes: u32,
}

impl RowWriter {
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, begun: 0, left: 0, head: 0, head_known: 0, head_bytes: 0 }
    }

    /// Writes a piece of a row.
    pub(crate) fn piece(&mut self, mut piece: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        while let Some(first) = piece.first() {
            if self.left > 0 {
                let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
                escape(&piece[..len], out);
                (self.left, piece) = (self.left - len as u64, &piece[len..]);
                continue;
            }
            let byte = *first;
            piece = &piece[1..];
            if self.head_bytes > 0 {
                self.head |= u64::from(byte) << (8 * self.head_known);
                self.head_known += 1;
                if self.head_known == self.head_bytes {
                    (self.left, self.head, self.head_known, self.head_bytes) = (self.head, 0, 0, 0);
                }
                continue;
            }
            self.begin_field(out)?;
            match byte {
                0..=0xfa => self.left = byte.into(),
                NULL => out.put_slice(b"\\N"),
                0xfc => self.head_bytes = 2,
                0xfd => self.head_bytes = 3,
                0xfe => self.head_bytes = 8,
                0xff => return Err(garbled()),
            }
        }
        Ok(())
    }

    fn begin_field(&mut self, out: &mut BytesMut) -> Result<(), Fault> {
        if self.begun == self.columns {
            return Err(garbled());
        }
        if self.begun > 0 {
            out.put_u8(b'\t');
        }
        self.begun += 1;
        Ok(())
    }

    /// Ends a row.
    pub(crate) fn end(&mut self, out: &mut BytesMut) -> Result<(), Fault> {
        if self.begun != self.columns || self.left > 0 || self.head_bytes > 0 {
            return Err(garbled());
        }
        self.begun = 0;
        out.put_u8(b'\n');
        Ok(())
    }
}

fn garbled() -> Fault {
    Fault::of_answer("a row has not the fields that it should have")
}

/// What must not stand in a field as it is. No part of it waits for another, so that many bytes are looked at in one go.
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator would wait")]
fn is_special(byte: u8) -> bool {
    (byte == b'\t') | (byte == b'\n') | (byte == b'\\') | (byte == 0)
}

fn escape(value: &[u8], out: &mut BytesMut) {
    for chunk in value.chunks(CHUNK_BYTES) {
        if chunk.iter().fold(false, |found, byte| found | is_special(*byte)) {
            escape_each(chunk, out);
        } else {
            out.extend_from_slice(chunk);
        }
    }
}

fn escape_each(value: &[u8], out: &mut BytesMut) {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&rest[..at]);
        let letter = match rest[at] {
            b'\t' => b't',
            b'\n' => b'n',
            0 => b'0',
            other => other,
        };
        out.extend_from_slice(&[b'\\', letter]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a text, NULL, nothing, and bytes.
    fn row() -> Vec<u8> {
        let all: Vec<u8> = (0..=255).collect();
        [b"\x07a\tb\\c\nd\xfb\x00", b"\xfc\x00\x01" as &[u8], &all, b"\xfe\x02\0\0\0\0\0\0\0ok"].concat()
    }

    #[test]
    fn a_row_becomes_the_same_text_in_whatever_pieces_it_comes() {
        let row = row();
        let mut whole = BytesMut::new();
        let mut writer = RowWriter::new(5);
        writer.piece(&row, &mut whole).unwrap();
        writer.end(&mut whole).unwrap();
        assert!(whole.starts_with(b"a\\tb\\\\c\\nd\t\\N\t\t\\0\x01"), "{whole:?}");
        assert!(whole.ends_with(b"\xfe\xff\tok\n"), "{whole:?}");
        for size in [1, 2, 3, 7, 100] {
            let (mut writer, mut out) = (RowWriter::new(5), BytesMut::new());
            for _ in 0..2 {
                for piece in row.chunks(size) {
                    writer.piece(piece, &mut out).unwrap();
                }
                writer.end(&mut out).unwrap();
            }
            assert_eq!(out, [whole.as_ref(), whole.as_ref()].concat(), "{size}");
        }
    }

    #[test]
    fn a_row_that_is_cut_or_has_other_fields_is_refused() {
        let row = row();
        for (columns, row) in [(4, &row[..]), (6, &row), (5, &row[..row.len() - 1]), (1, b"\xff"), (1, b"\xfc\x01")] {
            let (mut writer, mut out) = (RowWriter::new(columns), BytesMut::new());
            let written = writer.piece(row, &mut out).and_then(|()| writer.end(&mut out));
            assert!(written.is_err(), "{columns}");
        }
    }
}
