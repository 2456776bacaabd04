use data_encoding::{BASE64, HEXLOWER};

use super::*;
use crate::formats::{FieldPath, php};
use crate::masking::key::Key;
use crate::masking::nets::Nets;
use crate::masking::strangers;
use crate::rewriting::{Rewriter, UrlPair};

fn personal(value: &str) -> Option<String> {
    ValueMasker::personal(&Nets::new(Key::of_test()))
        .masked(value.as_bytes(), "meta")
        .map(|new| String::from_utf8(new).unwrap())
}

fn settings(name: &str, value: &str) -> Option<String> {
    ValueMasker::settings(&Nets::new(Key::of_test()))
        .masked(value.as_bytes(), name)
        .map(|new| String::from_utf8(new).unwrap())
}

/// A text as PHP serializes it.
fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

#[test]
fn lengths_are_those_of_the_new_texts() {
    let key = Key::of_test();
    let (name, email) = (strangers::name(&key, "Zoë"), strangers::email(&key, "zoe@example.com"));
    let value = format!(
        "a:2:{{{}a:2:{{{}{}{}{}}}{}i:5;}}",
        s("billing"),
        s("first_name"),
        s("Zoë"),
        s("email"),
        s("zoe@example.com"),
        s("größe")
    );
    let expected = value.replace(&s("Zoë"), &s(&name)).replace(&s("zoe@example.com"), &s(&email));
    assert_eq!(personal(&value).unwrap(), expected);
}

