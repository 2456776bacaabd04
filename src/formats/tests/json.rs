//! JSON: how strings are spelled, keys, pairs, what stands around it, and hostile depth.

use super::*;

fn value(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn strings_are_spelled_as_their_neighbours_are() {
    let php = r#"{"u":"https:\/\/x.test\/@","n":"Zo\u00eb @ \ud83d\ude00","z":"\/"}"#;
    let new = marked(php, "@");
    assert_eq!(new, r##"{"u":"#https:\/\/x.test\/@","n":"#Zo\u00eb @ \ud83d\ude00","z":"\/"}"##);
    let plain = r#"{"u":"https://x.test/@","n":"Zoë @ \"q\" \\"}"#;
    assert_eq!(marked(plain, "@"), r##"{"u":"#https://x.test/@","n":"#Zoë @ \"q\" \\"}"##);
    let hex = r#"{"n":"\u003Cb\u003E@\u0022\u0027\u0026 -"}"#;
    assert_eq!(value(&marked(hex, "@")), value(&hex.replace(r"\u003Cb", r"#\u003Cb")));
    assert!(!marked(hex, "@").contains('<'));
}

#[test]
fn keys_change_and_are_kept_apart() {
    let new = marked(r##"{"a@b":{"c@d":1},"#a@b":2, "k":"v"}"##, "@");
    assert_eq!(new, r###"{"#a-3@b":{"#c@d":1},"##a@b":2, "k":"v"}"###);
    assert_eq!(value(&new).as_object().unwrap().len(), 3);
}

#[test]
fn a_pair_names_its_value() {
    for (pair, text) in [
        (r#"[{"name":"email","value":"x"}]"#, "f/email=x"),
        (r#"[{"value" : "x" , "id": 3, "label":"First name"}]"#, "f/First name=x"),
        (r#"[{"key":"field_5f","label":"Street","value":"x","n":{"value":1}}]"#, "f/Street=x"),
        (r#"{"fields":{"1":{"id":"billing_phone","type":"tel","value":["x"]}}}"#, "f/fields/1/billing_phone=x"),
        (r#"[{"Question":"Your name?","Answer":"x"}]"#, "f/Your name?=x"),
        (r#"{"name":"x","age":7}"#, "f/name=x"),
        (r#"{"name":7,"value":"x"}"#, "f/value=x"),
    ] {
        assert!(texts(pair).contains(&text.to_owned()), "{pair}: {:?}", texts(pair));
    }
}

#[test]
fn several_values_and_text_around_them_are_read() {
    assert_eq!(texts("{\"a\":\"x\"}\n{\"b\":\"y\"}\n"), ["f/a=x", "f/b=y"]);
    assert_eq!(texts("{\"a\":\"x\"} and more"), ["f/a=x", "f= and more"]);
    assert_eq!(texts("at noon: [{\"a\":\"x\"}], done"), ["f=at noon: ", "f/a=x", "f=, done"]);
    assert_eq!(texts("log a:1:{s:1:\"k\";s:1:\"x\";} end"), ["f=log ", "f/k=x", "f= end"]);
    assert_eq!(texts("[caption id=\"x\"]text[/caption] {n}"), ["f=[caption id=\"x\"]text[/caption] {n}"]);
    assert_eq!(marked("{\"a\":\"@\"}\n{\"b\":\"@\"} @", "@"), "{\"a\":\"#@\"}\n{\"b\":\"#@\"}# @");
}

#[test]
fn attributes_of_blocks_stay_what_a_comment_may_hold() {
    let block = r#"<!-- wp:acme/card {"mail":"\u003cb\u003ea@b\u003c/b\u003e \u002d\u002d \u0022","n":{"x":"--@>"}} --><p>a@b</p><!-- /wp:acme/card -->"#;
    let new = marked(block, "@");
    let attributes =
        r##"{"mail":"#\u003cb\u003ea@b\u003c/b\u003e \u002d\u002d \u0022","n":{"x":"#\u002d\u002d@\u003e"}}"##;
    assert_eq!(new, format!("<!-- wp:acme/card {attributes}# --><p>a@b</p><!-- /wp:acme/card -->"));
}

#[test]
fn values_with_slashes_before_their_quotes_are_read() {
    let plain = r#"{"name":"O'Neil","u":"a\/b","q":"say \"@\"","w":"C:\\x"}"#;
    let slashed = |signs: &str, text: &str| -> String {
        text.chars().flat_map(|c| (c == '\\' || signs.contains(c)).then_some('\\').into_iter().chain([c])).collect()
    };
    for signs in ["\"'", "\"", "\"'/"] {
        let value = slashed(signs, plain);
        assert_eq!(texts(&value), ["f/name=O'Neil", "f/u=a/b", "f/q=say \"@\"", "f/w=C:\\x"], "{value}");
        assert_eq!(marked(&value, "@"), slashed(signs, &marked(plain, "@")));
        let twice = slashed(signs, &value);
        assert_eq!(marked(&twice, "@"), slashed(signs, &marked(&value, "@")));
    }
    assert_eq!(texts("a:1:{s:1:\\\"k\\\";s:1:\\\"x\\\";}"), ["f/k=x"]);
    assert_eq!(texts(r"C:\new\table"), [r"f=C:\new\table"]);
}

#[test]
fn members_stand_in_the_order_of_the_server() {
    let sorted = |text: &str| String::from_utf8(crate::formats::json::in_server_order(text.into())).unwrap();
    assert_eq!(
        sorted(r#"{"bb": {"z": 1, "a": [{"y": "}", "x": {}}]}, "é": ",", "a": [1, 2], "\\": null}"#),
        r#"{"\\": null, "a": [1, 2], "bb": {"a": [{"x": {}, "y": "}"}], "z": 1}, "é": ","}"#
    );
    for stays in ["{}", "[]", "1", r#""{\"b\": 1, a}""#, r#"{"a": 1, "b": 2, "aa": 3}"#, &"[".repeat(100_000)] {
        assert_eq!(sorted(stays), stays);
    }
}

#[test]
fn deep_and_long_values_take_little_time() {
    let begun = std::time::Instant::now();
    for value in [
        "{\"value\":".repeat(20_000),
        "{\"value\":{\"name\":1},".repeat(20_000),
        format!("{}{}", "{\"value\":".repeat(60) + "1", ",\"k\":\"x\"}".repeat(60)),
        "[[\"".repeat(50_000),
        "{\"a\":1".repeat(50_000),
        "[".repeat(200_000),
        "\\\"".repeat(100_000),
        "{\\\"a\\\":".repeat(20_000),
        "a:1:{".repeat(50_000),
        "x a:1:{s:9:\"".repeat(20_000),
        "a:1:{s:9:\"".repeat(20_000),
        "&amp;".repeat(50_000),
        "%25".repeat(50_000),
        "e30=".repeat(50_000),
        "<!-- wp:x {\"a\":".repeat(20_000),
    ] {
        texts(&value);
        marked(&value, "a");
        assert!(begun.elapsed().as_secs() < 60, "{}", &value[..40]);
    }
}
