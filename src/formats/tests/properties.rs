//! What must hold of every form: an editor that changes nothing changes no byte, and what it changes is what a reader of
//! that form, another one than ours, finds afterwards.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Text(String),
    Number(i64),
    Map(BTreeMap<String, Tree>),
}

impl Tree {
    fn json(&self) -> serde_json::Value {
        match self {
            Tree::Text(text) => text.as_str().into(),
            Tree::Number(number) => (*number).into(),
            Tree::Map(members) => members.iter().map(|(key, value)| (key.clone(), value.json())).collect(),
        }
    }

    fn of_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Tree::Text(text.clone()),
            serde_json::Value::Object(members) => {
                Tree::Map(members.iter().map(|(key, value)| (key.clone(), Tree::of_json(value))).collect())
            }
            number => Tree::Number(number.as_i64().unwrap()),
        }
    }

    fn php(&self) -> String {
        let s = |text: &str| format!("s:{}:\"{text}\";", text.len());
        match self {
            Tree::Text(text) => s(text),
            Tree::Number(number) => format!("i:{number};"),
            Tree::Map(members) => {
                let inner: String = members.iter().map(|(key, value)| s(key) + &value.php()).collect();
                format!("a:{}:{{{inner}}}", members.len())
            }
        }
    }

    fn of_php(value: &str) -> Self {
        let (tree, rest) = Tree::first_of_php(value);
        assert_eq!(rest.trim(), "");
        tree
    }

    /// As strict as PHP's own `unserialize`.
    fn first_of_php(value: &str) -> (Self, &str) {
        let (kind, rest) = value.split_once(':').unwrap();
        match kind {
            "i" => {
                let (number, rest) = rest.split_once(';').unwrap();
                (Tree::Number(number.parse().unwrap()), rest)
            }
            "s" => {
                let (len, rest) = rest.split_once(':').unwrap();
                let (text, rest) = rest.strip_prefix('"').unwrap().split_at(len.parse().unwrap());
                (Tree::Text(text.to_owned()), rest.strip_prefix("\";").unwrap())
            }
            "a" => {
                let (count, rest) = rest.split_once(':').unwrap();
                let (mut rest, mut members) = (rest.strip_prefix('{').unwrap(), BTreeMap::new());
                for _ in 0..count.parse().unwrap() {
                    let (Tree::Text(key), after) = Tree::first_of_php(rest) else { panic!("a key is no text") };
                    let (value, after) = Tree::first_of_php(after);
                    assert_eq!(members.insert(key, value), None);
                    rest = after;
                }
                (Tree::Map(members), rest.strip_prefix('}').unwrap())
            }
            other => panic!("{other}"),
        }
    }

    /// What the marker makes of it.
    fn marked(&self) -> Self {
        let mark = |text: &String| if text.contains('@') { format!("#{text}") } else { text.clone() };
        match self {
            Tree::Text(text) => Tree::Text(mark(text)),
            Tree::Number(number) => Tree::Number(*number),
            Tree::Map(members) => Tree::Map(members.iter().map(|(key, value)| (mark(key), value.marked())).collect()),
        }
    }
}

/// A text that no form is seen in.
fn text() -> impl Strategy<Value = String> {
    "[a-zé@\u{1f600}][a-zA-Zé@ '\"<>&/,;-]{0,14}"
        .prop_filter("a form of its own", |text| texts(text) == [format!("f={text}")])
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[b-z]_[a-z]{1,6}", "[a-z]{1,4}@[a-z]{2}"]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![3 => text().prop_map(Tree::Text), 1 => any::<i64>().prop_map(Tree::Number)];
    let map =
        leaf.prop_recursive(3, 16, 4, |inner| prop::collection::btree_map(key(), inner, 1..4).prop_map(Tree::Map));
    prop::collection::btree_map(key(), map, 1..4).prop_map(Tree::Map)
}

/// One row of names and texts.
fn row() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[b-z]_[a-z]{1,6}", text(), 2..6).prop_map(|row| row.into_iter().collect())
}

fn slashed(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'")
}

fn unslashed(text: &str) -> String {
    text.replace("\\'", "'").replace("\\\"", "\"").replace("\\\\", "\\")
}

fn gzip(text: &str) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    BASE64_STANDARD.encode(gzip.finish().unwrap())
}

fn gunzip(text: &str) -> String {
    std::io::read_to_string(flate2::read::GzDecoder::new(&*BASE64_STANDARD.decode(text).unwrap())).unwrap()
}

