//! Code that a service of a copy runs in the place of production's: a commit, a branch, or an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::contract::bounds::Refusal;
use crate::contract::policy::Policy;

/// The reference of an image: a registry's host, a path, a tag, a digest.
pub(super) const IMAGE: &str = r"^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$";

/// A branch or a tag by its name.
pub(super) const REF: &str = r"^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/#+@-]{0,199}$";

/// Code other than production's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-expects" = "one of {\"commit\": \"<40 hex digits>\"}, {\"branch\": \"NAME\"} and {\"image\": \"NAME\"}"))]
pub(crate) enum CodeSource {
    /// A commit of the service's repository, by its whole hash.
    Commit(#[schemars(regex(pattern = r"^[0-9a-f]{40}$"))] String),
    /// The newest commit of this branch of the service's repository.
    Branch(#[schemars(regex(pattern = REF))] String),
    /// An image in the place of the service's own.
    Image(#[schemars(regex(pattern = IMAGE))] String),
}

impl CodeSource {
    /// As the policy names it: `KIND:NAME`.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Commit(hash) => format!("commit:{hash}"),
            Self::Branch(name) => format!("branch:{name}"),
            Self::Image(name) => format!("image:{name}"),
        }
    }

    /// Whether a line of the policy can grant anything.
    pub(crate) fn is_granted_by(line: &str) -> bool {
        let what = line.split_once('=').map_or("", |(_, what)| what);
        ["commit:", "branch:", "image:"].iter().any(|kind| what.starts_with(kind)) || what == "*"
    }

    /// What the policy does not grant of it, for this service.
    pub(crate) fn beyond(&self, service: &str, policy: &Policy) -> Option<Refusal> {
        let told = self.told();
        let grants = |line: &String| {
            let Some((of, what)) = line.split_once('=') else { return false };
            WildMatch::new(of).matches(service) && WildMatch::new(what).matches(&told)
        };
        if policy.other_code.iter().any(grants) {
            return None;
        }
        let what = format!("`{told}` in service `{service}`");
        Some(Refusal::new("sources", what, format!("other_code: [\"{service}={told}\"]")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(line: &str, service: &str, source: &CodeSource) -> bool {
        let policy = Policy::read(json!({ "other_code": [line] })).unwrap();
        source.beyond(service, &policy).is_none()
    }

    #[test]
    fn a_line_grants_what_it_names_and_no_more() {
        let image = |name: &str| CodeSource::Image(name.to_owned());
        let branch = |name: &str| CodeSource::Branch(name.to_owned());
        assert!(granted("web=branch:feature/*", "web", &branch("feature/x")));
        assert!(granted("*=image:ghcr.io/acme/*", "api", &image("ghcr.io/acme/api:pr-7")));
        assert!(!granted("web=branch:feature/*", "worker", &branch("feature/x")));
        assert!(!granted("web=branch:feature/*", "web", &branch("main")));
        assert!(!granted("web=branch:*", "web", &CodeSource::Commit("a".repeat(40))));
        assert!(!granted("web=image:ghcr.io/acme/*", "web", &image("evil.test/ghcr.io/acme/api")));
        assert!(CodeSource::Branch("x".to_owned()).beyond("web", &Policy::default()).is_some());
    }
}
