//! `assign-domain`: gives the copy its hosts, then rewrites production's URLs in its variables; deploys nothing.

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::bounds;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::engines::{self, SiteAddress};
use crate::environment::gate::{self, GateOutput};
use crate::environment::guard::{self, Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{self, web};
use crate::environment::variables::changes::with_own_urls;
use crate::environment::{custom_domain, databases, hosts};
use crate::error::{Failure, counted};
use crate::railway::{
    Change, CustomDomainChange, DnsRecord, DomainChange, GraphqlErrors, ServiceInstance, SharedChanges,
    VariableChanges, Weight, zone,
};
use crate::rewriting::{Rewriter, UrlPair};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// The step.
pub(super) struct AssignDomain;

/// The copy's hosts, and what was rewritten to them.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// Where people visit the copy.
    pub url: String,
    /// The same through Railway's own domain, which works before any DNS is set.
    pub railway_url: String,
    /// Production's URLs with those of the copy in their place.
    pub rewritten: Vec<UrlPair>,
    /// Variables that held one of them, as `service.NAME`.
    pub rewritten_variables: Vec<String>,
    /// What to set in DNS for the custom domain; empty without one, or when it was attached before and its DNS is seen to be set.
    pub dns_records: Vec<DnsRecord>,
    /// The same as lines that can be pasted into the zone of the domain (RFC 1035).
    pub dns_zone: String,
    /// The gate before the copy: where somebody finds how to get in; absent without one.
    pub gate: Option<GateOutput>,
}

impl Step for AssignDomain {
    const NAME: &'static str = "assign-domain";
    const ABOUT: &'static str = "Give the copy its domains and rewrite URLs in its variables";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(4));
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        if output.dns_records.is_empty() { output.url.clone() } else { output.railway_url.clone() }
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::Created, |ctx, request, target, turn| {
            Box::pin(give_domains(ctx, request, target, turn))
        })
        .await
    }
}

/// The hosts that this run asks for, the one that people visit first. What else the copy carries is somebody else's doing, and
/// must not become the record's.
fn asked_hosts(target: &Target, request: &CloneRequest, change: &Change) -> Result<Vec<String>> {
    let mut hosts = vec![hosts::public_host(target, request)?];
    let wished = change.service_domains.iter().map(|wish| wish.domain.clone());
    hosts.extend(wished.filter(|host| *host != hosts[0]).collect::<Vec<_>>());
    Ok(hosts)
}

async fn give_domains(ctx: &Context, request: &CloneRequest, mut target: Target, turn: &Turn) -> Result<Output> {
    let sites = sites(ctx, &target, request).await?;
    // Railway names a domain that it makes; only renaming one gives it the label that we want.
    if !target.is_ready()
        && let Some(made) = make_missing(ctx, &target, request).await?
    {
        target = made;
    }
    let mut change = Change::default();
    if !target.is_ready() {
        change.service_domains = wished_domains(&target, request);
        change.custom_domain = wish_for(&target, request)?;
    }
    apply_names(&mut target, &change);
    let pairs = hosts::map(&target, request, &sites)?;
    let mut rewritten = Vec::new();
    if !target.is_ready() {
        (change.variables, change.shared, rewritten) = rewrite(&target, request, &pairs);
    }
    let (url, railway_url) =
        (https(&hosts::public_host(&target, request)?), https(&hosts::railway_host(&target, request)?));
    if !target.is_ready() {
        let record = Record { domains: asked_hosts(&target, request, &change)?, ..target.record.clone() };
        change.shared_variables = turn.last_word(ctx, record).await?.shared_variables;
    }
    let (project_id, environment_id) = (&target.project.id, &target.environment().id);
    let mut dns_records = ctx.railway.change(project_id, environment_id, &change).await.map_err(explain)?;
    if let Some(attached) = wished_custom_domain(&target, request)?.filter(|_| change.custom_domain.is_none()) {
        let of = [(environment_id, &attached.service_id)];
        let read = ctx.railway.custom_domains(project_id, &of, Weight::Repeatable).await;
        let mut all = read.context("read the DNS records of the copy's domain")?.into_iter().flatten();
        let waits = all.find(|status| status.domain == attached.domain && !status.verified);
        dns_records = waits.map(|status| status.records).unwrap_or_default();
    }
    tracing::info!("the copy is to answer at {url}; {} rewritten", counted(rewritten.len(), "variable", "variables"));
    if sites.is_empty() && !request.enable_basic_auth {
        tracing::info!(
            "no password is asked for before the copy, and nothing of ours keeps search engines away: `enable_basic_auth` does both"
        );
    }
    if let Some(domain) = request.custom_domain.as_ref().filter(|_| !dns_records.is_empty()) {
        tracing::warn!("{}", pending(domain, &dns_records, &railway_url));
    }
    let rewritten_urls = if request.wordpress_url_replace { pairs } else { Vec::new() };
    let gate = gate::told(&target);
    Ok(Output {
        url,
        railway_url,
        rewritten: rewritten_urls,
        rewritten_variables: rewritten,
        dns_zone: zone(&dns_records),
        dns_records,
        gate,
    })
}

