//! `assign-domain`: gives the copy its hosts, then rewrites production's URLs in its variables; deploys nothing.

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::bounds;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::engines::{self, SiteAddress};
use crate::environment::guard::{self, Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{self, web};
use crate::environment::variables::changes::with_own_urls;
use crate::environment::{custom_domain, databases, hosts};
use crate::error::{Failure, counted};
use crate::railway::{
    Change, CustomDomainChange, DnsRecord, DomainChange, GraphqlErrors, VariableChanges, Weight, zone,
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
    if request.wordpress_url_replace && !target.is_ready() {
        (change.variables, rewritten) = rewrite(&target, request, &pairs);
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
    if let Some(domain) = request.custom_domain.as_ref().filter(|_| !dns_records.is_empty()) {
        tracing::warn!("{}", pending(domain, &dns_records, &railway_url));
    }
    let rewritten_urls = if request.wordpress_url_replace { pairs } else { Vec::new() };
    Ok(Output {
        url,
        railway_url,
        rewritten: rewritten_urls,
        rewritten_variables: rewritten,
        dns_zone: zone(&dns_records),
        dns_records,
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
    for source in databases::sources(ctx, &target.project.id, &target.source().id, &databases).await? {
        sites.extend(engines::site_addresses(&source).await?);
    }
    Ok(sites)
}

/// Has Railway make a domain for each service that needs one and has none; the copy as it is then.
async fn make_missing(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<Option<Target>> {
    let missing: Vec<_> = wished_domains(target, request).into_iter().filter(|d| d.domain_id.is_none()).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let change = Change { service_domains: missing, ..Change::default() };
    ctx.railway.change(&target.project.id, &target.environment().id, &change).await.context("make a domain")?;
    let look = || async {
        let target = guard::own_target(ctx, request, Readiness::Created).await?;
        let complete = wished_domains(&target, request).iter().all(|d| d.domain_id.is_some());
        Ok(complete.then_some(target))
    };
    ctx.until("the new domain", Duration::from_mins(1), Duration::from_millis(500), look).await.map(Some)
}

/// One Railway domain for the web service, and for each app that has a public host in production.
fn wished_domains(target: &Target, request: &CloneRequest) -> Vec<DomainChange> {
    let public = hosts::public(target.source(), request);
    let environment = target.environment();
    let (name, hash) = (&target.record.target_name, &target.record.run_hash);
    let wish = |service: &crate::railway::ServiceInstance| {
        let current = environment.service_by_id(&service.service_id).and_then(|s| s.domains.service_domains.first());
        let suffix = current.and_then(|d| d.suffix.as_deref()).unwrap_or(hosts::SUFFIX);
        DomainChange {
            service_id: service.service_id.clone(),
            domain_id: current.map(|d| d.id.clone()),
            domain: format!("{}.{suffix}", hosts::label(&service.service_name, name, hash)),
            target_port: current.and_then(|d| d.target_port),
        }
    };
    public.into_iter().map(wish).collect()
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
    Ok(Some(CustomDomainChange { service_id: service.service_id.clone(), domain: domain.clone() }))
}

/// Puts the wished names into our reading of the copy, so that everything after speaks of them.
fn apply_names(target: &mut Target, change: &Change) {
    for wish in &change.service_domains {
        target.rename_domain(&wish.service_id, &wish.domain);
    }
}

/// The variables that name one of production's hosts, with their new values; what the request sets itself stays.
fn rewrite(target: &Target, request: &CloneRequest, pairs: &[UrlPair]) -> (VariableChanges, Vec<String>) {
    let rewriter = Rewriter::new(pairs);
    let (mut changes, mut names) = (VariableChanges::new(), Vec::new());
    let environment = target.environment();
    for service in &environment.service_instances {
        for (name, variable) in environment.variables(&service.service_id) {
            let value = variable.value.as_deref().filter(|_| !variable.is_sealed());
            let rewritten = |value| with_own_urls(&rewriter, request, &service.service_name, name, value);
            let Some(new) = value.and_then(rewritten) else { continue };
            changes.entry(service.service_id.clone()).or_default().insert(name.to_owned(), Some(new));
            names.push(format!("{}.{name}", service.service_name));
        }
    }
    (changes, names)
}
