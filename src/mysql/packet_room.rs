//! JSON of MySQL, which a server neither gives nor takes where it is longer than `max_allowed_packet`: such a value is found, and named,
//! before rows come. Any other value passes whatever that is.

use anyhow::{Context as _, Result, bail};

use super::rows::relation::Relation;
use super::session::connect::{Family, Session};
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::data::tables::ColumnType;
use crate::error::Failure;

const ASK: &str = "SELECT @@max_allowed_packet";
/// A value's text is at most so many times as long as what is stored of it: each byte may be one that is spelled `\u0001`.
const TEXT_OF_STORED: u64 = 8;
/// A larger table is not looked through: the copy then ends at such a value.
const LOOKED_THROUGH_BYTES: u64 = 256 << 20;

/// Whether values may come that the target takes only where it is told to take long ones.
pub(super) fn may_be_needed(family: Family, tables: &[Relation]) -> bool {
    family == Family::MySql && tables.iter().any(|relation| json(relation).next().is_some())
}

/// Refuses values that one of the ends would not let through. `target` takes rows, and has what was lent to it.
pub(super) async fn ensure_enough(source: &mut SourceSession, target: &mut Session, tables: &[Relation]) -> Result<()> {
    if !may_be_needed(source.family(), tables) {
        return Ok(());
    }
    let given: u64 = source.row(ASK).await.context("ask how long values may be")?.number(0).unwrap_or_default();
    let taken: u64 = target.row(ASK).await.context("ask how long values may be")?.number(0).unwrap_or_default();
    let least = given.min(taken) / TEXT_OF_STORED;
    let may_have = |relation: &&Relation| (least..=LOOKED_THROUGH_BYTES).contains(&relation.table.size_bytes);
    let asked =
        tables.iter().filter(may_have).flat_map(|relation| json(relation).map(move |column| (relation, column)));
    let asked: Vec<_> = asked.collect();
    let query = |(relation, column): &(&Relation, &str)| {
        let key = relation.ordered_by.as_deref().map_or_else(|| "NULL".to_owned(), sql::ident);
        let (table, column) = (relation.in_source(), sql::ident(column));
        // No such value has an empty text: what is too long for the source has.
        format!(
            "SELECT {key}, LENGTH({column}) = 0 FROM {table} WHERE JSON_STORAGE_SIZE({column}) > {least}
                AND (LENGTH({column}) = 0 OR GREATEST(LENGTH({column}), JSON_STORAGE_SIZE({column})) > {taken}) LIMIT 1"
        )
    };
    let found = source.all(&asked.iter().map(query).collect::<Vec<_>>()).await;
    let found = found.map_err(|failed| failed.fault).context("look for values that are too long")?;
    source.let_go().await.context("let go of the source's tables")?;
    for ((relation, column), rows) in asked.iter().zip(found) {
        let Some(row) = rows.first() else { continue };
        let key = row.maybe(0).map_or_else(|| "a row".to_owned(), |key| format!("row `{key}`"));
        bail!(refusal(&relation.label(), &key, column, row.flag(1), if row.flag(1) { given } else { taken }));
    }
    Ok(())
}

/// The columns of a table whose rows come that hold such values.
fn json(relation: &Relation) -> impl Iterator<Item = &str> {
    let columns = relation.table.columns.iter().filter(|_| relation.table.excluded_by.is_none());
    columns.filter(|column| column.column_type == ColumnType::NormalizedJson).map(|column| column.name.as_str())
}

fn refusal(table: &str, key: &str, column: &str, is_of_source: bool, most: u64) -> Failure {
    let most = most.div_ceil(1 << 20);
    let (does, end) = if is_of_source { ("does not give", "source") } else { ("does not take", "target") };
    let told = format!(
        "table `{table}`: {key} has JSON in `{column}` that the {end} {does}: its `max_allowed_packet` is {most} MiB"
    );
    let hint = match is_of_source {
        true => {
            "SET GLOBAL max_allowed_packet = 1073741824 on the source while it is copied, or leave the table's rows behind"
        }
        false => "use the target's `root`, which may raise it, or SET GLOBAL max_allowed_packet = 1073741824 there",
    };
    Failure::invalid(told).hint(hint)
}
