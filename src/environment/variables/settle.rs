//! Decides about every variable that is no database's password, and writes what takes a secret's place.

use std::collections::{BTreeMap, BTreeSet};

use super::Treatment;
use super::credentials::with_passwords;
use super::fresh::{Fresh, is_telling};
use super::jwt;
use super::names::Name;
use super::secrets::{Beside, Verdict, is_setting, judge};
use super::written::{Place, Written};
use crate::contract::policy::Policy;

/// What is done with each of `open` that holds a secret.
pub(super) fn settle(
    policy: &Policy,
    written: &mut Written,
    open: &[Place],
    fresh: &mut Fresh,
) -> Vec<(Place, Treatment)> {
    let before = written.clone();
    let mut verdicts = BTreeMap::new();
    let mut kept = shown(written);
    let mut treated = Vec::new();
    let asked_by = logins_by_reference(written);
    for place in open {
        let text = written.value(place).unwrap_or_default();
        let verdict = verdict(written, place, &asked_by, fresh);
        let service = written.owner_name(&place.0);
        let treatment = match &verdict {
            Verdict::Plain => continue,
            _ if policy.inherits(service, &place.1) => Treatment::Granted,
            Verdict::Kept(need) if !policy.keeps_back(service, &place.1) => Treatment::Needed(*need),
            Verdict::Kept(_) | Verdict::Renewed(_) => Treatment::Renewed,
            Verdict::Off(_) => Treatment::Off,
        };
        if matches!(treatment, Treatment::Granted | Treatment::Needed(_)) {
            kept.insert(text.to_owned());
            treated.push((place.clone(), treatment));
        } else {
            verdicts.insert(place.clone(), (verdict, treatment));
        }
    }
    for (place, (verdict, treatment)) in verdicts {
        let text = written.value(&place).unwrap_or_default().to_owned();
        // What is in the copy anyway may as well agree there.
        if kept.contains(&text) {
            continue;
        }
        let new = match verdict {
            Verdict::Renewed(new) | Verdict::Off(new) => new,
            Verdict::Kept(_) | Verdict::Plain => fresh.instead_of(&text),
        };
        written.set(place.clone(), new);
        treated.push((place, treatment));
    }
    for place in open {
        let is_done = treated.iter().any(|(done, _)| done == place);
        let text = written.value(place).filter(|text| !is_done && !kept.contains(*text));
        if let Some(new) = text.and_then(|text| follows(&place.1, text, fresh)) {
            written.set(place.clone(), new);
            treated.push((place.clone(), Treatment::Renewed));
        }
    }
    for (place, _) in &treated {
        let old = before.value(place).filter(|old| old.starts_with("eyJ") && written.value(place) != Some(*old));
        let signed = |old: &str| fresh.all().find_map(|(secret, new)| jwt::signed_anew(old, secret, new));
        if let Some(new) = old.and_then(signed) {
            written.set(place.clone(), new);
        }
    }
    treated
}

fn verdict(written: &Written, place: &Place, asked_by: &BTreeMap<Place, String>, fresh: &mut Fresh) -> Verdict {
    let text = written.value(place).unwrap_or_default();
    let own = || written.iter().filter(|((owner, _), _)| *owner == place.0);
    let has = |other: &str| own().any(|((_, name), _)| name.eq_ignore_ascii_case(other));
    let is_account = |text: &str| text.contains(".gserviceaccount.com") && !text.contains('{');
    let account = own().find(|(_, text)| is_account(&written.rendered(&place.0, text)));
    let beside = Beside { has: &has, account: account.map(|((_, name), _)| name.as_str()) };
    match judge(&Name::of(&place.1), text, &beside, fresh) {
        // What somebody logs in with is a secret where it stands, too.
        Verdict::Plain => match asked_by.get(place) {
            Some(name) => judge(&Name::of(name), text, &beside, fresh),
            None => Verdict::Plain,
        },
        verdict => verdict,
    }
}

/// Variables of plain names that somebody logs in with under another, by reference.
fn logins_by_reference(written: &Written) -> BTreeMap<Place, String> {
    let logins = written.iter().map(|(place, _)| place).filter(|(_, name)| Name::of(name).is_login());
    logins
        .filter_map(|place| Some((written.origin(place)?, place.1.clone())))
        .filter(|(origin, name)| origin.1 != *name && !Name::of(&origin.1).is_user())
        .collect()
}

/// Values that every visitor of an app is shown: they are no secret elsewhere either.
fn shown(written: &Written) -> BTreeSet<String> {
    let is_shown = |((_, name), text): &(&Place, &str)| {
        let name = Name::of(name);
        name.is_shown() && !name.is_login() && is_telling(text) && !crate::masking::live_keys::is_secret(text)
    };
    written.iter().filter(is_shown).map(|(_, text)| text.to_owned()).collect()
}

