//! What would come along live: keys of providers' with which a copy could bill, send or act as production does, and switches that say so.

use std::collections::BTreeSet;

use crate::contract::request::CloneRequest;
use crate::environment::variables::changes::asked;
use crate::environment::variables::{Owner, Place, Plan, Treatment, Written};
use crate::masking::{live_in, says_live};
use crate::railway::{Environment, Rendered, ServiceInstance};

/// A variable that would act live in a copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Live {
    /// The service, or `shared`.
    pub service: String,
    pub name: String,
    /// What it holds, without its value.
    pub what: String,
}

impl Live {
    /// `SERVICE.NAME`, as requests and policies say it.
    pub(crate) fn variable(&self) -> String {
        format!("{}.{}", self.service, self.name)
    }

    /// What it holds and how to get past that.
    pub(crate) fn told(&self) -> String {
        let variable = self.variable();
        format!(
            "holds {}, with which the copy would act live; set a test value or `{{\"blank\": true}}` for it in `variables`, or name `{variable}` in `allow_live`, which the policy's line `allow_live: [\"{variable}\"]` would allow",
            self.what
        )
    }
}

/// The variables of a copy that would act live, as `plan` has them, but for those that the request allows to.
pub(crate) fn planned(source: &Environment, request: &CloneRequest, plan: &Plan) -> Vec<Live> {
    let before = Written::of(source);
    let keys = Keys::of(before.iter().map(|(place, value)| before.rendered(&place.0, value)));
    let allowed = Keys::of(
        plan.after
            .iter()
            .filter(|(place, _)| request.allow_live.contains(&told(&before, place)))
            .map(|(place, value)| plan.after.rendered(&place.0, value)),
    );
    let mut found = Vec::new();
    for (place, value) in plan.after.iter() {
        let (service, name) = (before.owner_name(&place.0), &place.1);
        let is_asked = place.0 != Owner::Shared && asked(request, service).any(|(asked, _)| asked == name);
        if request.allow_live.contains(&told(&before, place)) {
            continue;
        }
        let rendered = plan.after.rendered(&place.0, value);
        let is_switched = says_live(name, &rendered) && (is_asked || has_secret_beside(plan, service, name));
        let switch = is_switched.then(|| "a switch that says live".to_owned());
        let what = keys.live(&rendered, is_asked, &allowed).or(switch);
        found.extend(what.map(|what| Live { service: service.to_owned(), name: name.clone(), what }));
    }
    found
}

/// The variables of a copy's apps that act live, as Railway has rendered them.
pub(crate) fn rendered(
    request: &CloneRequest,
    of_source: &[(&ServiceInstance, &Rendered)],
    of_copy: &[(&ServiceInstance, &Rendered)],
) -> Vec<Live> {
    let values = |all: &[(&ServiceInstance, &Rendered)]| {
        all.iter().flat_map(|(_, rendered)| rendered.values().flatten().cloned()).collect::<Vec<_>>()
    };
    let keys = Keys::of(values(of_source));
    let is_allowed = |service: &ServiceInstance, name: &str| {
        request.allow_live.iter().any(|allowed| *allowed == format!("{}.{name}", service.service_name))
    };
    // What all share shows in the services' own.
    let shared = request.allow_live.iter().filter_map(|allowed| allowed.strip_prefix("shared."));
    let shared: BTreeSet<_> = shared.collect();
    let allowed = of_copy.iter().flat_map(|(service, rendered)| {
        let is_one = move |name: &str| is_allowed(service, name);
        rendered.iter().filter(move |(name, _)| is_one(name)).filter_map(|(_, value)| value.clone())
    });
    let allowed = Keys::of(allowed.collect::<Vec<_>>());
    let mut found = Vec::new();
    for (service, rendered) in of_copy {
        for (name, value) in rendered.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            if is_allowed(service, name) || shared.contains(name.as_str()) {
                continue;
            }
            let is_asked = asked(request, &service.service_name).any(|(asked, _)| asked == name);
            let what = keys.live(value, is_asked, &allowed);
            found.extend(what.map(|what| Live { service: service.service_name.clone(), name: name.clone(), what }));
        }
    }
    found
}

/// Whether production's own secret comes along beside a switch: of the same service, and of a name that begins alike.
fn has_secret_beside(plan: &Plan, service: &str, switch: &str) -> bool {
    let first = |name: &str| name.split('_').next().unwrap_or_default().to_ascii_uppercase();
    let comes_along = plan.treated.iter().filter(|treated| treated.treatment == Treatment::Granted);
    comes_along.into_iter().any(|treated| treated.service == service && first(&treated.name) == first(switch))
}

fn told(written: &Written, (owner, name): &Place) -> String {
    format!("{}.{name}", written.owner_name(owner))
}

/// Keys of providers' that stand in values.
struct Keys(BTreeSet<String>);

impl Keys {
    fn of(values: impl IntoIterator<Item = String>) -> Self {
        Self(values.into_iter().flat_map(|value| live_in(&value)).map(|key| key.text).collect())
    }

    /// What of a value is live: one of these keys, or any where the request has set it; a key of a copy's own is not.
    fn live(&self, value: &str, is_asked: bool, allowed: &Self) -> Option<String> {
        let keys = live_in(value).into_iter();
        let mut live =
            keys.filter(|key| is_asked || self.0.contains(&key.text)).filter(|key| !allowed.0.contains(&key.text));
        live.next().map(|key| format!("a live key of {}", key.of))
    }
}
