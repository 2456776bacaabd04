use proptest::prelude::*;

use super::*;

fn rewriter() -> Rewriter {
    let pairs = ["https://shop.example.com=https://staging-42.up.railway.app", "https://example.com=https://new.test"];
    Rewriter::new(&pairs.map(|pair| pair.parse().unwrap())).unwrap()
}

fn rewritten(value: &str) -> String {
    rewriter().rewrite(value.as_bytes()).map_or_else(|| value.to_owned(), |r| String::from_utf8(r.bytes).unwrap())
}

fn php(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

#[test]
fn every_spelling_of_a_url_is_found() {
    for (old, new) in [
        ("https://shop.example.com/a", "https://staging-42.up.railway.app/a"),
        ("http://shop.example.com", "https://staging-42.up.railway.app"),
        ("<a href='//shop.example.com/'>", "<a href='//staging-42.up.railway.app/'>"),
        ("x https:\\/\\/shop.example.com\\/a", "x https:\\/\\/staging-42.up.railway.app\\/a"),
        ("x http:\\\\/\\\\/shop.example.com\\\\/", "x https:\\\\/\\\\/staging-42.up.railway.app\\\\/"),
        ("u=https%3A%2F%2Fshop.example.com%2Fa", "u=https%3A%2F%2Fstaging-42.up.railway.app%2Fa"),
        ("u=http%3a%2f%2fshop.example.com", "u=https%3a%2f%2fstaging-42.up.railway.app"),
        ("u=http%253A%252F%252Fshop.example.com", "u=https%253A%252F%252Fstaging-42.up.railway.app"),
        ("shop.example.com", "staging-42.up.railway.app"),
        ("wss://shop.example.com:8443/x", "wss://staging-42.up.railway.app:8443/x"),
        ("See https://shop.example.com. And", "See https://staging-42.up.railway.app. And"),
        ("https://example.com,https://shop.example.com", "https://new.test,https://staging-42.up.railway.app"),
    ] {
        assert_eq!(rewritten(old), new);
    }
}

#[test]
fn what_only_looks_like_the_host_is_left() {
    for text in [
        "https://shop.example.com.au/",
        "https://shop.example.com.evil",
        "https://prefix-shop.example.com/",
        "https://my.shop.example.com/",
        "https://shop.example.community",
        "info@shop.example.com",
        "visit shop.example.com today",
        "https://shop.example.com@evil.test/",
        "https:/shop.example.com",
    ] {
        assert_eq!(rewritten(text), text);
    }
}

#[test]
fn a_port_and_a_path_are_part_of_what_is_matched_and_put() {
    let rewriter = Rewriter::new(&[
        "https://a.test/blog=http://127.0.0.1:8080".parse().unwrap(),
        "b.test:81=c.test/sub".parse().unwrap(),
    ])
    .unwrap();
    let rewritten = |text: &str| rewriter.rewrite(text.as_bytes()).map(|r| String::from_utf8(r.bytes).unwrap());
    assert_eq!(rewritten("https://a.test/blog/x").unwrap(), "http://127.0.0.1:8080/x");
    assert_eq!(rewritten("https%3A%2F%2Fa.test%2Fblog%2F").unwrap(), "http%3A%2F%2F127.0.0.1%3A8080%2F");
    assert_eq!(rewritten("https://a.test:444/blog").unwrap(), "http://127.0.0.1:8080");
    assert_eq!(rewritten("https://a.test/blogger"), None);
    assert_eq!(rewritten("a: https:\\/\\/b.test:81\\/").unwrap(), "a: https:\\/\\/c.test\\/sub\\/");
    assert_eq!(rewritten("https://b.test:811/"), None);
    assert_eq!(rewritten("https://b.test/"), None);
}

#[test]
fn serialized_lengths_follow_at_any_depth() {
    let inner = php("see https://shop.example.com/a");
    let middle = format!("a:2:{{i:0;{inner}i:1;{}}}", php("shop.example.com"));
    let value = format!("O:3:\"Foo\":2:{{s:1:\"u\";{}s:1:\"d\";d:0.10000000000000001;}}", php(&middle));
    let want_middle = format!(
        "a:2:{{i:0;{}i:1;{}}}",
        php("see https://staging-42.up.railway.app/a"),
        php("staging-42.up.railway.app")
    );
    let want = format!("O:3:\"Foo\":2:{{s:1:\"u\";{}s:1:\"d\";d:0.10000000000000001;}}", php(&want_middle));
    assert_eq!(rewritten(&value), want);
}

#[test]
fn a_custom_object_and_mixed_text_have_right_lengths() {
    let body = format!("x:i:0;a:1:{{i:0;{}}};m:a:0:{{}}", php("//example.com/"));
    let value = format!("note: C:11:\"ArrayObject\":{}:{{{body}}} end", body.len());
    let want_body = body.replace(&php("//example.com/"), &php("//new.test/"));
    assert_eq!(rewritten(&value), format!("note: C:11:\"ArrayObject\":{}:{{{want_body}}} end", want_body.len()));
}

#[test]
fn serialized_in_json_and_json_in_serialized() {
    let serialized = php("http://shop.example.com/é\n");
    let json = serde_json::to_string(&serde_json::json!({ "a": [serialized], "k": "https://example.com" })).unwrap();
    let slashed = json.replace('/', "\\/");
    let want = serde_json::json!({ "a": [php("https://staging-42.up.railway.app/é\n")], "k": "https://new.test" });
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&rewritten(&slashed)), want);
    assert!(!rewritten(&slashed).replace("\\/", "").contains('/'), "the slashes keep their escapes");

    let twice = rewritten(&format!("a:1:{{i:0;{}}}", php(&slashed)));
    let at = twice.find('{').unwrap() + 5;
    let (len, rest) = twice[at + 2..].split_once(':').unwrap();
    let body = &rest[1..=len.parse::<usize>().unwrap()];
    assert_eq!(read(body), want);
    assert!(rest[body.len() + 1..].starts_with("\";}"));
}

