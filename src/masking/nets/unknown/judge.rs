//! The judgement of columns and keys by a sample: words of few choices stay, and a table in which somebody stands is closed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::names;
use super::texts::{self, Kind};
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::{Caught, Net, NetCounts, shapes};
use crate::masking::row_masker::{RowDecision, RowMasker};
use crate::masking::suspects::Sample;
use crate::masking::table::{Condition, Expected, TableMask};

/// So many values tell that they are few.
const LEAST_VALUES: usize = 20;
/// More are no choices.
const MOST_CHOICES: usize = 12;
/// Each stands in so many rows, on average.
const LEAST_ROWS: usize = 5;
/// A choice is no sentence.
const LONGEST_CHOICE: usize = 60;

/// A column, and the key of the rows that are meant where the table has keys.
type Place = (usize, Option<String>);

/// Closes a table of which nothing tells what it is about, when a value in it is somebody's; and opens columns and keys that
/// are choices.
pub(crate) fn judge(table: &Table, assignment: &mut Assignment, sample: &Sample) {
    let Some(mask) = &assignment.mask else { return };
    let is_somebody =
        |counts: &NetCounts| counts.of(Caught::Shape) + counts.of(Caught::Field) + counts.of(Caught::Person) > 0;
    let may_close = mask.may_close && looked_through(mask, sample).0.iter().any(is_somebody);
    let may_be = mask.may_close || mask.is_content;
    if may_close || mask.is_content && has_addresses(mask, sample) || may_be && refers_to_people(mask, sample) {
        change(assignment, |mask| {
            for nets in
                mask.column_nets.iter_mut().filter(|nets| nets.net == Net::Search && !nets.is_known && !nets.is_key)
            {
                nets.net = Net::Close;
            }
        });
    }
    let Some(mask) = &assignment.mask else { return };
    let (_, choices) = looked_through(mask, sample);
    let name = |(column, key): &Place| key.clone().unwrap_or_else(|| mask.names[*column].to_string());
    let choices: Vec<Place> = choices
        .into_iter()
        .filter(|(place, choices)| choices.are_few(&table.name, &name(place)))
        .map(|(place, _)| place)
        .collect();
    change(assignment, |mask| {
        for (column, key) in choices {
            let key =
                key.zip(mask.key_column).map(|(key, column)| Condition { column, expected: Expected::Exactly(key) });
            match key {
                Some(condition) => mask.column_nets[column].in_rows.push((vec![vec![condition]], Net::Search)),
                None => mask.column_nets[column].net = Net::Search,
            }
        }
    });
}

/// Whether the values of a column are the addresses of people, whatever it is called.
fn has_addresses(mask: &TableMask, sample: &Sample) -> bool {
    let is_one = |column: usize| {
        let mut values =
            sample.iter().filter_map(|row| row[column].as_deref()).filter(|value| !value.is_empty()).peekable();
        values.peek().is_some() && values.all(|value| shapes::is_email(value.trim()))
    };
    (0..mask.names.len()).any(|column| mask.column_nets[column].net == Net::Search && is_one(column))
}

/// Whether rows refer to somebody by the name of a model: `notifiable_type` is `App\Models\User`.
fn refers_to_people(mask: &TableMask, sample: &Sample) -> bool {
    let is_model = |value: &str| {
        let model = value.rsplit(['\\', ':', '.', '/']).next().unwrap_or_default();
        model.starts_with(|c: char| c.is_ascii_uppercase()) && names::is_people(&names::snake(model))
    };
    (0..mask.names.len()).any(|column| {
        names::snake(&mask.names[column]).ends_with("able_type")
            && mask.column_nets[column].net == Net::Search
            && sample.iter().filter_map(|row| row[column].as_deref()).any(is_model)
    })
}

fn change(assignment: &mut Assignment, change: impl FnOnce(&mut TableMask)) {
    if let Some(mask) = assignment.mask.as_mut().and_then(Arc::get_mut) {
        change(mask);
    }
}

