//! The checks of `validate` that ask the source databases themselves.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Database;
use super::findings::Findings;
use crate::contract::request::CloneRequest;
use crate::copying::report::cut;
use crate::engines::{self, Contents};
use crate::environment::services::Role;
use crate::environment::{databases, masking_of_request};
use crate::error::Exit;
use crate::masking::{QueueTreatment, Suspect};
use crate::railway::{Reachable, ServiceInstance};
use crate::running::context::Context;

/// A source database, and what a copy would make of it.
pub(in crate::steps) struct Seen {
    pub(in crate::steps) database: Database,
    pub(in crate::steps) contents: Contents,
}

/// Reads every source database, and tries the masking rules on it. `seen` is what Railway says of each service of the source.
pub(super) async fn check(
    ctx: &Context,
    seen: &[(&ServiceInstance, &Reachable)],
    request: &CloneRequest,
    findings: &mut Findings,
) -> Result<Vec<Seen>> {
    let wanted = seen.iter().filter(|(service, _)| Role::of(service, request) == Role::Database);
    let mut reports = Vec::new();
    for (service, seen) in wanted {
        let inspected = async {
            let endpoint = databases::source(ctx, service, seen, request.connect).await?;
            let report = engines::inspect(&endpoint).await?;
            engines::ensure_can_dump(&ctx.env, &endpoint, &report).await?;
            databases::ensure_can_be_made(ctx, service, seen)?;
            anyhow::Ok((report, endpoint.way().await))
        };
        let inspected = inspected.await;
        match inspected.with_context(|| format!("read database `{}`", service.service_name)) {
            Ok((report, way)) => {
                for problem in &report.problems {
                    findings.error(service.service_name.clone(), problem.clone());
                }
                for warning in &report.warnings {
                    findings.warning(service.service_name.clone(), warning.clone());
                }
                if let Some(met) = &report.unproven_certificate {
                    let line = json!({ &service.service_name: [met] });
                    let told = format!("the policy's line for that certificate is `pinned_certificates: {line}`");
                    findings.info(service.service_name.clone(), told);
                }
                let contents = check_masking(ctx, request, service, seen, findings).await?;
                let database = Database { service: service.service_name.clone(), way, source: report };
                reports.push(Seen { database, contents });
            }
            // A server that does not answer or a program that is too old is not the caller's mistake.
            Err(error) if matches!(Exit::of(&error), Exit::Outside | Exit::Program) => return Err(error),
            Err(error) => findings.failed(service.service_name.clone(), &error),
        }
    }
    Ok(reports)
}

/// Tries the masking rules on a source: what they do not fit, and what they leave out; and looks for what would act in the copy.
async fn check_masking(
    ctx: &Context,
    request: &CloneRequest,
    service: &ServiceInstance,
    seen: &Reachable,
    findings: &mut Findings,
) -> Result<Contents> {
    let name = service.service_name.as_str();
    let asked = request.databases.iter().find(|d| d.service == name);
    let excluded = asked.map(|d| d.exclude_table_data.as_slice()).unwrap_or_default();
    let run_hash = ctx.run.names(request).run_hash;
    let kept = asked.map(|d| d.keep_queues.as_slice()).unwrap_or_default();
    let tried = async {
        let masking = masking_of_request::of_request(&ctx.env, request, name, &run_hash)?;
        let endpoint = databases::source(ctx, service, seen, request.connect).await?;
        engines::inspect_contents(&endpoint, excluded, masking.as_ref(), kept).await
    };
    match tried.await {
        Ok(contents) => {
            for line in &contents.queues {
                match line.done {
                    QueueTreatment::Left | QueueTreatment::Followed => {
                        findings.warning(name, format!("would act in the copy: {line}"));
                    }
                    _ => findings.info(name, format!("would act in the copy, and will be {line}")),
                }
            }
            let told = |suspect: &Suspect| format!("looks personal, and no masking rule speaks of it: {suspect}");
            let mut warnings: Vec<_> = contents.suspects.iter().map(told).collect();
            cut(&mut warnings, |more| more);
            for warning in warnings {
                findings.warning(name, warning);
            }
            return Ok(contents);
        }
        Err(error) if Exit::of(&error) == Exit::Outside => return Err(error),
        Err(error) => findings.failed(name, &error),
    }
    Ok(Contents::default())
}
