//! The queries, answered from a state that may lag behind.

use super::node::{Arguments, Field, Node, error, not_modelled, page};
use super::{Caller, environment as objects, resource, ssh_key, usage};
use crate::model::{Answer, HandleKind, Model, Patch, templates, variables};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) struct Query<'a> {
    pub(crate) model: Arc<Model>,
    pub(crate) caller: &'a Caller,
    pub(crate) faults: super::FieldFaults<'a>,
}

impl ObjectValue for Query<'_> {
    fn type_name(&self) -> &'static str {
        "Query"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = Arguments::of(info.arguments());
        if let Some(message) = self.faults.message(info.field_name(), &arguments) {
            return Err(error(message));
        }
        let answer = self.caller.check(&self.model, info.field_name(), &arguments);
        match answer.and_then(|()| self.answer(info.field_name(), &arguments)) {
            Ok(Some(field)) => Ok(field.resolved()),
            Ok(None) => Err(not_modelled("Query", info.field_name())),
            Err(refusal) => Err(error(refusal.0)),
        }
    }
}

impl Query<'_> {
    fn answer(&self, name: &str, arguments: &Arguments) -> Answer<Option<Field>> {
        let model = &self.model;
        let one = |node: Node| Field::Object(Some(node));
        let environment_id = || arguments.id("environmentId");
        let service_id = || arguments.id("serviceId");
        Ok(Some(match name {
            "me" => one(objects::user(model, "ops@acme.example")),
            "externalWorkspaces" => Field::List(Vec::new()),
            "twoFactorInfo" => {
                one(Node::new("TwoFactorInfo").leaf("isVerified", false).leaf("hasRecoveryCodes", false))
            }
            "template" => {
                let found = templates::find(arguments.text("code"), arguments.text("id"))?;
                let node = Node::new("Template").leaf("id", found.id).leaf("name", found.name);
                one(node.leaf("code", found.code.unwrap_or(found.id)).leaf("serializedConfig", &found.config))
            }
            "workflowStatus" => one(Node::new("WorkflowResult").leaf("status", "Complete").leaf("error", Value::Null)),
            "projectToken" => one(self.project_token()?),
            "project" => one(objects::project(model, model.project(arguments.id("id")?)?)),
            "projects" => {
                let asked = arguments.text("workspaceId") == Some(objects::WORKSPACE_ID);
                let visible = if asked { objects::projects(model) } else { Vec::new() };
                one(page("QueryProjectsConnection", visible, arguments))
            }
            "environment" => one(objects::environment(model, model.environment(arguments.id("id")?)?)),
            "environments" => {
                let ephemeral = arguments.0["isEphemeral"].as_bool();
                let found = objects::environments(model, arguments.id("projectId")?, ephemeral)?;
                one(page("QueryEnvironmentsConnection", found, arguments))
            }
            "environmentStagedChanges" => {
                let environment = model.environment(environment_id()?)?;
                let none = Patch::new(Value::Object(Map::new()), None);
                one(objects::patch(model, environment.id, environment.staged.as_ref().unwrap_or(&none)))
            }
            "environmentPatches" => {
                let environment = model.environment(environment_id()?)?;
                let patches = environment.patches.iter().rev().chain(&environment.staged);
                let nodes = patches.map(|patch| objects::patch(model, environment.id, patch)).collect();
                one(page("QueryEnvironmentPatchesConnection", nodes, arguments))
            }
            "variables" if arguments.flag("unrendered") => {
                leaf(variables::unrendered(model, environment_id()?, arguments.optional_id("serviceId")?)?)
            }
            "variables" => leaf(variables::visible(model, environment_id()?, arguments.optional_id("serviceId")?)?),
            "variablesForServiceDeployment" => {
                Field::Leaf(variables::for_deployment(model, environment_id()?, service_id()?)?)
            }
            "service" => {
                let id = arguments.id("id")?;
                let owner = model.projects.iter().find_map(|one| Some((one.id, one.service(id).ok()?)));
                let (project, service) = owner.ok_or("Service not found")?;
                one(objects::service(model, project, service))
            }
            "serviceInstance" => {
                let (environment, service) = (environment_id()?, service_id()?);
                let instance = model.environment(environment)?.instance(service)?;
                one(objects::instance(model, environment, service, instance))
            }
            "serviceInstanceAutoDeployStatus" => {
                let enabled = model.environment(environment_id()?)?.instance(service_id()?)?.auto_deploy;
                let status = Node::new("ServiceInstanceAutoDeployStatus").leaf("enabled", enabled);
                one(status.leaf("canEnable", true).leaf("reason", Value::Null))
            }
            "domains" => one(objects::all_domains(model.environment(environment_id()?)?, service_id()?)),
            "serviceDomainAvailable" | "customDomainAvailable" => {
                let domain = arguments.text("domain").unwrap_or_default();
                let free = model.domain_is_free(domain);
                let message = if free { "Domain is available" } else { "Domain is not available" };
                one(Node::new("DomainAvailable").leaf("available", free).leaf("message", message))
            }
            "tcpProxies" => Field::List(resource::tcp_proxies(model.environment(environment_id()?)?, service_id()?)),
            "sshPublicKeys" => {
                one(page("QuerySshPublicKeysConnection", ssh_key::list(model, *self.caller, arguments)?, arguments))
            }
            "usage" => Field::List(usage::aggregated(model, arguments)?),
            "volumeInstance" => one(self.volume_instance(arguments.id("id")?)?),
            "deployment" => {
                let (environment, service, found) = model.deployment(arguments.id("id")?)?;
                one(resource::deployment(model, environment, service, found))
            }
            "deployments" => one(page("QueryDeploymentsConnection", self.deployments(arguments)?, arguments)),
            "buildLogs" | "deploymentLogs" => {
                let (_, _, found) = model.deployment(arguments.id("deploymentId")?)?;
                let lines = if name == "buildLogs" { &found.build_log } else { &found.log };
                Field::List(resource::logs(lines, arguments.int("limit")))
            }
            _ => return Ok(None),
        }))
    }

    fn project_token(&self) -> Answer<Node> {
        let id = self.caller.environment().ok_or("Project Token not found")?;
        let model = self.model.clone();
        let project = model.project_of(id)?.id;
        let of_project = model.clone();
        Ok(Node::new("ProjectToken")
            .leaf("id", id)
            .leaf("name", "backboard")
            .leaf("projectId", project)
            .leaf("environmentId", id)
            .with("project", move |_| {
                Ok(Field::Object(Some(objects::project(&of_project, of_project.project(project)?))))
            })
            .with("environment", move |_| {
                Ok(Field::Object(Some(objects::environment(&model, model.environment(id)?))))
            }))
    }

    fn volume_instance(&self, id: Uuid) -> Answer<Node> {
        let find = |environment: &crate::model::Environment| {
            let (service, volume) = environment.handle_by_id(HandleKind::VolumeMount, id)?;
            resource::volume_instance(&self.model, environment, service, &volume)
        };
        self.model.environments().find_map(find).ok_or("VolumeInstance not found".into())
    }

    fn deployments(&self, arguments: &Arguments) -> Answer<Vec<Node>> {
        let input = arguments.input();
        let (environment, service) = (input.optional_id("environmentId")?, input.optional_id("serviceId")?);
        if let Some(id) = environment {
            self.model.environment(id)?;
        }
        Ok(resource::deployments(&self.model, |of_environment, of_service| {
            environment.is_none_or(|wanted| wanted == of_environment)
                && service.is_none_or(|wanted| wanted == of_service)
        }))
    }
}

fn leaf(value: impl serde::Serialize) -> Field {
    Field::Leaf(serde_json::to_value(value).unwrap_or_default())
}
