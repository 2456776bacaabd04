//! The unknown: what of a value may stay that no rule, shape or person speaks of, in a table that refers to people.

use super::Nets;
use crate::formats::FieldPath;

/// What a text becomes that may be a name or is free text; `None` when it is neither.
pub(crate) fn masked(nets: &Nets, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
    let _ = (nets, path, text);
    None
}
