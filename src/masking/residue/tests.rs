use base64::Engine as _;

use super::*;
use crate::masking::nets::people::Gatherer;
use crate::masking::{Key, Transformer};

fn found(value: &str) -> Vec<Identifier> {
    let found = Searcher::new(Nets::new(Key::random())).search(value.as_bytes());
    assert!(!found.is_cut, "{value}");
    found.iter().collect()
}

#[test]
fn what_has_the_form_of_an_identifier_is_found_in_every_form() {
    use Identifier::{Card, Email, Iban, Ip, OfficialNumber, PasswordHash, Secret};
    let key = concat!("sk_", "live_", "51Abcdefghijklmnopqrst");
    for (text, what) in [
        ("zoe@people.example.net", Email),
        ("Mail ZOE.Quill+x@People.Example.NET, please", Email),
        ("zoë@exämple.org", Email),
        ("GB82 WEST 1234 5698 7654 32", Iban),
        ("pay to DE89370400440532013000.", Iban),
        ("4111 1111 1111 1111", Card),
        ("card 5555-5555-5555-4444 of May", Card),
        ("378282246310005", Card),
        ("BE68539007547034", Iban),
        ("Superuser: 4111111111111111", Card),
        ("2 4111 1111 1111 1111 12/27 123", Card),
        ("from 203.0.113.77 at noon", Ip),
        ("200 203.0.113.77", Ip),
        ("2001:db8::77", Ip),
        ("SSN 219-09-9999", OfficialNumber),
        ("codice RSSMRA85T10A562S", OfficialNumber),
        ("$2y$10$InventedInventedInventedInventedInventedInventedInven", PasswordHash),
        (key, Secret),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", Secret),
    ] {
        let entities: String = text.chars().map(|c| format!("&#{};", c as u32)).collect();
        let escaped: String = text.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
        let percent: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(format!("a:1:{{s:1:\"x\";s:3:\"{text}\";}}"));
        let hex = data_encoding::HEXLOWER.encode(text.as_bytes());
        let json = serde_json::to_string(&serde_json::json!({"a": serde_json::json!([text]).to_string()})).unwrap();
        for form in [text.to_owned(), format!("x\t{text}\n"), entities, escaped, percent, base64, hex, json] {
            assert_eq!(found(&form), [what], "{form}");
        }
    }
}

#[test]
fn strangers_and_what_only_looks_so_are_nobody() {
    for text in [
        "user-0123456789abcdef@example.invalid",
        // Right check digits by chance, of an account and of a card.
        "user-be68539007547034@example.invalid",
        "UsEr-BE68539007547034",
        "masked-be68539007547034",
        "user-4111111111111111@example.invalid",
        "user-0123456789abcdef%40example.invalid",
        "+999123456789",
        "198.18.4.200, 2001:2:0:1:3:5:7:9",
        "9041 2341 2341 2346",
        "version 4.203.0.11",
        "!",
        "ZZ0012345678901234567890",
        "logo@2x.png, @media (min-width: 1px), me@home, @, a@b, x@y.",
        "2024-05-06 10:22:33",
        "1234567890123456",
        "a:2:{s:4:\"name\";i:4111111111111112;}",
        concat!("sk_", "test_", "51Abcdefghijklmnopqrst"),
        "d41d8cd98f00b204e9800998ecf8427e",
        "wp-content/uploads/2024/05/a-picture-of-something@1024x768.jpeg",
        "https://fonts.example.org/css2?family=Inter:wght@400;700",
        "",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

/// A searcher who knows Zoë Quillfeather and where she lives.
fn searcher() -> Searcher {
    let nets = Nets::new(Key::random());
    let mut people = Gatherer::new(&nets.key);
    people.take(Transformer::Name, "display_name", 1, "Zoë Quillfeather");
    people.take(Transformer::Name, "display_name", 2, "Avery Morgan");
    people.take(Transformer::Email, "mail", 1, "zoe.quill@people.example.net");
    people.take(Transformer::Phone, "phone", 1, "020 7946 0123");
    people.take(Transformer::Street, "street", 1, "12 Thistledown Lane");
    people.take(Transformer::Street, "street", 1, "Ahornweg 4a");
    nets.people.set(people.end()).unwrap();
    Searcher::new(nets)
}

#[test]
fn a_known_person_is_found_however_it_is_written() {
    use Identifier::{Email, Name, Phone, Street};
    let mut searcher = searcher();
    let long = "It was a long letter about nothing at all, written on a rainy day by somebody else. ".repeat(3);
    for (text, what) in [
        ("Zoë Quillfeather", Name),
        ("zoe quillfeather", Name),
        ("QUILLFEATHER, ZOË", Name),
        ("Zoe\u{308} Quillfeather", Name),
        ("Quillfeather;Zoë;1984", Name),
        ("\"Zoë\",\"Quillfeather\"", Name),
        ("a:2:{s:10:\"first_name\";s:4:\"Zoë\";s:9:\"last_name\";s:12:\"Quillfeather\";}", Name),
        ("{\"first\":\"Zoë\",\"last\":\"Quillfeather\"}", Name),
        ("Zo&euml;&nbsp;Quillfeather", Name),
        ("<b>Zoë</b> van der <i>Quillfeather</i>", Name),
        ("ZOE.QUILL@People.example.NET", Email),
        ("tel:+442079460123", Phone),
        ("0044 20 7946 0123", Phone),
        ("020-7946/0123", Phone),
        ("(020) 7946.0123", Phone),
        ("2 (020) 7946 0123 12 times", Phone),
        ("7 020 7946 0123 2024-05-06", Phone),
        ("Deliver to 12 Thistledown Lane, please", Street),
        ("12 thistledown lane", Street),
        ("Ahornweg 4a", Street),
    ] {
        let in_letter = format!("{long}Dear {text}. {long}");
        let base64 = base64::engine::general_purpose::STANDARD.encode(&in_letter);
        let json = serde_json::to_string(&in_letter).unwrap();
        let is_small = text.starts_with("zoe") || text.starts_with("12 thistle");
        for form in [text.to_owned(), in_letter, base64, json].into_iter().take(if is_small { 1 } else { 4 }) {
            let found = searcher.search(form.as_bytes());
            assert!(found.only_known().iter().any(|found| found == what), "{what:?} in {form}");
        }
    }
}

#[test]
fn others_and_strangers_are_not_taken_for_known_people() {
    let mut searcher = searcher();
    for text in [
        "Avery Morgan",
        "Zoë met a Quillfeather hunter and his dog on the way home",
        "Quillfeather. And Zoë went home; there were 12 Thistledowns in the Lane",
        "user-0123456789abcdef@example.invalid, +999020794601",
        "2079460123",
        "12 Thistledown Road, 13 Thistledown Lane",
    ] {
        assert_eq!(searcher.search(text.as_bytes()).iter().collect::<Vec<_>>(), [], "{text}");
    }
}

#[test]
fn a_stranger_in_the_form_of_whom_it_stands_for_is_told_from_who_is_known() {
    let mut searcher = searcher();
    let shaped = searcher.search(b"qxk.abcde@abcdef.ghijklm.nop");
    assert!(!shaped.is_none() && shaped.only_known().is_none());
}
