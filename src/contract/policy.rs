//! What the owner of a flow allows; never taken from a caller. What of a request it bounds is in [`super::bounds`].

mod contradictions;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wildmatch::WildMatch;

use crate::contract::deploy_policy::DeployPolicy;
use crate::contract::gate::GateRule;
use crate::contract::ids::ProjectId;
use crate::contract::input;
use crate::contract::source_login::SourceLogin;
use crate::contract::ttl::Ttl;
use crate::error::Failure;

/// What all steps of a clone but `sync-db` and `sync-files` may take together; the table of steps is held to it.
pub const OTHER_STEPS: Duration = Duration::from_mins(62);

/// What copying the databases needs at the least, and so what a run must be given beside [`OTHER_STEPS`].
const LEAST_FOR_DATABASES: Duration = Duration::from_mins(13);

/// The longest run that a flow can be given.
const LONGEST_RUN: Duration = Duration::from_hours(48);

/// What a run may do. Without a policy these defaults hold, and they allow no project.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that an owner may write by itself")]
pub struct Policy {
    /// Ids of the projects that may be copied.
    pub(crate) allowed_projects: Vec<ProjectId>,
    /// Ids of allowed projects whose copies `sweep-envs` leaves alone; it names them every time.
    pub(crate) unswept_projects: Vec<ProjectId>,
    /// Names of environments that are never written or deleted; `production` is one whatever stands here.
    pub(crate) protected_environments: Vec<String>,
    /// Names or ids of environments that may be copied from; none means the project's base environment alone.
    pub(crate) sources: Vec<String>,
    /// The shortest time to live that a request may ask for.
    pub(crate) min_ttl: Ttl,
    /// The longest time to live that a request may ask for.
    pub(crate) max_ttl: Ttl,
    /// Whether a copy may be kept for ever (`keep`).
    pub(crate) may_be_kept: bool,
    /// Whether a failed copy may be left for a look (`on_failure: keep`).
    pub(crate) may_keep_failed: bool,
    /// How many copies one project may have at a time.
    pub(crate) max_copies_per_project: u32,
    /// How many copies may be made in one project within an hour, counted by those that are still there.
    pub(crate) max_runs_per_hour: u32,
    /// The longest time that a run may take, from PT75M to PT48H; `sync-db` and `sync-files` get what the other steps leave of it.
    pub(crate) longest_run: Ttl,
    /// How many connections a copy reads a source database with.
    #[schemars(range(min = 1, max = 16))]
    pub(crate) production_connections: u32,
    /// How many megabytes (1,000,000 bytes) a second a copy reads a source database with at most; 0 for as many as come.
    pub(crate) production_mb_per_s: u32,
    /// The longest time that a copy may hold a source's snapshot, which keeps its vacuum back.
    pub(crate) max_snapshot_age: Ttl,
    /// How many milliseconds a copy may hold the writers of a source that is MySQL or MariaDB, so that all of its connections see one moment; where that is not enough, one connection reads alone.
    #[schemars(range(min = 1, max = 60000))]
    pub(crate) max_write_pause_ms: u32,
    /// How many times the copying of a database may be tried.
    #[schemars(range(min = 1, max = 10))]
    pub(crate) max_attempts: u32,
    /// The longest time that a server or a line may be silent before an attempt to copy is given up.
    pub(crate) max_stall: Ttl,
    /// `host` or `host:port` of source databases that are not at a TCP proxy of their own service.
    pub(crate) source_hosts: Vec<String>,
    /// The login by which all source databases are read, one that can do nothing else (`railstage source-login` prints its SQL); with no names in it, that of their services.
    pub(crate) source_login: SourceLogin,
    /// Database services whose line may be without TLS, or without proof of the server by the password.
    pub(crate) weak_lines: Vec<String>,
    /// Certificates of source databases that are MySQL or MariaDB, by service, as their SHA-256 (`validate` prints it): a server with another one is refused.
    pub(crate) pinned_certificates: BTreeMap<String, Vec<String>>,
    /// Whether a source database is refused that neither the password nor a pinned certificate proves to be the one that is meant.
    pub(crate) proven_servers_only: bool,
    /// Host keys of Railway's SSH relay, as `SHA256:…`, one of which it must have: without one no database is reached through it.
    pub(crate) relay_host_keys: Vec<String>,
    /// Whether databases are reached through Railway's SSH relay alone, and never at a TCP proxy (`connect`).
    pub(crate) private_only: bool,
    /// Files that a request may have brought along though they would be left behind (`files[].include`): these globs, as they are written here.
    pub(crate) may_include_files: Vec<String>,
    /// Whether a masked copy of a WordPress site may be without the plug-in that sends no mail (`guard: false`).
    pub(crate) may_be_unguarded: bool,
    /// Commands that a request may have run in containers of its copy (`after`), as globs of `SERVICE=COMMAND`: `wordpress=wp cache flush`. A `*` stands for arguments, never for what makes a shell run more than one command.
    pub(crate) after_commands: Vec<String>,
    /// How many megabytes (1,000,000 bytes) of files a second a copy reads from a source's volumes with at most; 0 for as many as come.
    pub(crate) files_mb_per_s: u32,
    /// Whether people may come along unmasked (`anonymize: false`).
    pub(crate) may_be_unmasked: bool,
    /// Whether a request's rules may leave or set values (`keep`, `set`, and what changes parts of a value), or have a condition (`when`), and whether a copy may have what is found of people after masking (`residue: warn`).
    pub(crate) may_weaken_masking: bool,
    /// WordPress users who may keep login and password (`keep_users`).
    pub(crate) keep_users: Vec<String>,
    /// Whether production's URLs may stay (`wordpress_url_replace: false`).
    pub(crate) may_keep_urls: bool,
    /// Whether queues, outboxes and schedules may come along as they are, and so act in a copy (`keep_queues`).
    pub(crate) may_act: bool,
    /// Whether an app's log lines, which may hold personal data, may be printed (`logs`).
    pub(crate) may_print_logs: bool,
    /// Services with a cron schedule that may run in a copy (`include_services`).
    pub(crate) cron_services: Vec<String>,
    /// Variables that a request may set, as globs of `SERVICE.NAME`; `*` as the service is every one. A database's never may.
    pub(crate) variables: Vec<String>,
    /// Whether a value in `variables` may refer to other variables (`${{…}}`).
    pub(crate) may_reference: bool,
    /// Code that a request may have services run in the place of production's (`sources`), as globs of `SERVICE=KIND:NAME`: `web=branch:*`, `*=image:ghcr.io/acme/*`.
    pub(crate) other_code: Vec<String>,
    /// Names of secrets that a request may have put into variables: `NAME` of `RAILSTAGE_SECRET_NAME`.
    pub(crate) secrets: Vec<String>,
    /// Variables with a secret that come along as they are, as globs of `SERVICE.NAME` (`shared` for what all share); after a `!`, what stays
    /// behind though copied data may need it.
    pub(crate) inherit_secrets: Vec<String>,
    /// Variables that may hold in a copy what bills, sends or acts live (`allow_live`), as globs of `SERVICE.NAME`.
    pub(crate) allow_live: Vec<String>,
    /// Domains that a request may give to its copy (`custom_domain`), as globs.
    pub(crate) custom_domains: Vec<String>,
    /// Whether copies must have a gate, which asks for a password (`enable_basic_auth`): `optional` or `required`.
    pub(crate) gate: GateRule,
    /// Whether a copy's databases may stay reachable from the internet.
    pub(crate) may_be_public: bool,
    /// Hosts outside the copy that its apps may name as a database.
    pub(crate) allowed_hosts: Vec<String>,
    /// What may be deployed, and where.
    pub(crate) deploy: DeployPolicy,
    /// `host` or `host:port` of receivers (`notify-staging`) that may be in a private network, and be told over a line without TLS.
    pub(crate) private_receivers: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allowed_projects: Vec::new(),
            unswept_projects: Vec::new(),
            protected_environments: vec!["production".to_owned()],
            sources: Vec::new(),
            min_ttl: Ttl::hours(1),
            max_ttl: Ttl::days(14),
            may_be_kept: false,
            may_keep_failed: false,
            max_copies_per_project: 10,
            max_runs_per_hour: 10,
            longest_run: Ttl::hours(3),
            production_connections: 2,
            production_mb_per_s: 0,
            max_snapshot_age: Ttl::hours(1),
            max_write_pause_ms: 500,
            max_attempts: 3,
            max_stall: Ttl::minutes(10),
            source_hosts: Vec::new(),
            source_login: SourceLogin::default(),
            weak_lines: Vec::new(),
            pinned_certificates: BTreeMap::new(),
            proven_servers_only: false,
            relay_host_keys: Vec::new(),
            private_only: false,
            may_include_files: Vec::new(),
            may_be_unguarded: false,
            after_commands: Vec::new(),
            files_mb_per_s: 0,
            may_be_unmasked: false,
            may_weaken_masking: false,
            keep_users: vec!["administrators".to_owned()],
            may_keep_urls: false,
            may_act: false,
            may_print_logs: false,
            cron_services: Vec::new(),
            variables: Vec::new(),
            may_reference: false,
            other_code: Vec::new(),
            secrets: Vec::new(),
            inherit_secrets: Vec::new(),
            allow_live: Vec::new(),
            custom_domains: Vec::new(),
            gate: GateRule::Optional,
            may_be_public: false,
            allowed_hosts: Vec::new(),
            deploy: DeployPolicy::default(),
            private_receivers: Vec::new(),
        }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`], naming each wrong line.
    pub(crate) fn read(value: Value) -> Result<Self> {
        let policy: Self = input::read("policy", value)?;
        let problems = policy.problems();
        if !problems.is_empty() {
            bail!(input::refuse("policy", &problems));
        }
        Ok(policy)
    }

    /// Refuses a project that the policy does not name.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`].
    pub(crate) fn check_project(&self, project_id: &ProjectId) -> Result<()> {
        ensure!(
            self.allowed_projects.contains(project_id),
            Failure::invalid(format!("`project_id`: the policy does not allow project `{project_id}`")).hint(
                "add the id to `allowed_projects` in the policy: the file given by `--policy`, or the one that `railstage set-policy` writes into the flows"
            )
        );
        Ok(())
    }

    /// Whether an environment of this name is never written or deleted; `production` never is.
    pub(crate) fn protects(&self, environment_name: &str) -> bool {
        let name = environment_name.to_lowercase();
        name == "production" || self.protected_environments.iter().any(|p| p.to_lowercase() == name)
    }

    /// A limit on what a copy reads a source with, in megabytes a second.
    pub(crate) fn fastest_mb_per_s(&self) -> Option<f64> {
        (self.production_mb_per_s > 0).then(|| f64::from(self.production_mb_per_s))
    }

    /// How long the copying of a run's databases and files may take.
    pub(crate) fn time_for_databases(&self) -> Duration {
        self.longest_run.duration().saturating_sub(OTHER_STEPS)
    }

    /// Whether a request may set this variable; a service of `*` is every one.
    pub(crate) fn may_set(&self, service: &str, name: &str) -> bool {
        names_variable(&self.variables, service, name)
    }

    /// Whether a request may give its copy this domain.
    pub(crate) fn grants_domain(&self, domain: &str) -> bool {
        self.custom_domains.iter().any(|glob| WildMatch::new(&glob.to_lowercase()).matches(&domain.to_lowercase()))
    }

    /// Whether a variable, as `SERVICE.NAME`, may hold what acts live.
    pub(crate) fn grants_live(&self, variable: &str) -> bool {
        variable.rsplit_once('.').is_some_and(|(service, name)| names_variable(&self.allow_live, service, name))
    }

    /// Whether this variable comes along though it holds a secret.
    pub(crate) fn inherits(&self, service: &str, name: &str) -> bool {
        names_variable(&self.inherit_secrets, service, name) && !self.keeps_back(service, name)
    }

    /// Whether this variable stays behind though copied data may need it.
    pub(crate) fn keeps_back(&self, service: &str, name: &str) -> bool {
        let kept_back = self.inherit_secrets.iter().filter_map(|glob| glob.strip_prefix('!'));
        names_variable(kept_back, service, name)
    }
}

/// Whether one of these globs of `SERVICE.NAME` names a variable.
fn names_variable(globs: impl IntoIterator<Item = impl AsRef<str>>, service: &str, name: &str) -> bool {
    globs
        .into_iter()
        .filter_map(|glob| glob.as_ref().rsplit_once('.').map(|(of, named)| (of.to_owned(), named.to_owned())))
        .any(|(of, named)| WildMatch::new(&of).matches(service) && WildMatch::new(&named).matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(lines: Value) -> Policy {
        Policy::read(lines).unwrap()
    }

    #[test]
    fn a_glob_of_one_service_is_not_one_of_every_service() {
        let policy = policy(json!({"variables": ["web.SITE_*", "*.DEBUG"]}));
        assert!(
            policy.may_set("web", "SITE_NAME") && policy.may_set("worker", "DEBUG") && policy.may_set("*", "DEBUG")
        );
        assert!(!policy.may_set("*", "SITE_NAME") && !policy.may_set("web.x", "SITE_NAME"));
        assert!(!policy.may_set("web", "x.SITE_NAME") && !policy.may_set("web", "XSITE_"));
    }
}
