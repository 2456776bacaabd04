//! The run that came first with the same idempotency key, known by the record of its copy.

use anyhow::{Result, bail, ensure};

use crate::contract::record::{Record, State};
use crate::contract::request::CloneRequest;
use crate::contract::signature::Reading;
use crate::environment::custom_domain;
use crate::environment::guard::{is_copy, is_of_run};
use crate::environment::recorded::reading;
use crate::error::Failure;
use crate::railway::{Environment, Project};
use crate::running::context::Context;
use crate::running::first::First;
use crate::running::outcome::Status;
use crate::running::run::{Names, is_making_name};

/// The run that came first with this run's key, if its copy has its name: until then nobody is first.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when the key stands for another request, or for a copy that no run works at any more.
pub(crate) fn first(ctx: &Context, project: &Project, names: &Names, request: &CloneRequest) -> Result<Option<First>> {
    let Some(key_hash) = &names.key_hash else { return Ok(None) };
    for environment in &project.environments {
        let record = match reading(ctx, project, environment) {
            Reading::Signed(record) => record,
            Reading::Unsigned(record) if environment.name == names.target && is_copy(environment) => record,
            _ => continue,
        };
        if !is_of_key(&record, key_hash) || is_of_run(ctx, &record, names) {
            continue;
        }
        ensure!(
            record.request_hash.as_ref().is_none_or(|hash| *hash == request.hash()),
            Failure::invalid(format!("`idempotency_key`: run `{}` has used it for another request", record.run_id))
                .hint("use another key, or send the same request")
        );
        if !is_making_name(&environment.name) {
            return told(environment, *record).map(Some);
        }
    }
    Ok(None)
}

/// Version 1 wrote the key's hash in the run id's place.
fn is_of_key(record: &Record, key_hash: &String) -> bool {
    record.key_hash.as_ref() == Some(key_hash) || (record.request_hash.is_none() && record.run_hash == *key_hash)
}

fn told(environment: &Environment, record: Record) -> Result<First> {
    let status = match record.state {
        State::Ready => Status::Ready,
        State::Cloning if !record.is_over(jiff::Timestamp::now()) => Status::AlreadyRunning,
        State::Cloning => bail!(unusable(environment, &record, "was given up, and waits for the sweep")),
        State::Failed => bail!(unusable(environment, &record, "failed, and is kept for a look")),
        State::RollingBack => bail!(unusable(environment, &record, "is being rolled back")),
    };
    let has_domain = record.domains.iter().any(|host| environment.hosts().any(|own| own == host));
    Ok(First {
        status,
        environment_id: environment.id.clone(),
        environment_name: environment.name.clone(),
        url: custom_domain::url(environment, &record).filter(|_| has_domain),
        run_id: record.run_id,
    })
}

fn unusable(environment: &Environment, record: &Record, what: &str) -> Failure {
    let (name, run_id) = (&environment.name, &record.run_id);
    Failure::invalid(format!("`idempotency_key`: the copy `{name}` that run `{run_id}` made for it {what}"))
        .hint("send the request again once that copy is gone, or with another key")
}
