//! The mutations, done one after the other on the current state.

use super::node::{Arguments, Field, Node, error, not_modelled};
use super::{Caller, environment as objects, resource, ssh_key};
use crate::model::create::NewEnvironment;
use crate::model::services::NewService;
use crate::model::{Answer, Effect, HandleKind, Model};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) struct Mutation<'a> {
    pub(crate) model: RefCell<Arc<Model>>,
    pub(crate) caller: &'a Caller,
    pub(crate) faults: super::FieldFaults<'a>,
}

impl ObjectValue for Mutation<'_> {
    fn type_name(&self) -> &'static str {
        "Mutation"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = Arguments::of(info.arguments());
        if let Some(message) = self.faults.message(info.field_name(), &arguments) {
            return Err(error(message));
        }
        let mut current = self.model.borrow_mut();
        self.caller.check(&current, info.field_name(), &arguments).map_err(|refusal| error(refusal.0))?;
        let model = Arc::make_mut(&mut current);
        let done = match info.field_name() {
            name @ "sshPublicKeyCreate" => {
                ssh_key::create(model, *self.caller, self.faults, name, &arguments).map(|id| Some(Done::SshKey(id)))
            }
            "sshPublicKeyDelete" => ssh_key::remove(model, *self.caller, &arguments).map(|()| Some(YES)),
            name => deed(model, name, &arguments),
        };
        let answer = match done {
            Ok(Some(done)) => shown(&current, done),
            Ok(None) => return Err(not_modelled("Mutation", info.field_name())),
            Err(refusal) => Err(refusal),
        };
        answer.map(Field::resolved).map_err(|refusal| error(refusal.0))
    }
}

/// What a mutation answers with, before the state that it shows is final.
enum Done {
    Leaf(Value),
    Environment(Uuid),
    Staged(Uuid),
    AutoDeploy(bool),
    Domain {
        environment: Uuid,
        service: Uuid,
        kind: HandleKind,
        key: String,
    },
    Deployment(Uuid),
    SshKey(Uuid),
    /// In this project; what Railway does for it goes on.
    Template(Uuid),
    Service {
        project: Uuid,
        service: Uuid,
    },
}

const YES: Done = Done::Leaf(Value::Bool(true));

fn deed(model: &mut Model, name: &str, arguments: &Arguments) -> Answer<Option<Done>> {
    let input = arguments.input();
    Ok(Some(match name {
        "environmentCreate" => {
            let new = NewEnvironment {
                name: input.text("name").unwrap_or_default().to_owned(),
                source: input.optional_id("sourceEnvironmentId")?,
                skip_initial_deploys: input.flag("skipInitialDeploys"),
                stage_initial_changes: input.flag("stageInitialChanges"),
                is_ephemeral: input.flag("ephemeral"),
            };
            Done::Environment(model.create_environment(input.id("projectId")?, new)?)
        }
        "environmentRename" => {
            let id = arguments.id("id")?;
            model.rename_environment(id, input.text("name").unwrap_or_default())?;
            Done::Environment(id)
        }
        "environmentDelete" => {
            model.delete_environment(arguments.id("id")?)?;
            YES
        }
        "environmentStageChanges" => {
            let id = arguments.id("environmentId")?;
            model.stage(id, arguments.0["input"].clone(), arguments.flag("merge"))?;
            Done::Staged(id)
        }
        "environmentPatchCommit" => {
            let changes = match &arguments.0["patch"] {
                Value::Null => json!({}),
                changes => changes.clone(),
            };
            done(model.commit(arguments.id("environmentId")?, changes, message(arguments))?)
        }
        "environmentPatchCommitStaged" => {
            let skip_deploys = arguments.flag("skipDeploys");
            done(model.commit_staged(arguments.id("environmentId")?, message(arguments), skip_deploys)?)
        }
        "variableCollectionUpsert" | "variableUpsert" | "variableDelete" => {
            let (environment, service) = (input.id("environmentId")?, input.optional_id("serviceId")?);
            let single = || input.text("name").unwrap_or_default().to_owned();
            let values = match name {
                "variableUpsert" => json!({ single(): input.0["value"] }),
                "variableDelete" => json!({ single(): null }),
                _ => input.0["variables"].clone(),
            };
            let values = values.as_object().ok_or("variables must be an object")?.clone();
            let deploy = !input.flag("skipDeploys");
            model.set_variables(environment, service, &values, input.flag("replace"), deploy)?;
            YES
        }
        "templateDeployV2" => {
            let (environment, config) = (input.id("environmentId")?, &input.0["serializedConfig"]);
            model.deploy_template(environment, config, input.flag("stageOnly"))?;
            Done::Template(model.project_of(environment)?.id)
        }
        "cliEventTrack" => YES,
        _ => return deed_on_service(model, name, arguments),
    }))
}

