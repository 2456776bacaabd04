//! Any bytes may stand in a database: rewriting them must not panic, and twice must be the same as once.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use railstage::rewriting::{Rewriter, UrlPair};

static REWRITER: LazyLock<Rewriter> = LazyLock::new(|| {
    let pairs = [("https://a.b", "https://longer.example.net:8443/x"), ("http://a.b/c", "https://d")];
    Rewriter::new(&pairs.map(|(old, new)| UrlPair::parse(old, new).expect("they are URLs")))
});

fuzz_target!(|value: &[u8]| {
    let _ = REWRITER.rewrite_jsonb(value);
    if let Some(once) = REWRITER.rewrite(value) {
        let twice = REWRITER.rewrite(&once.value).map_or_else(|| once.value.clone(), |twice| twice.value);
        assert!(twice == once.value || once.malformed, "{:?}", String::from_utf8_lossy(value));
    }
});
