//! What a caller asks for who wants a site deployed: from a repository or an image, into a service of an environment.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::bounds::{Refusal, variable};
use crate::contract::code_source::{IMAGE, REF};
use crate::contract::deploy_policy::DeployPolicy;
use crate::contract::health_check::HealthCheck;
use crate::contract::ids::{DeploymentId, ProjectId};
use crate::contract::policy::Policy;
use crate::contract::request::Asked;
use crate::contract::variable_override::Override;

/// An address in which nothing can be hidden: no user, no query, no part that leads up.
const ADDRESS: &str =
    r"^https://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~][A-Za-z0-9._~+-]{0,99}){1,10}/?$";

/// Asks for a site to be deployed, or for a deployment to be taken back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9-]{1,64}$"), extend("x-expects" = "the id of a Railway project"))]
    pub project_id: ProjectId,
    /// Name or id of the environment: a copy that is ready, or one that the policy names.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "the name or id of an environment"))]
    pub environment: String,
    /// The service that is deployed.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "the name of a service"))]
    pub service: String,
    /// The git repository that is deployed, by its `https://` URL.
    #[schemars(regex(pattern = ADDRESS), extend("x-expects" = "the address of a git repository such as `https://github.com/acme/shop`, with no user, password or query in it"))]
    pub repository: Option<Repository>,
    /// What of the repository is deployed: a branch, a tag or a commit; by default the newest commit of its main branch.
    #[serde(rename = "ref")]
    #[schemars(regex(pattern = REF), extend("x-expects" = "a branch, a tag, a name such as `refs/pull/7/head`, or the 40 hex digits of a commit"))]
    pub git_ref: Option<String>,
    /// The image that is deployed in a repository's place.
    #[schemars(regex(pattern = IMAGE), extend("x-expects" = "an image such as `ghcr.io/acme/shop:1.2`"))]
    pub image: Option<String>,
    /// The deployment of the service that is brought back, by its id.
    #[schemars(regex(pattern = r"^[A-Za-z0-9-]{1,64}$"), extend("x-expects" = "the id of a deployment"))]
    pub rollback_to: Option<DeploymentId>,
    /// Databases that the environment gets beside, each unless one is there: by Railway's own templates.
    #[serde(default)]
    pub add_databases: Vec<Database>,
    /// Variables to set in the service, by service name and variable name.
    #[serde(default)]
    pub variables: BTreeMap<String, BTreeMap<String, Override>>,
    /// Pages that must answer before the deployment counts as done, and how; by default the front page of the service, if it has a domain.
    #[serde(default)]
    pub health: Vec<HealthCheck>,
    /// Print the last log lines of a service that does not come up, which may hold personal data; without it, their address in Railway is told.
    #[serde(default)]
    pub logs: bool,
    /// The environment's name, typed again; needed where it is production.
    pub confirm: Option<String>,
}

/// A database that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    Postgres,
    Mysql,
    Redis,
    Mariadb,
}

impl Database {
    pub(crate) const ALL: &[Self] = &[Self::Postgres, Self::Mysql, Self::Redis, Self::Mariadb];

    /// Its word in requests and policies.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Mariadb => "mariadb",
        }
    }

    /// A line of the policy that would allow it.
    fn line(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb=TEMPLATE-ID",
            Self::Postgres | Self::Mysql | Self::Redis => self.word(),
        }
    }

    /// Whether a line of the policy means it.
    pub(super) fn is_granted_by(self, line: &str) -> bool {
        match self {
            Self::Mariadb => line.strip_prefix("mariadb=").is_some_and(|id| !id.is_empty()),
            Self::Postgres | Self::Mysql | Self::Redis => line == self.word(),
        }
    }
}

/// The URL of a git repository, always spelled in one way: its host in small letters, without `.git` at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(inline)]
pub(crate) struct Repository(String);

impl From<String> for Repository {
    fn from(url: String) -> Self {
        let rest = url.strip_prefix("https://").unwrap_or(&url);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        Self(format!("https://{}/{}", host.to_ascii_lowercase(), path.strip_suffix(".git").unwrap_or(path)))
    }
}

impl Repository {
    /// Its host, with the port where one is named.
    pub(crate) fn host(&self) -> &str {
        self.parts().0
    }

    /// Its path, without a slash before it.
    pub(crate) fn path(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix("https://").unwrap_or(&self.0);
        rest.split_once('/').unwrap_or((rest, ""))
    }

    /// Whether it is what Railway calls so: `owner/name` at GitHub.
    pub(crate) fn is_railways(&self, repo: &str) -> bool {
        self.host() == "github.com" && self.path().eq_ignore_ascii_case(repo)
    }
}

impl AsRef<str> for Repository {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Asked for DeployRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }

    fn refusals(&self, policy: &Policy) -> Vec<Refusal> {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            project_id: _,
            environment: _,
            service,
            repository,
            git_ref,
            image,
            rollback_to,
            add_databases,
            variables,
            health,
            logs,
            confirm: _,
        } = self;
        let granted = &policy.deploy;
        let mut refusals = Vec::new();
        let mut refuse = |refused: bool, refusal: &dyn Fn() -> Refusal| {
            if refused {
                refusals.push(refusal());
            }
        };
        let code = [repository.is_some(), image.is_some(), rollback_to.is_some()];
        refuse(code.iter().filter(|is_named| **is_named).count() != 1, &|| {
            Refusal::wrong("repository", "exactly one of `repository`, `image` and `rollback_to` says what is deployed")
        });
        refuse(git_ref.is_some() && repository.is_none(), &|| {
            Refusal::wrong("ref", "is of a repository, and there is no `repository`")
        });
        refuse(rollback_to.is_some() && !variables.is_empty(), &|| {
            Refusal::wrong("variables", "a deployment that is brought back brings its own")
        });
        refuse(rollback_to.is_some() && !add_databases.is_empty(), &|| {
            Refusal::wrong("add_databases", "a deployment that is brought back adds none")
        });
        let line = |list: &str, name: &str| format!("deploy: {{{list}: [\"{name}\"]}}");
        refuse(!DeployPolicy::names(&granted.services, service), &|| {
            Refusal::new("service", format!("to deploy service `{service}`"), line("services", service))
        });
        if let Some(repository) = repository {
            refuse(!granted.grants_repository(repository.as_ref()), &|| {
                Refusal::new("repository", format!("`{repository}`"), line("repositories", repository.as_ref()))
            });
        }
        if let Some(image) = image {
            refuse(!DeployPolicy::names(&granted.images, image), &|| {
                Refusal::new("image", format!("`{image}`"), line("images", image))
            });
        }
        for database in add_databases.iter().filter(|database| !granted.grants_database(**database)) {
            let (word, line) = (database.word(), line("databases", database.line()));
            refuse(true, &|| Refusal::new("add_databases", format!("`{word}`"), &line));
        }
        for other in variables.keys().filter(|name| *name != service) {
            refuse(true, &|| {
                Refusal::wrong("variables", format!("`{other}` is not deployed: only those of `{service}` can be set"))
            });
        }
        refuse(*logs && !policy.may_print_logs, &|| Refusal::new("logs", "`true`", "may_print_logs: true"));
        refusals.extend(health.iter().filter_map(HealthCheck::beyond));
        let own = variables.get(service).into_iter().flatten();
        refusals.extend(own.flat_map(|(name, wish)| variable(policy, service, name, wish)));
        refusals
    }
}
