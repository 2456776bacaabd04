//! What a site publishes: whoever is named there is nobody's secret.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use roaring::RoaringTreemap;
use tokio::task::JoinSet;

use super::catalog::Relations;
use super::streamed::PartOfTable;
use crate::copying::row::{Field as _, Row as _};
use crate::masking::assignment::MaskedSite;
use crate::masking::nets::people::KnownPeople;
use crate::masking::nets::people::published::{PLACES, Place};
use crate::postgres::rows::format::CopyRow;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// Of what is published, so many parts are read at a time.
const AT_A_TIME: usize = 2;

/// A part of a table that everyone can read.
struct Part {
    copies: Vec<String>,
    of: Arc<PartOfTable>,
    place: &'static Place,
    published: Arc<RoaringTreemap>,
}

/// Takes out of the dictionary whoever stands in published posts or in the settings that every visitor sees.
pub(super) async fn leave_out(
    source: &SourceSession,
    tables: &Relations,
    sites: &[MaskedSite],
    people: KnownPeople,
) -> Result<KnownPeople> {
    let (parts, people) = (Arc::new(Mutex::new(parts(tables, sites))), Arc::new(people));
    let mut reading = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (session, parts, people) = (source.another().await?, parts.clone(), people.clone());
        reading.spawn(async move {
            let mut noted = people.published();
            while let Some(part) = next(&parts) {
                let note = |row: &CopyRow<'_>| {
                    part.place.note(&people, &mut noted, &part.published, |at| row.field(at).value());
                };
                part.of.show_some(&session, &part.copies, note).await?;
            }
            session.close().await;
            anyhow::Ok(noted)
        });
    }
    let mut noted = people.published();
    while let Some(read) = reading.join_next().await {
        noted.merge(&read.context("join a reader")??);
    }
    let mut people = Arc::into_inner(people).context("a reader still has the people")?;
    people.leave_out(noted);
    Ok(people)
}

fn next(parts: &Mutex<Vec<Part>>) -> Option<Part> {
    parts.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn parts(tables: &Relations, sites: &[MaskedSite]) -> Vec<Part> {
    let mut parts = Vec::new();
    for relation in tables.all.iter().filter(|relation| relation.table.excluded_by.is_none()) {
        for MaskedSite { site, published, .. } in sites {
            for place in PLACES.iter().filter(|place| site.owns(&relation.table, place.table)) {
                let Some(columns) = place.columns(&relation.table) else { continue };
                let of = Arc::new(PartOfTable::of(relation, &columns).of_at_most(place.most_bytes));
                let copies = of.copies(Some(&condition(relation, place)));
                parts.extend(copies.into_iter().map(|copies| Part {
                    copies,
                    of: of.clone(),
                    place,
                    published: published.clone(),
                }));
            }
        }
    }
    parts
}

/// What is true of the rows that are published.
fn condition(relation: &Relation, place: &Place) -> String {
    let of = |name: &str| {
        let columns = &relation.table.columns;
        let own = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        sql::ident(own.map_or(name, |column| &column.name))
    };
    let is_one = |(column, values): &(&str, &[&str])| {
        let values: Vec<_> = values.iter().map(|value| sql::literal(value)).collect();
        format!("{}::pg_catalog.text IN ({})", of(column), values.join(", "))
    };
    place.when.iter().map(is_one).collect::<Vec<_>>().join(" AND ")
}
