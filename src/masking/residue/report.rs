//! What the search of a copy says: who was searched for, what was found and where, and never the value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Identifier;
use super::counts::{HIDDEN_KEY, ResidueCounts, Stays};
use crate::contract::masking_rules::{MaskingRule, When};
use crate::contract::transformer::Transformer;
use crate::data::tables::Table;
use crate::error::counted;
use crate::masking::nets::people::PeopleCounts;
use crate::masking::transformers::misfit;

/// What a search of the whole copy has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// How many people the site knows.
    pub people: u64,
    /// A digest of all of them, which tells at a later time whether people have changed; absent of few, who could be guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_digest: Option<String>,
    /// How many of their names, addresses and numbers were searched for.
    pub identifiers: u64,
    /// How many people cannot be searched for, since strangers may be called as they are.
    pub not_searchable: u64,
    /// How many names, addresses and numbers were not searched for, since production shows them to everyone.
    pub published: u64,
    /// How many were not searched for, since there are more than are held.
    pub not_held: u64,
    /// Rows that were searched.
    pub rows: u64,
    /// What stands where it should not, by column and key.
    pub residue: Vec<ResidueLine>,
    /// What stands where it may, and why it may.
    pub apart: Vec<Apart>,
    /// What was not searched.
    pub unread: Vec<Unread>,
}

/// Something of people or a secret, left in a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResidueLine {
    /// `schema.table.column`.
    pub column: String,
    /// Of which rows, such as `meta_key = favourite_phone`; absent where no key tells rows apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// What it is.
    pub identifier: Identifier,
    /// In how many values it stands.
    pub values: u64,
    /// A masking rule that leaves none of it, as YAML.
    pub rule: String,
}

/// Something of people or a secret that may stand in a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Apart {
    /// `schema.table.column`.
    pub column: String,
    /// Of which rows; absent where no key tells rows apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// What it is.
    pub identifier: Identifier,
    /// In how many values it stands.
    pub values: u64,
    /// Who decided so.
    pub stays: Stays,
    /// Why it may.
    pub because: String,
}

/// What was not searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// `schema.table.column`, or a table whose whole rows were not.
    pub place: String,
    /// How many values or rows.
    pub values: u64,
    /// Why.
    pub because: String,
}

const LONG_ROW: &str = "rows of more than 16 MiB";

impl Proof {
    /// A search for these people.
    pub(crate) fn of(people: PeopleCounts) -> Self {
        Self {
            people: people.people,
            people_digest: people.digest.map(|digest| digest.to_string()),
            identifiers: people.identifiers,
            not_searchable: people.not_searchable,
            published: people.published,
            not_held: people.left_out,
            ..Self::default()
        }
    }

    /// Takes in what was found in a table. Partitions share the lines of their whole.
    pub(crate) fn add(&mut self, table: &Table, counts: &ResidueCounts) {
        let whole = table.whole();
        let named = |column: usize| format!("{whole}.{}", table.columns[column].name);
        self.rows += counts.rows;
        for ((column, key, identifier, because), values) in &counts.values {
            let key_name = counts.key_column.map_or("", |column| &table.columns[column].name);
            let rows = key.as_ref().map(|key| format!("{key_name} = {key}"));
            let (column_name, values) = (named(*column), *values);
            match because {
                Some((stays, because)) => self.add_apart(Apart {
                    column: column_name,
                    rows,
                    identifier: *identifier,
                    values,
                    stays: *stays,
                    because: because.to_string(),
                }),
                None => self.add_residue(ResidueLine {
                    column: column_name,
                    rows,
                    identifier: *identifier,
                    values,
                    rule: rule(table, *column, key_name, key.as_deref()),
                }),
            }
        }
        for ((column, because), values) in &counts.unread {
            self.add_unread(named(*column), *values, because);
        }
        if counts.long_rows > 0 {
            self.add_unread(whole, counts.long_rows, LONG_ROW);
        }
    }

    fn add_residue(&mut self, line: ResidueLine) {
        let is_same = |known: &&mut ResidueLine| {
            (&known.column, &known.rows, known.identifier) == (&line.column, &line.rows, line.identifier)
        };
        match self.residue.iter_mut().find(is_same) {
            Some(known) => known.values += line.values,
            None => self.residue.push(line),
        }
    }

