//! Rows of a table that a condition is true of: the source looks for them where it may plan a query, and else all are read.

use anyhow::{Context as _, Result};

use super::whole_table::WholeTables;
use crate::copying::treatment::RowCondition;
use crate::data::tables::ColumnType;
use crate::postgres::rows::relation::Relation;
use crate::postgres::rows::work_list;
use crate::postgres::session::connect::Param;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The columns of the rows that a condition is true of, which calls them `{0}`, `{1}`, …, all as text and none of them
/// NULL. The source looks for them where it may plan a query and cast the columns, and else all rows come here to be
/// looked at.
pub(crate) async fn texts(
    source: &SourceSession,
    relation: &Relation,
    names: &[&str],
    condition: &str,
    params: &[Param<'_>],
    is_wanted: impl Fn(&[String]) -> bool,
) -> Result<Vec<Vec<String>>> {
    let mut found = Vec::new();
    each(source, relation, names, condition, params, is_wanted, |row| found.push(row)).await?;
    Ok(found)
}

/// The same one by one, as many as there are.
pub(crate) async fn each(
    source: &SourceSession,
    relation: &Relation,
    names: &[&str],
    condition: &str,
    params: &[Param<'_>],
    is_wanted: impl Fn(&[String]) -> bool,
    mut take: impl FnMut(Vec<String>),
) -> Result<()> {
    let table = &relation.table;
    let places = table.places(names)?;
    if relation.may_be_planned && places.iter().all(|at| table.columns[*at].column_type != ColumnType::Other) {
        let columns: Vec<_> =
            places.iter().map(|at| format!("{}::pg_catalog.text", sql::ident(&table.columns[*at].name))).collect();
        let condition = (0..).zip(&columns).fold(condition.to_owned(), |condition, (number, column): (usize, _)| {
            condition.replace(&format!("{{{number}}}"), column)
        });
        let are_there: Vec<_> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let query = format!(
            "SELECT ARRAY[{}] FROM ONLY {} WHERE ({condition}) AND {} AND {}",
            columns.join(", "),
            relation.quoted(),
            are_there.join(" AND "),
            sql::is_still(&relation.quoted(), relation.oid)
        );
        let (pages, size) = if relation.has_pages() { (relation.pages, table.size_bytes) } else { (0, 0) };
        for (is_in_piece, bytes) in work_list::pieces(pages, size) {
            let query = if pages > 0 { format!("{query} AND {is_in_piece}") } else { query.clone() };
            let each = source.each_row(&query, params, |row| take(row.get::<_, Vec<String>>(0)));
            each.await.with_context(|| format!("look through {}", relation.label()))?;
            source.throttle().wait(usize::try_from(bytes).unwrap_or(usize::MAX)).await;
        }
        return Ok(());
    }
    let mut tables = WholeTables::of(source);
    let of_row = |row: &[Option<String>]| places.iter().map(|at| row[*at].clone()).collect::<Option<Vec<String>>>();
    let rows = tables.rows(relation, usize::MAX, |row| of_row(row).is_some_and(|row| is_wanted(&row))).await?;
    tables.close().await;
    rows.iter().filter_map(|row| of_row(row)).for_each(take);
    Ok(())
}

/// A condition in SQL, with its columns as [`each`] calls them.
pub(crate) fn sql_of(when: &RowCondition, column: &dyn Fn(usize) -> String) -> String {
    let all = |conditions: &[RowCondition], between: &str, none: &str| match conditions {
        [] => none.to_owned(),
        conditions => {
            let conditions: Vec<_> =
                conditions.iter().map(|condition| format!("({})", sql_of(condition, column))).collect();
            conditions.join(between)
        }
    };
    let quoted = |values: &[String]| values.iter().map(|value| sql::literal(value)).collect::<Vec<_>>().join(", ");
    match when {
        RowCondition::Always => "true".to_owned(),
        RowCondition::Is(_, values) if values.is_empty() => "false".to_owned(),
        RowCondition::Is(number, values) => format!("{} IN ({})", column(*number), quoted(values)),
        RowCondition::Begins(number, begins) => {
            let begins = begins
                .iter()
                .map(|begin| format!("pg_catalog.starts_with({}, {})", column(*number), sql::literal(begin)));
            begins.collect::<Vec<_>>().join(" OR ")
        }
        RowCondition::Ends(number, end) => {
            format!("pg_catalog.right({}, {}) = {}", column(*number), end.chars().count(), sql::literal(end))
        }
        RowCondition::Contains(number, text) => {
            format!("pg_catalog.strpos({}, {}) > 0", column(*number), sql::literal(text))
        }
        RowCondition::All(conditions) => all(conditions, " AND ", "true"),
        RowCondition::OneOf(conditions) => all(conditions, " OR ", "false"),
    }
}
