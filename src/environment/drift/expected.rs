//! Why a copy may differ from its source, or from another copy: by the rules for secrets, and by what its request asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Key, Place};
use super::{Aspect, Because, Change, Difference};
use crate::contract::environment_type::EnvironmentType;
use crate::contract::policy::Policy;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::environment::services::is_data_server;
use crate::environment::variables;
use crate::railway::Environment;

/// What explains differences.
pub(crate) struct Expected<'a> {
    there: &'a Environment,
    here: &'a Environment,
    /// Whether `there` is what `here` was copied from.
    is_source: bool,
    /// Variables that the rules give another value.
    secrets: BTreeSet<(Place, String)>,
    /// Names of variables that requests have set, by service; `*` is every app.
    set: Vec<&'a BTreeMap<String, Vec<String>>>,
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
        let secrets = secrets(policy, source, request);
        Self { there: source, here: copy, is_source: true, secrets, set: vec![&record.set_variables] }
    }

    /// Between two copies.
    pub(crate) fn of_copies(
        policy: &Policy,
        (there, there_record): (&'a Environment, &'a Record),
        (here, here_record): (&'a Environment, &'a Record),
        request: &CloneRequest,
    ) -> Self {
        let set = vec![&there_record.set_variables, &here_record.set_variables];
        Self { there, here, is_source: false, secrets: secrets(policy, there, request), set }
    }

    /// Whether it is told even where both are the same: else a caller could try what a secret is by setting it.
    pub(super) fn is_hidden(&self, key: &Key) -> bool {
        key.what == Aspect::Variable && self.is_set(&key.place, &key.name)
    }

    /// Why the rules or a request want it so.
    pub(super) fn because(&self, difference: &Difference) -> Option<Because> {
        let Key { place, what, name } = &difference.key;
        match what {
            Aspect::Variable => self.of_variable(difference, place, name),
            Aspect::Domain => Some(Because::OwnHosts),
            Aspect::Proxy => (difference.change == Change::Removed).then_some(Because::ClosedProxy),
            Aspect::Deployment => (self.is_source && difference.change == Change::Removed).then_some(Because::LeftOut),
            _ => None,
        }
    }

    fn of_variable(&self, difference: &Difference, place: &Place, name: &str) -> Option<Because> {
        if self.is_set(place, name) {
            return Some(Because::Request);
        }
        if self.is_source && is_sealed(self.there, place, name) && difference.change == Change::Removed {
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
        Place::Shared => {
            environment.config.shared_variables.get(name).and_then(Option::as_ref).is_some_and(|v| v.is_sealed())
        }
        Place::Service(id) => environment.variables(id).any(|(of, variable)| of == name && variable.is_sealed()),
    }
}

fn value<'e>(environment: &'e Environment, place: &Place, name: &str) -> Option<&'e str> {
    match place {
        Place::Shared => environment.shared_variable(name),
        Place::Service(id) => environment.variables(id).find(|(of, _)| *of == name)?.1.value.as_deref(),
    }
}

/// Whether `new` is `old` with one of `hosts` in the place of each address that differs.
fn differ_in_hosts(old: &str, new: &str, hosts: &[&str]) -> bool {
    let mut rest = new;
    let mut pieces = Vec::new();
    while let Some((at, host)) = hosts
        .iter()
        .filter_map(|host| Some((rest.find(host)?, *host)))
        .min_by_key(|(at, host)| (*at, usize::MAX - host.len()))
    {
        pieces.push(without_scheme(&rest[..at]));
        rest = &rest[at + host.len()..];
    }
    if pieces.is_empty() {
        return false;
    }
    pieces.push(rest);
    fits(old, &pieces)
}

/// Whether a text is made of these pieces with an address between each and the next.
fn fits(text: &str, pieces: &[&str]) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    // Wherever what was read so far may end; a text of a stranger's must not make us try every combination.
    let mut ends: BTreeSet<usize> = text.starts_with(first).then_some(first.len()).into_iter().collect();
    for piece in rest {
        let starts: BTreeSet<_> = ends.iter().flat_map(|end| end + 1..=end + address_length(&text[*end..])).collect();
        ends = starts.into_iter().filter(|at| text[*at..].starts_with(piece)).map(|at| at + piece.len()).collect();
    }
    ends.contains(&text.len())
}

/// How much of the beginning of a text may be an address.
fn address_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-.:/".contains(byte)).count()
}

/// The rewriter may change `http` into `https`.
fn without_scheme(text: &str) -> &str {
    text.strip_suffix("https://").or_else(|| text.strip_suffix("http://")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_the_copys_hosts_is_the_sources_only_where_nothing_else_differs() {
        let same = |old: &str, new: &str| differ_in_hosts(old, new, &["web-copy.up.railway.app", "copy.test"]);
        assert!(same("https://shop.test/feed", "https://web-copy.up.railway.app/feed"));
        assert!(same("http://shop.test:8080", "https://copy.test"));
        assert!(same("a=https://shop.test,b=//old.test/x", "a=https://copy.test,b=//copy.test/x"));
        assert!(!same("https://shop.test/feed", "https://copy.test/feeds"));
        assert!(!same("https://shop.test/?key=one", "https://copy.test/?key=two"));
        assert!(!same("one", "two") && !same("", "copy.test"));
    }
}
