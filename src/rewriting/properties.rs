//! What must hold for any value, be it whole or broken.

use proptest::prelude::*;

use super::tests::{NEW, OLD, php, rewriter, rewritten};

/// A value of PHP or JSON, built with whatever URL and host it is given.
#[derive(Clone, Debug)]
enum Tree {
    Text(String),
    Url(&'static str, String),
    Host,
    Serialized(Vec<Tree>),
    Custom(Box<Tree>),
    Json(Vec<Tree>),
}

impl Tree {
    fn build(&self, url: &str, host: &str) -> String {
        match self {
            Tree::Text(text) => text.clone(),
            Tree::Url(form, text) => form.replace("URL", url).replace("SLASHED", &url.replace('/', "\\/")) + " " + text,
            Tree::Host => host.to_owned(),
            Tree::Serialized(items) => {
                let items = items.iter().enumerate().map(|(i, item)| format!("i:{i};{}", php(&item.build(url, host))));
                format!("a:{}:{{{}}}", items.len(), items.collect::<String>())
            }
            Tree::Custom(inner) => {
                let inner = php(&inner.build(url, host));
                format!("C:1:\"X\":{}:{{{inner}}}", inner.len())
            }
            Tree::Json(items) => {
                serde_json::to_string(&items.iter().map(|item| item.build(url, host)).collect::<Vec<_>>()).unwrap()
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        "[ -~é\u{1f600}\n]{0,20}".prop_map(Tree::Text),
        (prop_oneof![Just("URL"), Just("see \"URL/x\";"), Just("SLASHED\\/"), Just("é URL")], "[a-zé\n\"\\\\]{0,9}")
            .prop_map(|(form, text)| Tree::Url(form, text)),
        Just(Tree::Host),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Serialized),
            inner.clone().prop_map(|inner| Tree::Custom(Box::new(inner))),
            prop::collection::vec(inner, 0..4).prop_map(Tree::Json),
        ]
    })
}

const SLASHES: &[&str] = &[
    "/",
    "\\/",
    "\\\\\\/",
    "&#x2F;",
    "&#47;",
    "&#047;",
    "&amp;#47;",
    "\\u002F",
    "\\x2f",
    "\\2f ",
    "%2F",
    "%2f",
    "%252F",
    "%5C%2F",
    "\\u0026#47;",
];
const DOTS: &[&str] = &[".", "\\.", "\\\\.", "%2E", "&#46;", "&period;", "\\u002e"];
const LETTERS: &[&str] = &["s", "S", "%73", "&#115;", "&#x73;", "\\x73", "\\u0073", "%2573"];

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("CASES").ok().and_then(|c| c.parse().ok()).unwrap_or(512), failure_persistence: None, max_global_rejects: u32::MAX, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rewritten_is_what_php_would_have_written(tree in trees()) {
        let old = tree.build(OLD, "shop.example.com");
        let new = tree.build(NEW, "staging-42.up.railway.app");
        prop_assert_eq!(rewritten(&old), new.clone());
        prop_assert_eq!(rewritten(&new), new);
    }

    #[test]
    fn no_bytes_make_it_panic_and_twice_is_once(
        pieces in prop::collection::vec(prop_oneof![
            Just("s:3:\"".to_owned()), Just("\";".to_owned()), Just("s:24:\\\"".to_owned()), Just("\\\";".to_owned()),
            Just("C:1:\"X\":30:{".to_owned()), Just("}".to_owned()), Just(OLD.to_owned()), Just("shop.example.com".to_owned()),
            Just("S:24:\"".to_owned()), Just("\\".to_owned()), Just("\\u00".to_owned()), Just("%5C%2F".to_owned()), ".{0,4}",
        ], 0..24)
    ) {
        let text = pieces.concat();
        let once = rewritten(&text);
        prop_assert_eq!(rewritten(&once), once.clone());
        if !rewriter().may_match(text.as_bytes()) {
            prop_assert_eq!(once, text);
        }
    }

    #[test]
    fn in_any_spelling_a_host_is_rewritten_or_told(
        before in "[ -~é]{0,12}", after in "[ -~é]{0,12}", bare in any::<bool>(),
        slash in prop::sample::select(SLASHES), dot in prop::sample::select(DOTS), letter in prop::sample::select(LETTERS),
    ) {
        let host = format!("{letter}hop{dot}example{dot}com");
        let url = if bare { host.clone() } else { format!("https:{slash}{slash}{host}") };
        let text = format!("{before} {url} {after}");
        prop_assert!(rewriter().may_match(text.as_bytes()) && rewriter().may_match(text.replace('\\', "\\\\").as_bytes()));
        let rewritten = rewriter().rewrite(text.as_bytes()).expect("a host stands there");
        let is_gone = !String::from_utf8_lossy(&rewritten.value).contains(&host);
        prop_assert!(is_gone || rewritten.left.is_some(), "{}", text);
        prop_assert!(bare || is_gone, "{}", text);
    }

    #[test]
    fn what_is_not_the_host_stays(before in "[a-z0-9-]{1,5}", after in "[a-z0-9-]{1,5}", slash in prop::sample::select(SLASHES)) {
        for host in [
            format!("{before}shop.example.com"), format!("{before}.shop.example.com"), format!("shop.example.com{after}"),
            format!("shop.example.com.{after}"), format!("shop.example.com@{after}.test"), format!("shop.example.com:x@{after}.test"),
        ] {
            let text = format!("https:{slash}{slash}{host}{slash}x");
            // The other pair's host is the end of this one's, and is none either.
            prop_assert_eq!(rewriter().rewrite(text.as_bytes()).map(|r| r.value), None, "{}", text);
        }
    }

    #[test]
    fn hostile_base64_is_read_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..80) {
        for head in [&b"H4sI"[..], b"eJw", OLD.as_bytes(), b"{\"u\":\"https://shop.example.com\"}"] {
            let whole = data_encoding::BASE64.encode(&[head, &bytes].concat());
            let text = format!("x {} y", &whole[..whole.len() - cut.min(whole.len())]);
            let once = rewritten(&text);
            prop_assert_eq!(rewritten(&once), once);
        }
    }

    #[test]
    fn bytes_that_are_no_text_survive(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
        let at = at.min(bytes.len());
        let text = [&bytes[..at], b" ", OLD.as_bytes(), b" ", &bytes[at..]].concat();
        let want = [&bytes[..at], b" ", NEW.as_bytes(), b" ", &bytes[at..]].concat();
        prop_assert_eq!(rewriter().rewrite(&text).map(|r| r.value), Some(want));
    }
}
