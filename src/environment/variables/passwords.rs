//! The passwords of a copy's database servers: each gets one of its own, and so does whatever spells out the old one.

use std::collections::{BTreeMap, BTreeSet};

use super::credentials::with_passwords;
use super::fresh::{Fresh, decoded, is_telling};
use super::names::Name;
use super::secrets::is_switch;
use super::written::{Owner, Place, Written};
use crate::contract::ids::ServiceId;

/// What a copy's servers were given.
#[derive(Default)]
pub(super) struct Replaced {
    /// New passwords by the old ones, as they are rendered.
    passwords: BTreeMap<String, String>,
    /// Variables that hold them now.
    pub(super) places: BTreeSet<Place>,
    /// What cannot be replaced.
    pub(super) problems: Vec<String>,
}

/// Replaces the passwords of `servers` and whatever spells them out: the whole value of a variable whose name says password, and the
/// passwords of URLs and connection strings. Users, databases and paths are never touched.
///
/// The volumes are empty before the first deploy, so new passwords cost nothing. What `is_settled` was given another value before.
pub(super) fn replace(
    written: &mut Written,
    servers: &[ServiceId],
    is_settled: &dyn Fn(&Place) -> bool,
    fresh: &mut Fresh,
) -> Replaced {
    let mut replaced = Replaced::default();
    for server in servers {
        for place in own_passwords(written, server) {
            replaced.give(written, &place, is_settled, fresh);
        }
        replaced.refuse_hashes(written, server);
    }
    replaced.follow(written, is_settled);
    replaced
}

/// The variables of a server that say what its passwords are.
pub(super) fn own_passwords(written: &Written, server: &ServiceId) -> Vec<Place> {
    let own = written.iter().filter(|((owner, name), value)| {
        *owner == Owner::Service(server.clone()) && Name::of(name).says_password() && !value.trim().is_empty()
    });
    own.map(|(place, _)| place.clone()).filter(|(_, name)| Name::of(name).is_login()).collect()
}

impl Replaced {
    fn give(&mut self, written: &mut Written, place: &Place, is_settled: &dyn Fn(&Place) -> bool, fresh: &mut Fresh) {
        let named = |written: &Written| format!("`{}` of service `{}`", place.1, written.owner_name(&place.0));
        let Some(origin) = written.origin(place) else {
            self.problems.push(format!("{} refers to what is not there, so it cannot be replaced", named(written)));
            return;
        };
        if self.places.contains(&origin) || is_settled(&origin) {
            return;
        }
        let old = written.rendered(&origin.0, written.value(&origin).unwrap_or_default());
        if is_switch(&old) {
            return;
        }
        if old.contains("${{") {
            self.problems.push(format!("{} refers to what is not there, so it cannot be replaced", named(written)));
            return;
        }
        let new = fresh.database_password(&old);
        written.set(origin.clone(), new.clone());
        self.places.insert(origin);
        self.passwords.insert(old, new);
    }

    /// A server that is told the hash of a password would let production's in, and no other password belongs to it.
    fn refuse_hashes(&mut self, written: &Written, server: &ServiceId) {
        let is_hash = |((owner, name), value): &(&Place, &str)| {
            *owner == Owner::Service(server.clone()) && name.ends_with("_PASSWORD_HASH") && !value.trim().is_empty()
        };
        self.problems.extend(written.iter().filter(is_hash).map(|((owner, name), _)| {
            let (server, plain) = (written.owner_name(owner), name.trim_end_matches("_HASH"));
            format!(
                "`{name}` of service `{server}` is the hash of a password, so it cannot be replaced: give it `{plain}`"
            )
        }));
    }

    /// Gives the new passwords to whatever spells out the old ones.
    fn follow(&mut self, written: &mut Written, is_settled: &dyn Fn(&Place) -> bool) {
        let all: Vec<Place> = written.iter().map(|(place, _)| place.clone()).collect();
        for place in all {
            if self.places.contains(&place) || is_settled(&place) {
                continue;
            }
            let text = written.value(&place).unwrap_or_default();
            let rendered = written.rendered(&place.0, text);
            let new = match self.passwords.get(&rendered) {
                Some(new) if Name::of(&place.1).says_password() => Some(new.clone()),
                _ => with_passwords(text, |_, password| self.instead_of(&written.rendered(&place.0, password))),
            };
            if let Some(new) = new {
                written.set(place.clone(), new);
                self.places.insert(place);
            }
        }
    }

    fn instead_of(&self, spelled: &str) -> Option<String> {
        let spellings = [spelled.to_owned(), decoded(spelled), decoded(&spelled.replace('+', " "))];
        spellings.iter().find_map(|spelling| self.passwords.get(spelling)).cloned()
    }

