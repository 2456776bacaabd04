//! Quoting of names and texts for SQL that cannot take parameters.

/// A name in double quotes.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A schema-qualified name in double quotes.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// A text literal that means the same whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A condition that fails the query before it is planned when a relation's name leads to another one now: it is of
/// constants alone, and those are computed first. What stands in the place of another could call code when it is planned.
pub(crate) fn is_still(quoted_name: &str, oid: u32) -> String {
    let name = literal(quoted_name);
    format!("1 / CASE WHEN {name}::pg_catalog.regclass::pg_catalog.oid = {oid}::pg_catalog.oid THEN 1 ELSE 0 END = 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_escaped_from() {
        assert_eq!(qualified("a", "b\"; DROP"), "\"a\".\"b\"\"; DROP\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\' x"), " E'\\\\'' x'");
    }
}
