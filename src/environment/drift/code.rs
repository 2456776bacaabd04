//! Code of another commit, branch or image: whether a difference in what runs is what requests asked for.

use super::{Aspect, Because, Difference};
use crate::contract::code_source::CodeSource;
use crate::contract::deployed::Deployed;
use crate::contract::made::Made;
use crate::railway::{Environment, ServiceInstance};

/// Why a difference in what runs is one that requests asked for: each side that is a copy runs what was asked for, and one of them asked for
/// anything. What was deployed since goes before what the copy was made with.
pub(super) fn because(difference: &Difference, made: [Option<&Made>; 2]) -> Option<Because> {
    let (service, what) = (&difference.service, difference.what);
    let sides = [difference.there.as_deref(), difference.here.as_deref()];
    let mut because = None;
    for (made, runs) in made.into_iter().zip(sides) {
        let Some(made) = made else { continue };
        let (is_so, why) = match (made.deployed.get(service), made.sources.get(service)) {
            (Some(deployed), _) => (is_of(deployed, what, runs), Because::Deployed),
            (None, Some(asked)) => (is_so(asked, what, runs), Because::Request),
            (None, None) => continue,
        };
        if !is_so {
            return None;
        }
        because = Some(why);
    }
    because
}

/// Whether what was deployed has such a commit, branch or image. Of what was uploaded, Railway tells none.
fn is_of(deployed: &Deployed, what: Aspect, runs: Option<&str>) -> bool {
    match what {
        Aspect::Commit => runs == deployed.commit.as_deref().filter(|_| !deployed.uploaded),
        Aspect::Image => runs == deployed.image.as_deref(),
        _ => false,
    }
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
