//! What the steps ask Railway for: one document each, changes bundled so that a clone costs few calls.

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::GraphqlErrors;
use super::batch::Batch;
use super::change::Change;
use super::deployment::PlacedDeployment;
use super::domains::{DnsRecord, DomainStatus};
use super::model::{Environment, EnvironmentIds, EnvironmentStatus, Project};
use super::program::{Railway, Weight};
use crate::contract::ids::{DeploymentId, EnvironmentId, ProjectId, ServiceId};
use crate::error::Failure;
use crate::secret::learn;

const PROJECT: &str = include_str!("documents/project.graphql");
const ENVIRONMENT_WITHOUT_SERVICES: &str = include_str!("documents/environment_without_services.graphql");
const ENVIRONMENT_STATUS: &str = include_str!("documents/environment_status.graphql");
const ENVIRONMENT_IDS: &str = include_str!("documents/environment_ids.graphql");
const TOKEN_KIND: &str = include_str!("documents/token_kind.graphql");
const ENVIRONMENT_CREATE: &str = include_str!("documents/environment_create.graphql");
const ENVIRONMENT_DELETE: &str = include_str!("documents/environment_delete.graphql");
const DEPLOYMENT: &str = include_str!("documents/deployment.graphql");
const DEPLOYMENT_ROLLBACK: &str = include_str!("documents/deployment_rollback.graphql");
const DEPLOYMENT_LOGS: &str = include_str!("documents/deployment_logs.graphql");

/// A service to deploy, at a commit or at its source's newest.
#[derive(Clone)]
pub(crate) struct Deploy {
    pub service_id: ServiceId,
    pub commit: Option<String>,
}

#[derive(Deserialize)]
struct OfEnvironment<T> {
    environment: T,
}

impl Railway {
    /// A project, its environments and all their configuration, in one call.
    ///
    /// # Errors
    /// As `send`; a project that the token cannot see is named as such.
    pub(crate) async fn project(&self, id: &ProjectId, weight: Weight) -> Result<Project> {
        #[derive(Deserialize)]
        struct Data {
            project: Project,
        }
        let answer: Result<Data> = self.send(PROJECT, &json!({ "id": id }), weight).await;
        match answer {
            Ok(Data { mut project }) => {
                project.hand_down();
                project.environments.iter().for_each(learn_written);
                Ok(project)
            }
            Err(error) if error.downcast_ref::<GraphqlErrors>().is_some_and(|e| e.say("not found")) => {
                let hint = "`project_id` must be an id that RAILWAY_API_TOKEN can see";
                Err(error.context(Failure::invalid(format!("Railway knows no project `{id}`")).hint(hint)))
            }
            Err(error) => Err(error.context(format!("read project `{id}`"))),
        }
    }

    /// An environment with its configuration, as if it had no services: a small answer, for whoever looks at its record.
    ///
    /// # Errors
    /// As `send`, and [`super::Weather`].
    pub(crate) async fn environment_without_services(&self, id: &EnvironmentId) -> Result<Environment> {
        let data: OfEnvironment<Environment> =
            self.send(ENVIRONMENT_WITHOUT_SERVICES, &json!({ "id": id }), Weight::Poll).await?;
        learn_written(&data.environment);
        Ok(data.environment)
    }

    /// How the services of an environment stand: a small answer, for whoever waits for deployments.
    ///
    /// # Errors
    /// As `send`, and [`super::Weather`].
    pub(crate) async fn environment_status(&self, id: &EnvironmentId) -> Result<EnvironmentStatus> {
        let data: OfEnvironment<EnvironmentStatus> =
            self.send(ENVIRONMENT_STATUS, &json!({ "id": id }), Weight::Poll).await?;
        Ok(data.environment)
    }

    /// Which environments a project has: a small answer, for whoever waits for one to be gone.
    ///
    /// # Errors
    /// As `send`, and [`super::Weather`].
    pub(crate) async fn environment_ids(&self, project_id: &ProjectId) -> Result<Vec<EnvironmentId>> {
        #[derive(Deserialize)]
        struct Data {
            project: EnvironmentIds,
        }
        let data: Data = self.send(ENVIRONMENT_IDS, &json!({ "id": project_id }), Weight::Poll).await?;
        Ok(data.project.environments.into_iter().map(|environment| environment.id).collect())
    }

    /// Whether the token is a project token, which cannot make environments.
    pub(crate) async fn has_project_token(&self) -> bool {
        self.send::<Value>(TOKEN_KIND, &json!({}), Weight::Poll).await.is_ok()
    }

