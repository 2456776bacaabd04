//! Projects, environments and service instances as GraphQL objects.

use super::node::{Field, Node};
use super::resource;
use crate::model::config::withhold_values;
use crate::model::{Answer, Environment, HandleKind, Instance, Model, Patch, Project, Service};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

type Shared = Arc<Model>;

pub(crate) fn user(model: &Shared, email: &str) -> Node {
    let model = model.clone();
    Node::new("User")
        .leaf("id", USER_ID)
        .leaf("name", "Acme Ops")
        .leaf("email", email)
        .with("workspaces", move |_| Ok(Field::List(vec![workspace(&model)])))
}

/// There is one user, the same in every world.
pub(crate) const USER_ID: &str = "7a2f3e4d-0000-4000-8000-00000000ac3e";

/// There is one workspace, the same in every world.
pub(crate) const WORKSPACE_ID: &str = "6f1e2d3c-0000-4000-8000-00000000ac3e";

pub(crate) fn workspace(model: &Shared) -> Node {
    let model = model.clone();
    Node::new("Workspace").leaf("id", WORKSPACE_ID).leaf("name", "Acme").leaf("team", Value::Null).connection(
        "projects",
        "WorkspaceProjectsConnection",
        move |_| Ok(projects(&model)),
    )
}

pub(crate) fn projects(model: &Shared) -> Vec<Node> {
    model.projects.iter().map(|one| project(model, one)).collect()
}

pub(crate) fn project(model: &Shared, project: &Project) -> Node {
    let id = project.id;
    let (of_workspace, of_environments, of_services, of_base, of_volumes, of_buckets) =
        (model.clone(), model.clone(), model.clone(), model.clone(), model.clone(), model.clone());
    Node::new("Project")
        .leaf("id", id)
        .leaf("name", &project.name)
        .leaf("description", Value::Null)
        .leaf("createdAt", project.created_at)
        .leaf("updatedAt", project.created_at)
        .leaf("deletedAt", Value::Null)
        .leaf("workspaceId", WORKSPACE_ID)
        .leaf("baseEnvironmentId", project.base_environment_id)
        .leaf("primaryEnvironmentId", project.base_environment_id)
        .leaf("isPublic", false)
        .leaf("prDeploys", false)
        .leaf("botPrEnvironments", false)
        .with("workspace", move |_| Ok(Field::Object(Some(workspace(&of_workspace)))))
        .with("baseEnvironment", move |_| {
            let base = of_base.project(id)?.base_environment_id;
            Ok(Field::Object(of_base.environment(base).ok().map(|one| environment(&of_base, one))))
        })
        .connection("buckets", "ProjectBucketsConnection", move |_| {
            let project = of_buckets.project(id)?;
            Ok(project.buckets.keys().map(|bucket| resource::bucket(project, *bucket)).collect())
        })
        .connection("environments", "ProjectEnvironmentsConnection", move |arguments| {
            environments(&of_environments, id, arguments.0["isEphemeral"].as_bool())
        })
        .connection("services", "ProjectServicesConnection", move |_| {
            Ok(of_services.project(id)?.services.iter().map(|one| service(&of_services, id, one)).collect())
        })
        .connection("volumes", "ProjectVolumesConnection", move |_| {
            let project = of_volumes.project(id)?;
            Ok(project.volumes.keys().map(|volume| resource::volume(project, *volume)).collect())
        })
}

pub(crate) fn environments(model: &Shared, project: Uuid, ephemeral: Option<bool>) -> Answer<Vec<Node>> {
    let all = model.project(project)?.environments.iter();
    let wanted = all.filter(|one| ephemeral.is_none_or(|wanted| wanted == one.is_ephemeral));
    Ok(wanted.map(|one| environment(model, one)).collect())
}

pub(crate) fn service(model: &Shared, project_id: Uuid, service: &Service) -> Node {
    let model = model.clone();
    Node::new("Service")
        .leaf("id", service.id)
        .leaf("name", &service.name)
        .leaf("projectId", project_id)
        .leaf("icon", Value::Null)
        .leaf("groupId", Value::Null)
        .leaf("templateId", Value::Null)
        .leaf("templateServiceId", Value::Null)
        .leaf("createdAt", service.created_at)
        .leaf("updatedAt", service.created_at)
        .leaf("deletedAt", Value::Null)
        .with("project", move |_| Ok(Field::Object(Some(project(&model, model.project(project_id)?)))))
}

pub(crate) fn environment(model: &Shared, environment: &Environment) -> Node {
    let id = environment.id;
    let source = environment.source_environment_id;
    let (of_source, of_config, of_variables, of_instances, of_volumes, of_deployments) =
        (model.clone(), model.clone(), model.clone(), model.clone(), model.clone(), model.clone());
    Node::new("Environment")
        .leaf("id", id)
        .leaf("name", &environment.name)
        .leaf("projectId", environment.project_id)
        .leaf("createdAt", environment.created_at)
        .leaf("updatedAt", environment.updated_at)
        .leaf("deletedAt", Value::Null)
        .leaf("isEphemeral", environment.is_ephemeral)
        .leaf("canAccess", true)
        .leaf("meta", Value::Null)
        .leaf("unmergedChangesCount", environment.unmerged_changes())
        .leaf("configEtag", environment.config.etag())
        .with("sourceEnvironment", move |_| {
            let source = source.and_then(|source| of_source.environment(source).ok());
            Ok(Field::Object(source.map(|one| self::environment(&of_source, one))))
        })
        .with("config", move |arguments| {
            Ok(Field::Leaf(of_config.environment(id)?.config.shown(arguments.flag("decryptVariables"))))
        })
        .connection("variables", "EnvironmentVariablesConnection", move |_| {
            Ok(resource::variables(of_variables.environment(id)?))
        })
        .connection("serviceInstances", "EnvironmentServiceInstancesConnection", move |_| {
            let now = Instant::now();
            let instances = of_instances.environment(id)?.instances.iter();
            let visible = instances.filter(|(_, instance)| instance.visible_at <= now);
            Ok(visible.map(|(service, one)| instance(&of_instances, id, *service, one)).collect())
        })
        .connection("volumeInstances", "EnvironmentVolumeInstancesConnection", move |_| {
            resource::volume_instances(&of_volumes, id)
        })
        .connection("deployments", "EnvironmentDeploymentsConnection", move |_| {
            Ok(resource::deployments(&of_deployments, |environment, _| environment == id))
        })
}

