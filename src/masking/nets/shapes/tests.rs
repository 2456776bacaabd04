//! What is found in texts.

use super::*;
use crate::masking::Key;

pub(super) fn nets(country: &str) -> std::sync::Arc<Nets> {
    let nets = Nets::new(Key::of_test());
    if let Some(country) = Country::of_code(country) {
        nets.country.set(country).unwrap();
    }
    nets
}

pub(super) fn shapes_of(text: &str, country: &str) -> Vec<(Shape, String)> {
    let place = Place { country: Country::of_code(country), ..Place::default() };
    find(text, place).map(|found| (found.shape, text[found.range].to_owned())).collect()
}

/// Fails with all that is not as it should be.
pub(super) fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Texts around a value as it stands in data.
pub(super) fn around(value: &str) -> [String; 6] {
    [
        value.to_owned(),
        format!("Please note {value}, thanks."),
        format!("a,{value},b"),
        format!("<td>{value}</td>"),
        format!("({value})"),
        format!("1;\"{value}\";2"),
    ]
}

#[test]
fn every_official_number_of_the_rules_goes_and_its_kin_stays() {
    let mut wrong = Vec::new();
    for rule in &RULES.numbers {
        for value in &rule.holds {
            for text in around(value) {
                let found = shapes_of(&text, &rule.country);
                if !matches!(found.as_slice(), [(Shape::OfficialNumber, number)] if value.ends_with(number.as_str())) {
                    wrong.push(format!("{}: {text}: {found:?}", rule.name));
                }
                let masked = masked(&nets(&rule.country), &text, &FieldPath::named("")).unwrap_or_default();
                if masked.chars().count() != text.chars().count() {
                    wrong.push(format!("{}: {text} becomes {masked}", rule.name));
                }
                wrong.extend(left(&text, &rule.country).map(|left| format!("{}: {text}: {left}", rule.name)));
            }
        }
        let is_one = |found: &[(Shape, String)]| found.iter().any(|(shape, _)| *shape == Shape::OfficialNumber);
        let kin = rule.never.iter().map(|text| (text, shapes_of(text, ""))).filter(|(_, found)| is_one(found));
        wrong.extend(kin.map(|(text, found)| format!("{}: {text}: {found:?}", rule.name)));
    }
    none(&wrong);
}

/// What is found of a text once it is masked.
pub(super) fn left(text: &str, country: &str) -> Option<String> {
    let masked = masked(&nets(country), text, &FieldPath::named(""))?;
    let found = shapes_of(&masked, country);
    (!found.is_empty()).then(|| format!("{masked} still holds {found:?}"))
}

/// Tells every text in which something else is found than the value alone.
fn found_alone(shape: Shape, value: &str, country: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for text in around(value).into_iter().filter(|text| shape != Shape::Coordinates || !text.starts_with("a,")) {
        let found = shapes_of(&text, country);
        if found != [(shape, value.to_owned())] {
            wrong.push(format!("{country}: {text}: {found:?}"));
        }
        wrong.extend(left(&text, country));
    }
    wrong
}

#[test]
fn addresses_are_found_within_text() {
    let nets = nets("");
    let masked = |text: &str| masked(&nets, text, &FieldPath::named("")).unwrap();
    let zoe = crate::masking::strangers::one_email(&nets.key, "zoé.q+shop@mail.example.com");
    assert_eq!(masked("Write to <zoé.q+shop@mail.example.com>. Thanks!"), format!("Write to <{zoe}>. Thanks!"));
    let link = masked("?to=z%40example.com&x=1");
    assert!(link.starts_with("?to=user-") && link.ends_with("%40example.invalid&x=1"), "{link}");
    let entity = masked("mail zoe&#64;example.com now");
    assert!(entity.starts_with("mail user-") && entity.ends_with("&#64;example.invalid now"), "{entity}");
    let mut wrong = Vec::new();
    for address in [
        "zoe@example.com",
        "o'neil@example.co.uk",
        "zoe_123@mail.example.org",
        "zoe@bücher.example",
        "zoe@xn--bcher-kva.example",
        "zoe@example.xn--p1ai",
        "зоя@почта.example",
        "\"zoe quill\"@example.com",
        "02079460123@example.com",
        "token123@example.com",
    ] {
        wrong.extend(found_alone(Shape::Email, address, "GB"));
    }
    none(&wrong);
    assert_eq!(shapes_of("邮箱zoe@example.com请", ""), [(Shape::Email, "zoe@example.com".to_owned())]);
}

#[test]
fn what_only_looks_like_an_address_stays() {
    for text in [
        "@import url(x)",
        "logo@2x.png",
        "logo@2x-300x200.webp",
        "a @ b.com",
        "pkg@1.2.3",
        "pkg@1.2.3-beta.rc",
        "@handle",
        "100%4",
        "50% @x.com",
        "a@b",
        "",
        "@media (min-width: 768px)",
        "medium.com/@handle.name",
        "user-1@example.invalid",
        "react@18.2.0.tgz",
        "git@2.css",
    ] {
        assert_eq!(shapes_of(text, ""), [], "{text}");
        assert!(!is_email(text), "{text}");
    }
    assert!(is_email("o'neil@example.co.uk"));
    assert!(!is_email("O <o@example.com>"));
}

