//! Who asks, and what that kind of token may do.

use super::node::Arguments;
use crate::model::{Answer, Model};
use axum::http::HeaderMap;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

const NOT_AUTHORIZED: &str = "Not Authorized";

/// The tokens that a world accepts.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) account: String,
    pub(crate) workspace: String,
    /// Project tokens, each bound to one environment.
    pub(crate) project: Vec<(String, Uuid)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Caller {
    Account,
    Workspace,
    Project(Uuid),
}

impl Caller {
    /// The project token's header wins over the other, as it does in the CLI.
    pub(crate) fn of(headers: &HeaderMap, tokens: &Tokens) -> Answer<Caller> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(token) = text("project-access-token") {
            let known = tokens.project.iter().find(|(known, _)| known == token);
            return known.map(|(_, id)| Caller::Project(*id)).ok_or("Project Token not found".into());
        }
        match text("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) if token == tokens.account => Ok(Caller::Account),
            Some(token) if token == tokens.workspace => Ok(Caller::Workspace),
            _ => Err(NOT_AUTHORIZED.into()),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Caller::Account => "account",
            Caller::Workspace => "workspace",
            Caller::Project(_) => "project",
        }
    }

    pub(crate) fn environment(self) -> Option<Uuid> {
        match self {
            Caller::Project(id) => Some(id),
            _ => None,
        }
    }

    /// Refuses what this kind of token may not do.
    pub(crate) fn check(self, model: &Model, field: &str, arguments: &Arguments) -> Answer<()> {
        let personal = ["me", "externalWorkspaces", "twoFactorInfo"].contains(&field);
        let allowed = match self {
            Caller::Account => true,
            Caller::Workspace => !personal,
            Caller::Project(own) => {
                let beyond = [
                    "projects",
                    "environmentCreate",
                    "environmentDelete",
                    "environmentRename",
                    "sshPublicKeys",
                    "sshPublicKeyCreate",
                    "sshPublicKeyDelete",
                ];
                let elsewhere = environments_of(model, field, arguments).iter().any(|id| *id != own);
                let project = model.project_of(own).map(|project| project.id).unwrap_or_default();
                let other_project = field == "project" && arguments.text("id") != Some(&project.to_string());
                !personal && !beyond.contains(&field) && !elsewhere && !other_project
            }
        };
        if allowed { Ok(()) } else { Err(NOT_AUTHORIZED.into()) }
    }
}

/// The environments that an operation is about, named by their own id or by that of something in them.
pub(crate) fn environments_of(model: &Model, field: &str, arguments: &Arguments) -> BTreeSet<Uuid> {
    let mut named: Vec<&Value> = Vec::new();
    for scope in [&arguments.0, &arguments.0["input"]] {
        for (name, value) in scope.as_object().into_iter().flatten() {
            if name != "sourceEnvironmentId" && name != "variables" && name != "patch" {
                named.push(value);
            }
        }
    }
    let ids: Vec<Uuid> =
        named.into_iter().filter_map(Value::as_str).filter_map(|text| Uuid::parse_str(text).ok()).collect();
    // In one environment that is no fork means in all of them.
    let named_one = ids.iter().find(|id| model.environment(**id).is_ok());
    let spread = match field {
        "serviceCreate" | "serviceDelete" => named_one.and_then(|one| model.with_those_like_it(*one).ok()),
        _ => None,
    };
    let ids: Vec<Uuid> = ids.iter().copied().chain(spread.into_iter().flatten()).collect();
    let project_wide = match field {
        "serviceDelete" => arguments.0["environmentId"].is_null(),
        "volumeDelete" => true,
        _ => false,
    };
    let concerned = model.environments().filter(|environment| {
        ids.iter().any(|id| {
            let in_it = |instance: &crate::model::Instance| {
                instance.handles.values().any(|handle| handle.id == *id)
                    || instance.deployments.iter().any(|deployment| deployment.id == *id)
            };
            let everywhere = project_wide && environment.config.mentions(*id);
            environment.id == *id || everywhere || environment.instances.values().any(in_it)
        })
    });
    concerned.map(|environment| environment.id).collect()
}
