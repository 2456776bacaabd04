//! Public keys for the relay, as their owner sees them: an account its own, a workspace's token its workspace's.

use super::environment::{USER_ID, WORKSPACE_ID};
use super::node::{Arguments, Node};
use super::{Caller, FieldFaults};
use crate::model::ssh_keys::SshKey;
use crate::model::{Answer, Effect, Model};
use crate::relay::Deed;
use serde_json::Value;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Whether the workspace's keys are meant, else the account's.
fn of_workspace(caller: Caller, workspace: Option<&str>) -> Answer<bool> {
    match workspace {
        Some(WORKSPACE_ID) => Ok(true),
        Some(_) => Err("Not Authorized".into()),
        None => Ok(caller == Caller::Workspace),
    }
}

pub(super) fn list(model: &Model, caller: Caller, arguments: &Arguments) -> Answer<Vec<Node>> {
    let of_workspace = of_workspace(caller, arguments.text("workspaceId"))?;
    Ok(model.ssh_keys.iter().filter(|key| key.of_workspace == of_workspace).map(node).collect())
}

pub(super) fn node(key: &SshKey) -> Node {
    let owner = |is_owner: bool, id: &'static str| if is_owner { Value::from(id) } else { Value::Null };
    Node::new("SshPublicKey")
        .leaf("id", key.id)
        .leaf("name", &key.name)
        .leaf("publicKey", &key.text)
        .leaf("fingerprint", key.fingerprint())
        .leaf("userId", owner(!key.of_workspace, USER_ID))
        .leaf("workspaceId", owner(key.of_workspace, WORKSPACE_ID))
        .leaf("createdAt", key.created_at)
        .leaf("updatedAt", key.created_at)
}

/// Registers a key; a fault may have the relay know it only later.
pub(super) fn create(
    model: &mut Model,
    caller: Caller,
    faults: FieldFaults,
    field: &str,
    arguments: &Arguments,
) -> Answer<Uuid> {
    let input = arguments.input();
    let (name, text) = (input.text("name").unwrap_or_default(), input.text("publicKey").unwrap_or_default());
    let of_workspace = of_workspace(caller, input.text("workspaceId"))?;
    let late = faults.key_late(field, arguments).unwrap_or_default();
    let id = model.register_key(name, text, of_workspace, Instant::now() + Duration::from_secs_f64(late))?;
    model.effects.push(Effect::Note(Deed::KeyRegistered { id: id.to_string(), name: name.to_owned() }));
    Ok(id)
}

pub(super) fn remove(model: &mut Model, caller: Caller, arguments: &Arguments) -> Answer<()> {
    let id = arguments.id("id")?;
    model.remove_key(id, caller == Caller::Account)?;
    model.effects.push(Effect::Note(Deed::KeyRemoved { id: id.to_string() }));
    Ok(())
}
