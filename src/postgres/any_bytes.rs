//! What holds whatever bytes a dump or a server sends: for property tests, and for fuzzing.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};

use super::dump::entries;
use super::rows::format::CopyFormat;
use super::session::copy_protocol::{self, Chunk, CopyReader};
use super::session::fault::Fault;
use super::session::raised;
use super::session::shared_stream::SharedStream;
use crate::contract::transformer::Transformer;
use crate::copying::transform::Transform;
use crate::data::tables::{Column, ColumnType, Letters, Table};
use crate::masking::table::{Condition, Expected, TableMask, TableRule};
use crate::rewriting::{Rewriter, UrlPair};

/// Reads a dump.
///
/// # Panics
/// Never, unless what is promised does not hold.
pub fn read_script(bytes: &[u8]) {
    let script = String::from_utf8_lossy(bytes);
    for plain_backslashes in [false, true] {
        read_entries(&script, plain_backslashes);
    }
}

fn read_entries(script: &str, plain_backslashes: bool) {
    let entries = entries::entries(script, plain_backslashes);
    let sql: usize = entries.iter().map(|entry| entry.sql.len()).sum();
    assert!(sql <= script.len(), "{sql} bytes were made of {}", script.len());
    for entry in &entries {
        assert!(script.contains(entry.sql.lines().next().unwrap_or_default()), "{:?}", entry.sql);
        drop(entry.label());
        raised::formats(&entry.sql).for_each(drop);
    }
}

/// Reads what a server answers to a COPY, and transforms the rows in it.
///
/// # Panics
/// Never, unless what is promised does not hold.
pub fn read_wire(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime without drivers");
    }
    let line = SharedStream::new(Box::new(Cursor::new(bytes.to_vec()))).borrow();
    // It ends with an error: the line does.
    let _ = RUNTIME.with(|runtime| runtime.block_on(read(CopyReader::at_once(line))));
    for format in [CopyFormat::Text, CopyFormat::Binary] {
        transform(bytes, format);
        copy_protocol::rows(bytes).for_each(|row| transform(row, format));
    }
}

async fn read(mut from: CopyReader) -> Result<(), Fault> {
    loop {
        match from.next_chunk().await? {
            Chunk::Rows(len) => {
                for format in [CopyFormat::Text, CopyFormat::Binary] {
                    for row in copy_protocol::rows(&from.bytes()[..len]) {
                        let (around, inner) = format.row_in(row);
                        assert!(around.len() + inner.map_or(0, <[u8]>::len) == row.len());
                        transform(inner.unwrap_or_default(), format);
                    }
                }
                from.consume(len);
            }
            Chunk::Large(len) => from.skip(len).await?,
            Chunk::End(_) => from.until_ready(&mut Vec::new()).await?,
        }
    }
}

static REWRITER: LazyLock<Rewriter> =
    LazyLock::new(|| Rewriter::new(&[UrlPair::parse("https://a.b", "https://longer.example.net").expect("URLs")]));

/// A table with a column of each kind.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let column = |(name, column_type, max_chars): &(&str, ColumnType, Option<usize>)| Column {
        name: (*name).to_owned(),
        column_type: *column_type,
        type_name: "text".into(),
        max_chars: *max_chars,
        max_bytes: None,
        letters: Letters::All,
        is_key: false,
        is_unique: false,
        is_nullable: true,
    };
    let columns = [
        ("id", ColumnType::Integer, None),
        ("meta_key", ColumnType::Text, None),
        ("meta_value", ColumnType::Text, Some(9)),
        ("data", ColumnType::NormalizedJson, None),
        ("code", ColumnType::PaddedText, Some(5)),
    ];
    Table {
        schema: "public".to_owned(),
        name: "t".to_owned(),
        columns: columns.iter().map(column).collect(),
        size_bytes: 0,
        excluded_by: None,
        names: vec!["t".to_owned(), "public.t".to_owned()],
        rows: 1,
    }
});

static MASK: LazyLock<Arc<TableMask>> = LazyLock::new(|| {
    let rule = |column, key: Option<&str>, transformer| {
        let condition = key.map(|key| Condition { column: 1, expected: Expected::Exactly(key.to_owned()) });
        TableRule::of_test(column, condition, transformer)
    };
    let rules = vec![
        rule(None, Some("drop"), Transformer::DropRows),
        rule(Some(2), Some("set"), Transformer::Set),
        rule(Some(2), Some("date"), Transformer::Date),
        rule(Some(2), None, Transformer::Inside),
        rule(Some(3), None, Transformer::Settings),
        rule(Some(4), None, Transformer::Set),
    ];
    Arc::new(TableMask::of_test(rules, TABLE.columns.len(), Some(1)))
});

