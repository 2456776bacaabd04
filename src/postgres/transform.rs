//! What happens to a row on its way: per column, keep or rewrite. A row without an old host passes as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::BytesMut;

use super::rows;
use super::tables::{Column, Kind, Table};
use crate::wordpress;
use crate::wordpress::rewrite::Rewriter;

const NO_TEXT: &str = "not a text column";
const NEVER: &str = "never rewritten";
const KEY: &str = "part of a key";
const PROTECTED: &str = "tells a plugin that this is a copy";
const TOO_LONG: &str = "the rewritten value is too long for the column";

/// What is done to a column.
enum Rule {
    Rewrite,
    /// Left as it is, for this reason.
    Leave(&'static str),
}

/// Counts of one table's values.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rewritten: u64,
    pub(super) malformed: u64,
    /// Values left with an old host in them, by column and reason.
    pub(super) left: BTreeMap<(usize, &'static str), u64>,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.rewritten += other.rewritten;
        self.malformed += other.malformed;
        for (what, values) in other.left {
            *self.left.entry(what).or_default() += values;
        }
    }

    pub(super) fn overflow(&self) -> u64 {
        self.left.iter().filter(|((_, reason), _)| *reason == TOO_LONG).map(|(_, values)| values).sum()
    }
}

/// The transform of one table's rows.
pub(super) struct Transform<'a> {
    rewriter: &'a Rewriter,
    columns: &'a [Column],
    rules: Vec<Rule>,
    /// The column that names what the row's value is, as `option_name` does.
    key_column: Option<usize>,
    pub(super) counts: Counts,
}

impl<'a> Transform<'a> {
    /// The transform of a table, or `None` when its rows pass as they are.
    pub(super) fn of(table: &'a Table, rewriter: &'a Rewriter) -> Option<Self> {
        let rules: Vec<_> = table.columns.iter().map(rule).collect();
        let key_column = table.columns.iter().position(|column| wordpress::is_key_column(&column.name));
        (!rewriter.is_empty() && !rules.is_empty()).then(|| Self {
            rewriter,
            columns: &table.columns,
            rules,
            key_column,
            counts: Counts::default(),
        })
    }

    /// Whether something in these raw bytes may have to change.
    pub(super) fn may_change(&self, raw: &[u8]) -> bool {
        self.rewriter.may_match(raw)
    }

    /// How many bytes [`Self::may_change`] must see together to be sure.
    pub(super) fn longest_needle(&self) -> usize {
        self.rewriter.longest_host()
    }

    /// Appends the row as it is to be sent.
    pub(super) fn apply(&mut self, row: &[u8], out: &mut BytesMut) {
        let Some(line) = row.strip_suffix(b"\n").filter(|line| self.rewriter.may_match(line)) else {
            out.extend_from_slice(row);
            return;
        };
        let key = self.key_column.and_then(|i| rows::fields(line).nth(i));
        let is_protected = key.is_some_and(wordpress::is_never_rewritten_value);
        for (i, field) in rows::fields(line).enumerate() {
            if i > 0 {
                out.extend_from_slice(b"\t");
            }
            match self.rewritten(i, field, is_protected) {
                Some(value) => rows::escape_into(&value, out),
                None => out.extend_from_slice(field),
            }
        }
        out.extend_from_slice(b"\n");
    }

    /// The new value of a field, if it changes.
    fn rewritten(&mut self, i: usize, field: &[u8], is_protected: bool) -> Option<Vec<u8>> {
        if rows::is_null(field) || !self.rewriter.may_match(field) {
            return None;
        }
        let rule = if is_protected { &Rule::Leave(PROTECTED) } else { &self.rules[i] };
        if let Rule::Leave(reason) = rule {
            *self.counts.left.entry((i, reason)).or_default() += 1;
            return None;
        }
        let value = rows::unescape(field);
        let rewritten = match self.columns[i].kind {
            Kind::Jsonb => self.rewriter.rewrite_jsonb(&value)?,
            _ => self.rewriter.rewrite(&value)?,
        };
        self.counts.malformed += u64::from(rewritten.malformed);
        if rewritten.value == value {
            return None;
        }
        if self.columns[i].max_chars.is_some_and(|max| chars(&rewritten.value) > max) {
            *self.counts.left.entry((i, TOO_LONG)).or_default() += 1;
            return None;
        }
        self.counts.rewritten += 1;
        Some(rewritten.value)
    }
}

fn rule(column: &Column) -> Rule {
    match column.kind {
        Kind::Other | Kind::Bytes => Rule::Leave(NO_TEXT),
        _ if wordpress::is_never_rewritten(&column.name) => Rule::Leave(NEVER),
        _ if column.is_key => Rule::Leave(KEY),
        Kind::Text | Kind::Jsonb => Rule::Rewrite,
    }
}

/// Characters as `varchar(n)` counts them; trailing blanks do not overflow it.
fn chars(value: &[u8]) -> usize {
    let value: Cow<'_, str> = String::from_utf8_lossy(value);
    value.trim_end_matches(' ').chars().count()
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::table;
    use super::*;
    use crate::wordpress::rewrite::UrlPair;

    fn column(name: &str, kind: Kind, max_chars: Option<usize>, is_key: bool) -> Column {
        Column { name: name.to_owned(), kind, max_chars, is_key }
    }

    #[test]
    fn only_the_columns_that_may_be_are_rewritten() {
        let table = Table {
            columns: vec![
                column("option_name", Kind::Text, None, false),
                column("option_value", Kind::Text, None, false),
                column("guid", Kind::Text, None, false),
                column("id", Kind::Text, None, true),
                column("short", Kind::Text, Some(14), false),
            ],
            ..table("t")
        };
        let rewriter = Rewriter::new(&[UrlPair::parse("https://a.test", "https://longer.test").unwrap()]);
        let mut transform = Transform::of(&table, &rewriter).unwrap();
        let mut out = BytesMut::new();
        transform.apply(b"siteurl\thttps://a.test\\n\thttps://a.test\thttps://a.test\thttps://a.test\n", &mut out);
        transform.apply(b"wc_subscriptions_siteurl\thttps://a.test\t\\N\t\t\n", &mut out);
        assert_eq!(
            out,
            "siteurl\thttps://longer.test\\n\thttps://a.test\thttps://a.test\thttps://a.test\n\
             wc_subscriptions_siteurl\thttps://a.test\t\\N\t\t\n"
        );
        assert_eq!(transform.counts.rewritten, 1);
        assert_eq!(transform.counts.overflow(), 1);
        let left: Vec<_> = transform.counts.left.keys().copied().collect();
        assert_eq!(left, [(1, PROTECTED), (2, NEVER), (3, KEY), (4, TOO_LONG)]);
    }
}
