//! Quoting of names and texts for SQL, in sessions whose `sql_mode` is ours.

/// A name in backticks.
pub(crate) fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A name with its database's, in backticks.
pub(crate) fn qualified(database: &str, name: &str) -> String {
    format!("{}.{}", ident(database), ident(name))
}

/// A text literal, in a session that knows backslashes and speaks UTF-8.
pub(crate) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_escaped_from() {
        assert_eq!(qualified("a", "b`; DROP"), "`a`.`b``; DROP`");
        assert_eq!(literal("it's \\' x\0"), "'it''s \\\\'' x\\0'");
    }
}
