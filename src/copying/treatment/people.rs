//! The first pass over the source: whom the site knows, from the columns that are masked as a person's and no others.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::published;
use super::row_condition::RowCondition;
use super::source_tables::{RowReader, SMALL_BYTES, SMALL_TOGETHER, ShownRow};
use crate::data::tables::Table;
use crate::masking::assignment::{Assignment, MaskedSite};
use crate::masking::nets::people::{Gatherer, KnownPeople, PeopleColumns, Told};
use crate::rewriting::sites_of_tables::SitesOfTables;

/// How a value with a structure begins.
const STRUCTURES: &[&str] = &["a", "O", "{", "["];

/// Everybody whom the site knows, but for who is named in what it publishes. What one reader waits for the source, another one
/// reads; they come back.
pub(super) async fn known<R: RowReader>(
    mut readers: Vec<R>,
    tables: &[&Table],
    assignments: &[Assignment],
    sites: &[MaskedSite],
    gatherer: Gatherer,
) -> Result<(Vec<R>, KnownPeople)> {
    let is_read = |(_, (table, assignment)): &(usize, (&&Table, &Assignment))| {
        table.excluded_by.is_none() || assignment.emptied.is_some()
    };
    let of_tables = SitesOfTables::new(sites);
    let mut tables_of_people: Vec<_> = tables
        .iter()
        .zip(assignments)
        .enumerate()
        .filter(is_read)
        .filter_map(|(place, (table, assignment))| {
            Some((place, PeopleColumns::of(table, assignment, kept(table, &of_tables))?))
        })
        .collect();
    // The largest are taken first, from the end.
    tables_of_people.sort_by_key(|(place, _)| tables[*place].size_bytes);
    let gathering = Gathering { tables, left: Mutex::new(tables_of_people), gatherer: Mutex::new(gatherer) };
    try_join_all(readers.iter_mut().map(|reader| gathering.go_on(reader))).await?;
    let mut people = gathering.gatherer.into_inner().unwrap_or_else(PoisonError::into_inner).end();
    if !people.is_empty() {
        (readers, people) = published::leave_out(readers, tables, sites, people)
            .await
            .context("look for people in what is published")?;
    }
    Ok((readers, people))
}

/// The tables that are still to be read, and who was met in the others.
struct Gathering<'a> {
    tables: &'a [&'a Table],
    left: Mutex<Vec<(usize, PeopleColumns)>>,
    gatherer: Mutex<Gatherer>,
}

impl Gathering<'_> {
    fn left(&self) -> MutexGuard<'_, Vec<(usize, PeopleColumns)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads tables, as long as there are any.
    async fn go_on(&self, reader: &mut impl RowReader) -> Result<()> {
        loop {
            let mut next = self.next();
            let Some((first, _)) = next.first() else { return Ok(()) };
            let mut label = format!("`{}`", self.tables[*first].label());
            if next.len() > 1 {
                label = format!("{label} and {} more", next.len() - 1);
            }
            self.gather(reader, &mut next).await.with_context(|| format!("look for people in {label}"))?;
        }
    }

    /// The next table, or several that are small: these cost no more than the way to the server and back.
    fn next(&self) -> Vec<(usize, PeopleColumns)> {
        let mut left = self.left();
        let Some(first) = left.pop() else { return Vec::new() };
        let more = if self.tables[first.0].size_bytes <= SMALL_BYTES { SMALL_TOGETHER.min(left.len()) } else { 0 };
        let from = left.len() - more;
        std::iter::once(first).chain(left.drain(from..).rev()).collect()
    }

    async fn gather(&self, reader: &mut impl RowReader, tables: &mut [(usize, PeopleColumns)]) -> Result<()> {
        let (mut parts, mut of) = (Vec::new(), Vec::new());
        for (number, (place, columns)) in tables.iter_mut().enumerate() {
            let when = match columns.key {
                Some(key) => of_keys(reader, *place, key, columns).await?,
                None => RowCondition::Always,
            };
            if when != RowCondition::OneOf(Vec::new()) {
                parts.extend(reader.parts(*place, &columns.read, &when, None));
                of.resize(parts.len(), number);
            }
        }
        let of_table = |(place, columns): &(usize, PeopleColumns)| -> Vec<Option<usize>> {
            let read = |column| columns.read.iter().position(|read| *read == column);
            (0..self.tables[*place].columns.len()).map(read).collect()
        };
        let places: Vec<_> = tables.iter().map(of_table).collect();
        let mut show = |part: usize, row: &dyn ShownRow| {
            let mut gatherer = self.gatherer.lock().unwrap_or_else(PoisonError::into_inner);
            let (places, (_, columns)) = (&places[of[part]], &mut tables[of[part]]);
            columns.take(&mut gatherer, |column| row.value(places[column]?));
        };
        reader.show(&parts.iter().collect::<Vec<_>>(), &mut show).await
    }
}

/// The users whose logins are kept, and the column of their ids.
fn kept(table: &Table, sites: &SitesOfTables<'_, MaskedSite>) -> Option<(usize, Arc<HashSet<String>>)> {
    sites.of(table).into_iter().find_map(|MaskedSite { site, kept_users, .. }| {
        let id = [("users", "id"), ("usermeta", "user_id")].iter().find(|(name, _)| site.owns(table, name))?.1;
        let column = table.column(id)?;
        Some((column, kept_users.clone()))
    })
}

/// The rows whose keys tell somebody, none where there are no such keys; all when there are too many of them.
async fn of_keys(
    reader: &mut impl RowReader,
    place: usize,
    key: usize,
    columns: &mut PeopleColumns,
) -> Result<RowCondition> {
    let Some(keys) = reader.values_of(place, key).await.context("read its keys")? else {
        return Ok(RowCondition::Always);
    };
    let read: Vec<usize> = columns.read.clone();
    let number = |column: usize| read.iter().position(|read| *read == column);
    let Some(own) = number(key) else { return Ok(RowCondition::Always) };
    let (mut somebody, mut within) = (Vec::new(), Vec::new());
    for key in keys {
        match columns.told_by_key(&key) {
            Told::Somebody => somebody.push(key),
            Told::Within => within.push(key),
            Told::Nothing => {}
        }
    }
    let structures: Vec<_> = STRUCTURES.iter().map(|begin| (*begin).to_owned()).collect();
    let structured =
        columns.of_keys().filter_map(number).map(|column| RowCondition::Begins(column, structures.clone()));
    let structured = RowCondition::OneOf(structured.collect());
    let mut conditions = Vec::new();
    conditions.extend((!somebody.is_empty()).then_some(RowCondition::Is(own, somebody)));
    conditions.extend((!within.is_empty()).then(|| RowCondition::All(vec![RowCondition::Is(own, within), structured])));
    Ok(RowCondition::OneOf(conditions))
}