#[test]
fn serialized_escaped_within_text_keeps_its_length() {
    let text = "<!-- {\"x\":\"s:24:\\\"https:\\/\\/shop.example.com\\\";\"} -->";
    assert_eq!(rewritten(text), "<!-- {\"x\":\"s:33:\\\"https:\\/\\/staging-42.up.railway.app\\\";\"} -->");
}

#[test]
fn malformed_data_survives_and_is_told() {
    // What PG4WP leaves of an object with a protected property: all after the NUL is gone.
    let cut = "O:3:\"Foo\":3:{s:1:\"u\";s:26:\"https://shop.example.com/a\";s:4:\"";
    let got = rewriter().rewrite(cut.as_bytes()).unwrap();
    assert!(got.malformed);
    assert_eq!(
        String::from_utf8(got.bytes).unwrap(),
        "O:3:\"Foo\":3:{s:1:\"u\";s:35:\"https://staging-42.up.railway.app/a\";s:4:\""
    );
    let wrong = "a:2:{i:0;s:9:\"https://shop.example.com/\";i:1;s:19:\"https://example.com\";}";
    let got = rewriter().rewrite(wrong.as_bytes()).unwrap();
    assert!(got.malformed && got.replaced == 1);
    assert!(String::from_utf8(got.bytes).unwrap().starts_with("a:2:{i:0;s:9:\"https://shop.example.com/\";i:1;s:16:"));
}

