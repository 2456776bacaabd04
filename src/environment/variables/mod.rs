//! What becomes of a copy's variables, decided from what is written in the source: its databases' passwords and its secrets are its own.
//!
//! `changes` is all that differs in a copy, `written` the variables with their references, `passwords` the database servers', `settle` goes through all others, `secrets` judges one
//! by its name (`names`, `words`) and value (`urls`, `json`, `pem`), `shape`, `fresh` and `jwt` make what takes an old one's place, and
//! `addresses` are what the values name outside.

pub(crate) mod addresses;
pub(crate) mod changes;
mod credentials;
mod fresh;
mod json;
mod jwt;
mod names;
mod passwords;
mod pem;
mod secrets;
mod server_words;
mod settle;
mod shape;
mod urls;
mod words;
mod written;

use self::fresh::Fresh;
use self::names::Name;
use self::secrets::{Need, is_switch};
use self::settle::settle;
pub(crate) use self::written::{Owner, Piece, Place, Written, pieces};
use crate::contract::files_request::Buckets;
use crate::contract::ids::ServiceId;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::services;
use crate::railway::{Environment, Rendered, SharedChanges, VariableChanges};

/// What is done with one variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Treated {
    /// The service, or `shared`.
    pub service: String,
    pub name: String,
    pub treatment: Treatment,
}

/// What is done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// A database server's password, or what spells it out.
    Password,
    /// Gets something random of the same shape.
    Renewed,
    /// Gets its provider's word for off, or nothing.
    Off,
    /// Comes up empty: it names a bucket, of which the copy is to know none.
    NoBucket,
    /// Comes along, as the policy says.
    Granted,
    /// Comes along, as copied data may need it.
    Needed(Need),
}

/// What is set in a copy before any URL is known.
#[derive(Default)]
pub(crate) struct Plan {
    pub variables: VariableChanges,
    pub shared: SharedChanges,
    pub treated: Vec<Treated>,
    /// All variables as they will be.
    pub after: Written,
    /// Why the copy cannot be isolated.
    pub problems: Vec<String>,
    /// `service.NAME` of variables that still hold a database's old password.
    pub left: Vec<String>,
}

/// Plans for `copy`, of which `source` is the source; before there is a copy, the source is both.
///
/// What differs from the source is settled: an earlier try of the run has changed it. What the request sets is its own.
pub(crate) fn plan(policy: &Policy, source: &Environment, copy: &Environment, request: &CloneRequest) -> Plan {
    let before = Written::of(copy);
    let (of_source, mut written, mut fresh) = (Written::of(source), before.clone(), Fresh::default());
    let is_asked = |(owner, name): &Place| {
        let own = request.variables.get(of_source.owner_name(owner));
        let every = request.variables.get("*").filter(|_| *owner != Owner::Shared);
        own.into_iter().chain(every).any(|variables| variables.contains_key(name))
    };
    let is_settled = |place: &Place| before.value(place) != of_source.value(place);
    let servers: Vec<_> =
        copy.service_instances.iter().filter(|s| services::is_data_server(s)).map(|s| s.service_id.clone()).collect();
    let replaced = passwords::replace(&mut written, &servers, &is_settled, &mut fresh);
    let is_servers = |owner: &Owner| matches!(owner, Owner::Service(id) if servers.contains(id));
    let mut plan = Plan { problems: replaced.problems.clone(), ..Plan::default() };
    let open: Vec<Place> = written
        .iter()
        .map(|(place, _)| place.clone())
        .filter(|place| !(replaced.places.contains(place) || is_servers(&place.0) && Name::of(&place.1).is_user()))
        .filter(|place| !is_settled(place) && !is_asked(place))
        .collect();
    let mut treated = settle(policy, &mut written, &open, &mut fresh);
    if request.buckets == Buckets::Empty {
        let is_own = |value: &str| pieces(value).iter().any(|piece| matches!(piece, Piece::Reference(_)));
        for place in open.iter().filter(|place| Name::of(&place.1).says_bucket() && !is_servers(&place.0)) {
            if written.value(place).is_some_and(|value| !value.is_empty() && !is_own(value)) {
                written.set(place.clone(), String::new());
                treated.retain(|(of, _)| of != place);
                treated.push((place.clone(), Treatment::NoBucket));
            }
        }
    }
    treated.extend(replaced.places.iter().map(|place| (place.clone(), Treatment::Password)));
    for (place, value) in written.iter().filter(|(place, value)| before.value(place) != Some(*value)) {
        plan.set(place, value);
    }
    plan.after = written.clone();
    plan.left = replaced.left(&written).map(|place| told(&of_source, place)).collect();
    plan.problems.extend(sealed(source, &servers, &is_asked));
    let treated = treated.into_iter().map(|((owner, name), treatment)| Treated {
        service: of_source.owner_name(&owner).to_owned(),
        name,
        treatment,
    });
    plan.treated = treated.collect();
    plan
}

