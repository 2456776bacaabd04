//! What a plan says of the data of each database.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::request::CloneRequest;
use crate::engines::{self, DryRunTable, SiteAddress};
use crate::environment::databases;
use crate::environment::services::databases as databases_of;
use crate::masking::{QueueLine, Suspect};
use crate::railway::{Environment, Project};
use crate::running::context::Context;
use crate::steps::validate::sources::Seen;

/// What would be copied of a database.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DatabasePlan {
    pub service: String,
    /// The server's version.
    pub version: String,
    /// The database's size on disk, in bytes.
    pub size_bytes: u64,
    /// Size on disk of the tables whose rows would come, without indexes, in bytes.
    pub bytes: u64,
    /// About how many rows would come, as the server's statistics tell; absent where it has none of a table.
    pub rows: Option<u64>,
    /// Whether people become strangers.
    pub masked: bool,
    /// Whether production's URLs become the copy's.
    pub rewritten: bool,
    /// The tables, the biggest first: which rows stay behind and which columns are masked.
    pub tables: Vec<DryRunTable>,
    /// Columns that look personal and that no masking rule speaks of.
    pub suspects: Vec<Suspect>,
    /// What would act in the copy, and what is done to it.
    pub queues: Vec<QueueLine>,
    /// What a copy would not carry over.
    pub skipped: Vec<String>,
}

/// What a plan says of a database, and what binds a clone to it.
pub(super) struct Planned {
    pub(super) plan: DatabasePlan,
    pub(super) schema: String,
}

pub(super) fn of(seen: &Seen, request: &CloneRequest) -> Planned {
    let (source, contents) = (&seen.database.source, &seen.contents);
    let copied = || contents.tables.iter().filter(|table| table.excluded_by.is_none());
    let plan = DatabasePlan {
        service: seen.database.service.clone(),
        version: source.version.clone(),
        size_bytes: source.size_bytes,
        bytes: copied().map(|table| table.size_bytes).sum(),
        rows: copied().map(|table| table.rows).sum(),
        masked: request.anonymize,
        rewritten: request.wordpress_url_replace,
        tables: contents.tables.clone(),
        suspects: contents.suspects.clone(),
        queues: contents.queues.clone(),
        skipped: source.skipped.iter().map(|skipped| format!("{} ({})", skipped.object, skipped.reason)).collect(),
    };
    Planned { plan, schema: contents.schema.clone() }
}

/// What the databases themselves say the site is called.
pub(super) async fn sites(
    ctx: &Context,
    project: &Project,
    source: &Environment,
    request: &CloneRequest,
) -> Result<Vec<SiteAddress>> {
    let databases = databases_of(source, request);
    let mut sites = Vec::new();
    // One that cannot be reached is among the findings.
    let endpoints =
        databases::sources(ctx, &project.id, &source.id, &databases, request.connect).await.unwrap_or_default();
    for endpoint in &endpoints {
        sites.extend(engines::site_addresses(endpoint).await?);
    }
    Ok(sites)
}
