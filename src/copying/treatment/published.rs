//! What a site publishes: whoever is named there is nobody's secret.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use roaring::RoaringTreemap;
use tokio::task::JoinSet;

use super::row_condition::RowCondition;
use super::source_tables::{RowReader, SMALL_BYTES, SMALL_TOGETHER, ShownRow};
use crate::data::tables::Table;
use crate::masking::assignment::MaskedSite;
use crate::masking::nets::people::KnownPeople;
use crate::masking::nets::people::published::{PLACES, Place};
use crate::rewriting::sites_of_tables::SitesOfTables;

/// A part of a table that everyone can read.
struct Part<P> {
    part: P,
    place: &'static Place,
    published: Arc<RoaringTreemap>,
    /// Whether it costs no more than the way to the server and back.
    is_small: bool,
}

/// Takes out of the dictionary whoever stands in published posts or in the settings that every visitor sees. The readers come back.
pub(super) async fn leave_out<R: RowReader>(
    readers: Vec<R>,
    tables: &[&Table],
    sites: &[MaskedSite],
    people: KnownPeople,
) -> Result<(Vec<R>, KnownPeople)> {
    let parts = readers.first().map(|reader| parts(reader, tables, sites)).unwrap_or_default();
    let (parts, people) = (Arc::new(Mutex::new(parts)), Arc::new(people));
    let mut reading = JoinSet::new();
    for mut reader in readers {
        let (parts, people) = (parts.clone(), people.clone());
        reading.spawn(async move {
            let mut noted = people.published();
            loop {
                let next = next(&parts);
                if next.is_empty() {
                    break;
                }
                let mut note = |number: usize, row: &dyn ShownRow| {
                    let Part { place, published, .. } = &next[number];
                    place.note(&people, &mut noted, published, |at| row.value(at));
                };
                reader.show(&next.iter().map(|part| &part.part).collect::<Vec<_>>(), &mut note).await?;
            }
            anyhow::Ok((reader, noted))
        });
    }
    let (mut readers, mut noted) = (Vec::new(), people.published());
    while let Some(read) = reading.join_next().await {
        let (reader, more) = read.context("join a reader")??;
        readers.push(reader);
        noted.merge(&more);
    }
    let mut people = Arc::into_inner(people).context("a reader still has the people")?;
    people.leave_out(noted);
    Ok((readers, people))
}

/// The next part, or several that are small.
fn next<P>(parts: &Mutex<Vec<Part<P>>>) -> Vec<Part<P>> {
    let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
    let small = parts.iter().rev().take(SMALL_TOGETHER).take_while(|part| part.is_small).count();
    let from = parts.len().saturating_sub(small.max(1));
    parts.drain(from..).collect()
}

fn parts<R: RowReader>(reader: &R, tables: &[&Table], sites: &[MaskedSite]) -> Vec<Part<R::Part>> {
    let of_tables = SitesOfTables::new(sites);
    let mut parts = Vec::new();
    for (number, table) in tables.iter().enumerate().filter(|(_, table)| table.excluded_by.is_none()) {
        for MaskedSite { site, published, .. } in of_tables.of(table) {
            for place in PLACES.iter().filter(|place| site.owns(table, place.table)) {
                let Some(columns) = place.columns(table) else { continue };
                let of_table = reader.parts(number, &columns, &condition(table, &columns, place), place.most_bytes);
                let is_small = table.size_bytes <= SMALL_BYTES;
                parts.extend(of_table.into_iter().map(|part| Part {
                    part,
                    place,
                    published: published.clone(),
                    is_small,
                }));
            }
        }
    }
    parts
}

/// What is true of the rows that are published, of these columns.
fn condition(table: &Table, columns: &[usize], place: &Place) -> RowCondition {
    let number = |name: &str| columns.iter().position(|column| table.columns[*column].name.eq_ignore_ascii_case(name));
    let is_one = |(column, values): &(&str, &[&str])| Some(RowCondition::is_of(number(column)?, values));
    RowCondition::All(place.when.iter().filter_map(is_one).collect())
}
