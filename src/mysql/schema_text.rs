//! Literals of the statements that make tables and what else a database has: those that may be rewritten, and what is told of them.

use super::create_table::CreateTable;
use crate::copying::report::SchemaText;
use crate::copying::schema_texts::SchemaTexts;

/// Behind what stands a text of a table that is neither a value of rows nor decides where they belong.
const OF_TABLE: &[&str] = &["DEFAULT", "COMMENT", "COMMENT="];

/// Rewrites how a table is made, if that is asked for; what is told of it.
pub(super) fn settle_table(texts: &SchemaTexts<'_>, name: &str, table: &mut CreateTable) -> Option<SchemaText> {
    let is_meant = |before: &str| OF_TABLE.iter().any(|word| before.trim_end().ends_with(word));
    let rewritten = settle(texts, &mut table.before, is_meant);
    let all: Vec<_> = [&table.before].into_iter().chain(&table.keys).chain(&table.foreign_keys).cloned().collect();
    texts.told(format!("table {name}"), &all.join("\n"), rewritten)
}

/// The same for an object that is no table.
pub(super) fn settle_object(texts: &SchemaTexts<'_>, label: String, statement: &mut String) -> Option<SchemaText> {
    let rewritten = settle(texts, statement, |_| true);
    texts.told(label, statement, rewritten)
}

fn settle(texts: &SchemaTexts<'_>, statement: &mut String, is_meant: impl Fn(&str) -> bool) -> u64 {
    if !texts.rewrites() {
        return 0;
    }
    let (new, count) = rewritten(statement, |before, text| is_meant(before).then(|| texts.new_text(text))?);
    *statement = new;
    count
}

/// A statement with new literals in the place of old ones, and how many these are. What is behind a backslash is left: what it means,
/// the object's own mode decides.
fn rewritten(statement: &str, new_text: impl Fn(&str, &str) -> Option<String>) -> (String, u64) {
    let (mut new, mut count, mut rest) = (String::with_capacity(statement.len()), 0, statement);
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            '#' => line(rest),
            _ if is_comment(rest) => line(rest),
            _ if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") => {
                rest.find("*/").map_or(rest.len(), |at| at + 2)
            }
            other => other.len_utf8(),
        };
        let (piece, after) = rest.split_at(len);
        let inner = piece.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).filter(|_| first == '\'');
        let text = inner.filter(|inner| !inner.contains('\\')).map(|inner| inner.replace("''", "'"));
        match text.and_then(|text| new_text(&new, &text)).filter(|text| text.is_ascii() && !text.contains('\\')) {
            Some(text) => {
                count += 1;
                new.push_str(&format!("'{}'", text.replace('\'', "''")));
            }
            None => new.push_str(piece),
        }
        rest = after;
    }
    (new, count)
}

/// How long a text or a name in quotes is that stands at the beginning.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote != '`' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// Whether a comment to the end of the line stands at the beginning.
fn is_comment(rest: &str) -> bool {
    rest.strip_prefix("--").is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}

fn line(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copying::options::CopyOptions;
    use crate::rewriting::UrlPair;

    #[test]
    fn literals_are_rewritten_where_they_are_texts_and_all_else_is_counted() {
        let pair = UrlPair::parse("https://shop.example.com", "https://copy.example.net").unwrap();
        let options = CopyOptions { rewrite: vec![pair], rewrite_schema: true, ..CopyOptions::default() };
        let texts = SchemaTexts::of(std::iter::empty(), &options);
        let create = "CREATE TABLE `t` (\n  `u` varchar(99) DEFAULT 'https://shop.example.com/it''s' COMMENT 'see https://shop.example.com/',\n  `e` enum('https://shop.example.com')\n) COMMENT='https://shop.example.com'";
        let mut table = CreateTable::read(create, "t").unwrap();
        let told = settle_table(&texts, "t", &mut table).unwrap();
        assert_eq!((told.hosts, told.rewritten), (1, 3), "{}", table.before);
        assert!(table.before.contains("DEFAULT 'https://copy.example.net/it''s'"), "{}", table.before);
        assert!(table.before.contains("enum('https://shop.example.com')"), "{}", table.before);
        for (old, new, left) in [
            (
                "SELECT _utf8mb4'https://shop.example.com/' AS `a'b`",
                "SELECT _utf8mb4'https://copy.example.net/' AS `a'b`",
                0,
            ),
            (
                "SELECT 1 -- it's https://shop.example.com/\n, 'https://shop.example.com'",
                "SELECT 1 -- it's https://shop.example.com/\n, 'https://copy.example.net'",
                1,
            ),
            (
                "SELECT /* ' */ \"it's\", 'a\\'b https://shop.example.com/'",
                "SELECT /* ' */ \"it's\", 'a\\'b https://shop.example.com/'",
                1,
            ),
        ] {
            let mut statement = old.to_owned();
            let told = settle_object(&texts, "view v".to_owned(), &mut statement);
            assert_eq!((statement.as_str(), told.map_or(0, |told| told.hosts)), (new, left));
        }
    }
}
