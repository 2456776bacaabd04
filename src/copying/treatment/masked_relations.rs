//! What masking must not tear apart: columns that a foreign key makes equal, and rows from the partition that they belong to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::masked_checks;
use super::source_tables::SourceTables;
use crate::contract::transformer::Effect;
use crate::contract::unknown::Unknown;
use crate::data::tables::Table;
use crate::masking::Masking;
use crate::masking::assignment::{Assignment, MaskedSite};
use crate::masking::nets::{Nets, unknown};
use crate::masking::relations::{groups, take_along};

/// Masks what refers to a masked column alike, casts the nets over what no rule settles, and returns what masking does not fit, for people.
pub(super) async fn hold(
    source: &mut impl SourceTables,
    tables: &[&Table],
    masking: &Masking,
    nets: &Arc<Nets>,
    sites: &[MaskedSite],
    assignments: &mut [Assignment],
) -> Result<BTreeSet<String>> {
    let references = source.references().await.context("read the source's foreign keys")?;
    if masking.unknown != Unknown::Keep {
        unknown::rule_records(tables, assignments, &references, nets);
    }
    let equal = groups(tables, assignments, &references);
    let mut problems = take_along(tables, assignments, &references, &equal, nets);
    unknown::cast(tables, assignments, &references, sites, masking.unknown, nets);
    problems.extend(masked_checks::pass(source, tables, assignments, &equal).await?);
    let deciding = source.deciding().await.context("read what tables are partitioned by")?;
    problems.extend(moved(tables, assignments, &deciding));
    Ok(problems)
}

/// Masked columns by which a partition that is copied by itself is chosen.
fn moved(tables: &[&Table], assignments: &[Assignment], deciding: &HashMap<usize, Vec<String>>) -> Vec<String> {
    let of = |(place, (table, assignment)): (usize, (&&Table, &Assignment))| {
        let keys = deciding.get(&place).filter(|_| table.excluded_by.is_none()).cloned().unwrap_or_default();
        let masked = assignment.mask.iter().flat_map(|mask| &mask.rules);
        let masked = masked.filter(|rule| rule.transformer.traits().effect != Effect::Keeps);
        let masked: Vec<_> = masked.filter_map(|rule| Some(&table.columns[rule.column?].name)).collect();
        let moved = keys.into_iter().find(|key| masked.contains(&key))?;
        Some(format!(
            "column `{moved}` of `{}` decides in which partition a row is, so it cannot be masked",
            table.whole()
        ))
    };
    tables.iter().zip(assignments).enumerate().filter_map(of).collect()
}
