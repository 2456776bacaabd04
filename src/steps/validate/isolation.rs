//! The checks of `validate` about what of production a copy would hold or reach: secrets, passwords, hosts outside.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::findings::Findings;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::live;
use crate::environment::neighbours::Neighbours;
use crate::environment::services::{Role, is_data_server, is_of_uncopied_kind};
use crate::environment::variables::changes::changes;
use crate::environment::variables::{self, Plan, Treated, Treatment};
use crate::railway::{Environment, Rendered, ServiceInstance};
use crate::running::context::Context;

/// A variable that holds a secret.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Secret {
    /// The service, or `shared` for what all share.
    pub service: String,
    pub name: String,
    /// What is done with it in the copy.
    pub treatment: String,
}

/// What becomes of the source's secrets, and how to decide otherwise.
pub(in crate::steps) struct Secrets {
    pub(super) all: Vec<Secret>,
    /// Lines for the policy and for the request, to choose from.
    pub(super) block: Option<String>,
    /// Whether each database can get a password of its own; without, its source may not be reached either.
    pub(super) are_replaceable: bool,
}

/// Tells what becomes of each secret, and which variables of apps point out of the copy. `rendered` are the variables of each service of
/// the source.
pub(super) fn check(
    ctx: &Context,
    source: &Environment,
    rendered: &[(&ServiceInstance, &Rendered)],
    request: &CloneRequest,
    findings: &mut Findings,
) -> Secrets {
    let policy = &ctx.policy;
    let plan = variables::plan(policy, source, source, request);
    // A secret that is not there is told where the request's variables are looked at.
    if let Ok(whole) = changes(policy, &ctx.env, source, source, request) {
        for live in live::planned(source, request, &whole) {
            findings.error(live.variable(), live.told());
        }
    }
    for problem in &plan.problems {
        findings.error("variables", problem.clone());
    }
    for place in &plan.left {
        findings.warning(
            place.clone(),
            "holds the password of one of production's databases in a place where no password belongs, and keeps it",
        );
    }
    for treated in &plan.treated {
        findings.info(format!("{}.{}", treated.service, treated.name), treated.treatment.told());
    }
    check_addresses(policy, source, rendered, request, &plan, findings);
    let secret = |t: &Treated| Secret {
        service: t.service.clone(),
        name: t.name.clone(),
        treatment: t.treatment.told().to_owned(),
    };
    Secrets {
        all: plan.treated.iter().map(secret).collect(),
        block: block(&plan),
        are_replaceable: plan.problems.is_empty(),
    }
}

fn check_addresses(
    policy: &Policy,
    source: &Environment,
    rendered: &[(&ServiceInstance, &Rendered)],
    request: &CloneRequest,
    plan: &Plan,
    findings: &mut Findings,
) {
    let mut neighbours = Neighbours::of(policy, source, rendered).with_own(request.custom_domain.as_deref());
    if request.wordpress_url_replace {
        // Those that are in URLs are rewritten, once the copy has its own.
        neighbours = neighbours.with_own(source.hosts());
    }
    let starts = |s: &&ServiceInstance| Role::of(s, request) == Role::App || is_of_uncopied_kind(s, request);
    for app in source.service_instances.iter().filter(starts) {
        // A server's own variables tell others where it is.
        let is_told = !policy.may_be_public && !is_data_server(app);
        let asked = asked(request, &app.service_name);
        let all: BTreeMap<_, _> = plan
            .after
            .of_service(&app.service_id)
            .into_iter()
            .filter(|(name, _)| !asked.contains(&name.as_str()))
            .collect();
        let pairs = || all.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for objection in neighbours.objections(&pairs()) {
            let subject = format!("{}.{}", app.service_name, objection.variable);
            let names = format!("names {}", objection.what);
            if objection.stops {
                let told = format!(
                    "{names}, and so the copy's apps will not be started; set it in `variables`, or add the host to the policy's `allowed_hosts`"
                );
                // What is written out is the same when apps start; a reference may lead elsewhere by then.
                if plan.after.is_literal(&app.service_id, &objection.variable) {
                    findings.error(subject, told);
                } else {
                    findings.warning(subject, told);
                }
            } else {
                findings.info(subject, format!("{names}: the copy's app can reach it"));
            }
        }
        for name in neighbours.through_own_proxy(pairs()).iter().filter(|_| is_told) {
            findings.warning(
                format!("{}.{name}", app.service_name),
                "goes to a database by its public address, which is closed in the copy once the data is there; use the private one, such as `${{Postgres.DATABASE_URL}}`",
            );
        }
    }
}

/// The variables that a request sets for a service.
fn asked<'a>(request: &'a CloneRequest, service: &str) -> Vec<&'a str> {
    let own = [request.variables.get("*"), request.variables.get(service)];
    own.into_iter().flatten().flat_map(|variables| variables.keys()).map(String::as_str).collect()
}

/// What would let each replaced secret come along, or give it a value of the owner's choice.
fn block(plan: &Plan) -> Option<String> {
    let replaced = || plan.treated.iter().filter(|t| matches!(t.treatment, Treatment::Renewed | Treatment::Off));
    replaced().next()?;
    let mut text = String::from("# in the policy, for those that may come along as they are:\ninherit_secrets:\n");
    for treated in replaced() {
        text.push_str(&format!("  - {}.{}\n", treated.service, treated.name));
    }
    text.push_str("# or in the request, for those that get values of yours (each NAME is RAILSTAGE_SECRET_NAME in the flow's env):\nvariables:\n");
    let mut last = None;
    for treated in replaced().filter(|treated| treated.service != "shared") {
        if last != Some(&treated.service) {
            text.push_str(&format!("  {}:\n", treated.service));
            last = Some(&treated.service);
        }
        text.push_str(&format!(
            "    {}: {{secret: {}}}\n",
            treated.name,
            treated.name.to_uppercase().replace('-', "_")
        ));
    }
    Some(text)
}
