//! What stands in the packets of an answer: numbers and texts with their lengths, ends, errors and columns.

use super::fault::Fault;

/// What a number begins with that stands for no value.
pub(crate) const NULL: u8 = 0xfb;
pub(super) const OK: u8 = 0x00;
pub(super) const ERROR: u8 = 0xff;
pub(super) const END: u8 = 0xfe;
/// Longer ones that begin alike are rows.
const END_BYTES: usize = 9;
/// So many columns no table has.
const MOST_COLUMNS: u64 = 5000;

/// What a statement without rows came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) affected: u64,
    pub(crate) warnings: u16,
    /// What the server says beside, such as how many records a LOAD has read.
    pub(crate) info: Vec<u8>,
}

/// How a packet goes on.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.bytes(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.bytes(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A number that says how long it is.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            small @ 0..=0xfa => Some(small.into()),
            0xfc => self.u16().map(u64::from),
            0xfd => self.bytes(3).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], 0]))),
            0xfe => self.bytes(8).map(|b| u64::from_le_bytes(b.try_into().expect("these are eight"))),
            _ => None,
        }
    }

    /// A text that says how long it is.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.bytes(len)
    }

    /// A text up to a NUL, which is taken too.
    pub(super) fn until_nul(&mut self) -> Option<&'a [u8]> {
        let len = self.0.iter().position(|b| *b == 0)?;
        let text = self.bytes(len)?;
        self.bytes(1)?;
        Some(text)
    }
}

fn garbled() -> Fault {
    Fault::of_answer("an answer is garbled")
}

/// Reads what follows the mark of a statement's end.
pub(super) fn done(packet: &[u8]) -> Result<Done, Fault> {
    let mut reader = Reader(packet.get(1..).unwrap_or_default());
    let mut read = || {
        let affected = reader.number()?;
        reader.number()?;
        reader.u16()?;
        Some((affected, reader.u16()?))
    };
    let (affected, warnings) = read().ok_or_else(garbled)?;
    let info = if reader.0.is_empty() { Vec::new() } else { reader.text().ok_or_else(garbled)?.to_vec() };
    Ok(Done { affected, warnings, info })
}

/// The count of warnings, where a packet ends a list of columns or rows.
pub(super) fn end(packet: &[u8]) -> Result<Option<u16>, Fault> {
    if packet.first() != Some(&END) || packet.len() >= END_BYTES {
        return Ok(None);
    }
    Reader(&packet[1..]).u16().map(Some).ok_or_else(garbled)
}

/// How many columns an answer has.
pub(super) fn columns(packet: &[u8]) -> Result<u64, Fault> {
    let mut reader = Reader(packet);
    match reader.number() {
        Some(count @ 1..=MOST_COLUMNS) if reader.0.is_empty() => Ok(count),
        _ => Err(garbled()),
    }
}

/// The fields of a row; `None` is NULL.
pub(super) fn fields(row: &[u8], columns: usize) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let mut reader = Reader(row);
    let mut fields = Vec::with_capacity(columns);
    for _ in 0..columns {
        if reader.0.first() == Some(&NULL) {
            reader.byte();
            fields.push(None);
        } else {
            fields.push(Some(reader.text().ok_or_else(garbled)?.to_vec()));
        }
    }
    if reader.0.is_empty() { Ok(fields) } else { Err(garbled()) }
}

/// The error that a packet says; one before the login has no SQLSTATE.
pub(super) fn error(packet: &[u8]) -> Fault {
    let mut reader = Reader(packet.get(1..).unwrap_or_default());
    let Some(number) = reader.u16() else { return garbled() };
    if reader.0.first() == Some(&b'#') {
        reader.bytes(6);
    }
    Fault::said(number, &String::from_utf8_lossy(reader.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_all_their_lengths() {
        for (bytes, number) in [
            (&[0xfa][..], Some(0xfa)),
            (&[0xfc, 1, 2], Some(0x201)),
            (&[0xfd, 1, 2, 3], Some(0x3_0201)),
            (&[0xfe, 1, 0, 0, 0, 0, 0, 0, 1], Some(0x100_0000_0000_0001)),
            (&[0xfb], None),
            (&[0xff], None),
            (&[0xfc, 1], None),
        ] {
            assert_eq!(Reader(bytes).number(), number, "{bytes:?}");
        }
    }

    #[test]
    fn a_row_has_all_its_fields_and_no_more() {
        assert_eq!(fields(b"\x01a\xfb\x00", 3).unwrap(), [Some(b"a".to_vec()), None, Some(Vec::new())]);
        for row in [&b"\x01a\xfb"[..], b"\x01a\xfb\x00\x00", b"\x05a", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert!(fields(row, 3).is_err(), "{row:?}");
        }
    }

    #[test]
    fn an_answer_that_is_garbled_is_told_as_such() {
        assert!(
            done(&[0]).is_err() && done(&[0, 1, 0, 2, 0, 3]).is_err() && done(&[0, 1, 0, 2, 0, 3, 0, 9, b'x']).is_err()
        );
        let read = done(&[0, 1, 0, 2, 0, 3, 0, 1, b'x']).unwrap();
        assert_eq!(read, Done { affected: 1, warnings: 3, info: b"x".to_vec() });
        assert!(
            columns(&[0]).is_err() && columns(&[2, 0]).is_err() && columns(&[0xfe, 0, 0, 0, 1, 0, 0, 0, 0]).is_err()
        );
        assert_eq!(end(&[END, 2, 0, 0, 0]).unwrap(), Some(2));
        assert_eq!(end(&[END, 0, 0, 0, 1, 0, 0, 0, 0, b'x']).unwrap(), None);
        assert!(error(&[ERROR]).to_string().contains("garbled"));
    }
}
