//! Fields of COPY text: where they end, and what their escapes stand for.

use bytes::BytesMut;

/// The fields of a row without its line end.
pub(super) fn fields(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    row.split(|byte| *byte == b'\t')
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
