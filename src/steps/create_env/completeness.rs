//! Whether a fresh environment has all that its source has: services and variables arrive one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::contract::ids::EnvironmentId;
use crate::contract::request::CloneRequest;
use crate::environment::plan_hash;
use crate::environment::recorded::reading;
use crate::railway::{Environment, Project, Weight};
use crate::running::context::Context;

/// How long services and variables may take to arrive in the copy.
const COMPLETE_WITHIN: Duration = Duration::from_mins(3);

/// What a comparison of the copy's variables with the source's found.
pub(super) struct Compared {
    pub(super) equal: usize,
    pub(super) sealed: Vec<String>,
    missing: Vec<String>,
}

/// Waits until the copy has each service and each variable of the source, or the source is no more what the request's plan was made of.
pub(super) async fn complete(
    ctx: &Context,
    request: &CloneRequest,
    id: &EnvironmentId,
    source_id: &EnvironmentId,
) -> Result<(Project, Compared)> {
    let railway = &ctx.railway;
    let missing = std::sync::Mutex::new(Vec::new());
    let last = &missing;
    let look = || async move {
        let project = railway.project(&request.project_id, Weight::Poll).await?;
        let Some((environment, source)) = project.environment_by_id(id).zip(project.environment_by_id(source_id))
        else {
            return Ok(None);
        };
        let compared = compare(environment, source);
        let has_moved = !plan_hash::moved(ctx, request, source, None)?.is_empty();
        // Once this run has its record there, it has changed variables itself.
        if has_moved || compared.missing.is_empty() || reading(ctx, &project, environment).record().is_some() {
            return Ok(Some((project, compared)));
        }
        last.lock().unwrap().clone_from(&compared.missing);
        Ok(None)
    };
    let found = ctx.until("the copy to be complete", COMPLETE_WITHIN, Duration::from_millis(500), look).await;
    found.with_context(|| match missing.lock().unwrap().as_slice() {
        [] => "look for the new environment".to_owned(),
        missing => format!("compare the copy with its source: `{}` did not arrive", missing.join("`, `")),
    })
}

fn compare(copy: &Environment, source: &Environment) -> Compared {
    let mut compared = Compared { equal: 0, sealed: Vec::new(), missing: Vec::new() };
    for service in &source.service_instances {
        let name = &service.service_name;
        if copy.service_by_id(&service.service_id).is_none() {
            compared.missing.push(name.clone());
        }
        let copied: BTreeMap<_, _> = copy.variables(&service.service_id).collect();
        for (variable, value) in source.variables(&service.service_id) {
            if value.is_sealed() {
                compared.sealed.push(format!("{name}.{variable}"));
            } else if copied.get(variable).is_some_and(|c| c.value == value.value) {
                compared.equal += 1;
            } else {
                compared.missing.push(format!("{name}.{variable}"));
            }
        }
    }
    // What came late would stay: a gate of the source's is not the copy's.
    let missing = source.gates.iter().filter(|gate| copy.service_by_id(&gate.service_id).is_none());
    compared.missing.extend(missing.map(|gate| gate.service_name.clone()));
    compared
}
