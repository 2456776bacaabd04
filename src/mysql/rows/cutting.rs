//! Where a large table is cut: borders between which there are about as many rows, found in the server's own estimates, so that not
//! a row is read for them.

use anyhow::{Context as _, Result};

use super::relation::Relation;
use super::work_list::Key;
use crate::mysql::session::connect::Family;
use crate::mysql::session::row_stream::Row;
use crate::mysql::session::source_session::SourceSession;
use crate::mysql::session::sql;

/// So often it is asked for an estimate at most: gaps in the numbers cost some, and a round trip each.
const MOST_ESTIMATES: usize = 64;

/// A stretch of numbers, from the first up to and without the last, and about how many rows have them.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Key,
    before: Key,
    rows: u64,
}

/// Borders that cut a table into about so many ranges; none where it cannot be cut.
pub(crate) async fn borders(source: &mut SourceSession, relation: &Relation, ranges: usize) -> Result<Vec<Key>> {
    let Some(column) = relation.ordered_by.as_deref().filter(|_| ranges > 1) else { return Ok(Vec::new()) };
    let what = || format!("look where table `{}` can be cut", relation.label());
    let (name, table) = (sql::ident(column), sql::qualified(source.database(), &relation.table.name));
    let row = source.row(&format!("SELECT MIN({name}), MAX({name}) FROM {table}")).await.with_context(what)?;
    let (Some(first), Some(last)) = (row.number::<Key>(0), row.number::<Key>(1)) else { return Ok(Vec::new()) };
    let mut stretches = vec![Stretch { from: first, before: last + 1, rows: relation.table.rows.max(1) }];
    let most = (relation.table.rows / ranges as u64).max(1);
    let how = if source.family() == Family::MySql { "EXPLAIN FORMAT=TRADITIONAL" } else { "EXPLAIN" };
    for _ in 0..MOST_ESTIMATES / 2 {
        let largest = stretches.iter().enumerate().max_by_key(|(_, stretch)| stretch.rows);
        let Some((at, &Stretch { from, before, rows })) = largest else { break };
        if rows <= most || before - from < 2 {
            break;
        }
        let middle = from + (before - from) / 2;
        let mut halves = Vec::new();
        for (from, before) in [(from, middle), (middle, before)] {
            let explain = format!("{how} SELECT {name} FROM {table} WHERE {name} >= {from} AND {name} < {before}");
            let answer = source.rows(&explain).await.with_context(what)?;
            halves.push(Stretch { from, before, rows: estimate(source.family(), &answer) });
        }
        stretches.splice(at..=at, halves);
    }
    Ok(joined(&stretches, most))
}

/// How many rows an answer to EXPLAIN speaks of; none, where it says that there are none.
fn estimate(family: Family, answer: &[Row]) -> u64 {
    let column = if family == Family::MySql { 9 } else { 8 };
    answer.first().and_then(|row| row.number(column)).unwrap_or_default()
}

/// The borders between stretches, of which small ones stay together.
fn joined(stretches: &[Stretch], most: u64) -> Vec<Key> {
    let (mut borders, mut together) = (Vec::new(), 0);
    for stretch in stretches {
        // A little more is not worth a range of its own.
        if together > 0 && together + stretch.rows > most + most / 4 {
            borders.push(stretch.from);
            together = 0;
        }
        together += stretch.rows;
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_with_few_rows_stay_together() {
        let of = |all: &[(Key, u64)]| -> Vec<_> {
            all.iter().map(|(from, rows)| Stretch { from: *from, before: from + 10, rows: *rows }).collect()
        };
        assert_eq!(joined(&of(&[(0, 50), (10, 50), (20, 50), (30, 50)]), 50), [10, 20, 30]);
        assert_eq!(joined(&of(&[(0, 1), (10, 0), (20, 90), (30, 10), (40, 80)]), 100), [40]);
        assert_eq!(joined(&of(&[(0, 500)]), 50), [0; 0]);
    }
}
