//! A plan in numbers.

use schemars::JsonSchema;
use serde::Serialize;

use super::Plan;
use super::variables::Change;
use crate::steps::validate::findings::Severity;

/// A plan in numbers.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Totals {
    /// Services that would run.
    pub running: usize,
    /// Services that would stay undeployed.
    pub left_out: usize,
    pub variables_same: usize,
    pub variables_changed: usize,
    pub variables_added: usize,
    pub variables_removed: usize,
    pub variables_blanked: usize,
    pub variables_fresh: usize,
    /// Sealed variables that need a value.
    pub variables_sealed: usize,
    /// Variables for which a clone is refused, since the copy would act live with them.
    pub variables_live: usize,
    pub volumes: usize,
    pub buckets: usize,
    pub domains: usize,
    pub databases: usize,
    pub tables: usize,
    /// Tables whose rows stay behind.
    pub tables_excluded: usize,
    /// Columns that are masked.
    pub columns_masked: usize,
    /// Columns that look personal and that no rule speaks of.
    pub suspects: usize,
    pub bytes: u64,
    /// Absent where a server has no statistics of a table.
    pub rows: Option<u64>,
    /// How long the data takes.
    pub seconds: f64,
    /// US dollars a day; absent where Railway tells nothing of the source's use.
    pub usd_per_day: Option<f64>,
    pub warnings: usize,
    /// What a clone would be refused for.
    pub errors: usize,
}

impl Totals {
    pub(super) fn of(plan: &Plan) -> Self {
        let variables = |change| plan.variables.iter().filter(|variable| variable.change == change).count();
        let findings = |severity| plan.findings.iter().filter(|finding| finding.severity == severity).count();
        let tables = || plan.databases.iter().flat_map(|database| &database.tables);
        let running = plan.services.iter().filter(|service| service.runs).count();
        Self {
            running,
            left_out: plan.services.len() - running,
            variables_same: variables(Change::Same),
            variables_changed: variables(Change::Changed),
            variables_added: variables(Change::Added),
            variables_removed: variables(Change::Removed),
            variables_blanked: variables(Change::Blanked),
            variables_fresh: variables(Change::Fresh),
            variables_sealed: variables(Change::Sealed),
            variables_live: plan.variables.iter().filter(|variable| variable.looks_live).count(),
            volumes: plan.volumes.len(),
            buckets: plan.buckets.len(),
            domains: plan.domains.iter().filter(|domain| domain.after.is_some()).count(),
            databases: plan.databases.len(),
            tables: tables().count(),
            tables_excluded: tables().filter(|table| table.excluded_by.is_some()).count(),
            columns_masked: tables().filter(|table| table.excluded_by.is_none()).map(|table| table.masked.len()).sum(),
            suspects: plan.databases.iter().map(|database| database.suspects.len()).sum(),
            bytes: plan.databases.iter().map(|database| database.bytes).sum(),
            rows: plan.databases.iter().map(|database| database.rows).sum(),
            seconds: plan.seconds.expected,
            usd_per_day: plan.cost.usd_per_day,
            warnings: findings(Severity::Warning),
            errors: findings(Severity::Error),
        }
    }
}
