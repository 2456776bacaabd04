//! Fields of COPY text: where they end, and what their escapes stand for.

use std::borrow::Cow;

use bytes::BytesMut;

/// The field of a row without its line end; `last` is the number of the last one, for the shorter way there.
pub(super) fn field(line: &[u8], number: usize, last: usize) -> &[u8] {
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

/// The value that a field stands for; `None` is NULL.
pub(super) fn value(field: &[u8]) -> Option<Cow<'_, [u8]>> {
    match field {
        b"\\N" => None,
        _ if memchr::memchr(b'\\', field).is_none() => Some(Cow::Borrowed(field)),
        _ => Some(Cow::Owned(unescape(field))),
    }
}

/// Whether a field is NULL.
pub(super) fn is_null(field: &[u8]) -> bool {
    field == b"\\N"
}

/// The value that a field stands for.
pub(super) fn unescape(field: &[u8]) -> Vec<u8> {
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

/// Writes a value as a field, exactly as the server would: the rows are compared with what it gives back.
pub(super) fn escape_into(value: &[u8], field: &mut BytesMut) {
    // Most stretches of a value need nothing, which a compiler can find out for a whole one at once.
    for stretch in value.chunks(64) {
        if !stretch.iter().fold(false, |is_found, byte| is_found | (*byte < b' ') | (*byte == b'\\')) {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_is_found_from_either_end() {
        let line = b"a\t\tccc\t\\N\te";
        for (i, field) in line.split(|byte| *byte == b'\t').enumerate() {
            assert_eq!(super::field(line, i, 4), field, "{i}");
        }
        assert_eq!(super::field(b"alone", 0, 0), b"alone");
        assert_eq!(value(b"\\N"), None);
        assert_eq!(value(b"a\\tb").as_deref(), Some(b"a\tb".as_slice()));
    }

    proptest! {
        #[test]
        fn escaping_is_undone_by_unescaping(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut field = BytesMut::new();
            escape_into(&value, &mut field);
            prop_assert!(!field.contains(&b'\n') && !field.contains(&b'\t'));
            prop_assert_eq!(unescape(&field), value);
        }
    }
}
