//! An environment's variables as they are written, and what their references lead to, without asking Railway.

use std::collections::BTreeMap;

use crate::contract::ids::ServiceId;
use crate::contract::record;
use crate::railway::Environment;

/// Whose a variable is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// All services'.
    Shared,
    Service(ServiceId),
}

/// A variable of an environment.
pub(crate) type Place = (Owner, String);

/// References may lead to references; a circle ends here.
const DEEPEST: usize = 12;

/// The variables of an environment that are not sealed, by whose they are and their names.
#[derive(Clone, Default)]
pub(crate) struct Written {
    values: BTreeMap<Place, String>,
    services: BTreeMap<String, ServiceId>,
}

/// A piece of a value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// What stands between `${{` and `}}`.
    Reference(&'a str),
}

impl Written {
    /// All that an environment's services and the environment itself have, but for our record.
    pub(crate) fn of(environment: &Environment) -> Self {
        let mut values = BTreeMap::new();
        let shared = environment.config.shared_variables.iter().filter(|(name, _)| *name != record::VARIABLE);
        for (name, value) in shared.filter_map(|(name, v)| Some((name, v.as_ref()?.value.as_ref()?))) {
            values.insert((Owner::Shared, name.clone()), value.clone());
        }
        for service in &environment.service_instances {
            for (name, value) in environment.variables(&service.service_id).filter(|(_, v)| !v.is_sealed()) {
                let Some(value) = &value.value else { continue };
                values.insert((Owner::Service(service.service_id.clone()), name.to_owned()), value.clone());
            }
        }
        let services = environment.service_instances.iter();
        let services = services.map(|s| (s.service_name.clone(), s.service_id.clone())).collect();
        Self { values, services }
    }

    pub(crate) fn value(&self, place: &Place) -> Option<&str> {
        self.values.get(place).map(String::as_str)
    }

    pub(crate) fn set(&mut self, place: Place, value: String) {
        self.values.insert(place, value);
    }

    pub(crate) fn remove(&mut self, place: &Place) {
        self.values.remove(place);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Place, &str)> {
        self.values.iter().map(|(place, value)| (place, value.as_str()))
    }

    /// The name of whoever has a variable, as policy and people call it.
    pub(crate) fn owner_name<'a>(&'a self, owner: &'a Owner) -> &'a str {
        match owner {
            Owner::Shared => "shared",
            Owner::Service(id) => {
                self.services.iter().find(|(_, of)| *of == id).map_or(id.as_ref(), |(name, _)| name.as_str())
            }
        }
    }

    /// The variables of a service by name, with their references resolved as far as they lead somewhere here.
    pub(crate) fn of_service(&self, id: &ServiceId) -> BTreeMap<String, String> {
        let owner = Owner::Service(id.clone());
        let own = self.values.iter().filter(|((of, _), _)| *of == owner);
        own.map(|((_, name), value)| (name.clone(), self.rendered(&owner, value))).collect()
    }

    /// Whether the value of a service's variable is written out, without any reference.
    pub(crate) fn is_literal(&self, id: &ServiceId, name: &str) -> bool {
        let value = self.value(&(Owner::Service(id.clone()), name.to_owned()));
        value.is_some_and(|value| !value.contains("${{"))
    }

    /// What a reference within a variable of `owner` leads to.
    pub(crate) fn target(&self, owner: &Owner, reference: &str) -> Option<Place> {
        let place = match reference.trim().rsplit_once('.') {
            Some(("shared", name)) => (Owner::Shared, name.to_owned()),
            Some((service, name)) => {
                (Owner::Service(self.services.get(service.trim_matches('"'))?.clone()), name.to_owned())
            }
            None => (owner.clone(), reference.trim().to_owned()),
        };
        self.values.contains_key(&place).then_some(place)
    }

    /// Where a variable's value stands in the end, when it is nothing but a reference to another.
    pub(crate) fn origin(&self, place: &Place) -> Option<Place> {
        let mut at = place.clone();
        for _ in 0..DEEPEST {
            let [Piece::Reference(reference)] = pieces(self.value(&at)?)[..] else { return Some(at) };
            at = self.target(&at.0, reference)?;
        }
        None
    }

    /// A text of a variable of `owner` with its references resolved; one that leads nowhere here, such as to a variable that Railway itself
    /// provides, stays as it is.
    pub(crate) fn rendered(&self, owner: &Owner, text: &str) -> String {
        self.rendered_at(owner, text, 0)
    }

    fn rendered_at(&self, owner: &Owner, text: &str, depth: usize) -> String {
        let resolve = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Reference(reference) => match self.target(owner, reference).filter(|_| depth < DEEPEST) {
                Some(place) => self.rendered_at(&place.0, self.value(&place).unwrap_or_default(), depth + 1),
                None => format!("${{{{{reference}}}}}"),
            },
        };
        pieces(text).iter().map(resolve).collect()
    }
}

/// A value as it is written, taken apart into text and references.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${{") {
        let Some((reference, after)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        found.push(Piece::Reference(reference));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Variables as `service.NAME=value`; `shared` is nobody's service.
    pub(crate) fn written(lines: &[(&str, &str)]) -> Written {
        let mut written = Written::default();
        for (place, _) in lines {
            let service = place.split_once('.').unwrap().0;
            if service != "shared" {
                written.services.insert(service.to_owned(), ServiceId::from(service));
            }
        }
        for (at, value) in lines {
            written.set(place(at), (*value).to_owned());
        }
        written
    }

    pub(crate) fn place(at: &str) -> Place {
        let (service, name) = at.split_once('.').unwrap();
        let owner = if service == "shared" { Owner::Shared } else { Owner::Service(ServiceId::from(service)) };
        (owner, name.to_owned())
    }

    #[test]
    fn references_lead_through_services_and_shared_variables_and_circles_end() {
        let written = written(&[
            ("shared.PW", "s3cret"),
            ("Postgres.PASSWORD", "${{ shared.PW }}"),
            ("web.URL", "x://${{Postgres.PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}/${{NAME}}"),
            ("web.NAME", "n"),
            ("web.A", "${{B}}"),
            ("web.B", "${{A}}"),
        ]);
        let web = place("web.URL").0;
        assert_eq!(
            written.rendered(&web, written.value(&place("web.URL")).unwrap()),
            "x://s3cret@${{RAILWAY_PRIVATE_DOMAIN}}/n"
        );
        assert_eq!(written.origin(&place("Postgres.PASSWORD")), Some(place("shared.PW")));
        assert_eq!(written.origin(&place("web.A")), None);
        assert!(written.rendered(&web, "${{A}}").contains("${{"));
    }
}
