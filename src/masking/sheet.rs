//! The sheet: what was masked, emptied and left, by table and column, for whoever answers for personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::transformer::Transformer;
use crate::data::tables::Table;
use crate::masking::assignment::{Assignment, Kept};
use crate::masking::key::KeySource;
use crate::masking::queues::QueueLine;
use crate::masking::table::{Expected, Origin, TableRule};

/// What became of personal data in a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sheet {
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
    /// Rows that were left behind while others of their table came along.
    pub dropped: Vec<DroppedLine>,
    /// Tables that came without their rows.
    pub emptied: Vec<EmptiedLine>,
    /// What no rule speaks of, and yet looks personal: it was copied as it is.
    pub suspects: Vec<Suspect>,
    /// How many lines of the four lists are not in them: each has 500 at most.
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

impl std::fmt::Display for Suspect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self.rows.as_ref().map(|rows| format!(" where {rows}")).unwrap_or_default();
        write!(f, "`{}`{rows} ({})", self.column, self.because)
    }
}

/// What was done to one table that came with its rows.
pub(crate) struct TableOutcome<'a> {
    pub(crate) table: &'a Table,
    pub(crate) assignment: &'a Assignment,
    /// Rows that came.
    pub(crate) rows: u64,
    /// By the rules of its mask, what each of them counted.
    pub(crate) counts: &'a [u64],
}

impl TableOutcome<'_> {
    /// The table, or the whole that it is a part of where the rule does not speak of it alone.
    fn table(&self, is_only: bool) -> String {
        if is_only { self.table.label() } else { self.table.whole() }
    }

    fn column(&self, column: usize, is_only: bool) -> String {
        format!("{}.{}", self.table(is_only), self.table.columns[column].name)
    }

    /// The rows that a rule is about.
    fn rows_of(&self, rule: &TableRule) -> Option<String> {
        let condition = rule.condition.as_ref()?;
        let column = &self.table.columns[condition.column].name;
        Some(match &condition.expected {
            Expected::Exactly(text) => format!("{column} = {text}"),
            Expected::Glob(glob) => format!("{column} = {glob}"),
            Expected::KeptUser(_) => "the user keeps the login".to_owned(),
        })
    }
}

impl Sheet {
    /// Takes in what was done to a table. The preset's rules that met nothing are not worth a line.
    pub(crate) fn add(&mut self, outcome: &TableOutcome<'_>) {
        let rules = outcome.assignment.mask.iter().flat_map(|mask| &mask.rules);
        for (rule, count) in
            rules.zip(outcome.counts).filter(|(rule, count)| **count > 0 || rule.origin == Origin::Caller)
        {
            let (rows, because) = (outcome.rows_of(rule), rule.because.clone());
            match rule.column {
                None if rule.transformer == Transformer::Keep => {}
                None => {
                    self.dropped_rows += count;
                    let (table, rows) = (outcome.table(rule.is_only), rows.unwrap_or_default());
                    let line = DroppedLine { table, rows, count: *count, because };
                    match self.dropped.iter_mut().find(|known| (&known.table, &known.rows) == (&line.table, &line.rows))
                    {
                        Some(known) => known.count += count,
                        None => self.dropped.push(line),
                    }
                }
                Some(column) => {
                    let treatment = match rule.transformer {
                        Transformer::Keep => Treatment::Left,
                        Transformer::Empty => Treatment::Emptied,
                        Transformer::Set => Treatment::Set,
                        _ => Treatment::Masked,
                    };
                    self.masked_values += if treatment == Treatment::Left { 0 } else { *count };
                    let (column, transformer) = (outcome.column(column, rule.is_only), rule.transformer.name());
                    self.add_column(ColumnLine { column, rows, treatment, transformer, values: *count, because });
                }
            }
        }
        for Kept { column, because, is_only } in &outcome.assignment.kept {
            self.add_column(ColumnLine {
                column: outcome.column(*column, *is_only),
                rows: None,
                treatment: Treatment::Left,
                transformer: Transformer::Keep.name(),
                values: outcome.rows,
                because: because.clone(),
            });
        }
    }

    /// Takes in what stayed behind because it would act: there are people in it, too.
    pub(crate) fn add_queues(&mut self, queues: &[QueueLine]) {
        for queue in queues.iter().filter(|queue| queue.done.is_emptied()) {
            if !self.emptied.iter().any(|line| line.table == queue.table) {
                let (table, because) = (queue.table.clone(), Some(queue.because.clone()));
                self.emptied.push(EmptiedLine { table, rows: queue.rows, because });
            }
        }
        self.emptied.sort_by(|a, b| a.table.cmp(&b.table));
    }

    /// The partitions of a table share their lines.
    fn add_column(&mut self, line: ColumnLine) {
        let is_same = |known: &&mut ColumnLine| {
            (&known.column, &known.rows, &known.transformer) == (&line.column, &line.rows, &line.transformer)
        };
        match self.columns.iter_mut().find(is_same) {
            Some(known) => known.values += line.values,
            None => self.columns.push(line),
        }
    }

    /// The same with so many lines at most in each list.
    pub(crate) fn cut(mut self, most: usize) -> Self {
        fn cut<T>(list: &mut Vec<T>, most: usize) -> u64 {
            let more = list.len().saturating_sub(most) as u64;
            list.truncate(most);
            more
        }
        self.not_listed += cut(&mut self.columns, most)
            + cut(&mut self.dropped, most)
            + cut(&mut self.emptied, most)
            + cut(&mut self.suspects, most);
        self
    }

    /// The sheet in lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "masked {} values; left {} rows behind, and those of {} tables; {} users keep their login and password",
            self.masked_values,
            self.dropped_rows,
            self.emptied.len(),
            self.kept_users
        )];
        let because = |text: &Option<String>| text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
        lines.extend(self.columns.iter().map(|line| {
            let verb = match line.treatment {
                Treatment::Masked => "masked",
                Treatment::Emptied => "emptied",
                Treatment::Set => "set",
                Treatment::Left => "left",
            };
            let rows = line.rows.as_ref().map(|rows| format!(" where {rows}")).unwrap_or_default();
            format!(
                "{verb} {}{rows}: {} values, {}{}",
                line.column,
                line.values,
                line.transformer,
                because(&line.because)
            )
        }));
        lines.extend(self.dropped.iter().map(|line| {
            format!("left behind of {} where {}: {} rows{}", line.table, line.rows, line.count, because(&line.because))
        }));
        lines.extend(
            self.emptied
                .iter()
                .map(|line| format!("left behind all of {}: {} rows{}", line.table, line.rows, because(&line.because))),
        );
        lines.extend(self.suspects.iter().map(|suspect| format!("looks personal, copied as it is: {suspect}")));
        lines.extend((self.not_listed > 0).then(|| format!("{} more, which are not listed", self.not_listed)));
        lines
    }
}
