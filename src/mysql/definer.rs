//! Whose rights an object has, and whether an event is on, as the statement says that makes it.

use super::create_table::Scan;

const DEFINER: &str = "DEFINER=";

/// Words that may stand before what it is that a statement makes.
const BEFORE: &[&str] = &[
    "CREATE",
    "ALGORITHM",
    "UNDEFINED",
    "MERGE",
    "TEMPTABLE",
    "SQL",
    "SECURITY",
    "DEFINER",
    "INVOKER",
    "AGGREGATE",
    "OR",
    "REPLACE",
];

/// The statement with the rights of whoever runs it, and whose rights it had. Nothing where it says none, or makes something else than
/// an object of this kind: it is run on the target as it is.
pub(super) fn of_whoever_makes_it(statement: &str, kind: &str) -> Option<(String, String)> {
    if !makes(statement, kind) {
        return None;
    }
    let at = words(statement).find(|(_, word)| *word == "DEFINER")?.0;
    let rest = statement[at..].strip_prefix(DEFINER)?;
    let user = name(rest)?;
    let host = name(rest[user.len() + 2..].strip_prefix('@')?)?;
    let len = DEFINER.len() + user.len() + 2 + 1 + host.len() + 2;
    let changed = format!("{}DEFINER=CURRENT_USER{}", &statement[..at], &statement[at + len..]);
    Some((changed, format!("`{user}`@`{host}`")))
}

/// Whether a statement makes an object of this kind, and does nothing else.
pub(super) fn makes(statement: &str, kind: &str) -> bool {
    // Of a trigger only the beginning is the server's own words.
    let is_before = |word: &&str| BEFORE.iter().any(|known| known.eq_ignore_ascii_case(word));
    let made = words(statement).map(|(_, word)| word).find(|word| !is_before(word));
    statement.starts_with("CREATE ") && made.is_some_and(|made| made.eq_ignore_ascii_case(kind))
}

/// The name in quotes that a text begins with, as it stands: which quotes these are, the object's own mode decides.
fn name(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '`' | '"'))?;
    let mut rest = text[1..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == quote && rest.next_if(|(_, next)| *next == quote).is_none() {
            return Some(&text[1..=at]);
        }
    }
    None
}

/// The statement of an event that is switched off; nothing where it does not say whether it is on.
pub(super) fn disabled(statement: &str) -> Option<String> {
    for (at, word) in words(statement) {
        match word {
            "ENABLE" => return Some(format!("{}DISABLE{}", &statement[..at], &statement[at + word.len()..])),
            "DISABLE" => return Some(statement.to_owned()),
            "DO" => return None,
            _ => {}
        }
    }
    None
}

/// The words of a statement that stand in no quotes, each with its place.
fn words(statement: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut scan = Scan::default();
    let mut bare = statement
        .char_indices()
        .map(move |(at, c)| (at, !scan.is_quoted_after(c) && (c.is_alphanumeric() || c == '_')));
    let mut begin = None;
    let mut words = Vec::new();
    for (at, is_of_word) in bare.by_ref().chain([(statement.len(), false)]) {
        match (begin, is_of_word) {
            (None, true) => begin = Some(at),
            (Some(from), false) => {
                words.push((from, &statement[from..at]));
                begin = None;
            }
            _ => {}
        }
    }
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_gets_the_rights_of_whoever_makes_it() {
        for (kind, statement, wanted, whose) in [
            (
                "VIEW",
                "CREATE ALGORITHM=UNDEFINED DEFINER=`ro``ot`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1",
                "CREATE ALGORITHM=UNDEFINED DEFINER=CURRENT_USER SQL SECURITY DEFINER VIEW `v` AS select 1",
                "`ro``ot`@`%`",
            ),
            (
                "TRIGGER",
                "CREATE DEFINER=`a`@`b` TRIGGER `DEFINER=` BEFORE",
                "CREATE DEFINER=CURRENT_USER TRIGGER `DEFINER=` BEFORE",
                "`a`@`b`",
            ),
            (
                "TRIGGER",
                "CREATE OR REPLACE DEFINER=`a`@`b` trigger t",
                "CREATE OR REPLACE DEFINER=CURRENT_USER trigger t",
                "`a`@`b`",
            ),
            (
                "PROCEDURE",
                "CREATE DEFINER=\"a\"@\"b\" PROCEDURE \"p\"()",
                "CREATE DEFINER=CURRENT_USER PROCEDURE \"p\"()",
                "`a`@`b`",
            ),
        ] {
            assert_eq!(of_whoever_makes_it(statement, kind), Some((wanted.to_owned(), whose.to_owned())));
        }
        assert_eq!(of_whoever_makes_it("CREATE VIEW `v` AS select 'DEFINER=`a`@`b`'", "VIEW"), None);
        assert_eq!(of_whoever_makes_it("CREATE DEFINER=`a VIEW", "VIEW"), None);
        for other in [
            "CREATE DEFINER=`a`@`b` USER v",
            "DROP DEFINER=`a`@`b` VIEW v",
            "CREATE TABLE v AS SELECT DEFINER=`a`@`b` VIEW",
        ] {
            assert_eq!(of_whoever_makes_it(other, "VIEW"), None, "{other}");
        }
    }

    #[test]
    fn an_event_is_switched_off_whatever_it_is_called_and_does() {
        let on = "CREATE DEFINER=`a`@`b` EVENT `ENABLE` ON SCHEDULE EVERY 1 DAY STARTS 'ENABLE' ON COMPLETION PRESERVE ENABLE COMMENT 'x' DO SET @a = 'ENABLE'";
        let off = disabled(on).unwrap();
        assert!(off.contains("ON COMPLETION PRESERVE DISABLE COMMENT") && off.matches("DISABLE").count() == 1, "{off}");
        assert_eq!(disabled(&off).as_deref(), Some(off.as_str()));
        assert_eq!(disabled("CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO SET @a = ENABLE"), None);
    }
}
