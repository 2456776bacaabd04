//! Code of another commit in a copy: which services can run it, and how it is put there.

use anyhow::{Result, ensure};

use crate::contract::code_source::CodeSource;
use crate::contract::ids::ServiceId;
use crate::contract::request::CloneRequest;
use crate::environment::services::{Role, is_data_server};
use crate::error::{Failure, listed};
use crate::railway::{Deploy, Environment, ServiceInstance, SourceChange};

/// What of `sources` cannot be, each in a sentence.
pub(crate) fn problems(source: &Environment, request: &CloneRequest) -> Vec<String> {
    request.sources.iter().filter_map(|(name, code)| problem(source, request, name, code)).collect()
}

/// Refuses `sources` that cannot be: a copy must not run production's code where another was asked for.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) fn ensure_possible(source: &Environment, request: &CloneRequest) -> Result<()> {
    let told: Vec<_> = problems(source, request).iter().map(|problem| format!("`sources`: {problem}")).collect();
    ensure!(told.is_empty(), Failure::invalid(listed(&told)));
    Ok(())
}

fn problem(source: &Environment, request: &CloneRequest, name: &str, code: &CodeSource) -> Option<String> {
    let Some(service) = source.service(name) else {
        let known: Vec<_> = source.service_instances.iter().map(|s| s.service_name.as_str()).collect();
        return Some(format!("there is no service `{name}`; the source has {}", known.join(", ")));
    };
    if is_data_server(service) {
        return Some(format!("the database service `{name}` runs what production's does"));
    }
    if Role::of(service, request) != Role::App {
        return Some(format!("service `{name}` is left out of the copy; name it in `include_services`"));
    }
    match code {
        CodeSource::Image(_) if service.image().is_none() => {
            Some(format!("service `{name}` is built from a repository: name a `commit` or a `branch` of it"))
        }
        CodeSource::Commit(_) | CodeSource::Branch(_) if !service.has_repo() => {
            Some(format!("service `{name}` has no repository: name an `image`"))
        }
        _ => None,
    }
}

/// What of a fresh copy's configuration names the code that was asked for.
pub(crate) fn changes(source: &Environment, request: &CloneRequest) -> Vec<(ServiceId, SourceChange)> {
    let change = |(name, code): (&String, &CodeSource)| {
        let change = match code {
            CodeSource::Commit(_) => return None,
            CodeSource::Branch(branch) => SourceChange::Branch(branch.clone()),
            CodeSource::Image(image) => SourceChange::Image(image.clone()),
        };
        Some((source.service(name)?.service_id.clone(), change))
    };
    request.sources.iter().filter_map(change).collect()
}

/// How a service of the copy is deployed: at production's commit, unless the request asks for other code.
pub(crate) fn deploy(service: &ServiceInstance, request: &CloneRequest) -> Deploy {
    let commit = match request.sources.get(&service.service_name) {
        None => service.commit().map(str::to_owned),
        Some(CodeSource::Commit(hash)) => Some(hash.clone()),
        Some(CodeSource::Branch(_) | CodeSource::Image(_)) => None,
    };
    Deploy { service_id: service.service_id.clone(), commit }
}
