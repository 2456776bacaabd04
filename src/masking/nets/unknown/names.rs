//! The names of tables and columns that tell what is in them, in small letters with `_` between words.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::contract::transformer::Transformer;
use crate::masking::values::{self, ByName};

/// The lists of `names.yaml`, which says what each is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    people: Words,
    dealings: Words,
    authors: Words,
    references: Vec<String>,
    content: Words,
    content_alone: Words,
    technical: Words,
    choices: Words,
    called: Vec<String>,
    written: Words,
    lines: Words,
    goods: Words,
    sayings: Words,
    handles: Words,
    general: Words,
    articles: Words,
    notes: Words,
    content_tables: Words,
    kinds: Words,
    settings: Words,
    sites: Words,
    files: Words,
    keys: Vec<String>,
    values: Words,
}

type Words = HashSet<String>;

static NAMES: LazyLock<Names> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("names.yaml")).expect("our own list is valid"));

/// Small letters, with `_` before each large one that follows a small one.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.extend(if c.is_alphanumeric() { c } else { '_' }.to_lowercase());
        before = c;
    }
    snake
}

/// Whether a name ends with one of some words, or with one and a reference's behind it.
fn refers_to(name: &str, words: &Words) -> bool {
    NAMES.references.iter().any(|tail| {
        let stem = match tail.as_str() {
            "" => Some(name),
            tail => name.strip_suffix(tail).and_then(|stem| stem.strip_suffix('_')),
        };
        stem.is_some_and(|stem| ends_with(stem, words))
    })
}

fn ends_with(name: &str, words: &Words) -> bool {
    let ends = std::iter::once(name).chain(name.match_indices('_').map(|(at, _)| &name[at + 1..]));
    ends.into_iter().any(|end| words.contains(end))
}

/// Whether a column refers to somebody, or to what somebody did.
pub(super) fn is_of_people(column: &str) -> bool {
    let is_author = || column.contains("_by_user") && is_author(column);
    refers_to(column, &NAMES.people) && !is_author() || column.ends_with("id") && refers_to(column, &NAMES.dealings)
}

/// Whether a column says who wrote the row.
pub(super) fn is_author(column: &str) -> bool {
    refers_to(column, &NAMES.authors)
}

/// Whether a column is one of content.
pub(super) fn is_of_content(column: &str) -> bool {
    NAMES.content.contains(column)
}

/// Whether a column is one of content as long as nothing refers to somebody.
pub(super) fn is_of_content_alone(column: &str) -> bool {
    NAMES.content_alone.contains(column)
}

/// Whether a table of this name says what kinds of things there are, or has what is a program's own.
pub(super) fn is_of_kinds(table: &str) -> bool {
    ends_with(&singular(table), &NAMES.kinds)
}

/// Whether the values of a column of this name lead to whom a row is about.
pub(super) fn is_own_page(column: &str) -> bool {
    let last = column.rsplit('_').next().unwrap_or_default();
    matches!(last, "url" | "uri" | "link" | "website" | "homepage")
        || values::in_record(column) == Some(Transformer::Url)
        || values::personal(column) == Some(Transformer::Url)
}

/// Whether a table of this name has what is shown to everybody, or what a program brings along.
pub(super) fn is_content(table: &str) -> bool {
    let plural = table.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let plain = plural.as_deref().unwrap_or(table);
    ends_with(plain, &NAMES.content_tables)
        || plain.strip_suffix('s').is_some_and(|plain| ends_with(plain, &NAMES.content_tables))
}

/// Whether the values of a column or key of this name are somebody's name, number or address.
pub(super) fn is_of_person(column: &str) -> bool {
    match values::personal(column) {
        Some(Transformer::Name) => !column.ends_with("display_name"),
        Some(
            Transformer::Email
            | Transformer::Phone
            | Transformer::Login
            | Transformer::Ip
            | Transformer::UserAgent
            | Transformer::Iban
            | Transformer::Date,
        ) => true,
        _ => false,
    }
}

/// What the name of a field tells of the texts in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    /// They lead to somebody elsewhere, or let somebody in.
    pub(super) is_handle: bool,
    /// They are a program's words.
    pub(super) is_technical: bool,
    /// Codes are those of goods.
    pub(super) is_article: bool,
}

