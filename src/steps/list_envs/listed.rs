//! One environment of a list: what it is, by its record and by Railway's own account.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::environment_type::EnvironmentType;
use crate::contract::expiry::told;
use crate::contract::ids::EnvironmentId;
use crate::contract::masked::Masked;
use crate::contract::record::{Ancestor, DatabaseRecord, Record, Refreshing, State};
use crate::contract::signature::Reading;
use crate::environment::recorded::reading;
use crate::environment::{costs, custom_domain, guard};
use crate::railway::{DomainStatus, Environment, Project, Usage};
use crate::running::context::Context;

/// One environment.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Listed {
    pub id: EnvironmentId,
    pub name: String,
    /// Whether it is a copy that railstage made; no step writes to any other.
    pub ours: bool,
    /// How many of its ancestors are there still.
    pub depth: usize,
    /// What it was copied from, and what that was, nearest first.
    pub ancestors: Vec<ListedAncestor>,
    /// What proves that it is ours; absent for what is left over from a run that died before it wrote a record, and for what is not ours.
    pub record: Option<Proof>,
    /// Absent where there is no record that can be read.
    pub state: Option<State>,
    /// The run that brings new data into it just now, if one does.
    pub refreshing: Option<Refreshing>,
    /// What the copy was made from was called so then.
    pub source: Option<String>,
    /// Whom it was made for: the request's `client_name` in the letters of a name, uncut; absent when it had none.
    pub client: Option<String>,
    /// Who asked for it.
    pub owner: Option<String>,
    pub url: Option<String>,
    /// The domain of yours that it has.
    pub custom_domain: Option<String>,
    /// How that stands just now, where the request asks for it.
    pub custom_domain_status: Option<DomainStatus>,
    /// Whether a gate of ours asks for a password before it.
    pub gated: bool,
    pub created_at: String,
    /// When it became ready.
    pub ready_at: Option<String>,
    /// Absent when the copy is kept for ever, and while it is being made or taken back.
    pub expires_at: Option<String>,
    /// Seconds until then; none are left of one whose time is up.
    pub expires_in_seconds: Option<i64>,
    /// When a copy that is being made is given up.
    pub give_up_at: Option<String>,
    pub keep: bool,
    /// Whether the next sweep may delete it.
    pub over: bool,
    pub environment_type: Option<EnvironmentType>,
    /// The moment of the source whose data the copy has: of several databases the oldest.
    pub data_at: Option<String>,
    /// Seconds since then.
    pub data_age_seconds: Option<i64>,
    /// Whether the people in its databases are strangers: of several the least masked; absent while no data is there.
    pub masked: Option<Masked>,
    /// What its volumes hold, by Railway; else what was copied into its databases.
    pub size_bytes: Option<u64>,
    /// What it cost so far, in US dollars: Railway's usage of the environment by `prices`; absent where that is not known.
    pub cost_usd: Option<f64>,
    pub databases: Vec<DatabaseRecord>,
}

/// What an environment descends from.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct ListedAncestor {
    pub id: EnvironmentId,
    /// Its name, or the last that is known.
    pub name: String,
    /// Whether it is deleted.
    pub gone: bool,
}

/// What a copy's record proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::steps) enum Proof {
    /// Signed by us: the sweep deletes the copy when its time is up.
    Signed,
    /// Of an earlier version, or written without a key: it is deleted by its name alone, or signed by `railstage adopt`.
    Unsigned,
    /// Ours, as it seems, but damaged, sealed, of a later version, or signed with another key: nothing of ours deletes it.
    Unreadable,
}

impl Listed {
    /// An environment with what it descends from.
    pub(super) fn of(
        ctx: &Context,
        project: &Project,
        (environment, ancestors): (&Environment, &[Ancestor]),
        depth: usize,
        usage: &Usage,
    ) -> Self {
        let is_gone = |id: &EnvironmentId| project.environment_by_id(id).is_none();
        let ancestor = |a: &Ancestor| ListedAncestor { id: a.id.clone(), name: a.name.clone(), gone: is_gone(&a.id) };
        let ours = guard::is_copy_of_ours(ctx, project, environment);
        let volumes = usage.volume_bytes(&environment.id).filter(|bytes| *bytes > 0);
        let plain = Self {
            ours,
            depth,
            ancestors: ancestors.iter().map(ancestor).collect(),
            size_bytes: volumes,
            cost_usd: costs::of(usage, environment).filter(|_| ours),
            ..Self::unrecorded(environment)
        };
        if !ours {
            return plain;
        }
        match reading(ctx, project, environment) {
            Reading::Absent => plain,
            Reading::Unreadable(why) => {
                tracing::warn!("`{}` is ours, as it seems, but its record cannot be read: {why}", environment.name);
                Self { record: Some(Proof::Unreadable), ..plain }
            }
            // What anyone may have written decides nothing about the sweep.
            Reading::Unsigned(record) => {
                Self { over: false, record: Some(Proof::Unsigned), ..plain.with(environment, *record) }
            }
            Reading::Signed(record) => Self { record: Some(Proof::Signed), ..plain.with(environment, *record) },
        }
    }

