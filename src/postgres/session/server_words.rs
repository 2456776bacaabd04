//! A server's words about an error, without what they may quote of rows: DETAIL, CONTEXT and HINT are not told at all, and
//! of the message itself only what is no value.

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::ErrorResponseBody;
use tokio_postgres::error::{DbError, ErrorPosition};

use super::raised;

/// Classes of SQLSTATE whose messages name objects, rights and settings.
const NAMES_OBJECTS: &[&str] =
    &["08", "0A", "23", "25", "26", "28", "2B", "34", "3B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"];

/// PostgreSQL's own other classes, whose messages quote values. All that are left are raised by functions of the database, in
/// whatever words these like, as `P0` and `38` are, or those that somebody has made up.
const QUOTES_VALUES: &[&str] = &[
    "00", "01", "02", "03", "09", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "24", "27", "2D", "2F", "44",
    "72", "F0", "HV", "XX",
];
/// Where the languages in which functions are written raise what these say: `exec_stmt_raise` is PL/pgSQL's.
const LANGUAGES: &[&str] = &["plpy", "plperl", "pltcl", "plv8", "plr", "pllua", "pljava", "plrust", "plsh", "plx"];

/// What quotes open and end with, in all languages that a server speaks.
const QUOTES: &[char] = &[
    '"', '\'', '`', '´', '«', '»', '‹', '›', '“', '”', '„', '‟', '‘', '’', '‚', '‛', '「', '」', '『', '』', '《',
    '》', '＂', '＇',
];

/// The fields of an error.
#[derive(Default)]
pub(super) struct ServerWords {
    pub(super) sqlstate: String,
    message: String,
    /// What stands in CONTEXT: the function, or the row of a COPY, at which it happened.
    context: String,
    /// Whether a place in a function's own SQL is told: what was not found there is named by whoever wrote it.
    is_in_sql: bool,
    file: String,
    routine: String,
    /// Schema, table, column, type and constraint that it is about, where the server says so.
    schema: String,
    table: String,
    column: String,
    data_type: String,
    constraint: String,
}

impl From<&DbError> for ServerWords {
    fn from(said: &DbError) -> Self {
        let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
        Self {
            sqlstate: said.code().code().to_owned(),
            message: said.message().to_owned(),
            context: text(said.where_()),
            is_in_sql: matches!(said.position(), Some(ErrorPosition::Internal { .. })),
            file: text(said.file()),
            routine: text(said.routine()),
            schema: text(said.schema()),
            table: text(said.table()),
            column: text(said.column()),
            data_type: text(said.datatype()),
            constraint: text(said.constraint()),
        }
    }
}

impl ServerWords {
    /// Those of an error on a line that its driver does not read.
    pub(super) fn of(body: &ErrorResponseBody) -> std::io::Result<Self> {
        let mut words = Self::default();
        let mut fields = body.fields();
        while let Some(field) = fields.next()? {
            let place = match field.type_() {
                b'C' => &mut words.sqlstate,
                b'M' => &mut words.message,
                b'W' => &mut words.context,
                b'F' => &mut words.file,
                b'R' => &mut words.routine,
                b's' => &mut words.schema,
                b't' => &mut words.table,
                b'c' => &mut words.column,
                b'd' => &mut words.data_type,
                b'n' => &mut words.constraint,
                b'p' => {
                    words.is_in_sql = true;
                    continue;
                }
                _ => continue,
            };
            *place = String::from_utf8_lossy(field.value_bytes()).into_owned();
        }
        Ok(words)
    }

    /// The error for people: the message without values, SQLSTATE, and what it is about.
    pub(super) fn told(&self) -> String {
        if self.is_of_a_function() {
            // The words that it was written with, and not those that it made of them and of a row.
            let words = raised::format_of(&self.message).map(|format| format!(": {format}")).unwrap_or_default();
            return format!("a function of the database raised an error{words} (SQLSTATE {})", self.sqlstate);
        }
        let class = self.sqlstate.get(..2).unwrap_or_default();
        // SQL that a function puts together itself may hold values.
        let is_written = class == "42" && self.is_in_sql && !self.context.contains("EXECUTE");
        let is_of_rows = !matches!(self.context.as_str(), "" | "parallel worker") && !is_written;
        let message = match NAMES_OBJECTS.contains(&class) && !is_of_rows {
            true => self.message.clone(),
            false => without_numbers(&without_values(
                &self.message,
                &[&self.table, &self.column, &self.data_type, &self.constraint],
            )),
        };
        let table = if self.schema.is_empty() { self.table.clone() } else { format!("{}.{}", self.schema, self.table) };
        let named = [("table", &table, &self.table), ("column", &self.column, &self.column)];
        let named = named
            .into_iter()
            .chain([("type", &self.data_type, &self.data_type), ("constraint", &self.constraint, &self.constraint)]);
        let objects: Vec<_> = named
            .filter(|(.., is_there)| !is_there.is_empty())
            .map(|(kind, name, _)| format!("{kind} `{name}`"))
            .collect();
        let about = if objects.is_empty() { String::new() } else { format!(": {}", objects.join(", ")) };
        format!("{message} (SQLSTATE {}){about}", self.sqlstate)
    }

