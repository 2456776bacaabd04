//! Secrets, by what they look like and by what stands before them.

use super::tests::{around, left, nets, none, shapes_of};
use super::*;

#[test]
fn every_secret_of_the_rules_goes_and_its_kin_stays() {
    let mut wrong = Vec::new();
    for rule in &RULES.secrets {
        if rule.data && rule.holds.is_empty() {
            wrong.push(format!("{}: no text holds it", rule.of));
        }
        let is_hash = rule.kind == rules::SecretKind::Hash;
        let shape = if is_hash { Shape::PasswordHash } else { Shape::Secret };
        for text in rule.holds.iter().flat_map(|value| around(value)) {
            let found = shapes_of(&text, "");
            if !matches!(found.as_slice(), [(only, _)] if *only == shape) {
                wrong.push(format!("{}: {text}: {found:?}", rule.of));
            }
            wrong.extend(left(&text, "").map(|left| format!("{}: {text}: {left}", rule.of)));
        }
        let kin = rule.never.iter().map(|text| (text, shapes_of(text, ""))).filter(|(_, found)| !found.is_empty());
        wrong.extend(kin.map(|(text, found)| format!("{}: {text}: {found:?}", rule.of)));
    }
    none(&wrong);
}

#[test]
fn secrets_stand_behind_words_and_in_urls() {
    for (text, left) in [
        ("https://example.com/a?token=Invented0001&x=1", "https://example.com/a?token=&x=1"),
        ("api_key = \"Invented0000Invented0001\"", "api_key = \"\""),
        ("Secret: Invented0000Invented0001.", "Secret: ."),
        ("\"client_secret\":\"Invented0000Invented0001\"", "\"client_secret\":\"\""),
        ("Your password: invented1!", "Your password: "),
        ("Passwort=Invented7", "Passwort="),
        ("https://shop:Invented1@example.com/x", "https://example.com/x"),
        ("redis://:Invented1@203.0.113.9:6379", "redis://"),
        ("https://00000000000000000000000000000abc@o1.ingest.sentry.io/2", "https://o1.ingest.sentry.io/2"),
    ] {
        let new = masked(&nets(""), text, &FieldPath::named("")).unwrap();
        assert!(new.starts_with(left), "{text}: {new}");
    }
    for text in [
        "password: required",
        "token: string",
        "key=value",
        "sort_key=menu_order",
        "the keyboard",
        "pass=1",
        "?key=1",
        "bypass=abc123de",
    ] {
        assert_eq!(shapes_of(text, ""), [], "{text}");
    }
}