/// What the nets of each column caught in a sample, and the values of those that are closed.
fn looked_through(mask: &Arc<TableMask>, sample: &Sample) -> (Vec<NetCounts>, BTreeMap<Place, Choices>) {
    let mut masker = RowMasker::new(mask.clone());
    let mut choices: BTreeMap<Place, Choices> = BTreeMap::new();
    for row in sample {
        let text = |column: usize| row[column].as_ref().map(|text| Cow::Borrowed(text.as_bytes()));
        if masker.decide(text) != RowDecision::Masked {
            continue;
        }
        for (column, value) in row.iter().enumerate() {
            let value = value.as_deref().filter(|value| !value.trim().is_empty());
            let Some(value) = value.filter(|_| masker.rule(column).is_none()) else { continue };
            let before = masker.net_counts[column].of(Caught::Field);
            masker.new_value_by_net(column, Some(value.as_bytes()));
            if masker.net(column) == Net::Close {
                let key = mask.key_column.filter(|_| mask.key_names_value).and_then(|key| row[key].clone());
                let choices = choices.entry((column, key)).or_default();
                choices.add(value);
                choices.has_other |= masker.net_counts[column].of(Caught::Field) > before;
            }
        }
    }
    (masker.net_counts, choices)
}

/// The values of a column that may be choices.
#[derive(Default)]
struct Choices {
    values: usize,
    distinct: HashSet<String>,
    /// Whether one is longer than a choice, has a structure, or is somebody's by its name.
    has_other: bool,
    /// Whether one may be the full name of somebody.
    has_full_name: bool,
}

impl Choices {
    fn add(&mut self, value: &str) {
        self.values += 1;
        if self.has_other || self.distinct.len() > MOST_CHOICES {
            return;
        }
        let kind = texts::kind(value);
        self.has_other |= value.len() > LONGEST_CHOICE || kind == Kind::Markup || value.contains(['@', '{', '[', ';']);
        self.has_full_name |= kind == Kind::Name && value.trim().contains(' ');
        self.distinct.insert(value.to_owned());
    }

    fn are_few(&self, table: &str, name: &str) -> bool {
        self.values >= LEAST_VALUES
            && self.distinct.len() <= MOST_CHOICES.min(self.values / LEAST_ROWS)
            && !self.has_other
            && !names::is_somebodys(name)
            && !names::is_written(name)
            && (!self.has_full_name || names::is_choice(table, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_few(name: &str, values: &[&str], times: usize) -> bool {
        let mut choices = Choices::default();
        (0..times).flat_map(|_| values).for_each(|value| choices.add(value));
        choices.are_few("orders", name)
    }

    #[test]
    fn choices_are_few_short_and_nobody() {
        assert!(are_few("shirt", &["Large", "Small", "Medium"], 30));
        assert!(are_few("payment_method_title", &["Credit card", "Bank Transfer"], 30));
        assert!(!are_few("shirt", &["Large", "Small", "Medium"], 3), "too few were seen");
        assert!(!are_few("seller", &["Zoë Quill", "Bo Fennimoor"], 30), "they may be names");
        assert!(!are_few("first_name", &["Zoë", "Bo"], 30), "they are names");
        assert!(!are_few("note", &["a sentence that is far longer than any choice there is would be"], 30));
        let many: Vec<String> = (0..40).map(|i| format!("Word{i}x")).collect();
        assert!(are_few("shipping_method_name", &["Royal Post", "Next Day"], 30));
        assert!(!are_few("street", &["Quibble Row"], 30) && !are_few("city", &["Oddington"], 30), "it is somebody's");
        assert!(!are_few("special_instructions", &["ring twice"], 30), "somebody wrote it");
        assert!(!are_few("word", &many.iter().map(String::as_str).collect::<Vec<_>>(), 6));
    }
}