    fn add_apart(&mut self, line: Apart) {
        let is_same = |known: &&mut Apart| {
            (&known.column, &known.rows, known.identifier, &known.because)
                == (&line.column, &line.rows, line.identifier, &line.because)
        };
        match self.apart.iter_mut().find(is_same) {
            Some(known) => known.values += line.values,
            None => self.apart.push(line),
        }
    }

    /// Takes in that there are large objects, which nothing looks into.
    pub(crate) fn add_large_objects(&mut self, count: u64) {
        if count > 0 {
            self.add_unread("large objects".to_owned(), count, "not looked into");
        }
    }

    fn add_unread(&mut self, place: String, values: u64, because: &str) {
        match self.unread.iter_mut().find(|known| known.place == place && known.because == because) {
            Some(known) => known.values += values,
            None => self.unread.push(Unread { place, values, because: because.to_owned() }),
        }
    }

    /// The same with so many lines at most in each list, and how many are not in them.
    pub(crate) fn cut(mut self, most: usize) -> (Self, u64) {
        fn cut<T>(list: &mut Vec<T>, most: usize) -> u64 {
            let more = list.len().saturating_sub(most) as u64;
            list.truncate(most);
            more
        }
        let more = cut(&mut self.residue, most) + cut(&mut self.apart, most) + cut(&mut self.unread, most);
        (self, more)
    }

    /// What a copy fails of.
    pub(crate) fn failing(&self) -> impl Iterator<Item = &ResidueLine> {
        self.residue.iter().filter(|line| line.identifier.fails())
    }

    /// The proof in lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "searched {} for {} of {}, and for whatever has the form of one: {}",
            counted(self.rows, "row", "rows"),
            counted(self.identifiers, "identifier", "identifiers"),
            counted(self.people, "person", "people"),
            if self.residue.is_empty() {
                "found none".to_owned()
            } else {
                format!("found in {}", counted(self.residue.len(), "place", "places"))
            }
        )];
        let not_searched = [
            (
                self.not_searchable,
                ["person is", "people are"],
                "called as strangers may be, and cannot be searched for",
            ),
            (
                self.published,
                ["identifier is", "identifiers are"],
                "shown to everyone by production, and nobody's secret",
            ),
            (self.not_held, ["identifier is", "identifiers are"], "more than can be held, and not searched for"),
        ];
        lines.extend(
            not_searched
                .iter()
                .filter(|(n, ..)| *n > 0)
                .map(|(n, [one, many], what)| format!("{} {what}", counted(n, one, many))),
        );
        lines.extend(self.residue.iter().map(|line| format!("left over: {line}")));
        lines.extend(self.apart.iter().map(|line| {
            format!(
                "stays: {} ({})",
                place(line.identifier, line.values, &line.column, line.rows.as_deref()),
                line.because
            )
        }));
        lines.extend(
            self.unread
                .iter()
                .map(|line| format!("not searched: {} in {} ({})", line.values, line.place, line.because)),
        );
        lines
    }
}

impl std::fmt::Display for ResidueLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&place(self.identifier, self.values, &self.column, self.rows.as_deref()))
    }
}

fn place(identifier: Identifier, values: u64, column: &str, rows: Option<&str>) -> String {
    let rows = rows.map(|rows| format!(" where {rows}")).unwrap_or_default();
    format!("{} in {} of {column}{rows}", identifier.told(), counted(values, "value", "values"))
}

/// A rule that leaves nothing of the values in a place; JSON is YAML as well.
fn rule(table: &Table, column: usize, key_name: &str, key: Option<&str>) -> String {
    let fits = |transformer: &&Transformer| misfit(**transformer, &table.columns[column]).is_none();
    let all = || *[Transformer::Text, Transformer::Empty].iter().find(fits).unwrap_or(&Transformer::Inside);
    let one_of = |key: &str| When { column: key_name.to_owned(), one_of: vec![key.to_owned()], matches: Vec::new() };
    let rule = MaskingRule {
        table: table.whole(),
        column: Some(table.columns[column].name.clone()),
        when: key.filter(|key| *key != HIDDEN_KEY).map(one_of),
        // Of rows that are not told, the rest must stay.
        transformer: if key == Some(HIDDEN_KEY) { Transformer::Inside } else { all() },
        value: None,
        because: None,
        // What it is for is only what other rules have left.
        instead: key.is_some_and(|key| key != HIDDEN_KEY),
    };
    serde_json::to_string(&rule).unwrap_or_default()
}
