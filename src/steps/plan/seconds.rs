//! How long a plan expects the copying of data to take: as long as it took the last time, or by what there is to copy.

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::signature::Reading;
use crate::engines::usual_seconds;
use crate::environment::recorded::reading;
use crate::railway::{Environment, Project};
use crate::running::context::Context;
use crate::steps::validate::sources::Seen;

/// How long the databases take.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Seconds {
    pub expected: f64,
    pub from: From,
}

/// What that is known from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum From {
    /// Earlier copies of this source, by their records.
    EarlierCopies,
    /// How large the tables are, at 50 MB/s or the policy's limit, and 2 ms a table.
    #[default]
    Sizes,
}

pub(super) fn expected(ctx: &Context, project: &Project, source: &Environment, databases: &[Seen]) -> Seconds {
    let took = |service: &str| {
        let records = project.environments.iter().filter_map(|e| match reading(ctx, project, e) {
            Reading::Signed(record) if record.source_id == source.id => Some(record),
            _ => None,
        });
        let copies = records.flat_map(|record| {
            let at = record.created_at;
            record.databases.into_iter().map(move |database| (at, database))
        });
        let of_service = copies.filter(|(_, d)| d.service == service);
        of_service.filter_map(|(at, d)| Some((at, d.seconds?))).max_by_key(|(at, _)| *at).map(|(_, seconds)| seconds)
    };
    let earlier: Option<f64> = databases.iter().map(|seen| took(&seen.database.service)).sum();
    if let Some(expected) = earlier.filter(|_| !databases.is_empty()) {
        return Seconds { expected, from: From::EarlierCopies };
    }
    let by_size = |seen: &Seen| {
        let copied = seen.contents.tables.iter().filter(|table| table.excluded_by.is_none());
        let bytes = copied.map(|table| table.size_bytes).sum();
        usual_seconds(bytes, seen.contents.tables.len(), ctx.policy.fastest_mb_per_s())
    };
    Seconds { expected: databases.iter().map(by_size).sum(), from: From::Sizes }
}
