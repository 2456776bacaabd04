//! What PHP's `serialize()` writes. `tokens` reads the parts that count their bytes, wherever they stand; `value` puts
//! them together to a whole value, so that both hold the same of every part.

mod lenient;
pub(crate) mod tokens;
mod value;

pub(crate) use lenient::edited_in_part;
pub(crate) use value::{edited, len};

use super::{FieldPath, Unchanged};

/// Whether a value begins as a serialized one does and cannot be read to its end: a count is wrong, or its end is
/// missing, as those lack it that lost what stood behind a NUL byte on their way into Postgres.
pub(crate) fn is_broken(value: &[u8]) -> bool {
    begins(value) && edited(value, &FieldPath::named(""), &Unchanged, 0).is_err()
}

/// Whether a value begins as a serialized one does.
fn begins(value: &[u8]) -> bool {
    let [kind @ (b'a' | b'O' | b'C' | b's' | b'S' | b'E'), b':', rest @ ..] = value.trim_ascii_start() else {
        return false;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let open = if *kind == b'a' { b'{' } else { b'"' };
    digits > 0 && rest[digits..].starts_with(&[b':', open])
}
