//! The judgement of columns and keys by a sample: words of few choices stay, and a table in which somebody stands is closed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::names;
use super::texts::{self, Kind};
use super::words::OpaqueWords;
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::{Caught, Net, NetCounts, shapes};
use crate::masking::row_masker::{NewValue, RowDecision, RowMasker};
use crate::masking::suspects::Sample;
use crate::masking::table::{Condition, Expected, TableMask};

/// So many values tell that they are few.
const LEAST_VALUES: usize = 20;
/// More are no choices.
const MOST_CHOICES: usize = 12;
/// The same in the whole table, of which a sample has not all.
pub(crate) const MOST_COMMON: usize = 2 * MOST_CHOICES;
/// Each stands in so many rows, on average.
const LEAST_ROWS: usize = 5;
/// A choice is no sentence.
const LONGEST_CHOICE: usize = 60;

/// A column, and the key of the rows that are meant where the table has keys.
type Place = (usize, Option<String>);

/// About how many values of a column differ, in a table of so many rows, and where they are few the most common ones.
#[derive(Clone, Debug)]
pub(crate) struct Differing {
    /// About how many.
    pub(crate) values: f64,
    pub(crate) rows: u64,
    pub(crate) common: Vec<String>,
}

/// The same by column, where the server knows.
pub(crate) type Variety = HashMap<String, Differing>;

/// Closes a table of which nothing tells what it is about, when a value in it is somebody's; opens columns and keys that
/// are choices, and hides the words of those in which nearly each is another one.
pub(crate) fn judge(table: &Table, assignment: &mut Assignment, sample: &Sample, variety: &Variety) {
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
    let (_, values) = looked_through(mask, sample);
    let judged = values.into_iter().filter_map(|(place, mut values)| {
        let (column, key) = &place;
        let name = key.clone().unwrap_or_else(|| mask.names[*column].to_string());
        let in_table = variety.get(&*mask.names[*column]).filter(|_| key.is_none());
        in_table.iter().flat_map(|all| &all.common).for_each(|value| values.add_common(value));
        if values.are_few(&table.name, &name, in_table) {
            return Some((place, Some(values.choices())));
        }
        let hides = !mask.column_nets[*column].is_linked && values.words.tell_nothing(&name, in_table);
        hides.then_some((place, None))
    });
    let judged: Vec<_> = judged.collect();
    change(assignment, |mask| {
        for ((column, key), choices) in judged {
            let is_key = |(key, column)| vec![Condition { column, expected: Expected::Exactly(key) }];
            let key = key.zip(mask.key_column).map(is_key);
            let own = &mut mask.column_nets[column];
            match (choices, key) {
                // What has not been seen is no choice.
                (Some(choices), key) => {
                    let is_choice = vec![Condition { column, expected: Expected::Choice(Arc::new(choices)) }];
                    own.put_where(key.into_iter().chain([is_choice]).collect(), Net::Search);
                }
                (None, Some(key)) => own.put_where(vec![key], Net::Words),
                (None, None) => own.put(Net::Close, Net::Words),
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
fn looked_through(mask: &Arc<TableMask>, sample: &Sample) -> (Vec<NetCounts>, BTreeMap<Place, Values>) {
    let mut masker = RowMasker::new(mask.clone());
    let mut values: BTreeMap<Place, Values> = BTreeMap::new();
    for row in sample {
        let text = |column: usize| row[column].as_ref().map(|text| Cow::Borrowed(text.as_bytes()));
        if masker.decide(text) != RowDecision::Masked {
            continue;
        }
        for (column, value) in row.iter().enumerate() {
            let value = value.as_deref().filter(|value| !value.trim().is_empty());
            let Some(value) = value.filter(|_| masker.rule(column).is_none()) else { continue };
            let key = mask.key_column.filter(|key| *key != column && mask.key_names_value);
            if key.is_some_and(|key| row[key].is_none()) {
                continue;
            }
            let before = masker.net_counts[column].of(Caught::Field);
            let stays = masker.new_value_by_net(column, Some(value.as_bytes())) == NewValue::Unchanged;
            if masker.net(column) == Net::Close {
                let values = values.entry((column, key.and_then(|key| row[key].clone()))).or_default();
                values.add(value);
                values.has_other |= masker.net_counts[column].of(Caught::Field) > before;
                if stays {
                    values.words.add(value);
                }
            }
        }
    }
    (masker.net_counts, values)
}

/// The values of a column that may be choices.
#[derive(Default)]
struct Values {
    words: OpaqueWords,
    values: usize,
    /// How often each was met.
    distinct: HashMap<String, usize>,
    /// Whether one is longer than a choice, has a structure, or is somebody's by its name.
    has_other: bool,
    /// Whether one may be the full name of somebody.
    has_full_name: bool,
}

impl Values {
    fn add(&mut self, value: &str) {
        self.values += 1;
        if !self.has_other && self.distinct.len() <= MOST_CHOICES {
            self.meet(value, 1);
        }
    }

    /// One that the server knows to stand in several rows.
    fn add_common(&mut self, value: &str) {
        self.meet(value, 2);
    }

    fn meet(&mut self, value: &str, times: usize) {
        let kind = texts::kind(value);
        self.has_other |= value.len() > LONGEST_CHOICE || kind == Kind::Markup || value.contains(['@', '{', '[', ';']);
        self.has_full_name |= kind == Kind::Name && value.trim().contains(' ');
        *self.distinct.entry(value.to_owned()).or_default() += times;
    }

    /// Those that were met more than once: one that was met once may be somebody's own words.
    fn choices(self) -> HashSet<String> {
        self.distinct.into_iter().filter(|(_, times)| *times > 1).map(|(value, _)| value).collect()
    }

    fn are_few(&self, table: &str, name: &str, in_table: Option<&Differing>) -> bool {
        // The server has looked at more rows.
        let most = if in_table.is_some_and(|all| !all.common.is_empty()) { MOST_COMMON } else { MOST_CHOICES };
        self.values >= LEAST_VALUES
            && in_table.is_none_or(|all| all.values <= MOST_COMMON as f64)
            && self.distinct.len() <= most.min(self.values / LEAST_ROWS)
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
        let mut choices = Values::default();
        (0..times).flat_map(|_| values).for_each(|value| choices.add(value));
        choices.are_few("orders", name, None)
            && !choices.are_few("orders", name, Some(&Differing { values: 3000.0, rows: 90_000, common: Vec::new() }))
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
