//! Code of another commit, branch or image: whether a difference in what runs is what requests asked for.

use super::{Aspect, Difference};
use crate::contract::code_source::CodeSource;
use crate::contract::made::Made;
use crate::railway::{Environment, ServiceInstance};

/// Whether each side that is a copy runs what its request asked for, and one of them asked for anything.
pub(super) fn is_asked_for(difference: &Difference, made: [Option<&Made>; 2]) -> bool {
    let sides = [difference.there.as_deref(), difference.here.as_deref()];
    let asked = made.map(|made| made.and_then(|made| made.sources.get(&difference.service)));
    let mut each = asked.iter().zip(sides).filter_map(|(asked, runs)| Some(((*asked)?, runs)));
    asked.iter().any(Option::is_some) && each.all(|(asked, runs)| is_so(asked, difference.what, runs))
}

/// Whether code of this kind has such a commit, branch or image.
fn is_so(asked: &CodeSource, what: Aspect, runs: Option<&str>) -> bool {
    match (asked, what) {
        (CodeSource::Commit(asked), Aspect::Commit)
        | (CodeSource::Branch(asked), Aspect::Branch)
        | (CodeSource::Image(asked), Aspect::Image) => runs == Some(asked.as_str()),
        (CodeSource::Branch(_), Aspect::Commit) => runs.is_some(),
        (CodeSource::Image(_), Aspect::Commit) => runs.is_none(),
        _ => false,
    }
}

/// That somebody has deployed a service of the copy once more, though what it ran before runs still.
pub(super) fn deployed_since(service: &ServiceInstance) -> Option<String> {
    let (running, latest) = service.running().zip(service.latest_deployment.as_ref())?;
    (running.id != latest.id)
        .then(|| format!("{}: was deployed once more, and that has not come up", service.service_name))
}

/// Whether a service of the copy runs what was asked for, as its configuration and its deployment say.
pub(super) fn runs(copy: &Environment, name: &str, code: &CodeSource) -> bool {
    let Some(service) = copy.service(name) else { return false };
    let of_deployment = service.latest_deployment.as_ref().and_then(|deployment| deployment.meta.as_ref());
    match code {
        CodeSource::Commit(hash) => service.commit() == Some(hash),
        CodeSource::Branch(branch) => {
            let deployed = of_deployment.and_then(|meta| meta.branch.as_ref());
            let is_set = copy.config.services.get(&service.service_id).is_some_and(|config| {
                config.all_settings().any(|(path, value)| path == "source.branch" && value == branch)
            });
            is_set && deployed.is_none_or(|deployed| deployed == branch)
        }
        CodeSource::Image(image) => {
            let deployed = of_deployment.and_then(|meta| meta.image.as_ref());
            deployed.is_none_or(|deployed| deployed == image) && service.image() == Some(image)
        }
    }
}
