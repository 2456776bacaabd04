//! What the owner of a flow allows; never taken from a caller.

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract::ids::ProjectId;
use crate::contract::ttl::Ttl;
use crate::error::Failure;

/// What a run may do. Without a policy these defaults hold, and they allow no project.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    /// Ids of the projects that may be copied.
    pub allowed_projects: Vec<ProjectId>,
    /// Names of environments that are never written or deleted.
    pub protected_environments: Vec<String>,
    /// The longest time to live that a request may ask for.
    pub max_ttl: Ttl,
    /// How many copies one project may have at a time.
    pub max_copies_per_project: u32,
    /// How many connections a copy reads a source database with.
    #[schemars(range(min = 1, max = 16))]
    pub production_connections: u32,
    /// Hosts outside the copy that its apps may name as a database.
    pub allowed_hosts: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allowed_projects: Vec::new(),
            protected_environments: vec!["production".to_owned()],
            max_ttl: Ttl::days(14),
            max_copies_per_project: 10,
            production_connections: 2,
            allowed_hosts: Vec::new(),
        }
    }
}

impl Policy {
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
}
