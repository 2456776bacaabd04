//! Entities, percent signs, and wrappings within each other.

use super::*;

#[test]
fn entities_are_read_and_written_alike() {
    assert_eq!(texts("Zo&euml; at a&#64;b&period;c &amp; more"), ["f=Zoë at a@b.c & more"]);
    assert_eq!(marked("Zo&euml; &amp; a&#64;b", "@"), "#Zo&euml; &amp; a&#64;b");
    // Those that would be markup stay.
    assert_eq!(texts("<p>a&#x40;b &lt;i&gt; &amp;</p>"), ["f=<p>a@b &lt;i&gt; &amp;</p>"]);
    assert_eq!(texts("{&quot;email&quot;:&quot;a&#64;b&quot;}"), ["f/email=a@b"]);
    assert_eq!(marked("{&quot;email&quot;:&quot;a&#64;b&quot;}", "@"), "{&quot;email&quot;:&quot;#a&#64;b&quot;}");
    assert_eq!(texts("Q&A; fish & chips &bogus; &#0;"), ["f=Q&A; fish & chips &bogus; &#0;"]);
}

#[test]
fn only_what_changes_is_written_anew() {
    struct Email;
    impl ValueEditor for Email {
        fn text(&self, _: &FieldPath<'_>, text: &[u8], _: usize) -> Option<Vec<u8>> {
            Some(String::from_utf8_lossy(text).replace("zoë@b", "äx@y & <z>").into_bytes())
        }

        fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
            None
        }
    }
    let edited = |text: &str| {
        let new = edited(text.as_bytes(), &FieldPath::named("f"), &Email, 0).unwrap().unwrap();
        String::from_utf8(new).unwrap()
    };
    assert_eq!(
        edited("&#x26;amp; &eacute; zo&euml;&commat;b &amp &eacute;"),
        "&#x26;amp; &eacute; äx&commat;y &#x26; <z> &amp &eacute;"
    );
    assert_eq!(edited("%C3%A9+%c3%a9/zo%c3%ab%40b+é".trim_end_matches('é')), "%C3%A9+%c3%a9/%c3%a4x%40y+%26+%3cz%3e+");
}

#[test]
fn percent_encoded_texts_are_read() {
    let value = "%7B%22email%22%3A%22a%40b%22%2C%22n%22%3A%22x%20y%22%7D";
    assert_eq!(texts(value), ["f/email=a@b", "f/n=x y"]);
    assert_eq!(marked(value, "@"), value.replace("a%40b", "%23a%40b"));
    assert_eq!(texts("100%25+sure"), ["f=100% sure"]);
    for prose in ["100%", "50% off", "%zz"] {
        assert_eq!(texts(prose), [format!("f={prose}")]);
    }
}

#[test]
fn wrappings_within_each_other_are_opened() {
    use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
    let json = r#"{"email":"a@b.example"}"#;
    let value =
        BASE64URL_NOPAD.encode(format!("a:1:{{i:0;s:{}:\"{}\";}}", 46, HEXLOWER.encode(json.as_bytes())).as_bytes());
    assert_eq!(texts(&value), ["f/email=a@b.example"]);
    let mut deep = json.to_owned();
    (0..80).for_each(|_| deep = if deep.len() < 100_000 { BASE64.encode(deep.as_bytes()) } else { deep.clone() });
    texts(&deep);
}

#[test]
fn what_is_not_looked_into_is_told_as_such() {
    let packed = |text: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, text).unwrap();
        data_encoding::BASE64.encode(&gzip.finish().unwrap())
    };
    let bomb = packed(&vec![b'a'; 1 << 22]);
    let twice = packed(packed(b"{\"email\":\"a@b.example\"}").as_bytes());
    assert_eq!(marked(&format!("{{\"a\":\"{bomb}\",\"b\":1}}"), OPAQUE), "{\"a\":\"\",\"b\":1}");
    assert_eq!(marked(&twice, OPAQUE), packed(b""));
    assert_eq!(texts(&packed(b"{\"email\":\"a@b.example\"}")), ["f/email=a@b.example"]);
}
