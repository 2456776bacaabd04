//! What checks the values of masked columns: samples are masked and tried, before anything is copied.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::source_tables::{Check, SourceTables, TextRow};
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::Net;
use crate::masking::relations::Place;
use crate::masking::row_masker::{NewValue, RowDecision, RowMasker};
use crate::masking::table::TableMask;

/// So many rows of a table are tried.
const TRIED_ROWS: usize = 200;

/// Makes strangers keep the form of values where the plain ones do not pass, and of those that must be equal to these, and
/// returns what does not pass at all.
pub(super) async fn pass(
    source: &mut impl SourceTables,
    tables: &[&Table],
    assignments: &mut [Assignment],
    equal: &[BTreeSet<Place>],
) -> Result<BTreeSet<String>> {
    let copied: Vec<usize> = (0..tables.len()).filter(|place| tables[*place].excluded_by.is_none()).collect();
    let checks = checks(source, &copied).await?;
    let mut formed = BTreeSet::new();
    for (place, table) in tables.iter().enumerate() {
        let Some(checks) = checks.get(&place) else { continue };
        for (_, columns) in failing(source, place, table, &assignments[place], checks).await? {
            formed.extend(columns.into_iter().map(|column| (place, column)));
        }
    }
    let with_equals: BTreeSet<Place> =
        equal.iter().filter(|group| !group.is_disjoint(&formed)).flatten().chain(&formed).copied().collect();
    for (table, column) in &with_equals {
        if let Some(mask) = assignments[*table].mask.as_mut().and_then(Arc::get_mut) {
            mask.keep_form(*column);
        }
    }
    // What still does not pass is a program's word, where only a net holds.
    for (place, table) in tables.iter().enumerate() {
        let Some(checks) = checks.get(&place) else { continue };
        let failing = failing(source, place, table, &assignments[place], checks).await?;
        let columns: BTreeSet<usize> = failing.into_iter().flat_map(|(_, columns)| columns).collect();
        if let Some(mask) = assignments[place].mask.as_mut().and_then(Arc::get_mut) {
            for column in columns {
                mask.take_net_off(column);
            }
        }
    }
    let mut problems = BTreeSet::new();
    for place in with_equals.iter().map(|(table, _)| *table).collect::<BTreeSet<_>>() {
        let (table, assignment) = (tables[place], &assignments[place]);
        let Some(checks) = checks.get(&place) else { continue };
        let failed = failing(source, place, table, assignment, checks).await?;
        problems.extend(failed.iter().map(|(check, columns)| told(check, table, assignment, columns)));
    }
    Ok(problems)
}

/// Shows the words of columns again that do not pass a check when they are hidden.
pub(super) async fn show_words(
    source: &mut impl SourceTables,
    tables: &[&Table],
    assignments: &mut [Assignment],
) -> Result<()> {
    let hides = |assignment: &Assignment, column: usize| {
        assignment.mask.as_ref().is_some_and(|mask| mask.column_nets[column].net == Net::Words)
    };
    let any = |place: usize| (0..tables[place].columns.len()).any(|column| hides(&assignments[place], column));
    let places: Vec<usize> = (0..tables.len()).filter(|place| any(*place)).collect();
    let checks = checks(source, &places).await?;
    for place in places {
        let Some(checks) = checks.get(&place) else { continue };
        let failing = failing(source, place, tables[place], &assignments[place], checks).await?;
        let columns: BTreeSet<usize> = failing.into_iter().flat_map(|(_, columns)| columns).collect();
        if let Some(mask) = assignments[place].mask.as_mut().map(Arc::make_mut) {
            for column in columns {
                mask.column_nets[column].put(Net::Words, Net::Close);
            }
        }
    }
    Ok(())
}

/// The checks of some tables.
async fn checks(source: &mut impl SourceTables, places: &[usize]) -> Result<HashMap<usize, Vec<Check>>> {
    source.checks(places).await.context("read the source's checks")
}

/// The checks that some masked row does not pass, each with the columns of it that are masked.
async fn failing<'c>(
    source: &mut impl SourceTables,
    place: usize,
    table: &Table,
    assignment: &Assignment,
    checks: &'c [Check],
) -> Result<Vec<(&'c Check, Vec<usize>)>> {
    let Some(mask) = assignment.mask.as_ref().filter(|_| assignment.emptied.is_none()) else { return Ok(Vec::new()) };
    let masked = checks.iter().map(|check| (check, masked(check, mask))).filter(|(_, columns)| !columns.is_empty());
    let masked: Vec<_> = masked.collect();
    if masked.is_empty() {
        return Ok(Vec::new());
    }
    let sample = source.first_rows(place, TRIED_ROWS).await;
    let rows = masked_rows(mask, &sample.with_context(|| format!("look into {}", table.label()))?);
    let mut failing = Vec::new();
    for (check, columns) in masked {
        if !rows.is_empty() && !source.passes(check, &rows).await.context("try masked values")? {
            failing.push((check, columns));
        }
    }
    Ok(failing)
}

/// The columns of a check that a mask may change.
fn masked(check: &Check, mask: &TableMask) -> Vec<usize> {
    let is_masked = |column: &&usize| {
        mask.rules.iter().any(|rule| rule.column == Some(**column)) || mask.column_nets[**column].holds()
    };
    check.columns.iter().filter(is_masked).copied().collect()
}

fn told(check: &Check, table: &Table, assignment: &Assignment, columns: &[usize]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("`{}`", table.columns[*column].name)).collect();
    let ways: BTreeSet<_> = assignment
        .mask
        .iter()
        .flat_map(|mask| &mask.rules)
        .filter(|rule| rule.column.is_some_and(|column| check.columns.contains(&column)))
        .map(|rule| format!("`{}`", rule.transformer.name()))
        .collect();
    format!(
        "what {} makes of {} in `{}` does not pass the check `{}`: use a transformer that keeps letters, digits and form (`postcode`), or `set` a value that passes",
        ways.into_iter().collect::<Vec<_>>().join(", "),
        columns.join(", "),
        table.label(),
        check.name
    )
}

/// The rows as they would come, without those that stay behind.
fn masked_rows(mask: &TableMask, sample: &[TextRow]) -> Vec<TextRow> {
    let mut masker = RowMasker::new(Arc::new(mask.clone()));
    let masked = |row: &TextRow| {
        let decision = masker.decide(|column| row[column].as_ref().map(|text| Cow::Borrowed(text.as_bytes())));
        match decision {
            RowDecision::Dropped(_) => return None,
            RowDecision::Unchanged => return Some(row.clone()),
            RowDecision::Masked => {}
        }
        let mut new = |(column, value): (usize, &Option<String>)| {
            let bytes = value.as_ref().map(String::as_bytes);
            let new = match masker.rule(column) {
                Some(rule) => masker.new_value(rule, bytes),
                None => masker.new_value_by_net(column, bytes),
            };
            match new {
                NewValue::Unchanged => value.clone(),
                NewValue::Null => None,
                NewValue::Value(new) => Some(String::from_utf8_lossy(&new).into_owned()),
            }
        };
        Some(row.iter().enumerate().map(&mut new).collect())
    };
    sample.iter().filter_map(masked).collect()
}
