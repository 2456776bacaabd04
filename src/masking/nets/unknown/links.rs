//! Columns that refer to others without a foreign key, as their names or their values tell: `device_serial` is that of
//! `devices.serial`. Their values stay equal.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::names::{self, singular, snake};
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::Net;
use crate::masking::relations::Place;
use crate::masking::suspects::Sample;

/// So many words of a column are looked for among the keys of others, and of ten so many are found where it refers to them.
const TRIED: usize = 40;
const SHARED: usize = 5;

/// Columns of which others may be called after.
#[derive(Default)]
pub(super) struct Named {
    places: HashMap<String, Vec<Place>>,
}

impl Named {
    /// Adds a column under the names that a reference to it has: `device_serial`, and of a key `device_id` and `device`.
    pub(super) fn add(&mut self, place: Place, table: &Table) {
        let (own, column) = (snake(&table.name), snake(&table.columns[place.1].name));
        let starts = std::iter::once(0).chain(own.match_indices('_').map(|(at, _)| at + 1));
        let stems = starts.map(|at| singular(&own[at..])).filter(|stem| stem.len() > 2);
        let all: HashSet<String> = stems
            .flat_map(|stem| {
                let as_id = names::is_id(&column).then(|| [stem.clone(), format!("{stem}_id"), format!("{stem}_uuid")]);
                as_id.into_iter().flatten().chain([format!("{stem}_{column}")])
            })
            .collect();
        for name in all {
            self.add_as(name, place);
        }
    }

    fn add_as(&mut self, name: String, place: Place) {
        self.places.entry(name).or_default().push(place);
    }

    /// The columns that a column of this name may refer to.
    pub(super) fn of<'a>(&'a self, column: &'a str) -> impl Iterator<Item = Place> + 'a {
        self.called(column).flat_map(|(_, places)| places).copied()
    }

    /// The same, together where they are called the same.
    fn called<'a>(&'a self, column: &str) -> impl Iterator<Item = (&'a str, &'a [Place])> {
        let ends = std::iter::once(0).chain(column.match_indices('_').map(|(at, _)| at + 1));
        let called = ends.filter_map(|at| self.places.get_key_value(&column[at..]));
        called.map(|(name, places)| (name.as_str(), places.as_slice()))
    }
}

/// Columns whose words are hidden, each with some of them: by these it shows whether they are keys elsewhere.
#[derive(Default)]
pub(crate) struct Links {
    hidden: Vec<(Place, HashSet<String>)>,
}

impl Links {
    /// Takes in what a sample of a table has.
    pub(crate) fn add(&mut self, place: usize, assignment: &Assignment, sample: &Sample) {
        let nets = assignment.mask.iter().flat_map(|mask| mask.column_nets.iter().enumerate());
        for (column, _) in nets.filter(|(_, nets)| nets.net == Net::Words) {
            let values = sample.iter().filter_map(|row| row[column].clone()).take(TRIED);
            self.hidden.push(((place, column), values.collect()));
        }
    }

    /// All words by which it shows, each once.
    pub(crate) fn words(&self) -> Vec<&str> {
        let words: HashSet<_> = self.hidden.iter().flat_map(|(_, words)| words).map(String::as_str).collect();
        words.into_iter().collect()
    }

    /// Shows the words again that are keys elsewhere, and hides those of columns that are called after a hidden one. The
    /// first of these are returned.
    pub(crate) fn settle(
        &self,
        keys: &HashSet<String>,
        tables: &[&Table],
        assignments: &mut [Assignment],
    ) -> Vec<Place> {
        let mut shown = Vec::new();
        for ((table, column), words) in &self.hidden {
            let shared = words.iter().filter(|word| keys.contains(*word)).count();
            if shared * 10 >= words.len() * SHARED
                && let Some(mask) = assignments[*table].mask.as_mut().map(Arc::make_mut)
            {
                mask.column_nets[*column].put(Net::Words, Net::Close);
                shown.push((*table, *column));
            }
        }
        take_along(tables, assignments);
        shown
    }
}

fn net_of(assignment: &Assignment, column: usize) -> Option<Net> {
    assignment.mask.as_ref().map(|mask| mask.column_nets[column].net)
}

/// Hides the words of a column as well where they are those of another one, by the name of either.
fn take_along(tables: &[&Table], assignments: &mut [Assignment]) {
    let net = |assignments: &[Assignment], (table, column): Place| net_of(&assignments[table], column);
    let closed: Vec<Place> = (0..tables.len())
        .flat_map(|table| (0..tables[table].columns.len()).map(move |column| (table, column)))
        .filter(|place| net(assignments, *place).is_some_and(Net::is_closed))
        .collect();
    let mut named = Named::default();
    for place in &closed {
        named.add(*place, tables[place.0]);
        let own = snake(&tables[place.0].columns[place.1].name);
        if !names::is_general(&own) {
            named.add_as(own, *place);
        }
    }
    // By name, not by pair: in a network each column is there as often as there are sites.
    let mut calling: HashMap<&str, (&[Place], Vec<Place>)> = HashMap::new();
    for place in &closed {
        let name = snake(&tables[place.0].columns[place.1].name);
        for (name, called) in named.called(&name) {
            calling.entry(name).or_insert_with(|| (called, Vec::new())).1.push(*place);
        }
    }
    loop {
        let hides = |place: &Place| net(assignments, *place) == Some(Net::Words);
        let mut found = HashSet::new();
        for (called, calling) in calling.values() {
            for (from, to) in [(*called, calling.as_slice()), (calling.as_slice(), *called)] {
                let Some(tables) = HidingTables::of(from.iter().filter(|place| hides(place))) else { continue };
                found.extend(to.iter().filter(|place| !hides(place) && tables.has_other_than(place.0)));
            }
        }
        if found.is_empty() {
            return;
        }
        for (table, column) in found {
            if let Some(mask) = assignments[table].mask.as_mut().map(Arc::make_mut) {
                mask.column_nets[column].put(Net::Close, Net::Words);
            }
        }
    }
}

/// Tables with a column whose words are hidden: one, and whether there is another.
struct HidingTables {
    one: usize,
    has_more: bool,
}

impl HidingTables {
    fn of<'p>(mut places: impl Iterator<Item = &'p Place>) -> Option<Self> {
        let one = places.next()?.0;
        Some(Self { one, has_more: places.any(|place| place.0 != one) })
    }

    fn has_other_than(&self, table: usize) -> bool {
        self.has_more || self.one != table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::{column, table};

    #[test]
    fn what_refers_to_a_column_is_called_after_it() {
        let mut named = Named::default();
        let devices = Table { columns: [column("id"), column("serial")].into(), ..table("shop_devices") };
        named.add((0, 0), &devices);
        named.add((0, 1), &devices);
        let refers = |name: &str| named.of(name).collect::<Vec<_>>();
        assert_eq!(refers("device_serial"), [(0, 1)]);
        assert_eq!(refers("old_device_id"), [(0, 0)]);
        assert_eq!(refers("device"), [(0, 0)]);
        assert!(["id", "serial", "device_key", "token"].iter().all(|name| refers(name).is_empty()));
    }
}
