//! What the schema itself says of production: its hosts, and people's addresses, in defaults, functions, views, comments and the
//! like. Plain literals are rewritten where that is asked for, and all else is counted.

use super::entries::{DumpEntry, SETTING, pieces};
use crate::copying::options::CopyOptions;
use crate::copying::report::SchemaText;
use crate::copying::schema_texts;
use crate::postgres::session::endpoint::{self, Endpoint};

/// Kinds of entries whose texts are values of rows, or decide where rows belong.
const OF_ROWS: &[&str] = &["TYPE", "TABLE ATTACH"];
/// Languages whose bodies are read as SQL is.
const LIKE_SQL: &[&str] = &["LANGUAGE \"sql\"", "LANGUAGE \"plpgsql\"", "LANGUAGE sql", "LANGUAGE plpgsql"];

/// Looks into the texts of a schema.
pub(crate) struct SchemaTexts<'a>(schema_texts::SchemaTexts<'a>);

impl<'a> SchemaTexts<'a> {
    pub(crate) fn of(source: &Endpoint, options: &'a CopyOptions) -> Self {
        // A container's loopback names nobody.
        let servers = source.hosts.iter().filter(|_| source.through.is_none()).map(|(host, _)| host.as_str());
        let servers = servers.filter(|host| !endpoint::is_socket_dir(host));
        Self(schema_texts::SchemaTexts::of(servers, options))
    }

    /// Rewrites the entries, if that is asked for, and tells what is left.
    pub(crate) fn settle<'e>(&self, entries: impl Iterator<Item = &'e mut DumpEntry>) -> Vec<SchemaText> {
        let mut all: Vec<_> =
            entries.filter(|entry| entry.kind != SETTING).filter_map(|entry| self.settle_one(entry)).collect();
        all.sort();
        all
    }

    fn settle_one(&self, entry: &mut DumpEntry) -> Option<SchemaText> {
        let mut rewritten = 0;
        if self.0.rewrites() && !OF_ROWS.contains(&entry.kind.as_str()) && !entry.sql.contains(" PARTITION OF ") {
            let reads_bodies = LIKE_SQL.iter().any(|language| entry.sql.contains(language));
            entry.sql = self.rewritten(&entry.sql, reads_bodies, &mut rewritten);
        }
        self.0.told(entry.label(), &entry.sql, rewritten)
    }

    /// The statements with new literals in the place of old ones. The bodies of functions hold literals of their own.
    fn rewritten(&self, sql: &str, reads_bodies: bool, count: &mut u64) -> String {
        let mut new = String::with_capacity(sql.len());
        for piece in pieces(sql) {
            let has_escapes = new.ends_with(['E', 'e', '&']);
            match (literal(piece).filter(|_| !has_escapes), body(piece).filter(|_| reads_bodies)) {
                (Some(text), _) => match self.0.new_text(&text) {
                    Some(text) => {
                        *count += 1;
                        new.push_str(&format!("'{}'", text.replace('\'', "''")));
                    }
                    None => new.push_str(piece),
                },
                (None, Some((tag, inner))) => {
                    new.push_str(&format!("{tag}{}{tag}", self.rewritten(inner, false, count)));
                }
                (None, None) => new.push_str(piece),
            }
        }
        new
    }
}

/// The text of a plain literal, in which nothing but a doubled quote stands for something else.
fn literal(piece: &str) -> Option<String> {
    let inner = piece.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains('\\')).then(|| inner.replace("''", "'"))
}

/// What stands between two dollar quotes, and these.
fn body(piece: &str) -> Option<(&str, &str)> {
    let end = piece.strip_prefix('$')?.find('$')? + 2;
    let (tag, rest) = piece.split_at(end);
    Some((tag, rest.strip_suffix(tag)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::{self, Key};
    use crate::rewriting::UrlPair;

    fn settled(kind: &str, sql: &str) -> (String, Option<SchemaText>) {
        let pair = UrlPair::parse("https://shop.example.com", "https://copy.example.net").unwrap();
        let options = CopyOptions {
            rewrite: vec![pair],
            masking: Some(masking::Masking::new(Key::random())),
            rewrite_schema: true,
            ..CopyOptions::default()
        };
        let source = Endpoint::parse("postgresql://u@db.internal.example.org/x").unwrap();
        let mut entry =
            DumpEntry { kind: kind.to_owned(), name: "x".to_owned(), schema: "public".to_owned(), sql: sql.to_owned() };
        let text = SchemaTexts::of(&source, &options).settle_one(&mut entry);
        (entry.sql, text)
    }

    #[test]
    fn plain_literals_are_rewritten_and_the_rest_is_counted() {
        let (sql, text) =
            settled("DEFAULT", "ALTER TABLE t ALTER u SET DEFAULT 'https://shop.example.com/it''s'::text;");
        assert_eq!(sql, "ALTER TABLE t ALTER u SET DEFAULT 'https://copy.example.net/it''s'::text;");
        assert_eq!(text.map(|text| (text.hosts, text.rewritten)), Some((0, 1)));
        let (sql, text) = settled(
            "FUNCTION",
            "CREATE FUNCTION f() LANGUAGE \"sql\" AS $_$ SELECT 'https://shop.example.com/' -- ann@people.example.com\n || 'bob@people.example.com' $_$;",
        );
        assert!(
            sql.contains("'https://copy.example.net/'") && !sql.contains("bob@") && sql.contains("-- ann@"),
            "{sql}"
        );
        assert_eq!(text.map(|text| (text.hosts, text.addresses, text.rewritten)), Some((0, 1, 2)));
        for (kind, sql, left) in [
            ("FUNCTION", "CREATE FUNCTION f() LANGUAGE \"plpython3u\" AS $$ return 'https://shop.example.com/' $$;", 1),
            ("TYPE", "CREATE TYPE t AS ENUM ('https://shop.example.com');", 1),
            ("SERVER", "CREATE SERVER s OPTIONS (host 'db.internal.example.org', dbname 'b.shop.example.com');", 2),
            ("VIEW", "CREATE VIEW v AS SELECT E'https://shop.example.com\\n';", 1),
            (
                "VIEW",
                "CREATE VIEW v AS SELECT 'https://myshop.example.com', 'https://shop.example.com.evil.example';",
                0,
            ),
        ] {
            let (new, text) = settled(kind, sql);
            assert_eq!((new.as_str(), text.map_or(0, |text| text.hosts)), (sql, left), "{sql}");
        }
    }
}
