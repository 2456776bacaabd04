//! What the owner of a flow lets requests deploy, and where; without a line, nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::contract::deploy_request::Database;

/// What may be deployed, and where.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeployPolicy {
    /// Repositories that may be deployed, as globs of `https://HOST/PATH`; the host is spelled out, as in `https://github.com/acme/*`.
    pub repositories: Vec<String>,
    /// Secrets that open repositories, as `HOST=NAME`: `NAME` of `RAILSTAGE_SECRET_NAME`, which is told to that host alone.
    pub tokens: Vec<String>,
    /// `host` or `host:port` of repositories that may be at a private address.
    pub private_hosts: Vec<String>,
    /// The largest repository that is uploaded, in megabytes (1,000,000 bytes).
    #[schemars(range(min = 1, max = 2000))]
    pub max_upload_mb: u32,
    /// Images that may be deployed, as globs.
    pub images: Vec<String>,
    /// Services that may be deployed, as globs.
    pub services: Vec<String>,
    /// Environments beside the copies of railstage that may be deployed into, as globs; production, whatever its name, only where it is spelled out.
    pub environments: Vec<String>,
    /// Databases that may be added: `postgres`, `mysql`, `redis`, and `mariadb=ID` with the id of Railway's template.
    pub databases: Vec<String>,
}

impl Default for DeployPolicy {
    fn default() -> Self {
        Self {
            repositories: Vec::new(),
            tokens: Vec::new(),
            private_hosts: Vec::new(),
            max_upload_mb: 200,
            images: Vec::new(),
            services: Vec::new(),
            environments: Vec::new(),
            databases: Vec::new(),
        }
    }
}

impl DeployPolicy {
    /// What is wrong with its lines, each with the name of its list.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for line in self.repositories.iter().filter(|line| host_of_line(line).is_none()) {
            problems.push((
                "deploy.repositories",
                format!(
                    "`{line}` is no `https://HOST/PATH` with its host spelled out, such as `https://github.com/acme/*`"
                ),
            ));
        }
        for line in self.tokens.iter().filter(|line| token_of_line(line).is_none()) {
            problems.push(("deploy.tokens", format!("`{line}` is no `HOST=NAME`, such as `github.com=GITHUB`")));
        }
        for line in self.databases.iter().filter(|line| !Database::ALL.iter().any(|d| d.is_granted_by(line))) {
            let expected = "none of `postgres`, `mysql`, `redis` and `mariadb=ID`";
            problems.push(("deploy.databases", format!("`{line}` is {expected}")));
        }
        problems
    }

    /// The names of all secrets that open repositories.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|line| token_of_line(line)).map(|(_, name)| name)
    }

    /// Whether a repository, spelled as [`super::deploy_request::Repository`] does, may be deployed.
    pub(crate) fn grants_repository(&self, repository: &str) -> bool {
        let spelled = |line: &str| line.trim_end_matches(".git").to_owned();
        self.repositories.iter().any(|line| WildMatch::new(&spelled(line)).matches(repository))
    }

    /// The secret that opens the repositories of a host.
    pub(crate) fn token_of(&self, host: &str) -> Option<&str> {
        self.tokens.iter().filter_map(|line| token_of_line(line)).find(|(of, _)| *of == host).map(|(_, name)| name)
    }

    /// Whether one of these globs means a name.
    pub(crate) fn names(globs: &[String], name: &str) -> bool {
        globs.iter().any(|glob| WildMatch::new(glob).matches(name))
    }

    /// Whether a database may be added.
    pub(crate) fn grants_database(&self, database: Database) -> bool {
        self.databases.iter().any(|line| database.is_granted_by(line))
    }

    /// The id of the template by which a database is added, where the policy has to name one.
    pub(crate) fn template_of(&self, database: Database) -> Option<&str> {
        let line = self.databases.iter().find(|line| database.is_granted_by(line))?;
        line.split_once('=').map(|(_, id)| id)
    }
}

/// The host that a line names, in which nothing may stand for something else.
fn host_of_line(line: &str) -> Option<&str> {
    let (host, path) = line.strip_prefix("https://")?.split_once('/')?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':');
    (!host.is_empty() && host.chars().all(is_plain) && !path.is_empty()).then_some(host)
}

fn token_of_line(line: &str) -> Option<(&str, &str)> {
    let (host, name) = line.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (is_name && host_of_line(&format!("https://{host}/x")).is_some()).then_some((host, name))
}