    fn with(self, environment: &Environment, record: Record) -> Self {
        let now = Timestamp::now();
        let is_made = matches!(record.state, State::Ready | State::Failed);
        let expires_at = Some(record.expires_at).filter(|_| is_made && !record.keep);
        let copied = record.databases.iter().map(|database| database.bytes).sum::<u64>();
        let data_at = record.databases.iter().filter_map(|d| d.snapshot_at.parse::<Timestamp>().ok()).min();
        Self {
            state: Some(record.state),
            refreshing: record.refresh_at(now).cloned(),
            source: Some(record.source_name.clone()),
            client: record.client.clone(),
            owner: record.owner.clone(),
            url: custom_domain::url(environment, &record),
            custom_domain: custom_domain::attached(environment, &record).pop().map(|(_, custom)| custom.domain.clone()),
            created_at: record.created_at.to_string(),
            ready_at: record.ready_at.map(|at| at.to_string()),
            expires_at: expires_at.map(|end| end.to_string()),
            expires_in_seconds: expires_at.map(|end| end.duration_since(now).as_secs().max(0)),
            give_up_at: (record.state == State::Cloning).then(|| record.give_up_at.to_string()),
            keep: record.keep,
            over: record.is_over(now),
            environment_type: Some(record.environment_type),
            data_at: data_at.map(|at| at.to_string()),
            data_age_seconds: data_at.map(|at| now.duration_since(at).as_secs().max(0)),
            masked: record.databases.iter().map(|database| database.masked).max(),
            size_bytes: self.size_bytes.or(Some(copied).filter(|bytes| *bytes > 0)),
            databases: record.databases,
            ..self
        }
    }

    fn unrecorded(environment: &Environment) -> Self {
        Self {
            id: environment.id.clone(),
            name: environment.name.clone(),
            ours: false,
            depth: 0,
            ancestors: Vec::new(),
            record: None,
            state: None,
            refreshing: None,
            source: None,
            client: None,
            owner: None,
            url: None,
            custom_domain: None,
            custom_domain_status: None,
            gated: !environment.gates.is_empty(),
            created_at: environment.created_at.to_string(),
            ready_at: None,
            expires_at: None,
            expires_in_seconds: None,
            give_up_at: None,
            keep: false,
            over: false,
            environment_type: None,
            data_at: None,
            data_age_seconds: None,
            masked: None,
            size_bytes: None,
            cost_usd: None,
            databases: Vec::new(),
        }
    }
}

/// One line of the tree.
pub(super) fn line(listed: &Listed) -> String {
    let [name, client, _, state, _, _, size, _, cost, url] = row(listed);
    let end = end(listed);
    let client = if client.is_empty() { client } else { format!(" for {client}") };
    if !listed.ours {
        return format!("{name} ({state})");
    }
    let source = listed.ancestors.first().filter(|source| source.gone);
    let more = [
        listed.owner.as_ref().map(|owner| format!("by {owner}")),
        listed.data_age_seconds.map(|age| format!("data {} old", seconds(age))),
        listed.masked.map(|masked| format!("masked: {}", masked.told())),
        Some(size).filter(|size| !size.is_empty()),
        listed.expires_in_seconds.map(|left| format!("ends in {}", seconds(left))),
        Some(cost).filter(|cost| !cost.is_empty()).map(|cost| format!("{cost} so far")),
        source.map(|source| format!("from `{}`, which is gone", source.name)),
        Some(url).filter(|url| !url.is_empty()),
        pending(listed),
    ];
    let more: Vec<_> = more.into_iter().flatten().collect();
    format!("{name}{client} ({state}, {end}) {}", more.join(", "))
}

/// A custom domain at which nobody gets to the copy yet, as far as that is known.
fn pending(listed: &Listed) -> Option<String> {
    let domain = listed.custom_domain.as_ref().filter(|domain| listed.url != Some(format!("https://{domain}")))?;
    Some(format!("`{domain}` is pending"))
}

/// The same in cells: name, client, owner, state, source, data, size, end, cost and URL.
pub(super) fn row(listed: &Listed) -> [String; 10] {
    let state = match (listed.state, listed.record) {
        _ if !listed.ours => "not ours".to_owned(),
        (Some(state), Some(Proof::Unsigned)) => format!("{state}, not signed"),
        _ if listed.refreshing.is_some() => "being refreshed".to_owned(),
        (Some(state), _) => state.to_string(),
        (None, Some(_)) => "ours, unreadable".to_owned(),
        (None, None) => "left over".to_owned(),
    };
    let data = listed.data_age_seconds.zip(listed.masked).map(|(age, masked)| {
        let masked = match masked {
            Masked::Full => "masked",
            Masked::Partial => "partly masked",
            Masked::No => "NOT masked",
        };
        format!("{} old, {masked}", seconds(age))
    });
    let source = listed.ancestors.first();
    [
        format!("{}{}", "  ".repeat(listed.depth), listed.name),
        listed.client.clone().unwrap_or_default(),
        listed.owner.clone().unwrap_or_default(),
        state,
        source.map(|a| if a.gone { format!("{} (gone)", a.name) } else { a.name.clone() }).unwrap_or_default(),
        data.unwrap_or_default(),
        size(listed).unwrap_or_default(),
        listed.expires_in_seconds.map_or_else(|| end(listed), |left| format!("in {}", seconds(left))),
        listed.cost_usd.map(|cost| format!("${cost:.2}")).unwrap_or_default(),
        listed.url.clone().unwrap_or_default(),
    ]
}

fn end(listed: &Listed) -> String {
    match (&listed.give_up_at, &listed.expires_at) {
        _ if !listed.ours => String::new(),
        (Some(end), _) => format!("given up at {end}"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) if listed.keep && listed.state == Some(State::Ready) => "kept for ever".to_owned(),
        (None, None) => format!("made {}", listed.created_at),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn size(listed: &Listed) -> Option<String> {
    let bytes = listed.size_bytes.filter(|_| listed.ours)? as f64;
    Some(if bytes < 1e9 { format!("{:.1} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) })
}

fn seconds(secs: i64) -> String {
    told(jiff::SignedDuration::from_secs(secs))
}