    /// Whether a function of the database chose the words, or at least could have.
    fn is_of_a_function(&self) -> bool {
        let class = self.sqlstate.get(..2).unwrap_or_default();
        let is_of_postgres = [NAMES_OBJECTS, QUOTES_VALUES].concat().contains(&class);
        !is_of_postgres
            || self.routine == "exec_stmt_raise"
            || LANGUAGES.iter().any(|language| self.file.starts_with(language))
    }
}

/// A message without what it quotes, except names that are known. A value is quoted as it is and may hold quotes
/// itself, so all from the first to the last goes.
fn without_values(message: &str, known: &[&str]) -> String {
    let mut from = 0;
    while let Some((at, quote)) = message[from..].char_indices().find(|(_, c)| QUOTES.contains(c)) {
        let inner = &message[from + at + quote.len_utf8()..];
        let ends_with = |name: &&&str| inner.strip_prefix(**name).is_some_and(|rest| rest.starts_with(QUOTES));
        if let Some(name) = known.iter().filter(|name| !name.is_empty()).find(ends_with) {
            let end = inner[name.len()..].chars().next().map_or(0, char::len_utf8);
            from += at + quote.len_utf8() + name.len() + end;
            continue;
        }
        let rest = inner.rfind(QUOTES).map_or("", |end| &inner[end..]);
        return format!("{}{quote}…{rest}", &message[..from + at]);
    }
    message.to_owned()
}

/// A message without its numbers, dates and times, which stand in no quotes.
fn without_numbers(message: &str) -> String {
    let is_number =
        |word: &str| word.trim_start_matches(['(', '[', '-', '+', '.']).starts_with(|c: char| c.is_numeric());
    let words = message.split(' ').map(|word| if is_number(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(sqlstate: &str, message: &str) -> ServerWords {
        ServerWords { sqlstate: sqlstate.into(), message: message.into(), ..ServerWords::default() }
    }

    #[test]
    fn values_are_not_told_in_any_language() {
        for (sqlstate, message) in [
            ("22P02", "invalid input syntax for type integer: \"canary\""),
            ("22P02", "invalid input value for enum mood: \"a\" of type \"canary\""),
            ("22003", "value \"canary\" is out of range for type integer"),
            ("22P02", "ungültige Eingabesyntax für Typ integer: »canary«"),
            ("22P02", "syntaxe en entrée invalide pour le type integer : « canary »"),
            ("22007", "неверный синтаксис для типа date: \"canary"),
            ("XX000", "unexpected 'canary'"),
            ("22008", "date field value out of range: 1984canary-32"),
            ("22008", "Feldwert für Zeit ist außerhalb: -25:canary:1"),
            ("22021", "invalid byte sequence: 0xcanary 0x28canary"),
            ("P0001", "canary"),
            ("P0004", "canary"),
            ("38000", "KeyError: canary"),
            ("U0001", "canary"),
        ] {
            let told = words(sqlstate, message).told();
            assert!(!told.contains("canary") && told.contains(sqlstate), "{told}");
        }
    }

    #[test]
    fn a_function_may_raise_what_looks_like_the_servers_own() {
        let said = words("23514", "canary@example.com is none of ours");
        let raised = |file: &str, routine: &str| ServerWords {
            file: file.into(),
            routine: routine.into(),
            ..words("23514", &said.message)
        };
        assert!(said.told().contains("canary"));
        for raised in
            [raised("pl_exec.c", "exec_stmt_raise"), raised("plpy_elog.c", "PLy_elog_impl"), raised("plv8.cc", "")]
        {
            assert!(!raised.told().contains("canary"), "{}", raised.told());
        }
        // What a text is cast to inside of a function is looked for as an object, and is data all the same.
        let cast = words("42P01", "relation \"canary\" does not exist");
        let in_function = ServerWords { context: "SQL function \"f\" statement 1".into(), ..cast };
        assert!(!in_function.told().contains("canary"), "{}", in_function.told());
        let written = ServerWords { is_in_sql: true, ..in_function };
        assert!(written.told().contains("canary"), "{}", written.told());
        let context = "PL/pgSQL function f(text) line 3 at EXECUTE".to_owned();
        let made = ServerWords { context, ..written };
        assert!(!made.told().contains("canary"), "{}", made.told());
    }

    #[test]
    fn what_the_error_is_about_is_told() {
        let said = ServerWords {
            schema: "public".into(),
            table: "users".into(),
            constraint: "users_email_key".into(),
            context: "COPY users, line 1: \"canary\"".into(),
            ..words("23505", "duplicate key value violates unique constraint \"users_email_key\"")
        };
        assert_eq!(
            said.told(),
            "duplicate key value violates unique constraint \"users_email_key\" (SQLSTATE 23505): table `public.users`, constraint `users_email_key`"
        );
        let missing = words("42P01", "relation \"shop.orders\" does not exist").told();
        assert_eq!(missing, "relation \"shop.orders\" does not exist (SQLSTATE 42P01)");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_value_is_told_whatever_stands_in_it(value in "\\PC*", quote in 0..QUOTES.len()) {
            let value = format!("canary{value}canary");
            let quote = QUOTES[quote];
            let told = words("22P02", &format!("invalid input: {quote}{value}{quote}")).told();
            prop_assert!(!told.contains("canary"), "{}", told);
        }
    }
}
