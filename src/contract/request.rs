//! What a caller asks for: the typed, documented requests of every step. The schemas in `schemas/` are made from here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::bounds::Refusal;
use crate::contract::code_source::CodeSource;
use crate::contract::connect::Connect;
use crate::contract::copying_request::CopyingRequest;
use crate::contract::environment_type::EnvironmentType;
use crate::contract::files_request::{AfterCommand, Buckets, FilesRequest};
use crate::contract::gate::BasicAuth;
use crate::contract::health_check::HealthCheck;
use crate::contract::ids::ProjectId;
use crate::contract::masking_rules::MaskingRule;
use crate::contract::on_residue::OnResidue;
use crate::contract::policy::Policy;
use crate::contract::ttl::Ttl;
use crate::contract::unknown::Unknown;
use crate::contract::variable_override::Override;

/// What somebody asks for.
pub(crate) trait Asked {
    /// The project; `None` for all that the policy allows.
    fn project_id(&self) -> Option<&ProjectId>;

    /// What of it the policy does not grant, as far as that shows without a look at the project.
    fn refusals(&self, _policy: &Policy) -> Vec<Refusal> {
        Vec::new()
    }
}

/// Asks for a staging copy of an environment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloneRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9-]{1,64}$"), extend("x-expects" = "the id of a Railway project"))]
    pub project_id: ProjectId,
    /// Name or id of the environment to copy from.
    #[serde(default = "production")]
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "the name or id of an environment"))]
    pub source_environment: String,
    /// Who the copy is for; part of its automatic name.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "text of at most 64 characters"))]
    pub client_name: Option<String>,
    /// Who asks for the copy: a person or a team. It stands in its record and in every list.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "text of at most 64 characters"))]
    pub owner: Option<String>,
    /// Name of the copy; by default `staging-<client>-<5 characters of the run id's hash>`.
    #[schemars(regex(pattern = r"^[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?$"), extend("x-expects" = "at most 24 of `a-z`, `0-9` and `-`, beginning with a letter"))]
    pub environment_name: Option<String>,
    /// The service that people visit; by default the only one with a public domain.
    pub web_service: Option<String>,
    /// How long the copy lives: an ISO-8601 duration of days to seconds.
    #[serde(default = "week")]
    pub ttl: Ttl,
    /// Never expires; every list says so.
    #[serde(default)]
    pub keep: bool,
    /// Services to run in the copy; empty means all but those with a cron schedule. Databases always run.
    #[serde(default)]
    pub include_services: Vec<String>,
    /// Services that stay undeployed in the copy.
    #[serde(default)]
    pub exclude_services: Vec<String>,
    /// Variables to set in the copy, by service name (`*` = every app) and variable name.
    #[serde(default)]
    pub variables: BTreeMap<String, BTreeMap<String, Override>>,
    /// Variables, as `SERVICE.NAME` (`shared` for what all share), that may hold in the copy what bills, sends or acts live.
    #[serde(default)]
    pub allow_live: Vec<String>,
    /// Services that run other code than production's, each a commit, a branch or an image.
    #[serde(default)]
    pub sources: BTreeMap<String, CodeSource>,
    /// The databases to copy, Postgres, MySQL or MariaDB, by service; empty means every one that is found.
    #[serde(default)]
    pub databases: Vec<DatabaseRequest>,
    /// How fast the databases are copied, and how patiently; what is not named is the policy's.
    #[serde(default)]
    pub copying: CopyingRequest,
    /// By which way the databases are reached, those of the source and those of the copy.
    #[serde(default)]
    pub connect: Connect,
    /// Mask personal data on the way; without it, the copy holds personal data as it is. What would act in the copy stays behind in any case.
    #[serde(default = "yes")]
    pub anonymize: bool,
    /// WordPress users, by login or e-mail address, who keep login and password; the word `administrators` stands for all of these, and `none` alone for nobody.
    #[serde(default = "administrators")]
    pub keep_users: Vec<String>,
    /// What becomes of free text and what may be names, in tables that refer to people, where no masking rule speaks of them.
    #[serde(default)]
    pub unknown: Unknown,
    /// What becomes of a copy in which e-mail addresses, telephone or account numbers, streets or secrets of production are found after it was masked: `fail` leaves the target as it was, `warn` tells it. Names are told in any case.
    #[serde(default)]
    pub residue: OnResidue,
    /// Rewrite the site's URLs in variables and data to those of the copy.
    #[serde(default = "yes")]
    pub wordpress_url_replace: bool,
    /// Rewrite URLs, and mask people's e-mail addresses, in literals of the databases' schema too: in defaults, functions, views, comments.
    #[serde(default)]
    pub rewrite_schema: bool,
    /// Leave URLs in columns called `guid`, by which feed readers know a post; else the copy's feeds and answers name the copy.
    #[serde(default)]
    pub keep_guid: bool,
    /// Fail before the copy of a database takes its place when one of production's hosts is left anywhere in it, in whatever spelling.
    #[serde(default)]
    pub fail_on_left: bool,
    /// A domain of yours for the copy, beside its `*.up.railway.app` domain.
    #[schemars(regex(pattern = r"^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"), extend("x-expects" = "a domain name such as `staging.example.com`"))]
    pub custom_domain: Option<String>,
    /// Put a gate before the copy, a service of ours that asks for a name and a password: nobody sees the copy without.
    #[serde(default)]
    pub enable_basic_auth: bool,
    /// How the gate asks.
    #[serde(default)]
    pub basic_auth: BasicAuth,
    /// What the copy says it is: sets `WP_ENVIRONMENT_TYPE` and the record.
    #[serde(default)]
    pub environment_type: EnvironmentType,
    /// What becomes of the files on apps' volumes; the volume of every app that runs is copied, but for what is left behind.
    #[serde(default)]
    pub files: Vec<FilesRequest>,
    /// Put a plug-in into the copy's WordPress that sends no mail, asks nobody outside, and says that this is a copy; as `anonymize` where nothing is said.
    pub guard: Option<bool>,
    /// Commands that run in containers of the copy when its apps are up.
    #[serde(default)]
    pub after: Vec<AfterCommand>,
    /// What becomes of links to buckets (S3), which are not copied.
    #[serde(default)]
    pub buckets: Buckets,
    /// Services whose volume comes up empty in the copy, as `files` with `mode: empty` says it.
    #[serde(default)]
    pub allow_empty_volumes: Vec<String>,
    /// Pages that must answer before the copy is ready, and how; by default the front page of the service that people visit.
    #[serde(default)]
    pub health: Vec<HealthCheck>,
    /// Print the last log lines of an app that does not come up, which may hold personal data; without it, their address in Railway is told.
    #[serde(default)]
    pub logs: bool,
    /// What becomes of a copy that fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Makes the copy's automatic name in the run id's place, so that the same request sent twice makes one copy: the second run ends at once, and tells of the first.
    #[schemars(length(min = 1, max = 200), extend("x-expects" = "text of at most 200 characters"))]
    pub idempotency_key: Option<String>,
    /// The `plan_hash` that a plan has told: the clone is refused when what the plan was made of has changed since.
    #[schemars(regex(pattern = r"^1(\.[a-z2-7]{10}){6,200}$"), extend("x-expects" = "the `plan_hash` that `plan` has told"))]
    pub plan_hash: Option<String>,
}