/// A text that holds nothing but what was renewed elsewhere, or has it for a password.
fn follows(name: &str, text: &str, fresh: &Fresh) -> Option<String> {
    // Whose user is the key of its clients.
    let is_key = Name::of(name).has_one_of(&["MINIO"]) && !is_setting(text);
    let equal = if is_key { fresh.exactly(text) } else { fresh.known_for(text) };
    equal.map(str::to_owned).or_else(|| with_passwords(text, |_, password| fresh.known_password(password)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::variables::written::tests::{place, written};

    /// The variables after everything of theirs is settled.
    fn settled(lines: &[(&str, &str)]) -> impl Fn(&str) -> String + use<> {
        let mut written = written(lines);
        let open: Vec<_> = written.iter().map(|(place, _)| place.clone()).collect();
        settle(&Policy::default(), &mut written, &open, &mut Fresh::default());
        move |at: &str| written.value(&place(at)).unwrap().to_owned()
    }

    #[test]
    fn what_spells_out_a_renewed_password_follows_it() {
        let url = "http://elastic:hunter2@elasticsearch.railway.internal:9200";
        let new =
            settled(&[("Elasticsearch.ELASTIC_PASSWORD", "hunter2"), ("web.SEARCH", url), ("web.NOTE", "hunter2")]);
        let password = new("Elasticsearch.ELASTIC_PASSWORD");
        assert_ne!(password, "hunter2");
        assert_eq!(new("web.SEARCH"), url.replace("hunter2", &password));
        assert_eq!(new("web.NOTE"), "hunter2");
    }

    #[test]
    fn a_minios_user_is_the_key_of_its_clients() {
        let new =
            settled(&[("minio.MINIO_ROOT_USER", "Admin1"), ("web.S3_ACCESS_KEY", "Admin1"), ("web.LABEL", "Admin1")]);
        assert_ne!(new("web.S3_ACCESS_KEY"), "Admin1");
        assert_eq!(new("minio.MINIO_ROOT_USER"), new("web.S3_ACCESS_KEY"));
        assert_eq!(new("web.LABEL"), "Admin1");
    }

    #[test]
    fn a_token_that_a_renewed_secret_has_signed_is_signed_by_the_new_one() {
        let signed = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9";
        let token = jwt::signed_anew_for_tests(signed, "super-secret");
        let new = settled(&[("auth.JWT_SECRET", "super-secret"), ("web.ANON_KEY", &token), ("kong.KEY", &token)]);
        assert_ne!(new("web.ANON_KEY"), token);
        assert_eq!(new("web.ANON_KEY"), jwt::signed_anew_for_tests(signed, &new("auth.JWT_SECRET")));
        assert_eq!(new("kong.KEY"), new("web.ANON_KEY"));
    }

    #[test]
    fn what_every_visitor_is_shown_is_no_secret_elsewhere() {
        let new =
            settled(&[("web.NEXT_PUBLIC_MAPS", "c4n4ryXq7Lm2Rz8TvB1k"), ("web.MAPS_KEY", "c4n4ryXq7Lm2Rz8TvB1k")]);
        assert_eq!(new("web.MAPS_KEY"), "c4n4ryXq7Lm2Rz8TvB1k");
    }

    #[test]
    fn what_somebody_logs_in_with_by_reference_is_a_secret_where_it_stands() {
        let new = settled(&[("shared.COMMON", "changeme"), ("web.JWT_SECRET", "${{shared.COMMON}}")]);
        assert_ne!(new("shared.COMMON"), "changeme");
        let new = settled(&[("shared.P", "x"), ("web.JWT_SECRET", "${{shared.P}}-hunter2")]);
        assert!(new("web.JWT_SECRET").starts_with("${{shared.P}}-") && !new("web.JWT_SECRET").contains("hunter2"));
    }

    #[test]
    fn a_service_accounts_key_in_two_variables_does_not_come_along() {
        let pem = "-----BEGIN PRIVATE KEY-----\\nc4n4ry\\n-----END PRIVATE KEY-----\\n";
        let new = settled(&[
            ("web.GSA_PRIVATE_KEY", pem),
            ("web.GSA_CLIENT_EMAIL", "me@shop.iam.gserviceaccount.com"),
            ("web.JWT_PRIVATE_KEY", pem.replace("c4n4ry", "jwt").as_str()),
        ]);
        let key = new("web.GSA_PRIVATE_KEY");
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\\nMII") && !key.contains("c4n4ry"), "{key}");
        assert!(new("web.JWT_PRIVATE_KEY").contains("jwt"));
    }
}
