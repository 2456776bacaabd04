//! Forms with names for what stands in them: query strings, rows, lines, XML, attributes of HTML.

use super::*;

#[test]
fn query_strings_are_read_by_their_names() {
    assert_eq!(
        texts("first_name=Zo%C3%AB+X&billing%5Bemail%5D=a%40b&tags[]=1&x"),
        ["f/first_name=Zoë X", "f/billing/email=a@b", "f/tags=1"]
    );
    assert_eq!(marked("n=1&email=a%40b&x=%c3%a9+é&y=a%40b", "@"), "n=1&email=%23a%40b&x=%c3%a9+é&y=%23a%40b");
    assert_eq!(
        texts("https://x.test/y?utm_email=a%40b&z=1#top"),
        ["f=https://x.test/y", "f/utm_email=a@b", "f/z=1", "f=#top"]
    );
    assert_eq!(texts("width=100"), ["f/width=100"]);
    for text in ["a == b", "x=1;y=2", "=", "a&b", "YWJj==", "1+1=2", "if(a=b){}"] {
        let seen = texts(text);
        assert!(seen == [format!("f={text}")] || text == "a == b" || text == "x=1;y=2", "{seen:?}");
    }
}

#[test]
fn rows_are_read_by_the_names_of_their_columns() {
    let rows = "first_name,phone,note\r\nZoë,07700 900000,\"one, \"\"two\"\"\"\r\nIda,\"a@b\",\r\n";
    assert_eq!(
        texts(rows),
        ["f/first_name=Zoë", "f/phone=07700 900000", "f/note=one, \"two\"", "f/first_name=Ida", "f/phone=a@b"]
    );
    assert_eq!(marked(rows, "@"), rows.replace("a@b", "#a@b"));
    assert_eq!(marked(rows, "two"), rows.replace("\"one,", "\"#one,"));
    assert_eq!(texts("email;n\na@b;1"), ["f/email=a@b", "f/n=1"]);
    assert_eq!(texts("1,Zoë,a@b\n2,Ida,c@d"), ["f=1", "f=Zoë", "f=a@b", "f=2", "f=Ida", "f=c@d"]);
    for prose in ["Hello Ida, how are you?\nFine, thanks.", "a,b", "a,b\n1,2,3", "one\ntwo"] {
        assert_eq!(texts(prose), [format!("f={prose}")]);
    }
}

#[test]
fn lines_are_read_by_their_names() {
    assert_eq!(texts("Name: Zoë\nE-Mail: a@b\n\nHello, all.\n"), ["f/Name=Zoë", "f/E-Mail=a@b", "f=\n\nHello, all.\n"]);
    assert_eq!(
        texts("; of a user\n[billing]\nfirst_name=\"Zoë\"\r\nemail = a@b\n"),
        ["f=; of a user\n[billing]\n", "f/billing/first_name=Zoë", "f/billing/email=a@b"]
    );
    assert_eq!(
        texts("shipping:\n  - city: Oslo\n    street: 'Way 1'\nnote: x"),
        ["f=shipping:\n  - ", "f/shipping/city=Oslo", "f/shipping/street=Way 1", "f/note=x"]
    );
    assert_eq!(
        texts("BEGIN:VCARD\nFN:Zoë X\nTEL;TYPE=cell:07700\nEND:VCARD"),
        ["f/BEGIN=VCARD", "f/FN=Zoë X", "f/TEL=07700", "f/END=VCARD"]
    );
    assert_eq!(marked("a: \"x @\"\nb = @\n", "@"), "a: \"#x @\"\nb = #@\n");
    for prose in
        ["See http://x.test/y at 10:30", "Password: {password}", "Note that: one, two and three more words", "a::b"]
    {
        assert_eq!(texts(prose), [format!("f={prose}")]);
    }
    assert_eq!(texts("<p>Phone: 07700</p><p>Bye</p>"), ["f=<p>", "f/Phone=07700", "f=</p><p>Bye</p>"]);
}

#[test]
fn elements_and_attributes_are_fields() {
    let xml = "<?xml version=\"1.0\"?>\n<c:customer xmlns:c=\"urn:x\" id=\"7\"><first_name>Zo&#235; &amp; X</first_name><mail kind=\"a@b\"/><![CDATA[a@b]]><!-- hi --><field name=\"phone\">07700</field><entry key=\"city\" value=\"Oslo\"/></c:customer>\n";
    assert_eq!(
        texts(xml),
        [
            "f/customer/id=7",
            "f/customer/first_name=Zoë & X",
            "f/mail/kind=a@b",
            "f/customer=a@b",
            "f= hi ",
            "f/customer/phone=07700",
            "f/customer/city=Oslo"
        ]
    );
    let new = marked(xml, "@");
    assert_eq!(new, xml.replace("a@b", "#a@b"));
    for other in ["<p>Hello</p>", "<a><b></a></b>", "<a>", "<3", "a <b>c</b>", "<a>x</a> and more"] {
        assert_eq!(texts(other), [format!("f={other}")]);
    }
}

#[test]
fn new_texts_of_markup_are_escaped() {
    struct Signs;
    impl ValueEditor for Signs {
        fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
            edited(text, path, self, depth).unwrap_or(Some(b"<\"&'>--]]>".to_vec()))
        }

        fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
            None
        }
    }
    let xml = b"<r a=\"x\" b='y'>z<![CDATA[v]]><!--w--></r>";
    let new = edited(xml, &FieldPath::named("f"), &Signs, 0).unwrap().unwrap();
    let new = String::from_utf8(new).unwrap();
    let mut reader = quick_xml::Reader::from_str(&new);
    let mut events = 0;
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {
        events += 1;
    }
    assert!(events >= 5, "{new}");
    assert!(new.contains("a=\"&#60;&#34;&#38;'>--]]>\" b='&#60;\"&#38;&#39;>--]]>'"), "{new}");
}

#[test]
fn attributes_of_html_that_hold_values_are_read() {
    let html = "<div class=\"x\" data-user-email=\"a@b\" data-x=\"{&quot;city&quot;:&quot;Oslo&quot;}\"><input name='phone' value='07700'> Hi</div>";
    assert_eq!(
        texts(html),
        [
            "f=<div class=\"x\" data-user-email=\"",
            "f/user-email=a@b",
            "f= data-x=",
            "f/x/city=Oslo",
            "f=\"><input name='phone' value='",
            "f/phone=07700",
            "f='> Hi</div>"
        ]
    );
    assert_eq!(marked(html, "Oslo"), html.replace("Oslo", "#Oslo"));
    // A tag within the quotes of another is none.
    assert_eq!(
        texts("<a data-x=\"1\" y<a data-y=\"2\">"),
        ["f=<a data-x=\"", "f/x=1", "f= y<a data-y=", "f/y=2", "f=\">"]
    );
}
