//! Deployments as entries of the state; `crate::deploy` makes them real.

use super::{Answer, Effect, Model};
use crate::upload::Files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeploymentStatus {
    Initializing,
    Building,
    Deploying,
    Success,
    Failed,
    Crashed,
    Removed,
}

impl DeploymentStatus {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Crashed | Self::Removed)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) status: DeploymentStatus,
    pub(crate) meta: Value,
    /// What was uploaded, where its source is no repository and no image.
    pub(crate) files: Option<Arc<Files>>,
    pub(crate) stopped: bool,
    pub(crate) build_log: Vec<LogLine>,
    pub(crate) log: Vec<LogLine>,
}

impl Deployment {
    /// Whether what it ran is kept: it has been up.
    pub(crate) fn can_come_back(&self) -> bool {
        matches!(self.status, DeploymentStatus::Success | DeploymentStatus::Removed)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

impl LogLine {
    pub(crate) fn now(message: impl Into<String>) -> Self {
        LogLine { at: Timestamp::now(), message: message.into() }
    }
}

impl Model {
    /// Deploys one service at a commit, or at the head of its branch.
    pub(crate) fn deploy(&mut self, environment: Uuid, service: Uuid, commit: Option<&str>) -> Answer<Uuid> {
        let uploaded = self.project_of(environment)?.service(service)?.uploaded;
        let has_one = self.environment(environment)?.instance(service)?.latest().is_some();
        if uploaded && !has_one {
            return Err("Deployment not found".into());
        }
        let meta = self.meta_of(environment, service, commit)?;
        let has_source = meta["repo"].is_string() || meta["image"].is_string();
        let latest = self.environment(environment)?.instance(service)?.latest();
        let files = latest.filter(|_| !has_source).and_then(|latest| latest.files.clone());
        self.begin(environment, service, meta, files)
    }

    /// Deploys what was uploaded; the service's settings stay as they are.
    pub(crate) fn upload(&mut self, environment: Uuid, service: Uuid, files: Files, message: &str) -> Answer<Uuid> {
        self.environment(environment)?.instance(service)?;
        let meta = json!({ "reason": "deploy", "cliMessage": message });
        self.begin(environment, service, meta, Some(Arc::new(files)))
    }

    /// Brings a deployment back as a new one, which runs what it ran.
    pub(crate) fn roll_back(&mut self, id: Uuid) -> Answer<Uuid> {
        let (environment, service, found) = self.deployment(id)?;
        if !found.can_come_back() {
            return Err("Cannot rollback to this deployment".into());
        }
        let mut meta = found.meta.clone();
        meta["reason"] = json!("rollback");
        let files = found.files.clone();
        self.begin(environment, service, meta, files)
    }

    fn begin(&mut self, environment: Uuid, service: Uuid, meta: Value, files: Option<Arc<Files>>) -> Answer<Uuid> {
        let deployment = Deployment {
            id: Uuid::new_v4(),
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
            status: DeploymentStatus::Initializing,
            meta,
            files,
            stopped: false,
            build_log: Vec::new(),
            log: Vec::new(),
        };
        let id = deployment.id;
        self.environment_mut(environment)?.instance_mut(service)?.deployments.push(deployment);
        self.effects.push(Effect::Deploy { environment, service, deployment: id });
        Ok(id)
    }

    /// Deploys many; Railway passes over those whose source cannot be had here, and does not say so.
    pub(crate) fn deploy_those_that_can(&mut self, environment: Uuid, services: Vec<Uuid>) {
        for service in services {
            self.deploy(environment, service, None).ok();
        }
    }

    fn meta_of(&self, environment: Uuid, service: Uuid, commit: Option<&str>) -> Answer<Value> {
        let config = &self.environment(environment)?.config;
        let text = |path| config.text(service, path);
        Ok(match (text("/source/repo"), text("/source/image")) {
            (Some(repo), _) => json!({
                "repo": repo,
                "branch": text("/source/branch").unwrap_or("main"),
                "commitHash": commit.map_or_else(|| head_commit(repo), str::to_owned),
                "commitMessage": "Make the shop faster",
                "reason": "deploy",
            }),
            (None, Some(image)) => json!({ "image": image, "reason": "deploy" }),
            (None, None) => json!({ "reason": "deploy", "cliMessage": "railway up" }),
        })
    }

    pub(crate) fn deployment(&self, id: Uuid) -> Answer<(Uuid, Uuid, &Deployment)> {
        self.environments()
            .find_map(|environment| {
                environment.instances.iter().find_map(|(service, instance)| {
                    let found = instance.deployments.iter().find(|deployment| deployment.id == id)?;
                    Some((environment.id, *service, found))
                })
            })
            .ok_or("Deployment not found".into())
    }

    /// Changes a deployment that still exists.
    pub(crate) fn with_deployment(&mut self, id: Uuid, change: impl FnOnce(&mut Deployment)) {
        let found = self
            .projects
            .iter_mut()
            .flat_map(|project| &mut project.environments)
            .flat_map(|environment| environment.instances.values_mut())
            .flat_map(|instance| &mut instance.deployments)
            .find(|deployment| deployment.id == id);
        if let Some(deployment) = found {
            change(deployment);
            deployment.updated_at = Timestamp::now();
        }
    }

    /// A deployment that succeeded takes the place of those before it.
    pub(crate) fn retire_before(&mut self, environment: Uuid, service: Uuid, deployment: Uuid) {
        let Ok(instance) = self.environment_mut(environment).and_then(|one| one.instance_mut(service)) else { return };
        for earlier in instance.deployments.iter_mut().take_while(|one| one.id != deployment) {
            if earlier.status == DeploymentStatus::Success {
                earlier.status = DeploymentStatus::Removed;
            }
        }
    }
}

/// What the branch's newest commit is: the same for everyone who asks, and not what production runs.
pub(crate) fn head_commit(repo: &str) -> String {
    commit_named(repo, "head")
}

/// The commit that production was last deployed at.
pub(crate) fn released_commit(repo: &str) -> String {
    commit_named(repo, "released")
}

fn commit_named(repo: &str, which: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{repo}@{which}"));
    digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
