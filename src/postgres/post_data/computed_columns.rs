//! Generated columns: they travel in no COPY, so what the new database computes is compared with what the source holds.

use anyhow::{Context as _, Result};

use super::contents::{self, Contents};
use crate::copying::report::Skipped;
use crate::postgres::preflight::catalog::{self, Relations};
use crate::postgres::rows::load::{LoadedTable, is_too_long_as_text};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The generated columns of a table.
pub(crate) struct ComputedColumns {
    oid: u32,
    /// For people.
    label: String,
    quoted: String,
    /// What of a row is compared: its keys, and what is computed of it.
    columns: Vec<String>,
    /// What the source holds, or why it is not compared.
    on_source: Result<Contents, &'static str>,
}

/// Reads what the source holds in generated columns, where that can be compared.
pub(crate) async fn on_source(source: &SourceSession, tables: &Relations) -> Result<Vec<ComputedColumns>> {
    let mut generated = catalog::generated(source).await?;
    let until = contents::deadline();
    let mut all = Vec::new();
    for relation in tables.copied() {
        let Some(generated) = generated.remove(&relation.oid) else { continue };
        let label = format!("computed columns {} of {}", generated.join(", "), relation.label());
        let keys = relation.table.columns.iter().filter(|column| column.is_key || column.is_unique);
        let columns: Vec<String> = keys.map(|column| column.name.clone()).chain(generated).collect();
        let quoted = relation.quoted();
        let on_source = match incomparable(relation) {
            Some(reason) => Err(reason),
            None => {
                let is_still = sql::is_still(&quoted, relation.oid);
                let query = format!("{} WHERE {is_still}", contents::query(&quoted, &columns));
                let pages = if relation.is_heap { relation.pages } else { 0 };
                match contents::read(source, &query, pages, relation.table.size_bytes, until).await {
                    Err(error) if is_too_long_as_text(&error) => {
                        source.renew().await?;
                        Err(TAKES_LONG)
                    }
                    read => read.with_context(|| format!("read {label}"))?.ok_or(TAKES_LONG),
                }
            }
        };
        all.push(ComputedColumns { oid: relation.oid, label, quoted, columns, on_source });
    }
    Ok(all)
}

const TAKES_LONG: &str = "what the source holds takes too long to be read";

fn incomparable(relation: &Relation) -> Option<&'static str> {
    if relation.mask.is_some() {
        Some("they are computed of rows that were masked")
    } else if relation.through_root || relation.has_condition() {
        Some("its rows are not all read from one table")
    } else if !relation.may_be_planned {
        Some("a query on the source could run code of others as its login")
    } else {
        None
    }
}

/// Compares what the new database has computed. What differs, or could not be compared, is named: the source's values may
/// be of another time, and no copy can hold them.
pub(crate) async fn compare(
    target: &Session,
    computed: &[ComputedColumns],
    loaded: &[LoadedTable],
) -> Result<Vec<Skipped>> {
    let rewritten: Vec<u32> =
        loaded.iter().filter(|table| table.counts.rewritten > 0).map(|table| table.relation.oid).collect();
    let mut skipped = Vec::new();
    for ComputedColumns { oid, label, quoted, columns, on_source } in computed {
        let reason = match on_source {
            Err(reason) => Err(*reason),
            Ok(_) if rewritten.contains(oid) => Err("they are computed of values that were rewritten"),
            Ok(on_source) => {
                let there = contents::read_back(target, quoted, columns).await;
                Ok(there.with_context(|| format!("read back {label}"))? == *on_source)
            }
        };
        skipped.extend(match reason {
            Ok(true) => None,
            Ok(false) => Some(Skipped::new(
                format!("{label} as they were"),
                "computed anew of the same rows they are others: what computes them was changed since, or depends on more than its row",
            )),
            Err(reason) => Some(Skipped::new(format!("comparison of {label}"), reason)),
        });
    }
    Ok(skipped)
}
