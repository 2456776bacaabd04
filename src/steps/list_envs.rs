//! `list-envs`: the copies of a project, as their records tell.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::environment_type::EnvironmentType;
use crate::contract::ids::EnvironmentId;
use crate::contract::record::{DatabaseRecord, State};
use crate::contract::request::ListRequest;
use crate::environment::recorded::record_of;
use crate::railway::{Environment, Weight};
use crate::running::context::Context;
use crate::running::run::is_making_name;
use crate::running::step::{Group, Step};

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
    /// Absent for what is left over from a run that died before it wrote a record.
    pub state: Option<State>,
    pub source: Option<String>,
    pub url: Option<String>,
    pub created_at: String,
    /// Absent when the copy is kept for ever.
    pub expires_at: Option<String>,
    pub keep: bool,
    /// Whether the next sweep may delete it.
    pub over: bool,
    pub environment_type: Option<EnvironmentType>,
    pub databases: Vec<DatabaseRecord>,
}

impl Step for ListEnvs {
    const NAME: &'static str = "list-envs";
    const ABOUT: &'static str = "List the copies of a project";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Duration = Duration::from_secs(110);
    type Input = ListRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: ListRequest) -> Result<Output> {
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let environments: Vec<_> = project.environments.iter().filter_map(copy).collect();
        for copy in &environments {
            tracing::info!("{}", line(copy));
        }
        let copies = if environments.len() == 1 { "copy" } else { "copies" };
        tracing::info!("{} {copies} in project `{}`", environments.len(), project.name);
        Ok(Output { environments })
    }
}

fn copy(environment: &Environment) -> Option<Copy> {
    let Some(record) = record_of(environment) else {
        return is_making_name(&environment.name).then(|| left_over(environment));
    };
    Some(Copy {
        id: environment.id.clone(),
        name: environment.name.clone(),
        state: Some(record.state),
        source: Some(record.source_name.clone()),
        url: record.domains.first().map(|host| format!("https://{host}")),
        created_at: record.created_at.to_string(),
        expires_at: (!record.keep).then(|| record.expires_at.to_string()),
        keep: record.keep,
        over: record.is_over(Timestamp::now()),
        environment_type: Some(record.environment_type),
        databases: record.databases,
    })
}

fn left_over(environment: &Environment) -> Copy {
    Copy {
        id: environment.id.clone(),
        name: environment.name.clone(),
        state: None,
        source: None,
        url: None,
        created_at: environment.created_at.to_string(),
        expires_at: None,
        keep: false,
        over: false,
        environment_type: None,
        databases: Vec::new(),
    }
}

fn line(copy: &Copy) -> String {
    let state = copy.state.map_or("left over".to_owned(), |s| format!("{s:?}").to_lowercase());
    let end = match (&copy.expires_at, copy.keep) {
        (_, true) => "kept for ever".to_owned(),
        (Some(end), _) => format!("until {end}"),
        (None, _) => format!("made {}", copy.created_at),
    };
    format!("{} ({state}, {end}) {}", copy.name, copy.url.as_deref().unwrap_or_default())
}