    /// Makes an environment as a copy of `source_id`, without deploying anything; returns its id.
    ///
    /// # Errors
    /// [`crate::error::Exit::Outside`]; when no [`GraphqlErrors`] is behind it, the environment may appear all the same.
    pub(crate) async fn create_environment(
        &self,
        project_id: &ProjectId,
        name: &str,
        source_id: &EnvironmentId,
    ) -> Result<EnvironmentId> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            environment_create: super::model::WithId,
        }
        let input = json!({
            "projectId": project_id, "name": name, "sourceEnvironmentId": source_id, "skipInitialDeploys": true,
        });
        let data: Data = self.send(ENVIRONMENT_CREATE, &json!({ "input": input }), Weight::Once).await?;
        Ok(data.environment_create.id)
    }

    /// Asks Railway to delete an environment, which takes it a while.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn delete_environment(&self, id: &EnvironmentId) -> Result<()> {
        self.send::<Value>(ENVIRONMENT_DELETE, &json!({ "id": id }), Weight::Repeatable).await.map(|_| ())
    }

    /// Carries out a [`Change`]; the answer are the DNS records that its custom domain asks for.
    ///
    /// # Errors
    /// As `send`, with the [`GraphqlErrors`] naming the failed part as `rename`, `domain<n>`, `custom_domain` and so on.
    pub(crate) async fn change(
        &self,
        project_id: &ProjectId,
        environment_id: &EnvironmentId,
        change: &Change,
    ) -> Result<Vec<DnsRecord>> {
        let (batch, weight) = change.batch(project_id, environment_id);
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (document, variables) = batch.into_parts();
        let data: Map<String, Value> = self.send(&document, &variables, weight).await?;
        Ok(data.get("custom_domain").map(|custom| DomainStatus::of(custom).records).unwrap_or_default())
    }

    /// Deploys services; returns the ids of the deployments, in the order of `services`.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn deploy(
        &self,
        environment_id: &EnvironmentId,
        services: &[Deploy],
    ) -> Result<Vec<DeploymentId>> {
        let mut batch = Batch::mutation();
        for (n, deploy) in services.iter().enumerate() {
            let arguments = [
                ("environmentId", "String!", json!(environment_id)),
                ("serviceId", "String!", json!(deploy.service_id)),
                ("commitSha", "String", json!(deploy.commit)),
            ];
            batch.field(&format!("deploy{n}"), "serviceInstanceDeployV2", arguments, "");
        }
        let (document, variables) = batch.into_parts();
        let mut data: Map<String, Value> = self.send(&document, &variables, Weight::Once).await?;
        (0..services.len()).map(|n| take(&mut data, &format!("deploy{n}"))).collect()
    }

    /// A deployment, whichever service of which environment it is of.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn deployment(&self, id: &DeploymentId, weight: Weight) -> Result<PlacedDeployment> {
        #[derive(Deserialize)]
        struct Data {
            deployment: PlacedDeployment,
        }
        let data: Data = self.send(DEPLOYMENT, &json!({ "id": id }), weight).await?;
        Ok(data.deployment)
    }

    /// Has Railway bring a deployment back: it makes a new one of it.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn roll_back(&self, id: &DeploymentId) -> Result<()> {
        self.send::<Value>(DEPLOYMENT_ROLLBACK, &json!({ "id": id }), Weight::Once).await.map(|_| ())
    }

    /// The last lines of a deployment's build and run.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn logs(&self, deployment_id: &DeploymentId, limit: u32) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            build_logs: Vec<Line>,
            deployment_logs: Vec<Line>,
        }
        #[derive(Deserialize)]
        struct Line {
            message: String,
        }
        let variables = json!({ "deploymentId": deployment_id, "limit": limit });
        let data: Data = self.send(DEPLOYMENT_LOGS, &variables, Weight::Poll).await?;
        let lines = if data.deployment_logs.is_empty() { data.build_logs } else { data.deployment_logs };
        Ok(lines.into_iter().map(|line| line.message).collect())
    }
}

/// Makes the secrets among an environment's variables known, before anything is printed that may quote one.
fn learn_written(environment: &Environment) {
    let config = &environment.config;
    let variables = config.services.values().flat_map(|service| &service.variables).chain(&config.shared_variables);
    for (name, value) in variables.filter_map(|(name, variable)| Some((name, variable.as_ref()?.value.as_ref()?))) {
        learn(name, value);
    }
}

pub(super) fn take<T: serde::de::DeserializeOwned>(data: &mut Map<String, Value>, alias: &str) -> Result<T> {
    let value = data.remove(alias).unwrap_or_default();
    serde_json::from_value(value)
        .map_err(|_| Failure::outside(format!("Railway's answer for `{alias}` has another shape than expected")).into())
}
