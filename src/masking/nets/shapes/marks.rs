//! Where in a text a shape may begin: at a digit, an `@`, or what stands between a name and its value.

use crate::formats::bytes;

/// The next digit, `@`, `=` or `:`.
pub(super) fn next(text: &[u8], from: usize) -> Option<usize> {
    bytes::next(text, from, |byte| {
        (u8::from(byte.wrapping_sub(b'0') < 11) | u8::from(byte == b'@') | u8::from(byte == b'=')) != 0
    })
}
