//! The SSH keys that an account, or for a workspace's token the workspace, lets in at Railway's relay.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::GraphqlErrors;
use super::model::edges;
use super::program::{Railway, Weight};
use crate::error::{Exit, Failure};

const SSH_KEYS: &str = include_str!("documents/ssh_keys.graphql");
const SSH_KEY_CREATE: &str = include_str!("documents/ssh_key_create.graphql");
const SSH_KEY_DELETE: &str = include_str!("documents/ssh_key_delete.graphql");

/// A key, as Railway tells of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SshKey {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
}

impl Railway {
    /// All keys.
    ///
    /// # Errors
    /// As `send`; a token that may not see them is named as such.
    pub(crate) async fn ssh_keys(&self) -> Result<Vec<SshKey>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            #[serde(deserialize_with = "edges")]
            ssh_public_keys: Vec<SshKey>,
        }
        let read: Result<Data> = self.send(SSH_KEYS, &json!({}), Weight::Repeatable).await;
        read.map(|data| data.ssh_public_keys).map_err(refused).context("read the account's SSH keys")
    }

    /// Registers a key by its public half; returns its id.
    ///
    /// # Errors
    /// As `send`; a token that may not do it is named as such. When no [`GraphqlErrors`] is behind it, the key may be there all the same.
    pub(crate) async fn register_ssh_key(&self, name: &str, public: &str) -> Result<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            ssh_public_key_create: WithId,
        }
        #[derive(Deserialize)]
        struct WithId {
            id: String,
        }
        // Railway takes it for the account or the workspace that the token is of.
        let variables = json!({ "input": { "name": name, "publicKey": public } });
        let registered: Result<Data> = self.send(SSH_KEY_CREATE, &variables, Weight::Once).await;
        registered.map(|data| data.ssh_public_key_create.id).map_err(refused).context("register an SSH key")
    }

    /// Removes a key; one that is gone already is removed.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn remove_ssh_key(&self, id: &str) -> Result<()> {
        let removed = self.send::<Value>(SSH_KEY_DELETE, &json!({ "id": id }), Weight::Repeatable).await;
        match removed {
            Err(error) if error.downcast_ref::<GraphqlErrors>().is_some_and(|said| said.say("not found")) => Ok(()),
            removed => removed.map(|_| ()).context("remove an SSH key"),
        }
    }
}

/// Names the rights that are missing, where that is why.
fn refused(error: anyhow::Error) -> anyhow::Error {
    let is_of_rights = Exit::of(&error) == Exit::Program
        || error
            .downcast_ref::<GraphqlErrors>()
            .is_some_and(|said| said.say("not authorized") || said.say("permission"));
    if !is_of_rights {
        return error;
    }
    let failure = Failure::new(
        Exit::Program,
        "RAILWAY_API_TOKEN may not register SSH keys, which the private way to a database takes",
    );
    error.context(failure.hint(
        "give it an account token, or one of a workspace in which it is an ADMIN's; or ask for `connect: public`, or name a key that is registered in RAILSTAGE_SSH_KEY",
    ))
}
