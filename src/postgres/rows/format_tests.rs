use proptest::prelude::*;

use super::*;
use crate::data::tables::Letters;

fn column(column_type: ColumnType, type_name: &str) -> Column {
    Column {
        name: "c".to_owned(),
        column_type,
        max_chars: None,
        max_bytes: None,
        letters: Letters::All,
        is_key: false,
        is_unique: false,
        is_nullable: true,
        type_name: type_name.into(),
    }
}

#[test]
fn a_field_is_found_from_either_end() {
    let columns: Vec<_> = (0..5).map(|_| column(ColumnType::Text, "text")).collect();
    let row = CopyRow::of(b"a\t\tcc\\tc\t\\N\te\n", &columns, CopyFormat::Text).unwrap();
    let values = [Some("a"), Some(""), Some("cc\tc"), None, Some("e")];
    for ((i, value), (place, field)) in values.into_iter().enumerate().zip(row.fields()) {
        let value = value.map(str::as_bytes);
        assert_eq!(row.field(i).value().as_deref(), value, "{i}");
        assert_eq!(field.value().as_deref(), value, "{i}");
        assert_eq!(field.raw.unwrap_or(b"\\N"), &row.bytes()[place], "{i}");
    }
    assert!(CopyRow::of(b"no end", &columns, CopyFormat::Text).is_none());
}

#[test]
fn a_binary_row_is_written_as_it_is_read() {
    let columns = [
        column(ColumnType::Text, "text"),
        column(ColumnType::LongInteger, "int8"),
        column(ColumnType::NormalizedJson, "jsonb"),
        column(ColumnType::Integer, "int2"),
    ];
    let mut row = BytesMut::new();
    row.put_u16(4);
    CopyFormat::Binary.put(&columns[0], Some(b"a\tb\\"), &mut row);
    CopyFormat::Binary.put(&columns[1], Some(&(-5_i64).to_be_bytes()), &mut row);
    CopyFormat::Binary.put(&columns[2], Some(b"{}"), &mut row);
    CopyFormat::Binary.put(&columns[3], None, &mut row);
    let row = CopyRow::of(&row, &columns, CopyFormat::Binary).unwrap();
    let values = [Some("a\tb\\"), Some("-5"), Some("{}"), None].map(|value| value.map(str::as_bytes));
    assert!(row.fields().map(|(_, field)| field).zip(values).all(|(field, value)| field.value().as_deref() == value));
    assert!((0..4).zip(values).all(|(i, value)| row.field(i).value().as_deref() == value));
    assert_eq!(row.fields().last().unwrap().0.end, row.bytes().len());
    assert_eq!([integer(&[0x7f, 0xff]), integer(&[0x80, 0])], [32767, -32768]);
    assert!(CopyRow::of(&[0, 3, 0, 0], &columns, CopyFormat::Binary).is_none());
}

#[test]
fn what_stands_around_binary_rows_is_told_from_them() {
    let header = [SIGNATURE, &[0; 8]].concat();
    let first = [&header, b"\0\x01row".as_slice()].concat();
    assert_eq!(CopyFormat::Binary.row_in(&first), (header.as_slice(), Some(b"\0\x01row".as_slice())));
    assert_eq!(CopyFormat::Binary.row_in(b"\0\x01row"), (b"".as_slice(), Some(b"\0\x01row".as_slice())));
    assert_eq!(CopyFormat::Binary.row_in(END), (END, None));
    let empty = [&header, END].concat();
    assert_eq!(CopyFormat::Binary.row_in(&empty), (empty.as_slice(), None));
    assert_eq!(CopyFormat::Text.row_in(&empty), (b"".as_slice(), Some(empty.as_slice())));
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
