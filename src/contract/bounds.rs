//! What bounds each field of a request: which lines of the policy, or why none needs to.

use anyhow::{Result, ensure};

use crate::contract::connect::Connect;
use crate::contract::files_request;
use crate::contract::gate::{BasicAuth, GateRule};
use crate::contract::health_check::HealthCheck;
use crate::contract::masking_rules::MaskingRule;
use crate::contract::on_residue::OnResidue;
use crate::contract::policy::Policy;
use crate::contract::request::{CloneRequest, DatabaseRequest, OnFailure};
use crate::contract::transformer::Effect;
use crate::contract::ttl::Ttl;
use crate::contract::unknown::Unknown;
use crate::contract::variable_override::Override;
use crate::error::{Failure, listed};

/// What keeps a field of a request within what the owner grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// These lines of the policy.
    Lines(&'static [&'static str]),
    /// Whatever a caller says, it cannot get more by it.
    Harmless(&'static str),
}

use Bound::{Harmless, Lines};

/// The fields of all requests, each once; the README's table is made from it, and a test holds it to the schemas.
pub const BOUNDS: &[(&str, Bound)] = &[
    ("project_id", Lines(&["allowed_projects", "max_copies_per_project", "max_runs_per_hour"])),
    ("source_environment", Lines(&["sources"])),
    ("client_name", Lines(&["protected_environments"])),
    ("owner", Harmless("only says who asked")),
    ("environment_name", Lines(&["protected_environments"])),
    ("web_service", Harmless("names the page that is visited in the copy")),
    ("ttl", Lines(&["min_ttl", "max_ttl"])),
    ("keep", Lines(&["may_be_kept"])),
    ("include_services", Lines(&["cron_services"])),
    ("exclude_services", Harmless("less comes along")),
    ("variables", Lines(&["variables", "may_reference", "secrets"])),
    ("allow_live", Lines(&["allow_live"])),
    ("sources", Lines(&["other_code"])),
    ("databases.service", Harmless("less comes along")),
    ("databases.exclude_table_data", Harmless("less comes along")),
    ("databases.keep_queues", Lines(&["may_act"])),
    ("databases.rules", Lines(&["may_weaken_masking"])),
    ("copying.jobs", Lines(&["production_connections"])),
    ("copying.max_mb_per_s", Lines(&["production_mb_per_s"])),
    ("copying.attempts", Lines(&["max_attempts"])),
    ("copying.max_snapshot_age", Lines(&["max_snapshot_age"])),
    ("copying.max_write_pause_ms", Lines(&["max_write_pause_ms"])),
    ("copying.stall", Lines(&["max_stall"])),
    ("connect", Lines(&["private_only"])),
    ("anonymize", Lines(&["may_be_unmasked"])),
    ("keep_users", Lines(&["keep_users"])),
    ("unknown", Lines(&["may_weaken_masking"])),
    ("residue", Lines(&["may_weaken_masking"])),
    ("wordpress_url_replace", Lines(&["may_keep_urls"])),
    ("rewrite_schema", Harmless("less of production stays")),
    ("keep_guid", Harmless("nobody visits a guid, and production shows it to all")),
    ("fail_on_left", Harmless("refuses more")),
    ("custom_domain", Lines(&["custom_domains"])),
    ("enable_basic_auth", Lines(&["gate"])),
    ("basic_auth.user", Harmless("is a name that only the gate knows")),
    ("basic_auth.secret", Lines(&["secrets"])),
    ("environment_type", Harmless("tells an app what it is")),
    ("files", Harmless("files come as the copy's first did, whose globs the policy judges again")),
    ("files.service", Harmless("names whose files are meant")),
    ("files.mode", Harmless("an app without files shows less")),
    ("files.include", Lines(&["may_include_files"])),
    ("files.exclude", Harmless("less comes along")),
    ("files.compare", Harmless("says how much is read again")),
    ("guard", Lines(&["may_be_unguarded"])),
    ("after.service", Harmless("names a container of the copy")),
    ("after.command", Lines(&["after_commands"])),
    ("after.on_failure", Harmless("says when the copy has failed")),
    ("buckets", Harmless("keys to buckets never come along")),
    ("allow_empty_volumes", Harmless("an empty volume holds nothing")),
    ("health.service", Harmless("names a page of the copy")),
    ("health.path", Harmless("is asked of the copy, and of nothing else")),
    ("health.expect_status", Harmless("says when the copy is healthy")),
    ("health.contains", Harmless("is looked for in a page of the copy, which is not told")),
    ("health.timeout", Harmless("ten minutes at the most")),
    ("logs", Lines(&["may_print_logs"])),
    ("on_failure", Lines(&["may_keep_failed"])),
    ("idempotency_key", Harmless("only says which requests are one")),
    ("plan_hash", Harmless("refuses more")),
    ("environment", Lines(&["protected_environments", "deploy.environments"])),
    (
        "against",
        Harmless(
            "what is told are names, and whether values are the same, of a copy and of what it was made from or another copy",
        ),
    ),
    ("confirm", Harmless("must be the name of the environment that is named beside it")),
    ("service", Lines(&["deploy.services"])),
    ("repository", Lines(&["deploy.repositories"])),
    ("ref", Harmless("names a commit of a repository that the policy grants")),
    ("image", Lines(&["deploy.images"])),
    ("add_databases", Lines(&["deploy.databases"])),
    ("rollback_to", Harmless("must be a deployment of the service that is named beside it")),
    ("dry_run", Harmless("what is swept has expired, or was left over")),
    ("max_deletions", Harmless("what is swept has expired, or was left over")),
    ("source", Harmless("less is listed")),
    ("timeout", Harmless("ten minutes at the most")),
    ("verify", Harmless("what is told is how the custom domains of copies stand")),
    ("history", Harmless("of the accounts of past runs those of the project are told")),
    ("flow_id", Harmless("is told, and nothing else; who is told, secrets say")),
    ("execution_id", Harmless("is told, and nothing else; who is told, secrets say")),
    ("state", Harmless("is told, and nothing else; who is told, secrets say")),
    ("started_at", Harmless("is told, and nothing else; who is told, secrets say")),
    ("ended_at", Harmless("is told, and nothing else; who is told, secrets say")),
    ("outputs", Harmless("is told, and nothing else; who is told, secrets say")),
];