#[test]
fn structures_within_structures_are_read() {
    let key = Key::of_test();
    let email = strangers::email(&key, "zoe@example.com");
    let with = |email: &str| {
        let json = format!(r#"{{"a": [1, {{"customer_email":"{email}"}}], "b": "gr\u00fcn \/ ok"}}"#);
        let inner = format!("a:1:{{{}{}}}", s("json"), s(&json));
        format!("O:8:\"stdClass\":1:{{{}{}}}", s("inner"), s(&inner))
    };
    assert_eq!(personal(&with("zoe@example.com")).unwrap(), with(&email));
    let custom = |email: &str| {
        let body = s(email);
        format!("C:3:\"Foo\":{}:{{{body}}}", body.len())
    };
    assert_eq!(personal(&custom("zoe@example.com")).unwrap(), custom(&email));
    let in_json = |email: &str| serde_json::to_string(&s(email)).unwrap();
    assert_eq!(personal(&in_json("zoe@example.com")).unwrap(), in_json(&email));
}

#[test]
fn what_is_not_personal_stays_byte_for_byte() {
    for value in [
        "a:1:{s:5:\"title\";s:4:\"Oslo\";}",
        r#"{ "title" : "Gro\u00dfe Auswahl" , "n": 1.50e3 }"#,
        "a:0:{}",
        "N;",
        "b:1;",
        "E:9:\"Suit:Club\";",
        "just text",
        "",
        "a:9999999999999999999:{",
        "s:99:\"cut",
        "{\"a\":",
    ] {
        assert_eq!(personal(value), None, "{value}");
    }
}

#[test]
fn data_that_is_cut_off_is_masked_as_text() {
    let value = "O:3:\"Foo\":3:{s:1:\"u\";s:15:\"zoe@example.com\";s:4:\"";
    let masked = personal(value).unwrap();
    assert!(!masked.contains("zoe@") && masked.contains("@example.invalid"), "{masked}");
}

#[test]
fn what_stands_in_base64_or_hexadecimal_is_read() {
    let email = strangers::email(&Key::of_test(), "zoe@example.com");
    let with = |email: &str| {
        let json = BASE64.encode(format!(r#"{{"email":"{email}","n":1}}"#).as_bytes());
        let hex = HEXLOWER.encode(format!("mail {email}").as_bytes());
        let raw = format!("[raw]{}[/raw]", BASE64.encode(format!("<p>{email}</p>").as_bytes()));
        format!("a:3:{{{}{}{}{}{}{}}}", s("a"), s(&json), s("b"), s(&hex), s("c"), s(&raw))
    };
    assert_eq!(personal(&with("zoe@example.com")).unwrap(), with(&email));
    assert_eq!(personal(&with("nobody")), None);
}

#[test]
fn payment_settings_lose_their_keys_and_go_into_test_mode() {
    let with = |test: &str, public: &str, secret: &str| {
        format!(
            "a:4:{{{}{}{}{}{}{}{}{}}}",
            s("enabled"),
            s("yes"),
            s("testmode"),
            s(test),
            s("publishable_key"),
            s(public),
            s("secret_key"),
            s(secret)
        )
    };
    let masked = settings("woocommerce_stripe_settings", &with("no", "pk_live_Canary", "sk_live_Canary")).unwrap();
    assert_eq!(masked, with("yes", "", ""));
    assert_eq!(settings("woocommerce_stripe_settings", &with("yes", "", "")), None);
}

#[test]
fn secrets_of_settings_are_known_by_their_names_or_looks() {
    assert_eq!(settings("mailgun_api_key", "key-123456").unwrap(), "");
    assert_eq!(settings("registration_generate_password", "yes"), None);
    assert_eq!(settings("notes", "use sk_live_abc123, then whsec_x.").unwrap(), "use , then .");
    assert_eq!(settings("tokens", r#"{"live":"abcdef","n":12}"#).unwrap(), r#"{"live":"","n":0}"#);
}

#[test]
fn labels_of_settings_stay() {
    assert_eq!(settings("checkout", "a:1:{s:10:\"first_name\";s:7:\"Vorname\";}"), None);
    let masked = settings("mailer", "a:1:{s:4:\"from\";s:15:\"zoe@example.com\";}").unwrap();
    assert!(masked.starts_with("a:1:{s:4:\"from\";s:37:\"user-"), "{masked}");
}

#[test]
fn hostile_depth_is_no_danger() {
    let deep = format!("{}{}", "a:1:{i:0;".repeat(100_000), "}".repeat(100_000));
    assert_eq!(personal(&deep), None);
    let json = "[".repeat(100_000);
    assert_eq!(personal(&json), None);
}

/// Serialized data with one thing wrong in it, and a URL that is rewritten.
const BROKEN: &[&str] = &[
    // A count that is too small, too large, none, or written as PHP never does.
    r#"a:1:{i:0;s:9:"https://shop.test";}"#,
    r#"a:1:{i:0;s:18:"https://shop.test";}"#,
    r#"a:1:{i:0;s:99999999999999999999:"https://shop.test";}"#,
    r#"a:1:{i:0;s:+17:"https://shop.test";}"#,
    r#"a:1:{i:0;s::"https://shop.test";}"#,
    // Fewer or more members than counted.
    r#"a:2:{i:0;s:17:"https://shop.test";}"#,
    r#"a:1:{i:0;s:17:"https://shop.test";i:1;N;}"#,
    r#"O:3:"Foo":2:{s:1:"u";s:17:"https://shop.test";}"#,
    // Cut off, or with something after its end.
    r#"O:3:"Foo":2:{s:1:"u";s:17:"https://shop.test";s:4:""#,
    r#"a:1:{i:0;s:17:"https://shop.test";"#,
    r#"a:1:{i:0;s:17:"https://shop.test";}}"#,
    r#"s:17:"https://shop.test"; and more"#,
    // Heads of objects, enums and custom payloads.
    r#"a:1:{i:0;O:3:"Foo";1:{s:1:"u";s:17:"https://shop.test";}}"#,
    r#"a:2:{i:0;E:9:"Suit:Club":i:1;s:17:"https://shop.test";}"#,
    r#"C:3:"Foo":9:{s:17:"https://shop.test";}"#,
    r#"C:3:"Foo";25:{s:17:"https://shop.test";}"#,
    // Escapes that are none, and quotes that are escaped where nothing around is.
    r#"a:1:{i:0;S:19:"https://shop.test\/x";}"#,
    r#"a:1:{i:0;s:17:\"https://shop.test\";}"#,
    r#"a:1:{f:0;s:17:"https://shop.test";}"#,
];

const SOUND: &[&str] = &[
    r#"a:2:{i:0;s:17:"https://shop.test";s:1:"b";b:1;}"#,
    r#"O:3:"Foo":2:{s:1:"u";s:17:"https://shop.test";i:-4;d:0.1;} "#,
    r#"C:3:"Foo":25:{s:17:"https://shop.test";}"#,
    r#"a:2:{i:0;E:9:"Suit:Club";i:1;S:18:"https://shop.test\2f";}"#,
    r#"s:17:"https://shop.test";"#,
];

#[test]
fn what_is_broken_for_masking_is_broken_for_rewriting() {
    let rewriter = Rewriter::new(&[UrlPair::parse("https://shop.test", "https://copy.test").unwrap()]);
    let nets = Nets::new(Key::of_test());
    for (values, is_sound) in [(BROKEN, false), (SOUND, true)] {
        for value in values {
            let read = php::edited(value.as_bytes(), &FieldPath::named("x"), &ValueMasker::personal(&nets), 0);
            assert_eq!(read.is_ok(), is_sound, "{value}");
            let rewritten = rewriter.rewrite(value.as_bytes()).unwrap();
            assert_eq!(rewritten.malformed, !is_sound, "{value}");
            // So it is within another value.
            let rewritten = rewriter.rewrite(s(value).as_bytes()).unwrap();
            assert_eq!(rewritten.malformed, !is_sound, "{value} in a string");
        }
    }
}

#[test]
fn escaped_bytes_of_a_string_are_masked_too() {
    let email = strangers::email(&Key::of_test(), "zoe@example.com");
    assert_eq!(
        personal(r#"a:1:{S:5:"em\61il";S:15:"zoe\40example.com";}"#).unwrap(),
        format!(r#"a:1:{{S:5:"em\61il";{}}}"#, s(&email))
    );
}

#[test]
fn json_is_read_to_its_end() {
    let rest = [
        ("1.5e+3", true),
        ("null", true),
        ("\"a\nb\"", true),
        ("\"a\n\\u00e9\"", true),
        ("-0.1", true),
        ("01", false),
        ("1.", false),
        ("-", false),
        ("1.2.3", false),
        ("+1", false),
        ("1e", false),
        ("NaN", false),
        ("undefined", false),
        ("'a'", false),
        ("\"\\ud800\"", false),
        ("\"\\q\"", false),
        ("1,", false),
        ("1\u{c}", false),
    ];
    for (rest, is_sound) in rest {
        let value = format!(r#"{{"first_name":"Zoë","d":"shop.test","x":{rest}}}"#);
        assert_eq!(personal(&value).is_some(), is_sound, "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_fall(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let nets = Nets::new(Key::of_test());
        let _ = ValueMasker::personal(&nets).masked(&value, "email");
        let _ = ValueMasker::settings(&nets).masked(&value, "testmode");
    }

    #[test]
    fn any_array_keeps_right_lengths(texts in proptest::collection::vec(proptest::prelude::any::<String>(), 0..8)) {
        let fields = ["billing_email", "first_name", "x", "secret_key", "ip"];
        let members: String = texts.iter().enumerate().map(|(i, text)| s(fields[i % 5]) + &s(text)).collect();
        let value = format!("a:{}:{{{members}}}", texts.len());
        let new = personal(&value).unwrap_or(value);
        // A second walk reads it to its end, or else it would be taken for text.
        let path = FieldPath::named("x");
        let nets = Nets::new(Key::of_test());
        proptest::prop_assert!(php::edited(new.as_bytes(), &path, &ValueMasker::personal(&nets), 0).is_ok(), "{new}");
    }
}
