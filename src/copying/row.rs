//! The one seam between what every copy does to a row and how a server sends it. All of it is dispatched statically.

use std::borrow::Cow;
use std::ops::Range;

use bytes::BytesMut;

use crate::data::tables::Column;

/// How a server writes rows.
pub(crate) trait RowFormat: Copy {
    type Row<'r>: Row<'r>;

    /// A row in the bytes in which it came; `None` when they are no whole row of these columns.
    fn row<'r>(self, bytes: &'r [u8], columns: &'r [Column]) -> Option<Self::Row<'r>>;

    /// Appends a field; `None` is NULL.
    fn put(self, column: &Column, value: Option<&[u8]>, out: &mut BytesMut);
}

/// A row as it came.
pub(crate) trait Row<'r> {
    type Field: Field<'r>;

    /// Where in the bytes of the row its own begin.
    fn begin(&self) -> usize;

    /// The bytes that fields are ranges of.
    fn bytes(&self) -> &'r [u8];

    /// All fields in order, each with its place.
    fn fields(&self) -> impl Iterator<Item = (Range<usize>, Self::Field)> + use<'r, Self>;

    fn field(&self, number: usize) -> Self::Field;
}

/// A field of a row.
pub(crate) trait Field<'r>: Copy {
    /// As it came; `None` is NULL.
    fn raw(self) -> Option<&'r [u8]>;

    /// The value as its text; `None` is NULL.
    fn value(self) -> Option<Cow<'r, [u8]>>;
}