/// One database to copy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseRequest {
    /// Name of the database's service.
    pub service: String,
    /// Tables whose rows stay behind, as globs of `schema.table` or `table`. The name of a whole means its partitions, and
    /// that of a parent what inherits from it; after `only:` the one table is meant.
    #[serde(default)]
    pub exclude_table_data: Vec<String>,
    /// Queues, outboxes and schedules that come along as they are, and may act in the copy, as globs of `schema.table` or `table`; all others are emptied or switched off.
    #[serde(default)]
    pub keep_queues: Vec<String>,
    /// Masking rules that go before the preset's; the first that fits a value holds.
    #[serde(default)]
    pub rules: Vec<MaskingRule>,
}

impl DatabaseRequest {
    /// One that asks for nothing more than the database of this service.
    pub(crate) fn of_service(service: &str) -> Self {
        let service = service.to_owned();
        Self { service, exclude_table_data: Vec::new(), keep_queues: Vec::new(), rules: Vec::new() }
    }
}

/// What becomes of a copy that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    /// It is deleted.
    #[default]
    Rollback,
    /// It is left for a look, its apps off, for a day at most.
    Keep,
}

/// Asks which copies a project has.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    pub project_id: ProjectId,
    /// Name or id of an environment, be it gone: only what descends from it is listed.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "the name or id of an environment"))]
    pub source: Option<String>,
    /// Ask how each copy's custom domain stands: its DNS records, and its certificate.
    #[serde(default)]
    pub verify: bool,
    /// List what past runs did as well, by the accounts that Kestra keeps of them.
    #[serde(default)]
    pub history: bool,
}

/// Asks for one copy to be deleted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    pub project_id: ProjectId,
    /// Name or id of the copy.
    pub environment: String,
    /// The copy's name, typed again.
    pub confirm: String,
}

/// Asks for what has expired or was left over to be deleted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SweepRequest {
    /// Id of one project; by default every project of the policy's `allowed_projects`.
    pub project_id: Option<ProjectId>,
    /// Only say what would be deleted.
    #[serde(default = "yes")]
    pub dry_run: bool,
    /// How many environments are deleted at the most; what is left is for the next sweep.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 500))]
    pub max_deletions: u32,
}

/// Asks how a copy differs from its source, or from another copy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    pub project_id: ProjectId,
    /// Name or id of the copy.
    pub environment: String,
    /// Name or id of what it is compared with: its source, or another copy; by default its source.
    pub against: Option<String>,
}

impl CloneRequest {
    /// Whether the copy's WordPress is guarded.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guard.unwrap_or(self.anonymize)
    }

    /// The request that names a project, and leaves all else at its default.
    pub(crate) fn of_project(id: &ProjectId) -> Self {
        serde_json::from_value(serde_json::json!({ "project_id": id })).expect("every other field has a default")
    }

    /// Which variables it sets, by service.
    pub(crate) fn names_of_variables(&self) -> BTreeMap<String, Vec<String>> {
        let names = |own: &BTreeMap<String, Override>| own.keys().cloned().collect();
        self.variables.iter().map(|(service, own)| (service.clone(), names(own))).collect()
    }
}

fn production() -> String {
    "production".to_owned()
}

pub(super) fn administrators() -> Vec<String> {
    vec!["administrators".to_owned()]
}

fn week() -> Ttl {
    Ttl::days(7)
}

fn ten() -> u32 {
    10
}

pub(super) fn yes() -> bool {
    true
}

impl Asked for CloneRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }

    fn refusals(&self, policy: &Policy) -> Vec<Refusal> {
        self.beyond(policy)
    }
}

impl Asked for ListRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }
}

impl Asked for DeleteRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }
}

impl Asked for DiffRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }
}

impl Asked for SweepRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        self.project_id.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_masked_and_administrators_get_in_unless_a_request_says_otherwise() {
        let request = CloneRequest::of_project(&ProjectId::from("p"));
        assert!(request.anonymize && request.unknown == Unknown::Mask);
        assert_eq!(request.keep_users, ["administrators"]);
    }
}
