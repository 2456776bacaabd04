//! `list-envs`: the copies of a project, as their records tell.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::environment_type::EnvironmentType;
use crate::contract::ids::EnvironmentId;
use crate::contract::record::{DatabaseRecord, Record, State};
use crate::contract::request::ListRequest;
use crate::contract::signature::Reading;
use crate::environment::guard;
use crate::environment::recorded::reading;
use crate::error::counted;
use crate::railway::{Environment, Project, Weight};
use crate::running::context::Context;
use crate::running::shown::table;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct ListEnvs;

/// The copies of a project.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environments: Vec<Copy>,
}

/// One copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct Copy {
    pub id: EnvironmentId,
    pub name: String,
    /// Whom it was made for: the request's `client_name` in the letters of a name, uncut; absent when it had none.
    pub client: Option<String>,
    /// What proves that it is ours; absent for what is left over from a run that died before it wrote a record.
    pub record: Option<Proof>,
    /// Absent where there is no record that can be read.
    pub state: Option<State>,
    pub source: Option<String>,
    pub url: Option<String>,
    pub created_at: String,
    /// Absent when the copy is kept for ever, and while it is being made or taken back.
    pub expires_at: Option<String>,
    /// When a copy that is being made is given up.
    pub give_up_at: Option<String>,
    pub keep: bool,
    /// Whether the next sweep may delete it.
    pub over: bool,
    pub environment_type: Option<EnvironmentType>,
    pub databases: Vec<DatabaseRecord>,
}

/// What a copy's record proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Proof {
    /// Signed by us: the sweep deletes the copy when its time is up.
    Signed,
    /// Of an earlier version, or written without a key: it is deleted by its name alone, or signed by `railstage adopt`.
    Unsigned,
    /// Ours, as it seems, but damaged, sealed, of a later version, or signed with another key: nothing of ours deletes it.
    Unreadable,
}

impl Step for ListEnvs {
    const NAME: &'static str = "list-envs";
    const ABOUT: &'static str = "List the copies of a project";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_secs(110));
    type Input = ListRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        let count = counted(output.environments.len(), "copy", "copies");
        let rows: Vec<_> = output.environments.iter().map(row).collect();
        format!("{}\n{count}", table(["NAME", "FOR", "STATE", "FROM", "ENDS", "URL"], &rows)).trim_start().to_owned()
    }

    async fn run(ctx: &Context, request: ListRequest) -> Result<Output> {
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let environments: Vec<_> = project
            .environments
            .iter()
            .filter(|e| guard::is_copy_of_ours(ctx, &project, e))
            .map(|e| copy(ctx, &project, e))
            .collect();
        for copy in &environments {
            tracing::info!("{}", line(copy));
        }
        tracing::info!("{} in project `{}`", counted(environments.len(), "copy", "copies"), project.name);
        Ok(Output { environments })
    }
}

fn copy(ctx: &Context, project: &Project, environment: &Environment) -> Copy {
    match reading(ctx, project, environment) {
        Reading::Absent => unrecorded(environment, None),
        Reading::Unreadable(why) => {
            tracing::warn!("`{}` is ours, as it seems, but its record cannot be read: {why}", environment.name);
            unrecorded(environment, Some(Proof::Unreadable))
        }
        // What anyone may have written decides nothing about the sweep.
        Reading::Unsigned(record) => Copy { over: false, ..recorded(environment, *record, Proof::Unsigned) },
        Reading::Signed(record) => recorded(environment, *record, Proof::Signed),
    }
}

fn recorded(environment: &Environment, record: Record, proof: Proof) -> Copy {
    let is_made = matches!(record.state, State::Ready | State::Failed);
    Copy {
        id: environment.id.clone(),
        name: environment.name.clone(),
        client: record.client.clone(),
        record: Some(proof),
        state: Some(record.state),
        source: Some(record.source_name.clone()),
        url: record.domains.first().map(|host| format!("https://{host}")),
        created_at: record.created_at.to_string(),
        expires_at: (is_made && !record.keep).then(|| record.expires_at.to_string()),
        give_up_at: (record.state == State::Cloning).then(|| record.give_up_at.to_string()),
        keep: record.keep,
        over: record.is_over(Timestamp::now()),
        environment_type: Some(record.environment_type),
        databases: record.databases,
    }
}

fn unrecorded(environment: &Environment, record: Option<Proof>) -> Copy {
    Copy {
        id: environment.id.clone(),
        name: environment.name.clone(),
        client: None,
        record,
        state: None,
        source: None,
        url: None,
        created_at: environment.created_at.to_string(),
        expires_at: None,
        give_up_at: None,
        keep: false,
        over: false,
        environment_type: None,
        databases: Vec::new(),
    }
}

fn line(copy: &Copy) -> String {
    let [name, client, state, _, end, url] = row(copy);
    let client = if client.is_empty() { client } else { format!(" for {client}") };
    format!("{name}{client} ({state}, {end}) {url}")
}

fn row(copy: &Copy) -> [String; 6] {
    let state = match (copy.state, copy.record) {
        (Some(state), Some(Proof::Unsigned)) => format!("{state}, not signed"),
        (Some(state), _) => state.to_string(),
        (None, Some(_)) => "ours, unreadable".to_owned(),
        (None, None) => "left over".to_owned(),
    };
    let end = match (&copy.give_up_at, &copy.expires_at) {
        (Some(end), _) => format!("given up at {end}"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) if copy.keep && copy.state == Some(State::Ready) => "kept for ever".to_owned(),
        (None, None) => format!("made {}", copy.created_at),
    };
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
    [copy.name.clone(), or_nothing(&copy.client), state, or_nothing(&copy.source), end, or_nothing(&copy.url)]
}