#[test]
fn keys_of_jsonb_stay() {
    let value = br#"{"https://example.com": "https://example.com"}"#;
    let got = rewriter().rewrite_jsonb(value).unwrap();
    assert_eq!(got.bytes, br#"{"https://example.com": "https://new.test"}"#);
}

#[test]
fn a_pair_that_is_no_url_is_refused() {
    for pair in ["https://a.test/?x=https://b.test", "https://=https://b", "a b=c", "https://a.test=://b"] {
        assert!(pair.parse::<UrlPair>().is_err());
    }
    assert!(Rewriter::new(&["https://a.test=http://a.test".parse().unwrap()]).unwrap().is_empty());
}

#[test]
fn nesting_without_end_is_left_alone() {
    let mut value = "https://example.com".to_owned();
    for _ in 0..2000 {
        value = php(&value);
    }
    let got = rewriter().rewrite(value.as_bytes()).unwrap();
    assert!(got.malformed && got.bytes == value.as_bytes());
}

/// A PHP value: what is serialized, without the types that hold no text.
#[derive(Clone, Debug)]
enum Php {
    Text(String),
    Number(i64),
    Array(Vec<(Php, Php)>),
    Serialized(Box<Php>),
    Json(Box<Php>),
}

impl Php {
    fn write(&self) -> String {
        match self {
            Php::Text(text) => php(text),
            Php::Number(n) => format!("i:{n};"),
            Php::Array(items) => {
                let items_text: String = items.iter().map(|(k, v)| k.write() + &v.write()).collect();
                format!("a:{}:{{{items_text}}}", items.len())
            }
            Php::Serialized(inner) => php(&inner.write()),
            Php::Json(inner) => php(&serde_json::to_string(&[inner.write()]).unwrap().replace('/', "\\/")),
        }
    }

    fn map(&self, change: &dyn Fn(&str) -> String) -> Php {
        match self {
            Php::Text(text) => Php::Text(change(text)),
            Php::Number(n) => Php::Number(*n),
            Php::Array(items) => Php::Array(items.iter().map(|(k, v)| (k.map(change), v.map(change))).collect()),
            Php::Serialized(inner) => Php::Serialized(Box::new(inner.map(change))),
            Php::Json(inner) => Php::Json(Box::new(inner.map(change))),
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("https://shop.example.com".to_owned()),
        Just("https://example.com/é/".to_owned()),
        Just("https://example.com.au ".to_owned()),
        Just("\"; \\ \n{[\u{1F600}".to_owned()),
        "[a-z {}\"':;/]{0,12}",
    ];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.join(" "))
}

fn values() -> impl Strategy<Value = Php> {
    let leaf = prop_oneof![texts().prop_map(Php::Text), any::<i64>().prop_map(Php::Number)];
    leaf.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Php::Array),
            inner.clone().prop_map(|v| Php::Serialized(Box::new(v))),
            inner.prop_map(|v| Php::Json(Box::new(v))),
        ]
    })
}

/// What rewriting a plain text must give.
fn plainly(text: &str) -> String {
    text.replace("https://shop.example.com", "https://staging-42.up.railway.app")
        .replace("https://example.com/", "https://new.test/")
        .replace("https://example.com ", "https://new.test ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rewriting_the_serialized_is_serializing_the_rewritten(value in values()) {
        prop_assert_eq!(rewritten(&value.write()), value.map(&plainly).write());
    }

    #[test]
    fn nothing_makes_it_panic(parts in proptest::collection::vec(prop_oneof![
        Just("https://shop.example.com".to_owned()), Just("s:24:\"".to_owned()), Just("\";".to_owned()), Just("\\".to_owned()),
        Just("C:3:\"Foo\":5:{".to_owned()), Just("}".to_owned()), Just("{\"a\":\"".to_owned()), Just("s:9:\\\"".to_owned()),
        Just("\\\";".to_owned()), Just("%2F%2F".to_owned()), Just("S:3:\"\\66".to_owned()), Just("\\u00".to_owned()), ".{0,6}",
    ], 0..12)) {
        let value = parts.concat();
        if let Some(got) = rewriter().rewrite(value.as_bytes()) {
            prop_assert!(got.replaced > 0 || got.malformed);
            prop_assert!(got.replaced > 0 || got.bytes == value.as_bytes());
        }
    }

    #[test]
    fn without_an_old_host_nothing_changes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(rewriter().rewrite(&bytes).is_none());
    }
}