    /// Where an old password stands still, though it is long enough not to stand there by chance.
    pub(super) fn left<'a>(&'a self, written: &'a Written) -> impl Iterator<Item = &'a Place> {
        let old: Vec<_> = self.passwords.keys().filter(|old| is_telling(old)).collect();
        let holds = move |(place, text): &(&Place, &str)| {
            let rendered = written.rendered(&place.0, text);
            old.iter().any(|old| rendered.contains(old.as_str()))
        };
        written.iter().filter(holds).map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::variables::written::tests::{place, written};

    fn replaced(lines: &[(&str, &str)]) -> (Written, Replaced) {
        let mut written = written(lines);
        let replaced = replace(&mut written, &[ServiceId::from("Postgres")], &|_| false, &mut Fresh::default());
        (written, replaced)
    }

    fn rendered(written: &Written, at: &str) -> String {
        let place = place(at);
        written.rendered(&place.0, written.value(&place).unwrap())
    }

    #[test]
    fn a_password_is_replaced_wherever_it_is_one_and_nowhere_else() {
        let (new, replaced) = replaced(&[
            ("Postgres.POSTGRES_PASSWORD", "postgres"),
            ("Postgres.POSTGRES_USER", "postgres"),
            ("Postgres.PGDATA", "/var/lib/postgres/data"),
            ("Postgres.PGPASSWORD", "${{POSTGRES_PASSWORD}}"),
            ("Postgres.DATABASE_URL", "postgres://${{POSTGRES_USER}}:${{POSTGRES_PASSWORD}}@h/postgres"),
            ("web.DATABASE_URL", "postgresql://postgres:postgres@postgres.railway.internal/postgres"),
            ("web.DB_PASS", "postgres"),
            ("web.DB_NAME", "postgres"),
            ("shared.DB_PASSWORD", "postgres"),
            ("Postgres.ALLOW_EMPTY_PASSWORD", "no"),
        ]);
        assert_eq!(rendered(&new, "Postgres.ALLOW_EMPTY_PASSWORD"), "no");
        let password = rendered(&new, "Postgres.POSTGRES_PASSWORD");
        assert_eq!(password.len(), DATABASE_PASSWORD_LEN);
        for at in ["Postgres.PGPASSWORD", "web.DB_PASS", "shared.DB_PASSWORD"] {
            assert_eq!(rendered(&new, at), password, "{at}");
        }
        assert_eq!(rendered(&new, "Postgres.DATABASE_URL"), format!("postgres://postgres:{password}@h/postgres"));
        let url = rendered(&new, "web.DATABASE_URL");
        assert_eq!(url, format!("postgresql://postgres:{password}@postgres.railway.internal/postgres"));
        for (at, value) in [
            ("Postgres.POSTGRES_USER", "postgres"),
            ("Postgres.PGDATA", "/var/lib/postgres/data"),
            ("web.DB_NAME", "postgres"),
        ] {
            assert_eq!(rendered(&new, at), value, "{at}");
        }
        assert!(replaced.problems.is_empty() && replaced.left(&new).next().is_none());
    }

    const DATABASE_PASSWORD_LEN: usize = 32;

    #[test]
    fn a_password_by_reference_composed_and_in_every_encoding_is_replaced() {
        let (new, replaced) = replaced(&[
            ("shared.A", "p/w "),
            ("shared.B", "seen-and-known"),
            ("shared.DB", "${{A}}${{B}}"),
            ("Postgres.POSTGRES_PASSWORD", "${{shared.DB}}"),
            ("web.URL", "postgres://u:p%2Fw%20seen-and-known@db/x"),
            ("web.LOWER", "postgres://u:p%2fw+seen-and-known@db/x"),
            ("web.DSN", "host=db user=u password='p/w seen-and-known'"),
            ("web.PARTS", "postgres://u:${{shared.A}}${{shared.B}}@db/x"),
            ("web.NOTE", "it is p/w seen-and-known"),
        ]);
        let password = rendered(&new, "Postgres.POSTGRES_PASSWORD");
        for at in ["web.URL", "web.LOWER", "web.DSN", "web.PARTS"] {
            assert!(rendered(&new, at).contains(&password), "{at}");
        }
        assert_eq!(replaced.left(&new).collect::<Vec<_>>(), [&place("web.NOTE")]);
    }

    #[test]
    fn a_password_that_refers_to_nothing_is_told() {
        let (_, replaced) = replaced(&[("Postgres.POSTGRES_PASSWORD", "${{Vault.PASSWORD}}")]);
        assert!(replaced.problems[0].contains("`POSTGRES_PASSWORD` of service `Postgres`"), "{:?}", replaced.problems);
    }
}
