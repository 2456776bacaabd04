//! Why a copy may differ from its source, or from another copy: by the rules for secrets, and by what its request asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::facts::{self, Key, Place};
use super::own_hosts::differ_in_hosts;
use super::{Aspect, Because, Change, Difference, code};
use crate::contract::environment_type::EnvironmentType;
use crate::contract::made::Made;
use crate::contract::policy::Policy;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::contract::variable_override::Override;
use crate::environment::services::{is_data_server, kind};
use crate::environment::variables;
use crate::railway::{Environment, VariableConfig};

/// What explains differences.
pub(crate) struct Expected<'a> {
    there: &'a Environment,
    here: &'a Environment,
    /// How `here` was made, where `there` is what it was copied from.
    of_source: Option<&'a Record>,
    /// How each was made that is a copy, that which `here` is compared with first.
    made: [Option<&'a Made>; 2],
    /// Variables that the rules give another value.
    secrets: BTreeSet<(Place, String)>,
    /// Names of variables that requests have set, by service; `*` is every app.
    set: Vec<&'a BTreeMap<String, Vec<String>>>,
    /// Whether a database's TCP proxy may stay open.
    may_be_public: bool,
    making: Option<Making<'a>>,
}

/// What more is known while a copy is made.
struct Making<'a> {
    request: &'a CloneRequest,
    /// Whose configuration in the source is not what it was when the copy was begun.
    moved: BTreeSet<String>,
    begun: Timestamp,
}

impl<'a> Expected<'a> {
    /// Between a copy with this record and its source.
    pub(crate) fn of_source(
        policy: &Policy,
        source: &'a Environment,
        copy: &'a Environment,
        record: &'a Record,
        request: &CloneRequest,
    ) -> Self {
        let set = vec![&record.made.set_variables];
        let made = [None, Some(&record.made)];
        Self { of_source: Some(record), made, set, ..Self::by_rules(policy, source, copy, request) }
    }

    /// Between two copies.
    pub(crate) fn of_copies(
        policy: &Policy,
        (there, there_record): (&'a Environment, &'a Record),
        (here, here_record): (&'a Environment, &'a Record),
        request: &CloneRequest,
    ) -> Self {
        let set = vec![&there_record.made.set_variables, &here_record.made.set_variables];
        let made = [Some(&there_record.made), Some(&here_record.made)];
        Self { made, set, ..Self::by_rules(policy, there, here, request) }
    }

    /// What the rules alone explain.
    pub(crate) fn by_rules(
        policy: &Policy,
        there: &'a Environment,
        here: &'a Environment,
        request: &CloneRequest,
    ) -> Self {
        let (secrets, may_be_public) = (secrets(policy, there, request), policy.may_be_public);
        let (made, set) = ([None, None], Vec::new());
        Self { there, here, of_source: None, made, secrets, set, may_be_public, making: None }
    }

    /// The same for a copy that its run has just made: what its request asked for is known, and judged by it. `mark` is how the
    /// record marks the source's configuration.
    pub(crate) fn while_making(self, request: &'a CloneRequest, mark: impl Fn(&str) -> Option<String>) -> Self {
        let Some(record) = self.of_source else { return self };
        let now = facts::marks(self.there, mark);
        let is_moved =
            |(id, mark): &(&String, &String)| record.made.source_marks.get(*id).is_some_and(|was| was != *mark);
        let moved = now.iter().filter(is_moved).map(|(id, _)| id.clone()).collect();
        // By Railway's clock, as its deployments tell their time.
        Self { making: Some(Making { request, moved, begun: record.environment_created_at }), ..self }
    }

    /// Whether it is told even where both are the same: else a caller could try what a secret is by setting it.
    pub(super) fn is_hidden(&self, key: &Key) -> bool {
        key.what == Aspect::Variable && self.is_set(&key.place, &key.name)
    }