/// Something of a request that the policy does not grant.
pub(crate) struct Refusal {
    pub field: &'static str,
    /// What is refused, and the line of the policy that would allow it.
    pub message: String,
}

impl Refusal {
    /// `what` of a field, and the line that would allow it.
    pub(crate) fn new(field: &'static str, what: impl AsRef<str>, line: impl AsRef<str>) -> Self {
        let (what, line) = (what.as_ref(), line.as_ref());
        Self { field, message: format!("{what} is not allowed by the policy; its line `{line}` would allow it") }
    }

    /// `what` of a field, which no policy allows.
    pub(crate) fn never(field: &'static str, what: impl AsRef<str>) -> Self {
        Self { field, message: format!("{} is never allowed", what.as_ref()) }
    }

    /// What a field says by itself is wrong.
    pub(crate) fn wrong(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }

    /// The field and what is refused of it.
    pub(crate) fn told(&self) -> String {
        format!("`{}`: {}", self.field, self.message)
    }
}

/// Refuses what was refused, all of it at once.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) fn ensure_none(refusals: &[Refusal]) -> Result<()> {
    let told: Vec<_> = refusals.iter().map(Refusal::told).collect();
    ensure!(told.is_empty(), Failure::invalid(listed(&told)));
    Ok(())
}

impl CloneRequest {
    /// What the policy does not grant, as far as that shows without a look at the project.
    pub(super) fn beyond(&self, policy: &Policy) -> Vec<Refusal> {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            project_id: _,
            source_environment: _,
            client_name: _,
            owner: _,
            environment_name: _,
            web_service: _,
            ttl,
            keep,
            include_services: _,
            exclude_services: _,
            variables,
            allow_live,
            sources,
            databases,
            copying,
            connect,
            anonymize,
            keep_users,
            unknown,
            residue,
            wordpress_url_replace,
            rewrite_schema: _,
            keep_guid: _,
            fail_on_left: _,
            custom_domain,
            enable_basic_auth,
            basic_auth,
            environment_type: _,
            files: _,
            guard,
            after: _,
            buckets: _,
            allow_empty_volumes: _,
            health,
            logs,
            on_failure,
            idempotency_key: _,
            plan_hash: _,
        } = self;
        let switch = |asked: bool, allowed: bool, field, what: &str, line: &str| {
            (asked && !allowed).then(|| Refusal::new(field, what, format!("{line}: true")))
        };
        let switches = [
            switch(!*anonymize, policy.may_be_unmasked, "anonymize", "`false`", "may_be_unmasked"),
            switch(!*wordpress_url_replace, policy.may_keep_urls, "wordpress_url_replace", "`false`", "may_keep_urls"),
            switch(*unknown == Unknown::Keep, policy.may_weaken_masking, "unknown", "`keep`", "may_weaken_masking"),
            switch(*residue == OnResidue::Warn, policy.may_weaken_masking, "residue", "`warn`", "may_weaken_masking"),
            switch(
                *anonymize && *guard == Some(false),
                policy.may_be_unguarded,
                "guard",
                "`false`",
                "may_be_unguarded",
            ),
            switch(*logs, policy.may_print_logs, "logs", "`true`", "may_print_logs"),
            switch(*on_failure == OnFailure::Keep, policy.may_keep_failed, "on_failure", "`keep`", "may_keep_failed"),
        ];
        let mut refusals: Vec<_> = switches.into_iter().flatten().collect();
        if *connect == Connect::Public && policy.private_only {
            refusals.push(Refusal::new("connect", "`public`", "private_only: false"));
        }
        refusals.extend(lifetime(policy, Some(*ttl), *keep));
        for user in keep_users.iter().filter(|user| *user != "none" && !policy.keep_users.contains(user)) {
            refusals.push(Refusal::new("keep_users", format!("`{user}`"), format!("keep_users: [{user}]")));
        }
        let domain = custom_domain.iter().filter(|domain| !policy.grants_domain(domain));
        refusals
            .extend(domain.map(|d| Refusal::new("custom_domain", format!("`{d}`"), format!("custom_domains: [{d}]"))));
        refusals.extend(gate(policy, *enable_basic_auth, basic_auth));
        let named =
            variables.iter().flat_map(|(service, own)| own.iter().map(move |(name, wish)| (service, name, wish)));
        refusals.extend(named.flat_map(|(service, name, wish)| variable(policy, service, name, wish)));
        let live = allow_live.iter().filter(|variable| !policy.grants_live(variable));
        refusals.extend(live.map(|v| Refusal::new("allow_live", format!("`{v}`"), format!("allow_live: [\"{v}\"]"))));
        refusals.extend(sources.iter().filter_map(|(service, code)| code.beyond(service, policy)));
        refusals.extend(health.iter().filter_map(HealthCheck::beyond));
        refusals.extend(files_request::beyond(self, policy));
        refusals.extend(copying.beyond(policy));
        let is_second = |n: usize| databases[..n].iter().any(|other| other.service == databases[n].service);
        let second = (0..databases.len()).filter(|n| is_second(*n)).map(|n| &databases[n].service);
        refusals.extend(second.map(|name| {
            Refusal::wrong("databases.service", format!("`{name}` is named twice: say all that is asked for it in one"))
        }));
        refusals.extend(databases.iter().filter_map(|database| weakening(policy, database)));
        refusals.extend(databases.iter().filter_map(|database| acting(policy, database)));
        refusals
    }
}