/// What is to be done for a custom domain, and where the copy answers meanwhile.
fn pending(domain: &str, records: &[DnsRecord], railway_url: &str) -> String {
    let told: String = zone(records).lines().map(|line| format!("\n  {line}")).collect();
    format!("`{domain}` does not answer before its DNS has the records below; until then visit {railway_url}{told}")
}

fn https(host: &str) -> String {
    format!("https://{host}")
}

fn explain(error: anyhow::Error) -> anyhow::Error {
    let refused = error.downcast_ref::<GraphqlErrors>();
    let custom = refused.and_then(|e| e.at("custom_domain")).map(str::to_owned);
    match custom {
        Some(reason) => error.context(Failure::invalid(format!("`custom_domain`: {reason}"))),
        None => error.context("set the copy's domains and variables"),
    }
}

/// What the databases themselves say the site is called.
async fn sites(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<Vec<SiteAddress>> {
    let databases = services::databases(target.source(), request);
    let mut sites = Vec::new();
    for source in databases::sources(ctx, &target.project.id, &target.source().id, &databases, request.connect).await? {
        sites.extend(engines::site_addresses(&source).await?);
    }
    Ok(sites)
}

/// Has Railway make a domain for each service that needs one and has none; the copy as it is then.
async fn make_missing(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<Option<Target>> {
    let missing: Vec<_> = wished_domains(target, request).into_iter().filter(|d| d.domain_id.is_none()).collect();
    let deleted_domains = domains_past_gate(target, request);
    if missing.is_empty() && deleted_domains.is_empty() {
        return Ok(None);
    }
    let change = Change { deleted_domains, service_domains: missing, ..Change::default() };
    ctx.railway.change(&target.project.id, &target.environment().id, &change).await.context("make a domain")?;
    let look = || async {
        let target = guard::own_target_now(ctx, request, Readiness::Created).await?;
        let complete = wished_domains(&target, request).iter().all(|d| d.domain_id.is_some())
            && domains_past_gate(&target, request).is_empty();
        Ok(complete.then_some(target))
    };
    ctx.until("the new domain", Duration::from_mins(1), Duration::from_millis(500), look).await.map(Some)
}

/// One Railway domain for the web service, and for each app that has a public host in production.
fn wished_domains(target: &Target, request: &CloneRequest) -> Vec<DomainChange> {
    let public = hosts::public(target.source(), request);
    let environment = target.environment();
    let (name, hash) = (&target.record.target_name, &target.record.run_hash);
    let gate = gate_of(target, request);
    // Railway names what it makes for a gate after that; which app gets which is ours to say.
    let mut spare = gate.into_iter().flat_map(|gate| &gate.domains.service_domains);
    let mut wish = |service: &crate::railway::ServiceInstance| {
        let of_source = service.domains.service_domains.first();
        let domains = environment.service_by_id(&service.service_id).map(|s| &s.domains.service_domains);
        let mut own = domains.into_iter().flatten().filter(|domain| domain.gate.is_some() == gate.is_some());
        let current = own.next().or_else(|| spare.next());
        let suffix = current.and_then(|d| d.suffix.as_deref()).unwrap_or(hosts::SUFFIX);
        DomainChange {
            service_id: service.service_id.clone(),
            gate: gate.map(|gate| gate.service_id.clone()),
            domain_id: current.map(|d| d.id.clone()),
            domain: format!("{}.{suffix}", hosts::label(&service.service_name, name, hash)),
            target_port: match gate {
                Some(_) => Some(gate::PORT),
                None => current.or(of_source).and_then(|d| d.target_port),
            },
        }
    };
    public.into_iter().map(&mut wish).collect()
}

/// The gate that has the hosts of the copy's apps, where the request asks for one.
fn gate_of<'t>(target: &'t Target, request: &CloneRequest) -> Option<&'t ServiceInstance> {
    gate::of(target.environment(), &target.record.run_hash).filter(|_| request.enable_basic_auth)
}

