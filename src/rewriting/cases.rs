//! The table of what becomes of URLs in their spellings: `tests/fixtures/rewriting/urls.json`.

use serde::Deserialize;

use super::{Rewriter, UrlPair};

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "in")]
    old: String,
    from: String,
    to: String,
    want: Vec<String>,
    why: String,
}

#[test]
fn each_line_becomes_what_it_should() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/fixtures/rewriting/urls.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let rewriter = Rewriter::new(&[UrlPair::parse(&case.from, &case.to).unwrap()]);
        let rewritten = rewriter.rewrite(case.old.as_bytes());
        let new = rewritten.map_or_else(|| case.old.clone(), |new| String::from_utf8(new.value).unwrap());
        if !case.want.contains(&new) {
            wrong.push(format!("{}: {} became {new}", case.why, case.old));
        }
        let again =
            rewriter.rewrite(new.as_bytes()).map_or_else(|| new.clone(), |new| String::from_utf8(new.value).unwrap());
        assert_eq!(again, new, "twice is once: {}", case.why);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