/// What of a life of this length, or of one for ever, the policy does not grant.
pub(super) fn lifetime(policy: &Policy, ttl: Option<Ttl>, keep: bool) -> Vec<Refusal> {
    let (least, most) = (policy.min_ttl, policy.max_ttl);
    let kept = (keep && !policy.may_be_kept).then(|| Refusal::new("keep", "`true`", "may_be_kept: true"));
    let short = ttl.filter(|ttl| *ttl < least);
    let short = short.map(|ttl| Refusal::new("ttl", format!("{ttl}, less than {least},"), format!("min_ttl: {ttl}")));
    let long = ttl.filter(|ttl| *ttl > most);
    let long = long.map(|ttl| Refusal::new("ttl", format!("{ttl}, more than {most},"), format!("max_ttl: {ttl}")));
    [kept, short, long].into_iter().flatten().collect()
}

/// What of a gate, or of none, the policy does not grant.
fn gate(policy: &Policy, is_asked: bool, basic_auth: &BasicAuth) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !is_asked && policy.gate == GateRule::Required {
        refusals.push(Refusal::new("enable_basic_auth", "`false`", "gate: optional"));
    }
    if !is_asked && *basic_auth != BasicAuth::default() {
        refusals
            .push(Refusal::wrong("basic_auth", "says how a gate asks, and none is asked for: set `enable_basic_auth`"));
    }
    if let Some(secret) = basic_auth.secret.as_ref().filter(|secret| !policy.secrets.contains(secret)) {
        refusals.push(Refusal::new(
            "basic_auth.secret",
            format!("the secret `{secret}`"),
            format!("secrets: [{secret}]"),
        ));
    }
    refusals
}

