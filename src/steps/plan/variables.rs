//! What a plan says of variables: what becomes of each, and never its value.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Mark;
use crate::contract::record;
use crate::contract::request::CloneRequest;
use crate::environment::live;
use crate::environment::variables::changes::{asked, with_own_urls};
use crate::environment::variables::{Owner, Place, Plan, Treatment, Written};
use crate::railway::{Environment, VariableConfig};
use crate::rewriting::{Rewriter, UrlPair};

/// A variable in the copy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VariablePlan {
    /// The service, or `shared` for what all share.
    pub service: String,
    pub name: String,
    pub change: Change,
    /// Why, where it is not the same.
    pub because: Option<String>,
    /// Whether the copy would act live with it, for which a clone is refused.
    pub looks_live: bool,
    /// Whether the copy acts live with it, as the request's `allow_live` lets it.
    pub live_allowed: bool,
}

/// What becomes of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// As it is written in the source.
    Same,
    Changed,
    /// The source has none of this name.
    Added,
    Removed,
    /// Is the empty text.
    Blanked,
    /// Gets a secret of the copy's own.
    Fresh,
    /// Railway copies no sealed one: it is missing in the copy, unless the request sets it.
    Sealed,
}

/// What becomes of each variable of the source, and of each that the copy has beside.
pub(super) fn of(
    source: &Environment,
    request: &CloneRequest,
    plan: &Plan,
    rewritten: &[UrlPair],
) -> Vec<VariablePlan> {
    let before = Written::of(source);
    let rewriter = Rewriter::new(rewritten);
    let live = |request: &CloneRequest| -> BTreeSet<String> {
        live::planned(source, request, plan).iter().map(live::Live::variable).collect()
    };
    let (live, all_live) = (live(request), live(&CloneRequest { allow_live: Vec::new(), ..request.clone() }));
    let treated: BTreeMap<_, _> =
        plan.treated.iter().map(|t| ((t.service.as_str(), t.name.as_str()), t.treatment)).collect();
    let mut places: BTreeSet<Place> = before.iter().chain(plan.after.iter()).map(|(place, _)| place.clone()).collect();
    let sealed = sealed(source);
    places.extend(sealed.iter().cloned());
    let mut all: Vec<_> = places
        .into_iter()
        .map(|place| {
            let service = before.owner_name(&place.0).to_owned();
            let is_asked = place.0 != Owner::Shared && asked(request, &service).any(|(name, _)| name == place.1);
            let set = plan.after.value(&place);
            let with_urls = set
                .filter(|_| request.wordpress_url_replace && place.0 != Owner::Shared)
                .and_then(|value| with_own_urls(&rewriter, request, &service, &place.1, value));
            let treatment = treated.get(&(service.as_str(), place.1.as_str())).copied();
            let change = change(before.value(&place), with_urls.as_deref().or(set), sealed.contains(&place), treatment);
            let because = because(change, is_asked, treatment, with_urls.is_some());
            let variable = format!("{service}.{}", place.1);
            let looks_live = live.contains(&variable);
            let live_allowed = !looks_live && all_live.contains(&variable);
            let because = because.map(str::to_owned);
            VariablePlan { service, name: place.1, change, because, looks_live, live_allowed }
        })
        .collect();
    all.push(VariablePlan {
        service: "shared".to_owned(),
        name: record::VARIABLE.to_owned(),
        change: Change::Added,
        because: Some("is what railstage writes about the copy".to_owned()),
        looks_live: false,
        live_allowed: false,
    });
    all.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    all
}

fn sealed(source: &Environment) -> BTreeSet<Place> {
    let of_services = source.service_instances.iter().flat_map(|service| {
        let sealed = source.variables(&service.service_id).filter(|(_, variable)| variable.is_sealed());
        sealed.map(|(name, _)| (Owner::Service(service.service_id.clone()), name.to_owned()))
    });
    let shared = source.config.shared_variables.iter();
    let shared =
        shared.filter(|(name, v)| *name != record::VARIABLE && v.as_ref().is_some_and(VariableConfig::is_sealed));
    of_services.chain(shared.map(|(name, _)| (Owner::Shared, name.clone()))).collect()
}

fn change(before: Option<&str>, after: Option<&str>, is_sealed: bool, treatment: Option<Treatment>) -> Change {
    match (before, after) {
        (_, None) if is_sealed => Change::Sealed,
        (Some(_), None) => Change::Removed,
        (before, after) if before == after => Change::Same,
        (_, Some("")) => Change::Blanked,
        (None, _) if is_sealed => Change::Changed,
        (None, _) => Change::Added,
        (Some(_), _) if matches!(treatment, Some(Treatment::Password | Treatment::Renewed)) => Change::Fresh,
        (Some(_), _) => Change::Changed,
    }
}

fn because(change: Change, is_asked: bool, treatment: Option<Treatment>, has_own_urls: bool) -> Option<&'static str> {
    if is_asked {
        return Some("as the request asks");
    }
    if change == Change::Sealed {
        return Some("is sealed, and Railway copies no such: it needs a value in `variables`");
    }
    match treatment {
        Some(treatment) => Some(treatment.told()),
        None if has_own_urls => Some("names the copy where it named production"),
        None if change == Change::Same => None,
        None => Some("says what the copy is"),
    }
}

impl Change {
    pub(super) fn mark(self) -> Mark {
        match self {
            Self::Same => Mark::Same,
            Self::Changed | Self::Blanked => Mark::Changes,
            Self::Added => Mark::Comes,
            Self::Removed | Self::Sealed => Mark::Stays,
            Self::Fresh => Mark::Fresh,
        }
    }
}