/// The domains at which Railway has put the copy's apps past their gate.
fn domains_past_gate(target: &Target, request: &CloneRequest) -> Vec<String> {
    let services = gate_of(target, request).into_iter().flat_map(|_| &target.environment().service_instances);
    let domains = services.flat_map(|service| &service.domains.service_domains);
    domains.filter(|domain| domain.gate.is_none()).map(|domain| domain.id.clone()).collect()
}

/// The custom domain to attach, unless it is attached already.
fn wish_for(target: &Target, request: &CloneRequest) -> Result<Option<CustomDomainChange>> {
    let wished = wished_custom_domain(target, request)?;
    let refusal = custom_domain::refusal(&target.project, Some(target.environment()), request);
    bounds::ensure_none(refusal.as_slice())?;
    Ok(wished.filter(|_| !custom_domain::is_attached(target.environment(), request)))
}

fn wished_custom_domain(target: &Target, request: &CloneRequest) -> Result<Option<CustomDomainChange>> {
    let Some(domain) = &request.custom_domain else { return Ok(None) };
    let service = web(target.source(), request).context("find the web service")?;
    let gate = gate_of(target, request);
    Ok(Some(CustomDomainChange {
        service_id: gate.unwrap_or(service).service_id.clone(),
        domain: domain.clone(),
        target_port: gate.map(|_| gate::PORT),
    }))
}

/// Puts the wished names into our reading of the copy, so that everything after speaks of them.
fn apply_names(target: &mut Target, change: &Change) {
    for wish in &change.service_domains {
        target.take_for_given(wish);
    }
}

/// The variables that name one of production's hosts, or one that the gate has for an app, with their new values, and those that all share;
/// what the request sets itself stays.
fn rewrite(
    target: &Target,
    request: &CloneRequest,
    pairs: &[UrlPair],
) -> (VariableChanges, SharedChanges, Vec<String>) {
    let rewriter = Rewriter::new(if request.wordpress_url_replace { pairs } else { &[] });
    let (mut changes, mut shared, mut names) = (VariableChanges::new(), SharedChanges::new(), Vec::new());
    let environment = target.environment();
    for service in &environment.service_instances {
        for (name, variable) in environment.variables(&service.service_id) {
            let Some(value) = variable.value.as_deref().filter(|_| !variable.is_sealed()) else { continue };
            let resolved = gate::without_hosts_of_apps(target, Some(service), value);
            let rewritten =
                with_own_urls(&rewriter, request, &service.service_name, name, resolved.as_deref().unwrap_or(value));
            let Some(new) = rewritten.or(resolved) else { continue };
            changes.entry(service.service_id.clone()).or_default().insert(name.to_owned(), Some(new));
            names.push(format!("{}.{name}", service.service_name));
        }
    }
    for (name, variable) in &environment.config.shared_variables {
        let value = variable.as_ref().filter(|variable| !variable.is_sealed()).and_then(|v| v.value.as_deref());
        let Some(new) = value.and_then(|value| gate::without_hosts_of_apps(target, None, value)) else { continue };
        shared.insert(name.clone(), Some(new));
        names.push(format!("shared.{name}"));
    }
    (changes, shared, names)
}