fn mark(row: &[(String, String)]) -> Vec<(String, String)> {
    let mark = |text: &String| if text.contains('@') { format!("#{text}") } else { text.clone() };
    row.iter().map(|(name, text)| (name.clone(), mark(text))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_are_edited_in_every_wrapping(tree in tree()) {
        let json = tree.json().to_string();
        let php = tree.php();
        let read_json = |text: &str| Tree::of_json(&serde_json::from_str(text).unwrap());
        let unhex = |text: &str| String::from_utf8(data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()).unwrap();
        let unbase = |text: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        let unpercent = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let entities = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let unentities = |text: &str| quick_xml::escape::unescape(text).unwrap().into_owned();
        let percent = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        // Without a sign of its own, or the lack of padding, an alphabet cannot be told.
        let blank = if php.len().is_multiple_of(3) { " " } else { "" };
        let for_urls = BASE64_URL_SAFE_NO_PAD.encode(format!("{php}{blank}"));
        let values = [
            (json.clone(), read_json(&marked(&json, "@"))),
            (php.clone(), Tree::of_php(&marked(&php, "@"))),
            (slashed(&json), read_json(&unslashed(&marked(&slashed(&json), "@")))),
            (slashed(&php), Tree::of_php(&unslashed(&marked(&slashed(&php), "@")))),
            (gzip(&json), read_json(&gunzip(&marked(&gzip(&json), "@")))),
            (data_encoding::HEXLOWER.encode(php.as_bytes()), Tree::of_php(&unhex(&marked(&data_encoding::HEXLOWER.encode(php.as_bytes()), "@")))),
            (for_urls.clone(), Tree::of_php(&unbase(&marked(&for_urls, "@")))),
            (percent(&json), read_json(&unpercent(&marked(&percent(&json), "@")))),
            (entities(&json), read_json(&unentities(&marked(&entities(&json), "@")))),
        ];
        for (value, edited) in values {
            prop_assert_eq!(&edited, &tree.marked(), "{}", value);
            texts(&value);
        }
        let block = format!("<!-- wp:acme/x {} -->\n", serde_json::to_string(&tree.json()).unwrap().replace("--", "\\u002d\\u002d").replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace("\\\"", "\\u0022"));
        let new = marked(&block, "@");
        let attributes = new.strip_prefix("<!-- wp:acme/x ").unwrap().strip_suffix(" -->\n").unwrap();
        prop_assert_eq!(read_json(attributes), tree.marked());
        prop_assert!(!attributes.contains("--") && !attributes.contains(['<', '>', '&']), "{}", attributes);
    }

    #[test]
    fn rows_are_edited_in_every_form(row in row()) {
        let expected = mark(&row);
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&row).finish();
        let read: Vec<_> = url::form_urlencoded::parse(marked(&query, "@").as_bytes()).into_owned().collect();
        prop_assert_eq!(&read, &expected);

        let quote = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
        let names: Vec<_> = row.iter().map(|(name, _)| name.clone()).collect();
        let cells: Vec<_> = row.iter().map(|(_, text)| quote(text)).collect();
        let rows = format!("{}\n{}\n", names.join(","), cells.join(","));
        let wanted: Vec<_> = expected.iter().map(|(_, text)| quote(text)).collect();
        prop_assert_eq!(marked(&rows, "@"), format!("{}\n{}\n", names.join(","), wanted.join(",")));

        let element = |(name, text): &(String, String)| format!("<{name}>{}</{name}>", quick_xml::escape::escape(text));
        let xml = format!("<r>{}</r>", row.iter().map(element).collect::<String>());
        let new = marked(&xml, "@");
        let mut reader = quick_xml::Reader::from_str(&new);
        let (mut read, mut name) = (Vec::<(String, String)>::new(), String::new());
        loop {
            use quick_xml::events::Event;
            match reader.read_event().unwrap() {
                Event::Start(tag) => {
                    name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                    read.push((name.clone(), String::new()));
                }
                Event::Text(text) => read.last_mut().unwrap().1.push_str(&text.decode().unwrap()),
                Event::GeneralRef(entity) => {
                    let entity = format!("&{};", entity.decode().unwrap());
                    read.last_mut().unwrap().1.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        prop_assert_eq!(&read[1..], &expected[..], "{} {}", name, new);

        let bare: Vec<_> = row.iter().map(|(name, text)| (name.clone(), text.replace(['"', '<'], ""))).collect();
        let ini = bare.iter().map(|(name, text)| format!("{name} = \"{text}\"\n")).collect::<String>();
        let wanted = mark(&bare).iter().map(|(name, text)| format!("{name} = \"{text}\"\n")).collect::<String>();
        prop_assert_eq!(marked(&ini, "@"), wanted);
    }

    #[test]
    fn pieces_in_any_order_stay_or_change_but_never_fall(pieces in prop::collection::vec(PIECES, 0..14)) {
        let value = pieces.concat();
        texts(&value);
        marked(&value, "@");
        let whole = serde_json::from_str::<serde_json::Value>(&value).is_ok();
        prop_assert!(!whole || serde_json::from_str::<serde_json::Value>(&marked(&value, "@")).is_ok());
    }
}

const PIECES: &str = "a:[0-9]{1,2}:\\{|s:[0-9]{1,2}:\"|\";|\\}|i:1;|\\{\"value\":|\"name\":|\"[a-z@]{0,9}\"|\\[|\\]|,|\n|a=b|&|&#64;|&amp;|%40|<[a-z]>|</[a-z]>|<[a-z] data-x=\"|'|:|Name: |e30=|\\\\|\\\\\"|\\\\u0040|<!-- wp:x |-->|@|é| |eJw|H4sI|[A-Za-z0-9+/]{20,40}";
