//! Railway's templates, by which databases are added: fetched, and put into one environment without a deployment.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::program::{Railway, Weight};
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::error::Failure;

const TEMPLATE: &str = include_str!("documents/template.graphql");
const TEMPLATE_DEPLOY: &str = include_str!("documents/template_deploy.graphql");
const UNMERGED: &str = include_str!("documents/unmerged_changes.graphql");
const COMMIT_STAGED: &str = include_str!("documents/commit_staged.graphql");
const WORKFLOW: &str = include_str!("documents/workflow_status.graphql");

/// A template with its variables filled in.
pub(crate) struct Template {
    id: String,
    /// As Railway gave it, but for the values.
    config: Value,
}

/// Which template is meant.
#[derive(Clone, Copy)]
pub(crate) enum TemplateName<'a> {
    Code(&'a str),
    Id(&'a str),
}

impl Railway {
    /// A template whose variables have the values that it proposes itself.
    ///
    /// # Errors
    /// As `send`; [`crate::error::Exit::Invalid`] when it asks for a value that it does not propose.
    pub(crate) async fn template(&self, name: TemplateName<'_>) -> Result<Template> {
        #[derive(Deserialize)]
        struct Data {
            template: Fetched,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fetched {
            id: String,
            name: String,
            serialized_config: Value,
        }
        let (code, id) = match name {
            TemplateName::Code(code) => (Some(code), None),
            TemplateName::Id(id) => (None, Some(id)),
        };
        let data: Data = self.send(TEMPLATE, &json!({ "code": code, "id": id }), Weight::Repeatable).await?;
        let Fetched { id, name, mut serialized_config } = data.template;
        let services = serialized_config.get_mut("services").and_then(Value::as_object_mut);
        for service in services.into_iter().flat_map(Map::values_mut) {
            let variables = service.get_mut("variables").and_then(Value::as_object_mut);
            for (variable, setting) in variables.into_iter().flatten().filter(|(_, setting)| setting.is_object()) {
                let proposed = setting["defaultValue"].as_str().filter(|value| !value.is_empty()).map(str::to_owned);
                match proposed {
                    Some(value) => setting["value"] = value.into(),
                    None if setting["isOptional"] == true || setting["value"].is_string() => {}
                    None => {
                        bail!(Failure::invalid(format!("Railway's template `{name}` asks for a value of `{variable}`")))
                    }
                }
            }
        }
        Ok(Template { id, config: serialized_config })
    }

    /// Puts a template's services into one environment: they are made and staged there, and nothing is deployed.
    ///
    /// # Errors
    /// As `send`; when no [`super::GraphqlErrors`] is behind it, they may appear all the same.
    pub(crate) async fn stage_template(
        &self,
        project_id: &ProjectId,
        environment_id: &EnvironmentId,
        template: &Template,
    ) -> Result<Option<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            template_deploy_v2: Payload,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Payload {
            workflow_id: Option<String>,
        }
        let input = json!({
            "projectId": project_id, "environmentId": environment_id, "templateId": template.id, "serializedConfig": template.config,
            "stageOnly": true,
        });
        let data: Data = self.send(TEMPLATE_DEPLOY, &json!({ "input": input }), Weight::Once).await?;
        Ok(data.template_deploy_v2.workflow_id)
    }

    /// Whether what Railway does for a template is done.
    ///
    /// # Errors
    /// As `send`; [`crate::error::Exit::Outside`] when it has failed.
    pub(crate) async fn is_workflow_done(&self, id: &str) -> Result<bool> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            workflow_status: Workflow,
        }
        #[derive(Deserialize)]
        struct Workflow {
            status: String,
            error: Option<String>,
        }
        let data: Data = self.send(WORKFLOW, &json!({ "id": id }), Weight::Poll).await?;
        let Workflow { status, error } = data.workflow_status;
        match status.as_str() {
            "Complete" => Ok(true),
            "Error" => bail!(Failure::outside(format!("Railway says: {}", error.unwrap_or_default()))),
            _ => Ok(false),
        }
    }

    /// How many changes wait in an environment for somebody to commit them: whoever commits his own commits them as well.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn unmerged_changes(&self, id: &EnvironmentId) -> Result<u32> {
        #[derive(Deserialize)]
        struct Data {
            environment: Unmerged,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Unmerged {
            unmerged_changes_count: Option<u32>,
        }
        let data: Data = self.send(UNMERGED, &json!({ "id": id }), Weight::Repeatable).await?;
        Ok(data.environment.unmerged_changes_count.unwrap_or_default())
    }

    /// Commits what is staged in an environment, and deploys none of it.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn commit_staged(&self, id: &EnvironmentId) -> Result<()> {
        let sent = self.send::<Value>(COMMIT_STAGED, &json!({ "id": id }), Weight::Repeatable).await;
        sent.context("commit what is staged").map(|_| ())
    }
}
