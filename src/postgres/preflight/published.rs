//! What a site publishes: whoever is named there is nobody's secret.

use anyhow::Result;

use super::catalog::Relations;
use super::streamed::PartOfTable;
use crate::copying::row::{Field as _, Row as _};
use crate::masking::assignment::MaskedSite;
use crate::masking::nets::people::KnownPeople;
use crate::masking::nets::people::published::{PLACES, Place};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// Takes out of the dictionary whoever stands in published posts or in the settings that every visitor sees.
pub(super) async fn leave_out(
    session: &SourceSession,
    tables: &Relations,
    sites: &[MaskedSite],
    people: &mut KnownPeople,
) -> Result<()> {
    let mut noted = people.published();
    for relation in tables.all.iter().filter(|relation| relation.table.excluded_by.is_none()) {
        for MaskedSite { site, published, .. } in sites {
            for place in PLACES.iter().filter(|place| site.owns(&relation.table, place.table)) {
                let Some(columns) = place.columns(&relation.table) else { continue };
                let part = PartOfTable::of(relation, &columns).of_at_most(place.most_bytes);
                let condition = condition(relation, place);
                part.show(session, Some(&condition), |row| {
                    let text = |at: usize| row.field(at).value();
                    place.note(people, &mut noted, published, text);
                })
                .await?;
            }
        }
    }
    people.leave_out(noted);
    Ok(())
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
