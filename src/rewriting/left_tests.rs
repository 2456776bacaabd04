//! What is left and told; addresses without slashes, in patterns and in what is encoded; pairs and columns.

use super::tests::{NEW, OLD, of, php, rewriter, rewritten, with};
use super::*;

fn left(value: &str) -> Option<Left> {
    rewriter().rewrite(value.as_bytes()).and_then(|r| r.left)
}

#[test]
fn what_is_left_of_an_old_host_is_told_with_the_reason() {
    for (text, reason) in [
        ("visit shop.example.com today", Some(Left::Text)),
        ("shop\\u002eexample.com is it", Some(Left::Text)),
        ("write to info@shop.example.com", Some(Left::Mail)),
        ("https://shop.example.com:8443/x", Some(Left::Port)),
        ("s:9:\"https://shop.example.com/\";", Some(Left::Broken)),
        ("https://shop.example.com/ and info@shop.example.com", Some(Left::Mail)),
        ("https://shop.example.com and shop.example.com too", Some(Left::Text)),
        ("https://www.shop.example.com", None),
        ("https://shop.example.com.evil.com", None),
        ("https://shop.example.com@evil.test", None),
        ("https://shop.example.com%40evil.test", None),
        ("https://evil.test/https://shop.example.com.evil.test", None),
        ("https://shop.example.com\u{3002}evil.test", None),
        ("https://shop.example.com/x", None),
    ] {
        assert_eq!(left(text), reason, "{text}");
    }
    let hstore = br#""a"=>"https://shop.example.com/", "https://shop.example.com"=>NULL"#;
    let stays = rewriter().rewrite_hstore(hstore).unwrap();
    assert_eq!((stays.left, stays.value.as_slice()), (Some(Left::HstoreKey), hstore.as_slice()));
}

#[test]
fn addresses_without_slashes_are_rewritten_where_they_are_no_prose() {
    for spelled in [
        "HOST",
        " HOST\n",
        "HOST/cart",
        ".HOST",
        "HOST,other.example",
        "other.example, HOST",
        "a.example|HOST|b.example",
        "a.example HOST b.example",
        "a.example\nHOST\nb.example",
        "{\"d\":\"HOST\"}",
        "{\\\"d\\\":\\\"HOST\\/shop\\\"}",
        "data-x=\"{&quot;d&quot;:&quot;HOST&quot;}\"",
        "data-x='{&#34;d&#34;:&#34;HOST&#34;}'",
        "{\\u0022d\\u0022:\\u0022HOST\\u0022}",
        "%7B%22d%22%3A%22HOST%22%7D",
        "?site=HOST&x=1",
        "Set-Cookie: a=b; domain=.HOST; path=/",
        "host = HOST\nport = 80",
        "domain: HOST",
        "<domain>HOST</domain>",
        "&lt;domain&gt;HOST&lt;/domain&gt;",
        "1,HOST,x",
        "var d = 'HOST';",
    ] {
        let (old, new) =
            (spelled.replace("HOST", "shop.example.com"), spelled.replace("HOST", "staging-42.up.railway.app"));
        assert_eq!(rewritten(&old), new);
        assert_eq!(left(&old), None, "{old}");
    }
    for prose in
        ["See shop.example.com.", "shop.example.com, our shop", "(shop.example.com)", "*.shop.example.com", "localhost"]
    {
        assert_eq!(
            with(&of(&[(OLD, NEW), ("http://localhost", NEW)]), prose),
            prose.replace("localhost", "staging-42.up.railway.app")
        );
    }
    let local = of(&[("http://localhost:8080", NEW), ("http://localhost", NEW)]);
    assert_eq!(
        with(&local, "run it on localhost, or a \"localhost\""),
        "run it on localhost, or a \"staging-42.up.railway.app\""
    );
}

#[test]
fn a_pattern_keeps_its_escapes_and_a_comment_has_no_two_dashes() {
    assert_eq!(
        rewritten("^https?:\\/\\/shop\\.example\\.com\\/(.*)$"),
        "^https?:\\/\\/staging-42\\.up\\.railway\\.app\\/(.*)$"
    );
    assert_eq!(rewritten("#^(www\\.)?shop\\\\.example\\\\.com#"), "#^(www\\.)?staging-42\\\\.up\\\\.railway\\\\.app#");
    let rewriter = of(&[("https://shop.example.com", "https://xn--mnchen-3ya.example")]);
    let block = |host: &str| format!("<!-- wp:x {{\"u\":\"https://{host}/\"}} -->");
    assert_eq!(with(&rewriter, &block("shop.example.com")), block("xn\\u002d\\u002dmnchen-3ya.example"));
    assert_eq!(with(&rewriter, "https://shop.example.com/"), "https://xn--mnchen-3ya.example/");
}

#[test]
fn what_only_looks_like_a_counted_string_in_a_sound_one_is_text() {
    for text in [
        "a\";s:3:\"b\";} {\\\"c\\\";i:0; URL/x \";}",
        "an example: s:99:\"URL/x\"; ends",
        "s:5:\\\"URL\\\"; and C:3:\"x\":5:{URL}",
        "Terms:3:\"URL\";",
    ] {
        let of = |url: &str| format!("a:1:{{i:0;{}}}", php(&text.replace("URL", url)));
        assert_eq!(rewritten(&of(OLD)), of(NEW));
        assert_eq!(left(&of(OLD)), None);
    }
    // A value that is broken itself stays so, and is told.
    let of = |url: &str| php(&format!("a:2:{{i:0;s:9:\"{OLD}/\";i:1;{}}}", php(url)));
    assert_eq!(rewritten(&of(OLD)), of(NEW));
    assert_eq!(left(&of(OLD)), Some(Left::Broken));
}

