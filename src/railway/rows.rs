//! Rows of services of ours: made in no environment, and deleted when they are in none.

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::GraphqlErrors;
use super::program::{Railway, Weight};
use crate::contract::ids::{ProjectId, ServiceId};

const SERVICE_CREATE: &str = include_str!("documents/service_create.graphql");
const SERVICE_DELETE: &str = include_str!("documents/service_delete.graphql");

impl Railway {
    /// Makes a service that is in no environment. With one that is no fork, Railway would put it into every one that is none,
    /// production among them (the schema's note on `ServiceCreateInput.environmentId`); a row alone gets its instance by the staged
    /// patch of one environment, as the CLI does it (its `src/controllers/cluster_scale.rs`).
    ///
    /// # Errors
    /// As `send`; when no [`GraphqlErrors`] is behind it, the service may appear all the same.
    pub(crate) async fn create_service_row(&self, project_id: &ProjectId, name: &str) -> Result<ServiceId> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            service_create: Row,
        }
        #[derive(Deserialize)]
        struct Row {
            id: ServiceId,
        }
        let input = json!({ "projectId": project_id, "name": name, "environmentId": null });
        let data: Data = self.send(SERVICE_CREATE, &json!({ "input": input }), Weight::Once).await?;
        Ok(data.service_create.id)
    }

    /// Deletes a service that is in no environment; one that is gone already is no error.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn delete_service_row(&self, id: &ServiceId) -> Result<()> {
        match self.send::<Value>(SERVICE_DELETE, &json!({ "id": id }), Weight::Repeatable).await {
            Err(error) if !error.downcast_ref::<GraphqlErrors>().is_some_and(|e| e.say("not found")) => Err(error),
            _ => Ok(()),
        }
    }
}
