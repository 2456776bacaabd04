//! `check-domain`: waits until the custom domain of a copy leads to it, with its certificate, and tells what is missing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::domain_request::DomainRequest;
use crate::contract::ids::EnvironmentId;
use crate::contract::record::{self, Record, State};
use crate::contract::signature::Reading;
use crate::environment::{custom_domain, deletion_rules, guard, named, recorded};
use crate::error::{Failure, listed};
use crate::railway::{DnsRecord, DomainStatus, Environment, Project, RecordStatus, Weight, zone};
use crate::running::context::Context;
use crate::running::outcome::Partly;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct CheckDomain;

/// How the copy's custom domain stands.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// Where the copy answers: at the domain, or at Railway's until that leads there.
    pub url: String,
    /// The domain, verification, certificate, and each DNS record with what it must be and what it is.
    pub custom_domain: DomainStatus,
    /// The records as lines that can be pasted into the domain's zone (RFC 1035).
    pub dns_zone: String,
}

impl Step for CheckDomain {
    const NAME: &'static str = "check-domain";
    const ABOUT: &'static str = "Wait until a copy's custom domain leads to it, and tell what is missing";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(11));
    type Input = DomainRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        format!("{} answers at {}", output.environment_name, output.url)
    }

    async fn run(ctx: &Context, request: DomainRequest) -> Result<Output> {
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let environment = named::environment(&project, "environment", &request.environment)?;
        let record = record_of(ctx, &project, environment)?;
        let (service, custom) = custom_domain::attached(environment, &record).pop().with_context(|| {
            Failure::invalid(format!("`environment`: `{}` has no custom domain of its record", environment.name))
                .hint("a clone gets one by `custom_domain`")
        })?;
        let latest = Mutex::new(None);
        let look = || async {
            let of = [(&environment.id, custom.owner(service))];
            let all = ctx.railway.custom_domains(&project.id, &of, Weight::Poll).await?;
            let found = all.into_iter().flatten().find(|status| status.domain == custom.domain);
            let status = found.with_context(|| {
                Failure::invalid(format!("`{}` was taken off `{}`", custom.domain, environment.name))
            })?;
            let is_good = status.is_good();
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
            Ok(is_good.then_some(()))
        };
        let timeout = request.timeout.duration();
        let waited = ctx.until("the domain", timeout, Duration::from_secs(1), look).await;
        let Some(status) = latest.into_inner().unwrap_or_else(PoisonError::into_inner) else {
            return Err(waited.err().context("see how the domain stands")?);
        };
        let seen_at = status.is_good().then(record::now);
        let record = Record { domain_seen_at: seen_at, ..record };
        let output = Output {
            environment_id: environment.id.clone(),
            environment_name: environment.name.clone(),
            url: custom_domain::url(environment, &record).unwrap_or_default(),
            dns_zone: zone(&status.records),
            custom_domain: status,
        };
        remember(ctx, &project, environment, seen_at).await?;
        match waited {
            Ok(()) => Ok(output),
            Err(error) => {
                let error = error.context(pending(&output));
                Err(Partly::done(output, error).into())
            }
        }
    }
}

/// The record of a copy of ours; of any other environment nothing is told.
fn record_of(ctx: &Context, project: &Project, environment: &Environment) -> Result<Record> {
    match recorded::reading(ctx, project, environment) {
        Reading::Signed(record) | Reading::Unsigned(record) if !project.is_main(&environment.id) => Ok(*record),
        Reading::Unreadable(why) => bail!(guard::unreadable(environment, why)),
        _ => bail!(
            Failure::invalid(format!("`environment`: `{}` is no copy of ours", environment.name))
                .hint("`railstage list-envs` tells the copies")
        ),
    }
}

/// Writes down whether the domain leads to the copy, for lists: in the signed record of a ready copy alone, which nobody has made his own
/// and no policy protects.
async fn remember(
    ctx: &Context,
    project: &Project,
    environment: &Environment,
    seen_at: Option<Timestamp>,
) -> Result<()> {
    let reading = recorded::reading(ctx, project, environment);
    let is_ready = matches!(&reading, Reading::Signed(record) if record.state == State::Ready);
    let is_promoted = deletion_rules::promoted_host(environment, &reading).is_some();
    if !is_ready || is_promoted || guard::ensure_not_production(&ctx.policy, project, environment, None).is_err() {
        return Ok(());
    }
    let told = |_: &Environment, reading: Reading| match reading {
        Reading::Signed(record) if record.state == State::Ready => {
            let is_told = record.domain_seen_at.is_some() == seen_at.is_some();
            Ok((!is_told).then_some(Record { domain_seen_at: seen_at, ..*record }))
        }
        _ => Ok(None),
    };
    recorded::amend(ctx, &project.id, &environment.id, told).await.map(|_| ())
}

/// What is missing.
fn pending(output: &Output) -> Failure {
    let DomainStatus { domain, certificate, certificate_error, records, .. } = &output.custom_domain;
    let told = |record: &DnsRecord| {
        let current = record.current.as_ref().map_or_else(|| "nothing".to_owned(), |current| format!("`{current}`"));
        let what = match record.status {
            RecordStatus::Set => "is set".to_owned(),
            RecordStatus::Missing => format!("must be `{}`, and is {current}", record.value),
            RecordStatus::Unknown => format!("must be `{}`; what it is, Railway does not tell", record.value),
        };
        format!("{} `{}` {what}", record.record_type, record.host)
    };
    let mut missing: Vec<_> = records.iter().map(told).collect();
    let error = certificate_error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    missing.push(format!("its certificate is {}{error}", certificate.told()));
    Failure::deadline(format!("`{domain}` does not lead to `{}` yet: {}", output.environment_name, listed(&missing)))
        .hint(format!("set these records, and check again; until then visit {}\n{}", output.url, output.dns_zone))
}
