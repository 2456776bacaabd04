//! How the values of tables differ of which there are samples: counted by the server, or of a large table as its sample tells.

use std::collections::HashSet;

use anyhow::Result;

use super::samples::Wished;
use super::shown_rows::{self, RowQuery};
use crate::copying::row::{Field as _, Row as _};
use crate::masking::nets::unknown::{Differing, MOST_COMMON, Variety};
use crate::masking::suspects::Sample;
use crate::mysql::rows::relation::Relation;
use crate::mysql::rows::wire::WireRow;
use crate::mysql::session::connect::Family;
use crate::mysql::session::source_session::SourceSession;

/// The values of a larger table are not counted.
const COUNTED_BYTES: u64 = 32 << 20;
/// Of longer values only the beginning tells whether they differ.
const COUNTED_CHARS: usize = 200;

/// How the values of each column of text differ, by table.
pub(super) async fn of(source: &mut SourceSession, wished: &[Wished<'_>], samples: &[Sample]) -> Result<Vec<Variety>> {
    let family = source.family();
    let texts: Vec<_> = wished.iter().zip(samples).map(|(wished, sample)| texts(wished, sample)).collect();
    let mut all = Vec::with_capacity(wished.len());
    let (mut counted, mut counts) = (Vec::new(), Vec::new());
    for (number, ((wished, sample), texts)) in wished.iter().zip(samples).zip(&texts).enumerate() {
        let is_counted = wished.relation.table.size_bytes <= COUNTED_BYTES;
        all.push(if is_counted { Variety::new() } else { as_sampled(wished.relation, texts, sample) });
        if is_counted && !texts.is_empty() {
            counted.push(number);
            counts.push(count(wished, texts, family));
        }
    }
    // Each has one row: how many rows there are, and how many values each column has.
    let mut add = |asked: usize, row: &WireRow<'_>| {
        let text = |at: usize| std::str::from_utf8(row.field(at).raw()?).ok();
        let (place, rows) = (counted[asked], text(0).and_then(|rows| rows.parse().ok()).unwrap_or_default());
        for (at, column) in texts[place].iter().enumerate() {
            let values: f64 = text(at + 1).and_then(|values| values.parse().ok()).unwrap_or_default();
            if values >= 1.0 {
                let name = wished[place].relation.table.columns[*column].name.clone();
                all[place].insert(name, Differing { values, rows, common: Vec::new() });
            }
        }
    };
    shown_rows::of_each(source, counts, &mut add).await?;
    let (mut few, mut commons) = (Vec::new(), Vec::new());
    for place in counted {
        for column in &texts[place] {
            let name = &wished[place].relation.table.columns[*column].name;
            if all[place].get(name).is_some_and(|differing| differing.values <= MOST_COMMON as f64) {
                few.push((place, *column));
                commons.push(common(&wished[place], *column, family));
            }
        }
    }
    let mut add = |asked: usize, row: &WireRow<'_>| {
        let (place, column) = few[asked];
        let relation = wished[place].relation;
        let Some(value) = row.field(0).raw() else { return };
        let value = String::from_utf8_lossy(&relation.read(column, value)).into_owned();
        if let Some(differing) = all[place].get_mut(&relation.table.columns[column].name) {
            differing.common.push(value);
        }
    };
    shown_rows::of_each(source, commons, &mut add).await?;
    Ok(all)
}

/// The columns whose values are looked at.
fn texts(wished: &Wished<'_>, sample: &Sample) -> Vec<usize> {
    let columns = &wished.relation.table.columns;
    (0..columns.len())
        .filter(|column| wished.wish.shown[*column] && columns[*column].column_type.is_plain_text())
        .filter(|column| wished.wish.key.is_none() && sample.iter().any(|row| row[*column].is_some()))
        .collect()
}

fn as_sampled(relation: &Relation, texts: &[usize], sample: &Sample) -> Variety {
    let rows = relation.table.rows;
    let differing = |column: &usize| {
        let different: HashSet<_> = sample.iter().filter_map(|row| row[*column].as_deref()).collect();
        let is_few = different.len() * 2 < sample.len();
        let values = if is_few { different.len() as f64 } else { rows as f64 };
        (relation.table.columns[*column].name.clone(), Differing { values, rows, common: Vec::new() })
    };
    texts.iter().map(differing).collect()
}

/// The beginning of a value, by its bytes: a server takes some values for others.
fn value(relation: &Relation, column: usize, family: Family) -> String {
    relation.by_bytes(column, &format!("LEFT({}, {COUNTED_CHARS})", relation.shown(column)), family)
}

fn count(wished: &Wished<'_>, texts: &[usize], family: Family) -> RowQuery {
    let relation = wished.relation;
    let counts: Vec<_> =
        texts.iter().map(|column| format!("COUNT(DISTINCT {})", value(relation, *column, family))).collect();
    RowQuery {
        sql: format!("SELECT COUNT(*), {} FROM {}", counts.join(", "), relation.in_source()),
        columns: texts.len() + 1,
        label: wished.label(),
    }
}

/// The values that several rows have, the most common first.
fn common(wished: &Wished<'_>, column: usize, family: Family) -> RowQuery {
    let relation = wished.relation;
    let sql = format!(
        "SELECT MIN({}) FROM {} GROUP BY {} HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC LIMIT {MOST_COMMON}",
        relation.shown(column),
        relation.in_source(),
        value(relation, column, family)
    );
    RowQuery { sql, columns: 1, label: wished.label() }
}
