//! The sheet: what was masked, emptied and left, by table and column, for whoever answers for personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::masked::Masked;
use crate::masking::key::KeySource;
use crate::masking::residue::Proof;

mod lines;
mod outcome;
mod verdict;

pub(crate) use outcome::TableOutcome;

/// What became of personal data in a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sheet {
    /// Whether the people in the copy are strangers.
    #[serde(default)]
    pub masked: Masked,
    /// Why they are not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_because: Vec<String>,
    /// Whether people are the same strangers in the site's next copy (`site`) or in this one only (`run`).
    pub key: KeySource,
    /// How many users keep their login and password.
    pub kept_users: u64,
    /// Values that were changed.
    pub masked_values: u64,
    /// Rows that were left behind.
    pub dropped_rows: u64,
    /// By column, in the order of tables: what was done to its values.
    pub columns: Vec<ColumnLine>,
    /// By column, in the order of tables: what was searched although no rule speaks of it, and what of it was masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searched: Vec<SearchedLine>,
    /// Columns that hold text or bytes, and that nothing masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmasked: Vec<UnmaskedLine>,
    /// What was found when the copy was searched for people and secrets; absent where it was not read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Rows that were left behind while others of their table came along.
    pub dropped: Vec<DroppedLine>,
    /// Tables that came without their rows.
    pub emptied: Vec<EmptiedLine>,
    /// What no rule speaks of, and yet looks personal: it was copied as it is.
    pub suspects: Vec<Suspect>,
    /// How many lines of the lists are not in them: each has 500 at most.
    #[serde(default, skip_serializing_if = "is_none")]
    pub not_listed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What was done to the values of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnLine {
    /// `schema.table.column`.
    pub column: String,
    /// Of which rows, such as `meta_key = billing_phone`; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// What was done.
    pub treatment: Treatment,
    /// The transformer that did it.
    pub transformer: String,
    /// How many values it was done to; for `left`, how many there are.
    pub values: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A column in which people and secrets were searched for, since no rule says what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchedLine {
    /// `schema.table.column`.
    pub column: String,
    /// Values that were changed.
    pub values: u64,
    /// How many texts in them were switches or secrets of the site's settings.
    pub settings: u64,
    /// How many were masked for the name of their field.
    pub fields: u64,
    /// How many for what they look like.
    pub shapes: u64,
    /// How many because a person is named in them whom the site knows.
    pub people: u64,
    /// How many because they are free text, or may be a name.
    pub unknown: u64,
    /// Why the rest stays, and of which rows; absent where what may be a name goes as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<String>,
}

/// A column that nothing masks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnmaskedLine {
    /// `schema.table.column`.
    pub column: String,
    /// Why.
    pub because: String,
}

/// What was done to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// Something invented stands there.
    Masked,
    /// Nothing stands there.
    Emptied,
    /// A fixed value stands there.
    Set,
    /// It is as it was, by a rule.
    Left,
}

/// Rows that were left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedLine {
    /// `schema.table`.
    pub table: String,
    /// Which rows.
    pub rows: String,
    /// How many.
    pub count: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A table that came without its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmptiedLine {
    /// `schema.table`.
    pub table: String,
    /// How many rows it has in the source; of a large table, about so many.
    pub rows: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A column that looks personal, and that no rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// `schema.table.column`.
    pub column: String,
    /// Of which rows, such as `meta_key = favourite_phone`; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// What it looks like.
    pub because: String,
    /// The transformer that would mask it.
    pub transformer: String,
}

impl Suspect {
    /// A rule for it, as it stands in a list of rules.
    pub(crate) fn rule(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let (table, column) = self.column.rsplit_once('.').unwrap_or_default();
        let when = self.rows.as_ref().and_then(|rows| rows.split_once(" = "));
        let when = when.map(|(key, value)| format!("when: {{column: {}, in: [{}]}}, ", quoted(key), quoted(value)));
        let (table, column) = (quoted(table), quoted(column));
        format!("{{table: {table}, column: {column}, {}transformer: {}}}", when.unwrap_or_default(), self.transformer)
    }
}

impl std::fmt::Display for Suspect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self.rows.as_ref().map(|rows| format!(" where {rows}")).unwrap_or_default();
        write!(f, "`{}`{rows} ({})", self.column, self.because)
    }
}

impl Sheet {
    /// The same with so many lines at most in each list.
    pub(crate) fn cut(mut self, most: usize) -> Self {
        fn cut<T>(list: &mut Vec<T>, most: usize) -> u64 {
            let more = list.len().saturating_sub(most) as u64;
            list.truncate(most);
            more
        }
        self.not_listed += cut(&mut self.columns, most)
            + cut(&mut self.searched, most)
            + cut(&mut self.dropped, most)
            + cut(&mut self.emptied, most)
            + cut(&mut self.unmasked, most)
            + cut(&mut self.suspects, most);
        if let Some((proof, more)) = self.proof.take().map(|proof| proof.cut(most)) {
            self.proof = Some(proof);
            self.not_listed += more;
        }
        self
    }
}
