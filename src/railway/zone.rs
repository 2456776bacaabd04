//! DNS records as lines of a zone's file (RFC 1035, section 5), whatever characters they came with.

use std::net::Ipv4Addr;

use super::domains::DnsRecord;

/// How long others may keep a record, in seconds: it is set while somebody waits.
const TTL: u32 = 300;

/// The longest string within a TXT record, in bytes.
const LONGEST_STRING: usize = 255;

/// Records as lines that can be pasted into a zone; one that no zone takes is a comment.
pub(crate) fn zone(records: &[DnsRecord]) -> String {
    records.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(record: &DnsRecord) -> String {
    let DnsRecord { record_type, host, value, .. } = record;
    let data = match record_type.as_str() {
        "CNAME" | "NS" => name(value),
        "A" => value.parse::<Ipv4Addr>().ok().map(|address| address.to_string()),
        "TXT" => Some(strings(value)),
        _ => None,
    };
    match name(host).zip(data) {
        Some((host, data)) if record_type == "CNAME" && record.is_at_the_top => {
            format!("; {host} {TTL} IN CNAME {data} ; a zone's own name takes no CNAME: use ALIAS, ANAME or flattening")
        }
        Some((host, data)) => format!("{host} {TTL} IN {record_type} {data}"),
        None => format!("; not a record of a zone: {}", strings(&format!("{record_type} {host} {value}"))),
    }
}

/// A name from the root, each octet of it that could mean something escaped; none where it is too long or has an empty label.
fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &str| (1..=63).contains(&label.len());
    let is_name = text.len() <= 253 && text.split('.').all(fits);
    let written = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(octet).to_string(),
        other => format!("\\{other:03}"),
    };
    is_name.then(|| text.bytes().map(written).chain([".".to_owned()]).collect())
}

/// A text as the quoted strings of a TXT record.
fn strings(text: &str) -> String {
    let written = |octet: &u8| match octet {
        b'"' | b'\\' => format!("\\{}", char::from(*octet)),
        b' '..=b'~' => char::from(*octet).to_string(),
        other => format!("\\{other:03}"),
    };
    let string = |octets: &[u8]| format!("\"{}\"", octets.iter().map(written).collect::<String>());
    match text.as_bytes() {
        [] => "\"\"".to_owned(),
        octets => octets.chunks(LONGEST_STRING).map(string).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(record_type: &str, host: &str, value: &str) -> String {
        let is_at_the_top = host == "example.net";
        line(&DnsRecord::new(record_type, host, value, is_at_the_top))
    }

    #[test]
    fn records_are_lines_of_a_zone() {
        assert_eq!(
            one("CNAME", "staging.acme.example", "abc.up.railway.app"),
            "staging.acme.example. 300 IN CNAME abc.up.railway.app."
        );
        assert_eq!(
            one("TXT", "_railway-verify.staging.acme.example", "railway-verify=0a"),
            "_railway-verify.staging.acme.example. 300 IN TXT \"railway-verify=0a\""
        );
        assert_eq!(one("A", "example.net", "192.0.2.7"), "example.net. 300 IN A 192.0.2.7");
        assert!(
            one("CNAME", "example.net", "a.test").starts_with("; example.net. 300 IN CNAME a.test. ; a zone's own")
        );
    }

    #[test]
    fn a_long_text_is_several_strings_of_at_most_255_bytes() {
        let long = one("TXT", "a.test", &"x".repeat(600));
        let strings: Vec<_> = long.split('"').skip(1).step_by(2).map(str::len).collect();
        assert_eq!(strings, [255, 255, 90]);
        // An umlaut is two bytes, and the border may lie between them.
        let odd = one("TXT", "a.test", &format!("{}ü", "x".repeat(254)));
        assert!(odd.is_ascii() && odd.ends_with("x\\195\" \"\\188\""), "{odd}");
    }

    #[test]
    fn what_a_name_or_a_value_says_cannot_leave_its_line() {
        let evil =
            ["a b", "a\nb.test", "a;b", "$INCLUDE /etc/passwd", "a\" IN TXT \"b", "(", "\u{202e}", "@", "*", "a\\"];
        for text in evil {
            for record in [one("CNAME", text, "a.test"), one("CNAME", "a.test", text), one("TXT", text, text)] {
                let first = record.split(' ').next().unwrap();
                assert!(!record.contains(|c: char| c.is_control() || !c.is_ascii()), "{record:?}");
                assert!(record.starts_with("; ") || first.ends_with('.'), "{record:?}");
                assert_eq!(record.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2, 0, "{record}");
            }
        }
        for none in ["", "a..b", &"x".repeat(64), &"x.".repeat(128)] {
            assert!(one("CNAME", none, "a.test").starts_with("; not a record"), "{none}");
        }
        assert_eq!(one("TYPE65\nx", "a.test", "b"), "; not a record of a zone: \"TYPE65\\010x a.test b\"");
        assert!(one("A", "a.test", "192.0.2.7 ; x").starts_with("; not a record"));
    }
}
