//! Conditions on rows in this server's SQL. What it finds may be more than is meant, never less: case and blanks are looked at by us.

use std::collections::BTreeMap;

use crate::copying::treatment::RowCondition;
use crate::mysql::rows::relation::{Relation, Travel};
use crate::mysql::session::sql;

/// A condition on some columns of a table, by their places in it.
pub(super) fn sql_of(when: &RowCondition, relation: &Relation, columns: &[usize]) -> String {
    let any = |number: usize, of: &dyn Fn(String) -> String| match columns.get(number) {
        Some(column) => {
            format!("({})", compared(relation, *column).into_iter().map(of).collect::<Vec<_>>().join(" OR "))
        }
        None => "TRUE".to_owned(),
    };
    let all = |conditions: &[RowCondition], between: &str, none: &str| match conditions {
        [] => none.to_owned(),
        conditions => {
            let conditions: Vec<_> =
                conditions.iter().map(|condition| format!("({})", sql_of(condition, relation, columns))).collect();
            conditions.join(between)
        }
    };
    let quoted = |values: &[String]| values.iter().map(|value| sql::literal(value)).collect::<Vec<_>>().join(", ");
    match when {
        RowCondition::Always => "TRUE".to_owned(),
        RowCondition::Is(_, values) | RowCondition::Begins(_, values) if values.is_empty() => "FALSE".to_owned(),
        RowCondition::Is(number, values) => any(*number, &|value| format!("{value} IN ({})", quoted(values))),
        RowCondition::Begins(number, begins) => any(*number, &|value| {
            // A server looks at a value once for all that are of a length.
            let mut by_length: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for begin in begins {
                by_length.entry(begin.chars().count()).or_default().push(begin.clone());
            }
            let one =
                |(length, begins): (usize, Vec<String>)| format!("LEFT({value}, {length}) IN ({})", quoted(&begins));
            by_length.into_iter().map(one).collect::<Vec<_>>().join(" OR ")
        }),
        RowCondition::Ends(number, end) => {
            any(*number, &|value| format!("RIGHT({value}, {}) = {}", end.chars().count(), sql::literal(end)))
        }
        RowCondition::Contains(number, text) => {
            any(*number, &|value| format!("LOCATE({}, {value}) > 0", sql::literal(text)))
        }
        RowCondition::All(conditions) => all(conditions, " AND ", "TRUE"),
        RowCondition::OneOf(conditions) => all(conditions, " OR ", "FALSE"),
    }
}

/// A column as it is compared with texts: in all that it may be read as.
fn compared(relation: &Relation, column: usize) -> Vec<String> {
    let of_table = &relation.table.columns[column];
    let name = sql::ident(&of_table.name);
    if !of_table.column_type.is_plain_text() {
        return vec![format!("CAST({name} AS CHAR)")];
    }
    let text = format!("CONVERT({name} USING utf8mb4) COLLATE utf8mb4_bin");
    match relation.travels[column] {
        Travel::AsLatin => vec![text, format!("CAST({name} AS BINARY)")],
        _ => vec![text],
    }
}