pub(crate) fn instance(model: &Shared, environment_id: Uuid, service_id: Uuid, instance: &Instance) -> Node {
    let config = model.environment(environment_id).map(|one| one.config.clone()).unwrap_or_default();
    let text = |path: &str| config.text(service_id, path).map(str::to_owned);
    let settings = config.service(service_id);
    let (repo, image) = (text("/source/repo"), text("/source/image"));
    let latest = instance.latest().cloned();
    let active: Vec<_> = instance
        .deployments
        .iter()
        .filter(|one| one.status == crate::DeploymentStatus::Success && !one.stopped)
        .cloned()
        .collect();
    let (of_latest, of_active, of_domains, of_service) = (model.clone(), model.clone(), model.clone(), model.clone());
    Node::new("ServiceInstance")
        .leaf("id", instance.id)
        .leaf("serviceId", service_id)
        .leaf("serviceName", model.service_name(environment_id, service_id).unwrap_or_default())
        .leaf("environmentId", environment_id)
        .leaf("createdAt", instance.created_at)
        .leaf("updatedAt", instance.created_at)
        .leaf("deletedAt", Value::Null)
        .leaf("numReplicas", settings["deploy"]["numReplicas"].as_i64().unwrap_or(1))
        .leaf("cronSchedule", text("/deploy/cronSchedule"))
        .leaf("nextCronRunAt", Value::Null)
        .leaf("startCommand", text("/deploy/startCommand"))
        .leaf("buildCommand", text("/build/buildCommand"))
        .leaf("healthcheckPath", text("/deploy/healthcheckPath"))
        .leaf("rootDirectory", text("/source/rootDirectory"))
        .leaf("region", Value::Null)
        .leaf("sleepApplication", settings["deploy"]["sleepApplication"].as_bool())
        .leaf("tracingEnabled", false)
        .leaf("autoInstrumentationEnabled", false)
        .leaf("edgeConfig", Value::Null)
        .with("source", move |_| {
            let source = Node::new("ServiceSource").leaf("repo", &repo).leaf("image", &image);
            Ok(Field::Object((repo.is_some() || image.is_some()).then_some(source)))
        })
        .with("latestDeployment", move |_| {
            let latest = latest.as_ref();
            Ok(Field::Object(latest.map(|one| resource::deployment(&of_latest, environment_id, service_id, one))))
        })
        .with("activeDeployments", move |_| {
            let nodes = active.iter().map(|one| resource::deployment(&of_active, environment_id, service_id, one));
            Ok(Field::List(nodes.collect()))
        })
        .with("domains", move |_| {
            Ok(Field::Object(Some(all_domains(of_domains.environment(environment_id)?, service_id))))
        })
        .with("service", move |_| {
            let project = of_service.project_of(environment_id)?;
            Ok(Field::Object(Some(service(&of_service, project.id, project.service(service_id)?))))
        })
}

pub(crate) fn all_domains(environment: &Environment, service: Uuid) -> Node {
    let (of_service, of_custom) = (environment.clone(), environment.clone());
    Node::new("AllDomains")
        .with("serviceDomains", move |_| {
            let domains = of_service.config.keys(service, HandleKind::ServiceDomain);
            let nodes = domains.iter().filter_map(|domain| resource::service_domain(&of_service, service, domain));
            Ok(Field::List(nodes.collect()))
        })
        .with("customDomains", move |_| {
            let domains = of_custom.config.keys(service, HandleKind::CustomDomain);
            let nodes = domains.iter().filter_map(|domain| resource::custom_domain(&of_custom, service, domain));
            Ok(Field::List(nodes.collect()))
        })
}

pub(crate) fn patch(model: &Shared, environment_id: Uuid, patch: &Patch) -> Node {
    let changes = patch.changes.clone();
    let model = model.clone();
    Node::new("EnvironmentPatch")
        .leaf("id", patch.id)
        .leaf("environmentId", environment_id)
        .leaf("status", if patch.applied_at.is_some() { "COMMITTED" } else { "STAGED" })
        .leaf("message", &patch.message)
        .leaf("createdAt", patch.created_at)
        .leaf("updatedAt", patch.applied_at.unwrap_or(patch.created_at))
        .leaf("appliedAt", patch.applied_at)
        .leaf("lastAppliedError", Value::Null)
        .leaf("appliedBy", Value::Null)
        .with("patch", move |arguments| {
            let mut shown = changes.clone();
            withhold_values(&mut shown, arguments.flag("decryptVariables"));
            Ok(Field::Leaf(shown))
        })
        .with("environment", move |_| Ok(Field::Object(Some(environment(&model, model.environment(environment_id)?)))))
}