fn transform(row: &[u8], format: CopyFormat) {
    for mask in [None, Some(&*MASK)] {
        let Some(mut transform) = Transform::of(&TABLE, mask, &REWRITER, false, format) else { continue };
        let mut out = BytesMut::new();
        let is_sent = transform.apply(row, &mut out);
        assert!(is_sent || out.is_empty(), "a row that stays behind is sent");
    }
}

/// Tries again what a fuzzer has found worth keeping.
#[cfg(test)]
pub(crate) fn replay(target: &str, try_one: impl Fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut tried = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        try_one(&std::fs::read(entry.unwrap().path()).unwrap());
        tried += 1;
    }
    assert!(tried > 20, "only {tried} files are in {}", folder.display());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_fuzzer_has_tried_holds() {
        replay("script", read_script);
        replay("wire", read_wire);
    }

    fn message(tag: u8, len: u32, body: &[u8]) -> Vec<u8> {
        [&[tag], &len.to_be_bytes()[..], body].concat()
    }

    #[test]
    fn a_server_that_lies_about_lengths_is_no_more_than_an_error() {
        for len in [0, 1, 3, 4, 5, 100, i32::MAX.unsigned_abs(), u32::MAX] {
            for tag in *b"dCcZEHNSA" {
                read_wire(&message(tag, len, b"x"));
                read_wire(&[message(b'd', 6, b"x\n"), message(tag, len, b"x")].concat());
            }
        }
    }

    #[test]
    fn a_row_of_too_few_fields_is_no_more_than_a_row() {
        for row in ["", "\n", "1\n", "1\tset\n", "1\tdate\tx\n", "1\tset\n\n", "1\tdrop\n"] {
            transform(row.as_bytes(), CopyFormat::Text);
        }
        for row in [
            &[0, 5][..],
            &[0, 5, 0, 0, 0, 9, 1],
            &[0, 5, 0, 0, 0, 1, 1, 0, 0, 0, 3, b's', b'e', b't'],
            &[0, 5, 255, 255, 255, 255],
        ] {
            transform(row, CopyFormat::Binary);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_script_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_script(&bytes);
        }

        /// Pieces of what `pg_dump` prints, in any order.
        #[test]
        fn any_pieces_of_a_script_are_read(pieces in proptest::collection::vec("-- Name: a; Type: TABLE; Schema: s; Owner: -\n|SET default_x = 1;\n|\\\\restrict x\n|'|''|E'|\\\\|\"|\\$|\\$a\\$|--|/\\*|\\*/|\n|RAISE|raise 'x %';|é|CREATE", 0..20)) {
            read_script(pieces.concat().as_bytes());
        }

        #[test]
        fn any_answer_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_wire(&bytes);
        }

        #[test]
        fn any_messages_are_read(messages in proptest::collection::vec((proptest::sample::select(b"dddCcZEHNS".to_vec()), 0..40_u32, proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
            let whole = |(tag, lie, body): &(u8, u32, Vec<u8>)| {
                let honest = u32::try_from(body.len() + 4).unwrap();
                message(*tag, if lie % 4 == 0 { *lie } else { honest }, body)
            };
            read_wire(&messages.iter().flat_map(whole).collect::<Vec<_>>());
        }

        #[test]
        fn any_row_is_transformed(fields in proptest::collection::vec(proptest::option::of("\\PC{0,12}|set|date|drop|1984-OCT|\\{\"token\":\"x\"\\}|https://a.b/"), 0..7)) {
            let text: Vec<_> = fields.iter().map(|field| field.as_deref().unwrap_or("\\N")).collect();
            transform(format!("{}\n", text.join("\t")).as_bytes(), CopyFormat::Text);
            let mut binary = u16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
            for field in &fields {
                let len = field.as_ref().map_or(-1, |field| i32::try_from(field.len()).unwrap());
                binary.extend(len.to_be_bytes());
                binary.extend(field.iter().flat_map(|field| field.bytes()));
            }
            transform(&binary, CopyFormat::Binary);
        }
    }
}