impl Told {
    pub(super) fn of(name: &str) -> Self {
        thread_local!(static KNOWN: RefCell<ByName<Told>> = const { RefCell::new(ByName::new()) });
        KNOWN.with_borrow_mut(|known| known.of(name, || Self::read(&snake(name))))
    }

    fn read(name: &str) -> Self {
        if name.is_empty() {
            return Self::default();
        }
        Self {
            is_handle: ends_with(name, &NAMES.handles),
            is_technical: ends_with(name, &NAMES.technical),
            is_article: ends_with(name, &NAMES.articles),
        }
    }
}

/// Whether a column of this name has the names of those whom the rows are about.
pub(super) fn is_name(column: &str) -> bool {
    const NONE: &[&str] = &["profile", "display", "by", "user", "account"];
    values::in_record(column) == Some(Transformer::Name) && !NONE.contains(&column)
}

/// The same, or a place, a company or anything else that a name tells of somebody.
pub(super) fn is_somebodys(column: &str) -> bool {
    values::personal(column).is_some() && !column.ends_with("display_name")
}

/// Whether the values of a column or key of this name may be choices of several words: of a `payment_method`, or of what one is
/// called, as the `name` in a table of such.
pub(super) fn is_choice(table: &str, name: &str) -> bool {
    let name = snake(name);
    let is_one = |name: &str| ends_with(name, &NAMES.technical) || ends_with(name, &NAMES.choices);
    let called = NAMES.called.iter().find_map(|called| name.strip_suffix(called.as_str()));
    is_one(&name)
        || called.is_some_and(|of| match of.strip_suffix('_') {
            Some(of) => is_one(of),
            None => of.is_empty() && is_one(&singular(&snake(table))),
        })
}

/// Whether people write into a column or key of this name, each something of their own.
pub(super) fn is_written(name: &str) -> bool {
    ends_with(&snake(name), &NAMES.written)
}

/// Whether a table has the lines of orders, each with the goods that it is about.
pub(super) fn is_of_lines(table: &str, columns: &[String]) -> bool {
    ends_with(&singular(table), &NAMES.lines) && columns.iter().any(|column| NAMES.goods.contains(column))
}

/// Whether a column of such a table says of its goods what everybody can read.
pub(super) fn is_of_goods(column: &str) -> bool {
    NAMES.sayings.contains(column)
}

/// Whether a table is called after people.
pub(super) fn is_people(table: &str) -> bool {
    ends_with(&singular(table), &NAMES.people)
}

/// The name of one of those of which a table's name is that of many.
pub(super) fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

/// Whether columns of this name are in so many tables that it does not tell which is meant.
pub(super) fn is_general(column: &str) -> bool {
    NAMES.general.contains(column)
}

/// Whether what has this name tells rows apart.
pub(super) fn is_id(name: &str) -> bool {
    let name = snake(name);
    matches!(name.rsplit('_').next(), Some("id" | "uuid" | "guid" | "key" | "pk" | "ref"))
}

/// Whether a table or column of this name has what is noted for oneself.
pub(super) fn is_note(name: &str) -> bool {
    ends_with(name, &NAMES.notes)
}

/// Whether a table of this name has settings.
pub(super) fn is_settings(table: &str) -> bool {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    table.rsplit('_').next().is_some_and(|last| NAMES.settings.contains(&singular(last)))
}

/// Whether a table of this name may be about the site itself.
pub(super) fn is_of_site(table: &str) -> bool {
    table.rsplit('_').next().is_some_and(|last| NAMES.sites.contains(last.strip_suffix('s').unwrap_or(last)))
}

/// The column that is the way to a file, in a table that says what the file is.
pub(super) fn file_key(columns: &[String]) -> Option<usize> {
    const ENOUGH: usize = 3;
    let is_of_files = columns.iter().filter(|column| NAMES.files.contains(*column)).count() >= ENOUGH;
    columns.iter().position(|column| column == "key").filter(|_| is_of_files)
}

/// The column that names the value of each row, if a table has one.
pub(super) fn key_column(columns: &[String]) -> Option<usize> {
    let has_value = columns.iter().any(|column| NAMES.values.contains(column));
    let key = NAMES.keys.iter().find_map(|key| columns.iter().position(|column| column == key));
    key.filter(|_| has_value)
}