/// What the policy does not grant of what becomes of one variable.
pub(super) fn variable(policy: &Policy, service: &str, name: &str, wish: &Override) -> Vec<Refusal> {
    let field = "variables";
    let mut refusals = Vec::new();
    if !policy.may_set(service, name) {
        let variable = format!("{service}.{name}");
        refusals.push(Refusal::new(field, format!("`{variable}`"), format!("variables: [\"{variable}\"]")));
    }
    match wish {
        Override::Value(value) if value.contains("${{") && !policy.may_reference => {
            refusals.push(Refusal::new(field, format!("a reference in `{service}.{name}`"), "may_reference: true"));
        }
        Override::Secret(secret) if !policy.secrets.contains(secret) => {
            refusals.push(Refusal::new(field, format!("the secret `{secret}`"), format!("secrets: [{secret}]")));
        }
        Override::Value(_) | Override::Secret(_) | Override::Remove | Override::Blank => {}
    }
    refusals
}

fn weakening(policy: &Policy, database: &DatabaseRequest) -> Option<Refusal> {
    let DatabaseRequest { service: _, exclude_table_data: _, keep_queues: _, rules } = database;
    let rule = rules.iter().find(|rule| weakens(rule)).filter(|_| !policy.may_weaken_masking)?;
    let what =
        format!("a rule that leaves, sets or asks for values of `{}` in service `{}`", rule.table, database.service);
    Some(Refusal::new("databases.rules", what, "may_weaken_masking: true"))
}

fn acting(policy: &Policy, database: &DatabaseRequest) -> Option<Refusal> {
    let kept = database.keep_queues.first().filter(|_| !policy.may_act)?;
    let what = format!("to keep `{kept}` in service `{}`, whose rows may act in the copy,", database.service);
    Some(Refusal::new("databases.keep_queues", what, "may_act: true"))
}

/// Whether a rule, which goes before the preset's, can leave something of a value, or put one there that its writer knows.
/// With a condition, whoever sees which values were masked learns of each row whether it fitted.
fn weakens(rule: &MaskingRule) -> bool {
    rule.when.is_some()
        || match rule.transformer.traits().effect {
            Effect::Keeps | Effect::Sets | Effect::ChangesParts => true,
            Effect::Empties
            | Effect::LeavesRowsBehind
            | Effect::IsConstant
            | Effect::MakesStranger
            | Effect::MakesUniqueStranger => false,
        }
}