#[test]
fn what_is_encoded_is_rewritten_within() {
    let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let url = data_encoding::BASE64URL_NOPAD;
    for form in ["<p>URL/a</p>", "a:1:{s:1:\"u\";SERIALIZED}", "{\"u\":\"URL\"}", "x URL"] {
        let of = |url: &str| form.replace("SERIALIZED", &php(url)).replace("URL", url);
        let (old, new) = (of(OLD), of(NEW));
        for (old, new) in [
            (base64(&old), base64(&new)),
            (
                format!("[vc_raw_html]{}[/vc_raw_html]", base64(&old)),
                format!("[vc_raw_html]{}[/vc_raw_html]", base64(&new)),
            ),
            (php(&base64(&old)), php(&base64(&new))),
            (url.encode(format!("{old}???>>>").as_bytes()), url.encode(format!("{new}???>>>").as_bytes())),
            (data_encoding::HEXLOWER.encode(old.as_bytes()), data_encoding::HEXLOWER.encode(new.as_bytes())),
        ] {
            assert_eq!(rewritten(&old), new);
            assert_eq!(left(&old), None);
        }
    }
    assert_eq!(left(&base64("write to info@shop.example.com, please")), Some(Left::Mail));
    assert_eq!(left(&format!("x{}", base64(&format!("{OLD}/abcdefgh")))), Some(Left::Encoded));
}

#[test]
fn the_new_url_may_hold_the_old_one() {
    for (old, new) in [
        ("https://shop.example.com", "https://staging.shop.example.com"),
        ("https://shop.example.com", "https://shop.example.com.staging.test"),
        ("https://shop.example.com", "https://shop.example.com/staging"),
        ("https://shop.example.com", "http://shop.example.com:8080"),
    ] {
        let rewriter = of(&[(old, new)]);
        for text in ["URL/x", "x=URL", "{\"u\":\"URL\"}", "s:9:\"x\"; URL", "see URL."] {
            let once = with(&rewriter, &text.replace("URL", old));
            assert_eq!(once, text.replace("URL", new));
            assert_eq!(with(&rewriter, &once), once);
            assert_eq!(rewriter.rewrite(once.as_bytes()).and_then(|r| r.left), None, "{once}");
        }
    }
}

#[test]
fn the_two_columns_of_a_site_change_together() {
    let rewriter = of(&[
        ("https://example.com", "https://copy.test"),
        ("https://de.example.com", "https://copy.test/de"),
        ("https://example.com/old", "https://copy.test/new"),
    ]);
    for (domain, path, want) in [
        ("example.com", "/", Some(("copy.test", "/"))),
        ("Example.com", "/blog/", Some(("copy.test", "/blog/"))),
        ("de.example.com", "/", Some(("copy.test", "/de/"))),
        ("de.example.com", "/shop/", Some(("copy.test", "/de/shop/"))),
        ("example.com", "/old/", Some(("copy.test", "/new/"))),
        ("example.com", "/older/", Some(("copy.test", "/older/"))),
        ("other.test", "/", None),
        (".example.com", "/", None),
    ] {
        let new = rewriter.address(domain.as_bytes(), path.as_bytes());
        assert_eq!(new, want.map(|(domain, path)| (domain.into(), path.into())), "{domain}{path}");
    }
}

#[test]
fn long_lines_and_deep_spellings_are_read() {
    let rules = ".a{color:red}".repeat(5000);
    let css = |url: &str| format!("{rules}.b{{background:url({url}/a.png)}}{rules}");
    assert_eq!(rewritten(&css(OLD)), css(NEW));
    assert_eq!(rewritten(&php(&css(OLD))), php(&css(NEW)));
    for again in 1..=12 {
        let percent = format!("%{}", "25".repeat(again));
        let amp = format!("&{}#47;", "amp;".repeat(again));
        for (colon, slash) in [(format!("{percent}3A"), format!("{percent}2F")), (":".to_owned(), amp)] {
            let of = |host: &str| format!("u=https{colon}{slash}{slash}{host}{slash}a");
            assert_eq!(rewritten(&of("shop.example.com")), of("staging-42.up.railway.app"));
        }
    }
}

#[test]
fn lengths_hold_where_serialized_values_stand_encoded() {
    let value = |url: &str| {
        format!("a:2:{{s:1:\"u\";{}s:1:\"v\";{}}}", php(&format!("{url}/?a=1&b=2")), php(&format!("ü {url}")))
    };
    let entities = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let percent = |text: &str| -> String {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'.';
        text.bytes().map(|b| if is_plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    let forms: [&dyn Fn(&str) -> String; 4] =
        [&entities, &percent, &|text| entities(&entities(text)), &|text| percent(&percent(text))];
    for form in forms {
        for around in ["VALUE", "<i data-x=\"VALUE\"> https://shop.example.com/", "https://other.test/?x=VALUE&y=1"] {
            let of = |url: &str| around.replace("VALUE", &form(&value(url))).replace(OLD, url);
            assert_eq!(rewritten(&of(OLD)), of(NEW));
            assert_eq!(rewritten(&php(&of(OLD))), php(&of(NEW)));
            assert_eq!(left(&of(OLD)), None);
        }
        let json = |url: &str| form(&serde_json::json!({ "x": value(url) }).to_string());
        assert_eq!(rewritten(&json(OLD)), json(NEW));
    }
    assert_eq!(left(&entities("a:1:{i:0;s:5:\"https://shop.example.com\";}")), Some(Left::Broken));
}
