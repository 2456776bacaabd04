//! A table: its columns with their types, and about how large it is.

use std::sync::Arc;

use anyhow::{Context as _, Result};

/// What the values of a column are, in the words of no server in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Any text may stand in it.
    Text,
    /// As [`Self::Text`], but filled up with blanks to its full length.
    PaddedText,
    Json,
    /// JSON whose keys the server sorts and whose numbers it normalizes, so that only values may change.
    NormalizedJson,
    Xml,
    Bytes,
    Integer,
    /// Of eight bytes.
    LongInteger,
    Decimal,
    Date,
    Timestamp,
    /// An address, with or without its network.
    InetAddress,
    InetNetwork,
    /// Of several texts in a form of the server's own, such as an array.
    TextList,
    /// Yes or no, a number, an id or a time, which is nobody's.
    Scalar,
    /// Whatever else; never looked into.
    Other,
}

impl ColumnType {
    /// Whether any text may stand in it.
    pub(crate) fn is_plain_text(self) -> bool {
        matches!(self, Self::Text | Self::PaddedText)
    }

    /// Whether it holds text that the server gives back as it got it, or JSON: what may be changed as text.
    pub(crate) fn is_changed_as_text(self) -> bool {
        matches!(self, Self::Text | Self::PaddedText | Self::Json | Self::NormalizedJson | Self::Xml)
    }

    /// Whether the text of its values tells what they are.
    pub(crate) fn is_readable(self) -> bool {
        self.is_changed_as_text() || matches!(self, Self::InetAddress | Self::InetNetwork | Self::TextList)
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Integer | Self::LongInteger)
    }
}

/// The letters that a column has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Letters {
    /// All there are.
    #[default]
    All,
    /// Those that have at most three bytes in UTF-8.
    Basic,
    /// Those of ASCII, and in the place of a value those that stood in it: which others there are, the server knows.
    Own,
}

impl Letters {
    /// Whether a value can stand where another one stood.
    pub(crate) fn hold(self, old: &[u8], new: &[u8]) -> bool {
        self == Self::All || new.is_ascii() || {
            let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
            new.chars().all(|letter| self.has(letter, &old))
        }
    }

    /// A value as it can stand where another one stood: what there is no letter for is a question mark, as servers have it.
    pub(crate) fn fitted(self, old: &[u8], new: Vec<u8>) -> Vec<u8> {
        if self.hold(old, &new) {
            return new;
        }
        let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(&new));
        new.chars().map(|letter| if self.has(letter, &old) { letter } else { '?' }).collect::<String>().into_bytes()
    }

    fn has(self, letter: char, old: &str) -> bool {
        match self {
            Self::All => true,
            Self::Basic => letter.len_utf8() < 4,
            Self::Own => letter.is_ascii() || old.contains(letter),
        }
    }
}

/// One column that is copied; generated ones are not.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    /// What the server calls its type, for people.
    pub(crate) type_name: Arc<str>,
    /// The n of `varchar(n)` and `char(n)`.
    pub(crate) max_chars: Option<usize>,
    /// How many bytes a value may have, where it is bytes that the server counts.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) letters: Letters,
    /// Part of a primary key, a foreign key or a partition key: changing it may break a relation.
    pub(crate) is_key: bool,
    /// Part of a unique index, alone or with others.
    pub(crate) is_unique: bool,
    pub(crate) is_nullable: bool,
}

impl Column {
    /// Whether a value is not too long for it.
    pub(crate) fn has_room(&self, value: &[u8]) -> bool {
        self.max_chars.is_none_or(|max| chars(value) <= max) && self.max_bytes.is_none_or(|max| value.len() <= max)
    }
}

/// Characters as `varchar(n)` counts them; trailing blanks do not overflow it.
pub(crate) fn chars(value: &[u8]) -> usize {
    let value = String::from_utf8_lossy(value);
    value.trim_end_matches(' ').chars().count()
}

/// A table whose own rows are copied.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Arc<[Column]>,
    pub(crate) size_bytes: u64,
    /// Why its rows are left behind.
    pub(crate) excluded_by: Option<String>,
    /// Its own name, and those of the tables that it is a part of or inherits from up to the whole, each bare and with its
    /// schema.
    pub(crate) names: Vec<String>,
    /// About how many rows it has, if that is known.
    pub(crate) rows: u64,
}

impl Table {
    /// So many of its names are its own.
    pub(crate) const OWN_NAMES: usize = 2;

    /// `schema.table`, for people.
    pub(crate) fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// The place of the column of this name, in whatever case.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The places of columns by their names, in whatever case.
    ///
    /// # Errors
    /// When there is no such column.
    pub(crate) fn places(&self, columns: &[&str]) -> Result<Vec<usize>> {
        let place =
            |name: &&str| self.column(name).with_context(|| format!("table `{}` has no column `{name}`", self.label()));
        columns.iter().map(place).collect()
    }

    /// `schema.table` of what it is a part of, for people.
    pub(crate) fn whole(&self) -> String {
        self.names.last().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A column of text that may hold anything.
    pub(crate) fn column(name: &str) -> Column {
        Column {
            name: name.to_owned(),
            column_type: ColumnType::Text,
            type_name: "text".into(),
            max_chars: None,
            max_bytes: None,
            letters: Letters::All,
            is_key: false,
            is_unique: false,
            is_nullable: true,
        }
    }

    /// A table of no columns and no size, to start from.
    pub(crate) fn table(name: &str) -> Table {
        Table {
            schema: "public".to_owned(),
            name: name.to_owned(),
            columns: Arc::default(),
            size_bytes: 0,
            excluded_by: None,
            names: vec![name.to_owned(), format!("public.{name}")],
            rows: 0,
        }
    }

    #[test]
    fn a_value_has_letters_that_its_column_has_room_for() {
        for (letters, old, new, fitted) in [
            (Letters::All, "", "é😀", "é😀"),
            (Letters::Basic, "", "é😀a", "é?a"),
            (Letters::Own, "", "éa", "?a"),
            (Letters::Own, "né", "éaü", "éa?"),
        ] {
            assert_eq!(letters.hold(old.as_bytes(), new.as_bytes()), new == fitted, "{new}");
            assert_eq!(letters.fitted(old.as_bytes(), new.into()), fitted.as_bytes(), "{new}");
        }
    }
}