#[test]
fn telephones_are_found_as_their_country_writes_them() {
    let mut wrong = Vec::new();
    for (country, numbers) in [
        (
            "",
            &[
                "+44 (0)20 7946 0123",
                "+1-202-555-0123",
                "+49 30 23125 123",
                "0044 20 7946 0123",
                "020 7946 0123",
                "(202) 555-0123",
                "+442079460123",
            ][..],
        ),
        (
            "GB",
            &[
                "07700 900012",
                "07700900012",
                "020 7946 0123",
                "(020) 7946-0123",
                "01632 960 123",
                "0113 496 0123",
                "+447700900012",
                "00 44 7700 900012",
            ],
        ),
        (
            "DE",
            &[
                "030 23125-123",
                "030/23125123",
                "(030) 23125 123",
                "0171 3920012",
                "01713920012",
                "0 30 / 23125 123",
                "+49 (0) 171 3920012",
                "0049 171 3920012",
                "030-23125123",
            ],
        ),
        ("AT", &["0664 123 45 67", "01/23456789", "+43 664 1234567"]),
        ("CH", &["044 668 18 00", "079 123 45 67", "+41 44 668 18 00"]),
        ("FR", &["01 99 00 12 34", "01.99.00.12.34", "06 39 98 12 34", "0639981234", "+33 6 39 98 12 34"]),
        ("ES", &["612 345 678", "91 123 45 67", "+34 612 345 678"]),
        ("IT", &["06 1234 5678", "345 123 4567", "+39 06 1234 5678"]),
        (
            "US",
            &["202-555-0123", "(202) 555-0123", "202.555.0123", "202 555 0123", "1-202-555-0123", "+1 202 555 0123"],
        ),
        ("CA", &["416-555-0123"]),
        ("NL", &["06 12345678", "020 123 4567", "06-12345678", "0612345678"]),
        ("PL", &["601 234 567", "22 123 45 67", "+48 601 234 567"]),
        ("DK", &["20 12 34 56", "+45 20 12 34 56"]),
        ("SE", &["070-174 06 05", "08-465 004 12"]),
        ("BR", &["(11) 91234-5678", "11 91234-5678", "+55 11 91234-5678"]),
        ("IN", &["098765 43210", "98765 43210", "+91 98765 43210"]),
        ("AU", &["0491 570 156", "(02) 5550 1234", "+61 491 570 156"]),
        ("JP", &["090-1234-5678", "03-1234-5678"]),
        ("TR", &["0532 123 45 67", "+90 532 123 45 67"]),
        ("RU", &["8 (495) 123-45-67", "+7 (495) 123-45-67"]),
        ("PT", &["912 345 678", "21 123 4567"]),
        ("CZ", &["601 123 456", "+420 601 123 456"]),
        ("GR", &["210 123 4567", "694 123 4567"]),
        ("NO", &["22 12 34 56", "406 12 345"]),
        ("FI", &["040 123 4567", "09 123 4567"]),
        ("UA", &["050 123 45 67", "+380 50 123 45 67"]),
        ("IE", &["020 912 3456", "01 234 5678"]),
        ("CN", &["138 1234 5678", "010-12345678"]),
        ("ZA", &["082 123 4567"]),
        ("MX", &["55 1234 5678", "+52 55 1234 5678"]),
    ] {
        wrong.extend(numbers.iter().flat_map(|number| found_alone(Shape::Phone, number, country)));
    }
    none(&wrong);
    let two = shapes_of("07700 900012, 07700 900013 or 07700 900014/07700 900015", "GB");
    assert!(two.len() >= 3, "{two:?}");
}

#[test]
fn numbers_of_computers_accounts_and_places_are_found() {
    let mut wrong = Vec::new();
    for (shape, values) in [
        (
            Shape::Ip,
            &[
                "203.0.113.9",
                "192.0.2.133",
                "10.8.0.44",
                "2001:db8::1",
                "2001:db8:0:1:1:1:1:1",
                "fe80::1ff:fe23:4567:890a",
                "::ffff:203.0.113.9",
            ][..],
        ),
        (
            Shape::Iban,
            &[
                "DE89 3704 0044 0532 0130 00",
                "DE89370400440532013000",
                "GB82WEST12345698765432",
                "gb82west12345698765432",
                "FR14 2004 1010 0505 0001 3M02 606",
                "NO9386011117947",
            ],
        ),
        (
            Shape::Card,
            &[
                "4111 1111 1111 1111",
                "4111111111111111",
                "5555-5555-5555-4444",
                "378282246310005",
                "3782 822463 10005",
                "6011111111111117",
                "2223003122003222",
                "30569309025904",
                "6200000000000005",
            ],
        ),
        (
            Shape::Coordinates,
            &["52.520008, 13.404954", "52.520008,13.404954", "-33.868820, 151.209296", "52.5200;13.4049"],
        ),
        (Shape::Device, &["a4:5e:60:00:00:1b", "A4-5E-60-00-00-1B"]),
    ] {
        wrong.extend(values.iter().flat_map(|value| found_alone(shape, value, "DE")));
    }
    none(&wrong);
    let list = "203.0.113.9, 198.51.100.7:8080;203.0.113.10";
    assert_eq!(shapes_of(list, "").len(), 3);
    assert_eq!(shapes_of("http://203.0.113.9/x", "")[0].0, Shape::Ip);
}