/// What is done to a service and what belongs to it.
fn deed_on_service(model: &mut Model, name: &str, arguments: &Arguments) -> Answer<Option<Done>> {
    let input = arguments.input();
    Ok(Some(match name {
        "serviceInstanceAutoDeployUpdate" => {
            let enabled = input.flag("enabled");
            let environment = model.environment_mut(input.id("environmentId")?)?;
            environment.instance_mut(input.id("serviceId")?)?.auto_deploy = enabled;
            Done::AutoDeploy(enabled)
        }
        "serviceInstanceDeployV2" | "serviceInstanceDeploy" | "serviceInstanceRedeploy" => {
            let (environment, service) = (arguments.id("environmentId")?, arguments.id("serviceId")?);
            let id = model.deploy(environment, service, arguments.text("commitSha"))?;
            if name == "serviceInstanceDeployV2" { done(id) } else { YES }
        }
        "deploymentRedeploy" => {
            let (environment, service, found) = model.deployment(arguments.id("id")?)?;
            let commit = found.meta["commitHash"].as_str().map(str::to_owned);
            Done::Deployment(model.deploy(environment, service, commit.as_deref())?)
        }
        "deploymentRollback" => {
            model.roll_back(arguments.id("id")?)?;
            YES
        }
        "deploymentStop" => {
            let id = arguments.id("id")?;
            let (environment, service, _) = model.deployment(id)?;
            model.with_deployment(id, |one| one.stopped = true);
            model.effects.push(Effect::Stop { environment, service });
            YES
        }
        "serviceInstanceUpdate" => {
            let service = arguments.id("serviceId")?;
            let environment = arguments.optional_id("environmentId")?.ok_or("environmentId is required")?;
            let settings = input.0.as_object().cloned().unwrap_or_default();
            model.update_instance(environment, service, &settings)?;
            YES
        }
        "serviceDomainCreate" | "customDomainCreate" | "tcpProxyCreate" => create_endpoint(model, name, &input)?,
        "serviceDomainUpdate" => {
            let (environment, id) = (input.id("environmentId")?, input.id("serviceDomainId")?);
            let domain = input.text("domain").unwrap_or_default();
            model.update_service_domain(environment, id, domain, input.int("targetPort"))?;
            YES
        }
        "serviceDomainDelete" => {
            model.delete_domain(HandleKind::ServiceDomain, arguments.id("id")?)?;
            YES
        }
        "customDomainDelete" => {
            model.delete_domain(HandleKind::CustomDomain, arguments.id("id")?)?;
            YES
        }
        "tcpProxyDelete" => {
            model.delete_tcp_proxy(arguments.id("id")?)?;
            YES
        }
        "volumeDelete" => {
            model.delete_volume(arguments.id("volumeId")?)?;
            YES
        }
        "serviceCreate" => {
            let new = NewService {
                name: input.text("name").unwrap_or("service").to_owned(),
                environment: input.optional_id("environmentId")?,
                source: input.0["source"].clone(),
                variables: input.0["variables"].clone(),
            };
            let project = input.id("projectId")?;
            Done::Service { project, service: model.create_service(project, new)? }
        }
        "serviceDelete" => {
            model.delete_service(arguments.id("id")?, arguments.optional_id("environmentId")?)?;
            YES
        }
        _ => return Ok(None),
    }))
}

fn create_endpoint(model: &mut Model, name: &str, input: &Arguments) -> Answer<Done> {
    let (environment, service) = (input.id("environmentId")?, input.id("serviceId")?);
    let port = input.int("targetPort");
    let (kind, key) = match name {
        "serviceDomainCreate" => (HandleKind::ServiceDomain, model.create_service_domain(environment, service, port)?),
        "customDomainCreate" => {
            let domain = input.text("domain").unwrap_or_default().to_owned();
            model.create_custom_domain(environment, service, &domain, port)?;
            (HandleKind::CustomDomain, domain)
        }
        _ => {
            let port = input.int("applicationPort").unwrap_or_default();
            model.create_tcp_proxy(environment, service, port)?;
            (HandleKind::TcpProxy, port.to_string())
        }
    };
    Ok(Done::Domain { environment, service, kind, key })
}

fn done(id: Uuid) -> Done {
    Done::Leaf(Value::String(id.to_string()))
}

fn message(arguments: &Arguments) -> Option<String> {
    arguments.text("commitMessage").map(str::to_owned)
}

fn shown(model: &Arc<Model>, done: Done) -> Answer<Field> {
    Ok(Field::Object(match done {
        Done::Leaf(value) => return Ok(Field::Leaf(value)),
        Done::Environment(id) => Some(objects::environment(model, model.environment(id)?)),
        Done::Staged(id) => {
            let staged = model.environment(id)?.staged.as_ref();
            staged.map(|patch| objects::patch(model, id, patch))
        }
        Done::AutoDeploy(enabled) => Some(Node::new("ServiceInstanceAutoDeployUpdateResult").leaf("enabled", enabled)),
        Done::Template(project) => {
            let payload = Node::new("TemplateDeployPayload").leaf("projectId", project);
            Some(payload.leaf("workflowId", format!("templateDeploy/{project}")))
        }
        Done::SshKey(id) => model.ssh_keys.iter().find(|key| key.id == id).map(ssh_key::node),
        Done::Deployment(id) => {
            let (environment, service, found) = model.deployment(id)?;
            Some(resource::deployment(model, environment, service, found))
        }
        Done::Service { project, service } => {
            Some(objects::service(model, project, model.project(project)?.service(service)?))
        }
        Done::Domain { environment, service, kind, key } => {
            let environment = model.environment(environment)?;
            match kind {
                HandleKind::ServiceDomain => resource::service_domain(environment, service, &key),
                HandleKind::CustomDomain => resource::custom_domain(environment, service, &key),
                _ => resource::tcp_proxy(environment, service, &key),
            }
        }
    }))
}