/// The variables of a service, and `shared.NAME` of those that all share, whose values in a copy are not the source's.
pub(crate) fn replaced(source: &Environment, copy: &Environment, service_id: &ServiceId) -> Vec<String> {
    let (before, now) = (Written::of(source), Written::of(copy));
    let differs = |(place, value): &(&Place, &str)| before.value(place).is_some_and(|old| old != *value);
    let own = Owner::Service(service_id.clone());
    let told = |(owner, name): &Place| match owner {
        Owner::Shared => Some(format!("shared.{name}")),
        Owner::Service(_) => (*owner == own).then(|| name.clone()),
    };
    now.iter().filter(differs).filter_map(|(place, _)| told(place)).collect()
}

/// The variables by which a service's passwords are set, of those that Railway has rendered for source and copy, that are the same in both: a
/// copy with one of them holds production's login.
pub(crate) fn inherited_passwords(source: &Rendered, copy: &Rendered) -> Vec<String> {
    let is_same = |(name, value): &(&String, &Option<String>)| {
        let is_password = Name::of(name).says_password() && Name::of(name).is_login();
        let value = value.as_deref().unwrap_or_default();
        is_password
            && !value.is_empty()
            && !is_switch(value)
            && copy.get(*name).and_then(Option::as_deref) == Some(value)
    };
    source.iter().filter(is_same).map(|(name, _)| name.clone()).collect()
}

fn told(written: &Written, (owner, name): &Place) -> String {
    format!("{}.{name}", written.owner_name(owner))
}

/// Passwords of servers that are sealed: Railway does not copy them, so a server would start without one.
fn sealed(source: &Environment, servers: &[ServiceId], is_asked: &dyn Fn(&Place) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for service in source.service_instances.iter().filter(|s| servers.contains(&s.service_id)) {
        for (name, _) in source.variables(&service.service_id).filter(|(_, v)| v.is_sealed()) {
            let place = (Owner::Service(service.service_id.clone()), name.to_owned());
            if Name::of(name).says_password() && !is_asked(&place) {
                let at = &service.service_name;
                problems.push(format!("`{name}` of service `{at}` is sealed, so Railway does not copy it; unseal it"));
            }
        }
    }
    problems
}

impl Plan {
    fn set(&mut self, (owner, name): &Place, value: &str) {
        match owner {
            Owner::Shared => drop(self.shared.insert(name.clone(), Some(value.to_owned()))),
            Owner::Service(id) => {
                self.variables.entry(id.clone()).or_default().insert(name.clone(), Some(value.to_owned()));
            }
        }
    }
}

impl Treatment {
    /// What is done, for people; of what the policy grants, nothing is to be said.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Password => "gets the copy's own database password",
            Self::Renewed => "gets a random value of the same shape",
            Self::Off => "is switched off",
            Self::NoBucket => "comes up empty, as `buckets` of the request says",
            Self::Granted => "comes along, as the policy's `inherit_secrets` says",
            Self::Needed(Need::Decrypts) => {
                "comes along, since stored data may be encrypted with it; `!SERVICE.NAME` in the policy's `inherit_secrets` replaces it"
            }
            Self::Needed(Need::KeyPair) => {
                "comes along, as half of a pair of keys; `!SERVICE.NAME` in the policy's `inherit_secrets` replaces it"
            }
        }
    }
}
