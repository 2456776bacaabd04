//! What a transform does to rows in this server's formats.

use std::sync::Arc;

use bytes::BytesMut;

use super::format::CopyFormat;
use super::relation::Relation;
use crate::contract::transformer::Transformer;
use crate::copying::left_urls::{GUID, KEY, PROTECTED, TOO_LONG};
use crate::copying::transform::Transform;
use crate::data::tables::{Column, ColumnType, Letters};
use crate::masking::table::{Condition, Expected, TableMask, TableRule};
use crate::rewriting::{Rewriter, UrlPair};

fn column(name: &str, column_type: ColumnType, max_chars: Option<usize>, is_key: bool) -> Column {
    let type_name = if max_chars.is_some() { "varchar" } else { "text" }.into();
    let name = name.to_owned();
    Column {
        name,
        column_type,
        type_name,
        max_chars,
        max_bytes: None,
        letters: Letters::All,
        is_key,
        is_unique: is_key,
        is_nullable: true,
    }
}

fn relation(columns: Vec<Column>, mask: Option<TableMask>) -> Relation {
    let mut relation = super::relation::tests::relation("t");
    relation.table.columns = columns.into();
    relation.mask = mask.map(Arc::new);
    relation
}

fn transform<'a>(relation: &'a Relation, rewriter: &'a Rewriter) -> Transform<'a, CopyFormat> {
    Transform::of(&relation.table, relation.mask.as_ref(), rewriter, false, CopyFormat::Text).unwrap()
}

fn rewriter() -> Rewriter {
    Rewriter::new(&[UrlPair::parse("https://a.test", "https://longer.test").unwrap()])
}

fn applied(transform: &mut Transform<'_, CopyFormat>, row: &str) -> Option<String> {
    let mut out = BytesMut::new();
    let is_sent = transform.apply(row.as_bytes(), &mut out);
    assert!(is_sent || out.is_empty());
    is_sent.then(|| String::from_utf8(out.to_vec()).unwrap())
}

#[test]
fn only_the_columns_that_may_be_are_rewritten() {
    let columns = vec![
        column("option_name", ColumnType::Text, None, false),
        column("option_value", ColumnType::Text, None, false),
        column("guid", ColumnType::Text, None, false),
        column("id", ColumnType::Text, None, true),
        column("short", ColumnType::Text, Some(14), false),
    ];
    let (table, rewriter) = (relation(columns, None), rewriter());
    let mut transform = transform(&table, &rewriter);
    let mut out = BytesMut::new();
    for row in [
        "siteurl\thttps://a.test\\n\thttps://a.test\thttps://a.test\thttps://a.test\n",
        "wc_subscriptions_siteurl\thttps://a.test\t\\N\t\t\n",
    ] {
        assert!(transform.apply(row.as_bytes(), &mut out));
    }
    assert_eq!(
        out,
        "siteurl\thttps://longer.test\\n\thttps://a.test\thttps://a.test\thttps://a.test\n\
         wc_subscriptions_siteurl\thttps://a.test\t\\N\t\t\n"
    );
    assert_eq!(transform.counts.rewritten, 1);
    assert_eq!(transform.counts.overflow(), 1);
    let left: Vec<_> = transform.counts.left.iter().collect();
    let key = Some("siteurl");
    assert_eq!(
        left,
        [
            (1, Some("wc_subscriptions_siteurl"), PROTECTED, 1),
            (2, key, GUID, 1),
            (3, key, KEY, 1),
            (4, key, TOO_LONG, 1)
        ]
    );
}

fn mask_rule(column: Option<usize>, key: Option<&str>, transformer: Transformer) -> TableRule {
    let condition = key.map(|key| Condition { column: 1, expected: Expected::Exactly(key.to_owned()) });
    TableRule::of_test(column, condition, transformer)
}

/// `id`, `meta_key`, `meta_value`.
fn meta(rules: Vec<TableRule>) -> Relation {
    let columns = vec![
        column("id", ColumnType::Text, None, true),
        column("meta_key", ColumnType::Text, None, false),
        column("meta_value", ColumnType::Text, None, false),
    ];
    relation(columns, Some(TableMask::of_test(rules, 3, Some(1))))
}

#[test]
fn rows_are_dropped_masked_and_rewritten_by_their_keys() {
    let table = meta(vec![
        mask_rule(None, Some("session"), Transformer::DropRows),
        mask_rule(Some(2), Some("email"), Transformer::Email),
        mask_rule(Some(2), Some("fixed"), Transformer::Set),
        mask_rule(Some(2), Some("kept"), Transformer::Keep),
        mask_rule(Some(2), Some("settings"), Transformer::Settings),
    ]);
    let rewriter = rewriter();
    let mut transform = transform(&table, &rewriter);
    assert_eq!(applied(&mut transform, "1\tsession\tx\n"), None);
    assert_eq!(applied(&mut transform, "2\tother\tzoe@example.com\n").unwrap(), "2\tother\tzoe@example.com\n");
    let masked = applied(&mut transform, "3\temail\tzoe@example.com\n").unwrap();
    assert!(masked.starts_with("3\temail\tuser-") && masked.ends_with("@example.invalid\n"), "{masked}");
    assert_eq!(applied(&mut transform, "4\temail\t\\N\n").unwrap(), "4\temail\t\\N\n");
    assert_eq!(applied(&mut transform, "5\tfixed\t\\N\n").unwrap(), "5\tfixed\tset\n");
    assert_eq!(applied(&mut transform, "6\tkept\thttps://a.test\n").unwrap(), "6\tkept\thttps://longer.test\n");
    // What is masked in part is rewritten as well.
    assert_eq!(
        applied(&mut transform, "7\tsettings\t{\"secret\":\"x\\\\\\\\y\",\"url\":\"https://a.test\"}\n").unwrap(),
        "7\tsettings\t{\"secret\":\"\",\"url\":\"https://longer.test\"}\n"
    );
    assert_eq!(transform.counts.masked, [1, 1, 1, 1, 1]);
    assert_eq!(transform.counts.rewritten, 2);
}

#[test]
fn a_fixed_width_column_gets_back_its_blanks() {
    let mut columns =
        vec![column("meta_key", ColumnType::Text, None, false), column("code", ColumnType::Text, Some(16), false)];
    columns[1].column_type = ColumnType::PaddedText;
    let mask = TableMask::of_test(vec![mask_rule(Some(1), None, Transformer::City)], 2, None);
    let (table, rewriter) = (relation(columns, Some(mask)), Rewriter::new(&[]));
    let mut transform = transform(&table, &rewriter);
    let masked = |transform: &mut Transform<'_, CopyFormat>, row: &str| applied(transform, row).unwrap();
    let padded = masked(&mut transform, "a\tParis           \n");
    assert_eq!(padded.len(), "a\t".len() + 16 + 1, "{padded}");
    assert_eq!(masked(&mut transform, "a\tParis\n"), padded);
}