    /// What is not as it must be though nothing differs: secrets that are still the source's, code that is not what was asked for, and
    /// deployments on top of the run's own.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let is_kept = |(place, name): &&(Place, String)| {
            let values = [self.there, self.here].map(|environment| value(environment, place, name));
            values[0].is_some_and(|value| !value.is_empty()) && values[0] == values[1]
        };
        let told = |(place, name): &(Place, String)| {
            format!("{}: variable `{name}` is still the source's", super::name_of(place, self.there, self.here))
        };
        let kept = self.secrets.iter().filter(is_kept).map(told);
        let sources = self.of_source.iter().flat_map(|record| &record.made.sources);
        let other = sources.filter(|(name, code)| !code::runs(self.here, name, code));
        let other = other.map(|(name, code)| format!("{name}: does not run `{}`", code.told()));
        kept.chain(other).chain(self.here.service_instances.iter().filter_map(code::deployed_since)).collect()
    }

    /// Why the rules or a request want it so.
    pub(super) fn because(&self, difference: &Difference) -> Option<Because> {
        let Key { place, what, name } = &difference.key;
        let because = match what {
            Aspect::Variable => self.of_variable(difference, place, name),
            Aspect::Domain => self.of_domain(difference, name),
            Aspect::Proxy => self.of_proxy(difference, place).or_else(|| self.not_copied(difference)),
            Aspect::Deployment => self.of_deployment(difference),
            Aspect::Commit | Aspect::Branch | Aspect::Image => code::because(difference, self.made),
            Aspect::Service => self.of_service(difference),
            Aspect::Repository => None,
            Aspect::Volume | Aspect::Bucket | Aspect::Region | Aspect::Replicas | Aspect::Setting => {
                self.not_copied(difference)
            }
        };
        because.or_else(|| self.moved_on(difference))
    }

    /// While a copy is made, its source may change.
    fn moved_on(&self, difference: &Difference) -> Option<Because> {
        let making = self.making.as_ref()?;
        let Key { place, what, .. } = &difference.key;
        let has_moved = match what {
            Aspect::Commit | Aspect::Deployment => {
                let Place::Service(id) = place else { return None };
                let latest = self.there.service_by_id(id).and_then(|service| service.latest_deployment.as_ref());
                // One that was under way already may have come up since.
                let moments = latest.map(|deployment| [deployment.created_at, deployment.status_updated_at]);
                moments.into_iter().flatten().flatten().any(|at| at >= making.begun)
            }
            Aspect::Variable if self.is_set(place, &difference.key.name) => false,
            _ => making.moved.contains(place.id()),
        };
        has_moved.then_some(Because::SourceMovedOn)
    }

    /// What Railway gave the copy otherwise when it made it.
    fn not_copied(&self, difference: &Difference) -> Option<Because> {
        let mut made = self.made.into_iter().flatten();
        made.any(|made| made.not_copied.contains(&difference.subject())).then_some(Because::NotCopied)
    }

    /// A domain of somebody's own that no record knows means that the copy was promoted.
    fn of_domain(&self, difference: &Difference, host: &str) -> Option<Because> {
        let is_own = |record: &Record| record.domains.iter().any(|known| known == host);
        let mut customs = self.here.service_instances.iter().flat_map(|service| &service.domains.custom_domains);
        let is_custom = difference.change == Change::Added && customs.any(|custom| custom.domain == host);
        (!is_custom || self.of_source.is_none_or(is_own)).then_some(Because::OwnHosts)
    }

    fn of_proxy(&self, difference: &Difference, place: &Place) -> Option<Because> {
        let Place::Service(id) = place else { return None };
        let is_database = self.here.service_by_id(id).is_some_and(|service| kind(service).is_some());
        let is_ours = difference.change == Change::Removed || self.making.is_some() || self.may_be_public;
        (is_database && is_ours).then_some(Because::OwnProxy)
    }

    /// A service that was added to one of them.
    fn of_service(&self, difference: &Difference) -> Option<Because> {
        let [there, here] = self.made;
        let made = if difference.change == Change::Added { here } else { there };
        made.is_some_and(|made| made.added.contains(&difference.service)).then_some(Because::Deployed)
    }

    fn of_deployment(&self, difference: &Difference) -> Option<Because> {
        let [there, here] = self.made;
        let is_left_out = |made: Option<&Made>| made.is_some_and(|made| made.left_out.contains(&difference.service));
        let (without, is_of_source) = match difference.change {
            Change::Removed => (here, false),
            Change::Added | Change::Changed => (there, self.of_source.is_some()),
        };
        is_left_out(without).then_some(Because::LeftOut).or_else(|| is_of_source.then_some(Because::Started))
    }

    fn of_variable(&self, difference: &Difference, place: &Place, name: &str) -> Option<Because> {
        if self.is_set(place, name) {
            return self.is_as_asked(place, name).then_some(Because::Request);
        }
        if self.of_source.is_some() && is_sealed(self.there, place, name) && difference.change == Change::Removed {
            return Some(Because::Sealed);
        }
        if name == EnvironmentType::VARIABLE && self.is_app(place) {
            return Some(Because::SaysWhatItIs);
        }
        if difference.change != Change::Changed {
            return None;
        }
        if self.secrets.contains(&(place.clone(), name.to_owned())) {
            return Some(Because::OwnSecret);
        }
        let [there, here] = [self.there, self.here].map(|environment| value(environment, place, name));
        let hosts: Vec<_> = self.here.hosts().collect();
        differ_in_hosts(there?, here?, &hosts).then_some(Because::OwnHosts)
    }

    fn is_set(&self, place: &Place, name: &str) -> bool {
        let Place::Service(id) = place else { return false };
        let Some(service) = self.here.service_by_id(id).or_else(|| self.there.service_by_id(id)) else { return false };
        let names = |set: &BTreeMap<String, Vec<String>>, of: &str| {
            set.get(of).is_some_and(|names| names.iter().any(|set| set == name))
        };
        self.set.iter().any(|set| names(set, &service.service_name) || (names(set, "*") && !is_data_server(service)))
    }

    /// Whether a variable has the value that the request gave it; at a later time nobody knows.
    fn is_as_asked(&self, place: &Place, name: &str) -> bool {
        let Some(making) = &self.making else { return true };
        let service = super::name_of(place, self.there, self.here);
        let of = |service: &str| making.request.variables.get(service).and_then(|own| own.get(name));
        let value = value(self.here, place, name);
        match of(&service).or_else(|| of("*")) {
            Some(Override::Value(asked)) => value == Some(asked.as_str()),
            Some(Override::Blank) => value == Some(""),
            Some(Override::Remove) => value.is_none(),
            Some(Override::Secret(_)) => value.is_some_and(|value| !value.is_empty()),
            None => false,
        }
    }

    fn is_app(&self, place: &Place) -> bool {
        let Place::Service(id) = place else { return false };
        self.here.service_by_id(id).is_some_and(|service| !is_data_server(service))
    }
}

fn secrets(policy: &Policy, source: &Environment, request: &CloneRequest) -> BTreeSet<(Place, String)> {
    let plan = variables::plan(policy, source, source, request);
    let of_services = plan.variables.into_iter().flat_map(|(id, variables)| {
        let place = Place::Service(id);
        variables.into_keys().map(move |name| (place.clone(), name)).collect::<Vec<_>>()
    });
    of_services.chain(plan.shared.into_keys().map(|name| (Place::Shared, name))).collect()
}

fn is_sealed(environment: &Environment, place: &Place, name: &str) -> bool {
    match place {
        Place::Shared => environment
            .config
            .shared_variables
            .get(name)
            .and_then(Option::as_ref)
            .is_some_and(VariableConfig::is_sealed),
        Place::Service(id) => environment.variables(id).any(|(of, variable)| of == name && variable.is_sealed()),
    }
}

fn value<'e>(environment: &'e Environment, place: &Place, name: &str) -> Option<&'e str> {
    match place {
        Place::Shared => environment.shared_variable(name),
        Place::Service(id) => environment.variables(id).find(|(of, _)| *of == name)?.1.value.as_deref(),
    }
}
