//! Suspects: columns that look personal, by their names or by a sample of their values, and that no rule speaks of and no
//! net holds for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Table};
use crate::masking::assignment::Assignment;
use crate::masking::key::Key;
use crate::masking::nets::shapes::{self, Place, Shape};
use crate::masking::nets::{Net, Nets, unknown};
use crate::masking::row_masker::{NewValue, RowDecision, RowMasker};
use crate::masking::sheet::Suspect;
use crate::masking::transformers::misfit;
use crate::masking::values::{self, ValueMasker};
use crate::rewriting::wordpress;

/// A share of the values that are not blank: one in so many tells of the whole column.
const ONE_IN: u64 = 20;

const FREE: &str = "a name or free text";
const WORD: &str = "a word that tells nothing by its letters";

/// Rows of a table, each with the text of its columns; `None` is NULL.
pub(crate) type Sample = Vec<Vec<Option<String>>>;

/// What a sample tells of a table.
#[derive(Default)]
pub(crate) struct Findings {
    /// What looks personal and comes as it is.
    pub(crate) suspects: Vec<Suspect>,
    /// What a net masks, and no rule speaks of.
    pub(crate) unknown: Vec<Suspect>,
}

impl Findings {
    /// Judges a table by a sample, and takes in what that tells.
    pub(crate) fn add(
        &mut self,
        table: &Table,
        assignment: &mut Assignment,
        sample: &Sample,
        variety: &unknown::Variety,
    ) {
        unknown::judge(table, assignment, sample, variety);
        let Self { suspects, unknown } = find(table, assignment, sample);
        self.suspects.extend(suspects);
        self.unknown.extend(unknown);
    }

    /// Takes back what was said of the words of a column.
    pub(crate) fn take_back(&mut self, table: &Table, column: usize) {
        let label = label(table, &table.columns[column]);
        self.unknown.retain(|one| one.column != label || one.rows.is_some() || !one.because.ends_with(WORD));
    }
}

/// What a sample of a table tells of it.
pub(crate) fn find(table: &Table, assignment: &Assignment, sample: &Sample) -> Findings {
    if assignment.emptied.is_some() {
        return Findings::default();
    }
    let mut masker = assignment.mask.clone().map(RowMasker::new);
    let named = table.columns.iter().position(|column| wordpress::is_key_column(&column.name));
    let mut seen: BTreeMap<(usize, Option<String>), Tally> = BTreeMap::new();
    let mut caught: BTreeMap<(usize, Option<String>), Tally> = BTreeMap::new();
    for row in sample {
        let text = |column: usize| row[column].as_ref().map(|text| Cow::Borrowed(text.as_bytes()));
        let decision = masker.as_mut().map_or(RowDecision::Unchanged, |masker| masker.decide(text));
        if matches!(decision, RowDecision::Dropped(_)) {
            continue;
        }
        for (i, value) in row.iter().enumerate() {
            let value = value.as_deref().filter(|value| !value.trim().is_empty());
            let Some(value) = value.filter(|_| !assignment.settled.contains(&i)) else { continue };
            // The values of a key are a column of their own.
            let key = named.filter(|key| *key != i).and_then(|key| row[key].clone());
            let (place, name) = ((i, key.clone()), key.as_deref().unwrap_or_default());
            match masker.as_mut() {
                Some(masker) if masker.rule(i).is_some() => {}
                Some(masker) if masker.net(i) == Net::Settings => {}
                // Known for what it is, and published.
                Some(masker) if masker.net(i) == Net::None && masker.mask().column_nets[i].is_known => {}
                Some(masker) if masker.net(i) != Net::None => {
                    if masker.mask().is_named(i, key.as_deref()) {
                        continue;
                    }
                    let is_caught = masker.new_value_by_net(i, Some(value.as_bytes())) != NewValue::Unchanged;
                    caught.entry(place).or_default().add_caught(name, value, is_caught);
                }
                _ => seen.entry(place).or_default().add(name, value),
            }
        }
    }
    let ruled = |i: usize| {
        let has_rule = assignment
            .mask
            .iter()
            .any(|mask| mask.rules.iter().any(|rule| rule.column == Some(i)) || mask.column_nets[i].net != Net::None);
        assignment.settled.contains(&i) || has_rule
    };
    let by_name = table.columns.iter().enumerate().filter(|(i, _)| !ruled(*i)).filter_map(|(_, column)| {
        Some(suspect(
            table,
            column,
            None,
            values::personal(&column.name).filter(|t| holds(*t, column))?,
            "its name".to_owned(),
        ))
    });
    let mut suspects: Vec<_> = by_name.collect();
    for ((i, key), tally) in seen {
        let column = &table.columns[i];
        let is_known = suspects.iter().any(|known| known.column == label(table, column));
        if let Some((transformer, because)) = tally.finding().filter(|_| !is_known) {
            suspects.push(suspect(table, column, rows_of(table, named, key), transformer, because));
        }
    }
    let unknown = caught.into_iter().filter_map(|((i, key), tally)| {
        let (transformer, because) = tally.caught()?;
        Some(suspect(table, &table.columns[i], rows_of(table, named, key), transformer, because))
    });
    Findings { suspects, unknown: unknown.collect() }
}

/// The rows of a key, for people.
fn rows_of(table: &Table, named: Option<usize>, key: Option<String>) -> Option<String> {
    key.zip(named).map(|(key, named)| format!("{} = {key}", table.columns[named].name))
}

