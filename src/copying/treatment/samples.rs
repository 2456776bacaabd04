//! Samples of the source's tables, looked through for columns that look personal or that only a net masks.

use anyhow::{Context as _, Result};

use super::source_tables::{SampleWish, SourceTables};
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::Net;
use crate::masking::nets::unknown::{Links, Variety};
use crate::masking::suspects::{Findings, Sample};

/// What samples tell of all tables that come with their rows.
pub(super) async fn look_into(
    source: &mut impl SourceTables,
    tables: &[&Table],
    assignments: &mut [Assignment],
) -> Result<Findings> {
    let comes = |place: &usize| tables[*place].excluded_by.is_none() && assignments[*place].emptied.is_none();
    let places: Vec<usize> = (0..tables.len()).filter(comes).collect();
    let wishes: Vec<_> = places
        .iter()
        .filter(|place| !tables[**place].columns.is_empty())
        .map(|place| wish(*place, tables[*place], &assignments[*place]))
        .collect();
    let (mut all, mut links) = (Findings::default(), Links::default());
    let mut look = |place: usize, sample: &Sample, variety: &Variety| {
        all.add(tables[place], &mut assignments[place], sample, variety);
        links.add(place, &assignments[place], sample);
    };
    source.samples(&wishes, &mut look).await?;
    let hides = |place: usize, column: usize| {
        assignments[place].mask.as_ref().is_some_and(|mask| mask.column_nets[column].net == Net::Words)
    };
    let words = links.words();
    let keys = match words.is_empty() {
        true => Ok(std::collections::HashSet::new()),
        false => source.keys_among(&places, &words, &hides).await,
    };
    let keys = keys.context("look for words that are keys")?;
    for (table, column) in links.settle(&keys, tables, assignments) {
        all.take_back(tables[table], column);
    }
    for list in [&mut all.suspects, &mut all.unknown] {
        list.sort();
        // The partitions of a table look alike.
        list.dedup_by(|a, b| (&a.column, &a.rows) == (&b.column, &b.rows));
    }
    Ok(all)
}

fn wish(place: usize, table: &Table, assignment: &Assignment) -> SampleWish {
    let mask = assignment.mask.as_ref();
    let key = mask.and_then(|mask| mask.key_column.filter(|_| mask.key_names_value));
    let shown = table.columns.iter().enumerate().map(|(number, column)| {
        // By a number it is told which rows a rule or a net is about.
        let is_tested = || mask.is_some_and(|mask| mask.tests(number));
        column.column_type.is_readable() || column.column_type.is_integer() && is_tested()
    });
    SampleWish {
        table: place,
        key: key.filter(|key| table.columns[*key].column_type.is_plain_text()),
        shown: shown.collect(),
    }
}
