//! The rewriter from outside; what it must leave alone is tested as much as what it must find.

use super::*;

pub(super) const OLD: &str = "https://shop.example.com";
pub(super) const NEW: &str = "https://staging-42.up.railway.app";

pub(super) fn of(pairs: &[(&str, &str)]) -> Rewriter {
    Rewriter::new(&pairs.iter().map(|(old, new)| UrlPair::parse(old, new).unwrap()).collect::<Vec<_>>())
}

pub(super) fn rewriter() -> Rewriter {
    of(&[("https://example.com", "https://new.test"), (OLD, NEW)])
}

pub(super) fn with(rewriter: &Rewriter, value: &str) -> String {
    rewriter.rewrite(value.as_bytes()).map_or_else(|| value.to_owned(), |r| String::from_utf8(r.value).unwrap())
}

pub(super) fn rewritten(value: &str) -> String {
    with(&rewriter(), value)
}

fn is_malformed(value: &str) -> bool {
    rewriter().rewrite(value.as_bytes()).unwrap().malformed
}

pub(super) fn php(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

#[test]
fn every_spelling_of_a_url_is_found() {
    for (old, new) in [
        ("https://shop.example.com/a", "https://staging-42.up.railway.app/a"),
        ("http://shop.example.com", "https://staging-42.up.railway.app"),
        ("HTTP://Shop.Example.COM/A", "https://staging-42.up.railway.app/A"),
        ("<a href='//shop.example.com/'>", "<a href='//staging-42.up.railway.app/'>"),
        ("x https:\\/\\/shop.example.com\\/a", "x https:\\/\\/staging-42.up.railway.app\\/a"),
        ("x http:\\\\\\/\\\\\\/shop.example.com\\\\\\/", "x https:\\\\\\/\\\\\\/staging-42.up.railway.app\\\\\\/"),
        ("u=https%3A%2F%2Fshop.example.com%2Fa", "u=https%3A%2F%2Fstaging-42.up.railway.app%2Fa"),
        ("u%3Dhttp%3a%2f%2fshop.example.com", "u%3Dhttps%3a%2f%2fstaging-42.up.railway.app"),
        ("u=http%253A%252F%252Fshop.example.com", "u=https%253A%252F%252Fstaging-42.up.railway.app"),
        ("%22http%3A%5C%2F%5C%2Fshop.example.com%5C%2F", "%22https%3A%5C%2F%5C%2Fstaging-42.up.railway.app%5C%2F"),
        ("\"a\\nhttp://shop.example.com\"", "\"a\\nhttps://staging-42.up.railway.app\""),
        ("shop.example.com", "staging-42.up.railway.app"),
        ("wss://shop.example.com/x", "wss://staging-42.up.railway.app/x"),
        ("http://shop.example.com:80/x", "https://staging-42.up.railway.app/x"),
        ("See https://shop.example.com. And", "See https://staging-42.up.railway.app. And"),
        ("见https://shop.example.com。", "见https://staging-42.up.railway.app。"),
        ("https://example.com,https://shop.example.com", "https://new.test,https://staging-42.up.railway.app"),
    ] {
        assert_eq!(rewritten(old), new);
    }
}

#[test]
fn what_only_looks_like_the_host_is_left() {
    for text in [
        "https://shop.example.com.au/",
        "https://shop.example.com.evil.com",
        "https://my-shop.example.com/",
        "https://my.shop.example.com/",
        "https://shop.example.community",
        "info@shop.example.com",
        "mailto:info@shop.example.com, https://other.test",
        "visit shop.example.com today",
        "https://shop.example.com@evil.test/",
        "https://shop.example.com:pass@evil.test/",
        "https:/shop.example.com",
        "https%3A%2F%2Fmy-shop.example.com",
        "https://shop.example.com:8443/",
    ] {
        assert_eq!(rewritten(text), text);
    }
}

#[test]
fn a_port_and_a_path_are_part_of_what_is_matched_and_put() {
    let rewriter = of(&[
        ("https://a.test", "https://whole.test"),
        ("https://a.test/blog", "http://127.0.0.1:8080"),
        ("https://b.test:81", "https://c.test/sub"),
    ]);
    for (old, new) in [
        ("https://a.test/blog/x", "http://127.0.0.1:8080/x"),
        ("https%3A%2F%2Fa.test%2Fblog%2F", "http%3A%2F%2F127.0.0.1%3A8080%2F"),
        ("https://a.test/blogger", "https://whole.test/blogger"),
        ("x https:\\/\\/b.test:81\\/", "x https:\\/\\/c.test\\/sub\\/"),
        ("b.test:81", "c.test"),
        ("https://b.test:811/", "https://b.test:811/"),
        ("https://b.test/", "https://b.test/"),
        ("b.test", "b.test"),
    ] {
        assert_eq!(with(&rewriter, old), new);
    }
}

#[test]
fn serialized_lengths_follow_at_any_depth() {
    let build = |url: &str, host: &str| {
        let middle = format!("a:2:{{i:0;{}i:1;{}}}", php(&format!("see {url}/é")), php(host));
        let custom = format!("x:i:0;a:1:{{i:0;{}}};m:a:0:{{}}", php(&format!("{url}/")));
        format!(
            "O:3:\"Foo\":4:{{s:1:\"u\";{}s:1:\"d\";d:0.10000000000000001;s:1:\"e\";E:11:\"Suit:Hearts\";s:1:\"c\";\
             C:11:\"ArrayObject\":{}:{{{custom}}}r:1;N;b:1;}}",
            php(&php(&middle)),
            custom.len()
        )
    };
    assert_eq!(rewritten(&build(OLD, "shop.example.com")), build(NEW, "staging-42.up.railway.app"));
    let embedded = |text: String| format!("before {OLD} {text} after").replace(OLD, "X");
    assert_eq!(embedded(rewritten(&build(OLD, "h"))), embedded(build(NEW, "h")));
}

#[test]
fn a_quote_and_semicolon_in_a_string_do_not_end_it() {
    let body = |url: &str| format!("a\";s:3:\"{url}\";b");
    assert_eq!(rewritten(&php(&body("no https://shop.example.com"))).find("s:"), Some(0));
    let tricky = |url: &str| php(&format!("say \"hi\"; {url} \";}}"));
    assert_eq!(rewritten(&tricky(OLD)), tricky(NEW));
}

#[test]
fn keys_of_jsonb_go_where_the_server_puts_them() {
    let rewriter = Rewriter::new(&[UrlPair::parse("https://a.test", "https://longer.test").unwrap()]);
    let value = br#"{"b": 1, "https://a.test": ["https://a.test", {"https://a.test/": 2, "the longest key of them": 1}], "a key in between": "a.test"}"#;
    let expected = br#"{"b": 1, "a key in between": "longer.test", "https://longer.test": ["https://longer.test", {"https://longer.test/": 2, "the longest key of them": 1}]}"#;
    assert_eq!(
        String::from_utf8_lossy(&rewriter.rewrite_jsonb(value).unwrap().value),
        String::from_utf8_lossy(expected)
    );
}

#[test]
fn serialized_in_json_and_json_in_serialized() {
    let document = |url: &str, host: &str, slashed: bool| {
        let inner = serde_json::json!({ "a": [php(&format!("{url}/é\n\u{1f600}"))], "d": host }).to_string();
        let json = serde_json::json!({ "json": inner, "s": php(&php(url)), "d": host }).to_string();
        if slashed { json.replace('/', "\\/") } else { json }
    };
    for slashed in [false, true] {
        let old = document(OLD, "x", slashed);
        let new = document(NEW, "x", slashed);
        assert_eq!(rewritten(&old), new);
        assert_eq!(rewritten(&php(&old)), php(&new));
        assert_eq!(rewritten(&format!("a:1:{{i:0;{}}}", php(&php(&old)))), format!("a:1:{{i:0;{}}}", php(&php(&new))));
        assert_eq!(rewritten(&format!("<!-- wp:x {old} -->")), format!("<!-- wp:x {new} -->"));
    }
    let old = serde_json::json!({ "s": php(OLD), "t": php("é\u{1f600}") }).to_string();
    let ascii = old.replace('é', "\\u00e9").replace('\u{1f600}', "\\ud83d\\ude00");
    assert!(!is_malformed(&ascii));
}

#[test]
fn a_bare_host_counts_as_a_whole_string() {
    let old = r#"{"domain":"shop.example.com","text":"at shop.example.com"}"#;
    let new = r#"{"domain":"staging-42.up.railway.app","text":"at shop.example.com"}"#;
    assert_eq!(rewritten(old), new);
    assert_eq!(rewritten(&php("shop.example.com")), php("staging-42.up.railway.app"));
    assert_eq!(rewritten(r#"<input value="shop.example.com">"#), r#"<input value="staging-42.up.railway.app">"#);
}

#[test]
fn malformed_data_survives_and_is_told() {
    // What is left of an object with a protected property: all after the NUL is gone.
    let cut = |url: &str| format!("O:3:\"Foo\":3:{{s:1:\"u\";{}s:4:\"", php(url));
    assert_eq!(rewritten(&cut(OLD)), cut(NEW));
    let wrong = |url: &str| format!("a:3:{{i:0;s:9:\"{OLD}/\";i:1;{}i:2;i:3;}} {url}", php(url));
    assert_eq!(rewritten(&wrong(OLD)), wrong(NEW).replacen(&format!("s:9:\"{NEW}"), &format!("s:9:\"{OLD}"), 1));
    assert!(is_malformed(&wrong(OLD)));
    let only = format!("s:9:\"{OLD}\";");
    assert_eq!(
        rewriter().rewrite(only.as_bytes()),
        Some(Rewritten { value: only.into(), malformed: true, left: Some(Left::Broken), collides: false })
    );
    let huge = format!("s:99999999999999999999999:\"{OLD}\"; {OLD}");
    assert_eq!(rewritten(&huge), format!("s:99999999999999999999999:\"{OLD}\"; {NEW}"));
    for end in 0..cut(OLD).len() {
        rewriter().rewrite(&cut(OLD).as_bytes()[..end]);
    }
}

#[test]
fn hostile_data_takes_little_time() {
    let mut nested = OLD.to_owned();
    for _ in 0..2000 {
        nested = php(&nested);
    }
    assert!(is_malformed(&nested));
    for piece in [
        "s:500000:\"",
        "s:500000:\\\"",
        "S:500000:\\\"",
        "s:3:\\\\\\\"",
        "C:1:\"a\":500000:{",
        "//shop.example.com",
        "\\",
        "%25",
        "5C%",
        "shop.example.com:",
        "{\"a\":\"shop.example.com\"",
        "ssss:1:",
        "%22shop.example.com",
        "s:9:&quot;shop.example.com;",
        "s:16:%22shop.example.com%22%3B",
        "&amp;amp;quot;shop.example.com<",
    ] {
        let text = piece.repeat(1_000_000 / piece.len()) + OLD;
        let start = std::time::Instant::now();
        rewriter().rewrite(text.as_bytes());
        assert!(start.elapsed().as_secs() < 20, "{piece} took {:?}", start.elapsed());
    }
}

#[test]
fn text_and_pairs_are_checked() {
    assert_eq!(rewriter().rewrite_text("WP_HOME=http://shop.example.com").as_deref(), Some(&*format!("WP_HOME={NEW}")));
    assert_eq!(rewriter().rewrite_text("other"), None);
    assert!(rewriter().may_match(b"1\tHTTPS:\\\\/\\\\/SHOP.example.com") && !rewriter().may_match(b"example.org"));
    assert!(of(&[(OLD, OLD)]).is_empty());
    assert_eq!(UrlPair::parse("Shop.test/", "x.test:81/a/").unwrap().new, "https://x.test:81/a");
    for bad in ["", "https://a.test/?x", "ftp://a.test", "https://u:p@a.test", "a b", "https://"] {
        let error = UrlPair::parse(bad, NEW).unwrap_err();
        assert_eq!(crate::error::Exit::of(&error), crate::error::Exit::Invalid, "{bad}: {error:#}");
    }
}