fn label(table: &Table, column: &Column) -> String {
    format!("{}.{}", table.whole(), column.name)
}

fn suspect(table: &Table, column: &Column, rows: Option<String>, transformer: Transformer, because: String) -> Suspect {
    let usable = [transformer, Transformer::Inside].into_iter().find(|usable| misfit(*usable, column).is_none());
    let transformer = usable.unwrap_or(Transformer::Empty);
    Suspect { column: label(table, column), rows, because, transformer: transformer.name() }
}

/// Whether a column's type can hold what its name says. One of a type that is never looked into is told by its name alone.
fn holds(transformer: Transformer, column: &Column) -> bool {
    column.column_type.is_plain_text()
        || column.column_type == ColumnType::Other
        || transformer.traits().is_found_in.contains(&column.column_type)
}

/// What the values of a column, or of a key in it, look like.
#[derive(Default)]
struct Tally {
    values: u64,
    like: BTreeMap<&'static str, (u64, Option<Transformer>)>,
}

impl Tally {
    fn add(&mut self, key: &str, value: &str) {
        self.values += 1;
        if let Some((what, transformer)) = looks_like(key, value) {
            let entry = self.like.entry(what).or_insert((0, Some(transformer)));
            entry.0 += 1;
        }
    }

    /// The same for a value that a net holds for.
    fn add_caught(&mut self, key: &str, value: &str, is_caught: bool) {
        self.values += 1;
        if is_caught {
            let unknown =
                if unknown::is_opaque(value) { (WORD, Transformer::Postcode) } else { (FREE, Transformer::Text) };
            let (what, transformer) = looks_like(key, value).unwrap_or(unknown);
            self.like.entry(what).or_insert((0, Some(transformer))).0 += 1;
        }
    }

    /// What a net caught most of, however rare.
    fn caught(&self) -> Option<(Transformer, String)> {
        let (what, (count, transformer)) = self.like.iter().max_by_key(|(_, (count, _))| *count)?;
        Some(((*transformer)?, format!("{count} of {} sampled values hold {what}", self.values)))
    }

    fn finding(&self) -> Option<(Transformer, String)> {
        let (what, (count, transformer)) = self.like.iter().max_by_key(|(_, (count, _))| *count)?;
        (count * ONE_IN >= self.values)
            .then_some(((*transformer)?, format!("{count} of {} sampled values hold {what}", self.values)))
    }
}

fn looks_like(key: &str, value: &str) -> Option<(&'static str, Transformer)> {
    let trimmed = value.trim();
    let is_changed = || ValueMasker::personal(&Nets::new(Key::random())).masked(trimmed.as_bytes(), key).is_some();
    // As text an `inet` has its netmask.
    let bare = trimmed.trim_end_matches("/32").trim_end_matches("/128");
    let mut found = shapes::find(bare, Place::default());
    let first = found.next();
    if let Some(whole) = first.as_ref().filter(|found| found.range == (0..bare.len())) {
        return Some(whole.shape.told());
    }
    if matches!(trimmed.as_bytes(), [b'{' | b'[', ..] | [b'a' | b'O' | b's', b':', ..]) {
        return is_changed().then_some(("fields that are named or look like a person's", Transformer::Inside));
    }
    if let Some(transformer) = values::personal(key).filter(|_| is_changed()) {
        return Some(("what its key says", transformer));
    }
    first.map(|found| (found.shape.told_within(), Transformer::Contacts))
}

impl Shape {
    /// What a value is called that is of this shape, and what masks it.
    fn told(self) -> (&'static str, Transformer) {
        match self {
            Self::Email => ("an e-mail address", Transformer::Email),
            Self::Phone => ("a telephone number", Transformer::Phone),
            Self::Ip => ("an IP address", Transformer::Ip),
            Self::Iban => ("an IBAN", Transformer::Iban),
            Self::Card => ("a card's number", Transformer::Card),
            Self::OfficialNumber => ("an official number of a person", Transformer::OfficialNumber),
            Self::Device => ("the number of a network card", Transformer::Device),
            Self::Coordinates => ("a place on the earth", Transformer::Coordinates),
            Self::Secret => ("a secret", Transformer::Empty),
            Self::PasswordHash => ("a password's hash", Transformer::Password),
        }
    }

    fn told_within(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address among other text",
            Self::Phone => "a telephone number among other text",
            Self::Ip => "an IP address among other text",
            Self::Secret | Self::PasswordHash => "a secret among other text",
            _ => "an official number, an account or a place among other text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_looks_like_is_told() {
        for (value, what) in [
            ("zoe@example.com", "an e-mail address"),
            ("203.0.113.9", "an IP address"),
            ("203.0.113.9/32", "an IP address"),
            ("2001:db8::1", "an IP address"),
            ("DE89 3704 0044 0532 0130 00", "an IBAN"),
            ("+44 20 7946 0123", "a telephone number"),
            ("020 7946-0123", "a telephone number"),
            ("Write to zoe@example.com", "an e-mail address among other text"),
            (r#"{"first_name": "Zoë"}"#, "fields that are named or look like a person's"),
        ] {
            assert_eq!(looks_like("", value).map(|(what, _)| what), Some(what), "{value}");
        }
        for value in ["2024-05-06", "12345678", "DE00 3704 0044 0532 0130 00", "127.0.0.1", "SKU-1", "1.2.3", ""] {
            assert_eq!(looks_like("", value), None, "{value}");
        }
        assert_eq!(looks_like("favourite_city", "Oslo"), Some(("what its key says", Transformer::City)));
    }
}
