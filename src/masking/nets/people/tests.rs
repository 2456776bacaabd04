//! Whoever is known is found in whatever way a text names them, and nobody else is.

use super::*;

fn gatherer() -> Gatherer {
    Gatherer::new(&Key::of_test())
}

fn nets(people: KnownPeople) -> std::sync::Arc<Nets> {
    let nets = Nets::new(Key::of_test());
    nets.people.set(people).unwrap();
    nets
}

/// A site that knows these, by transformer and value.
fn knowing(values: &[(Transformer, &str)]) -> KnownPeople {
    let mut gatherer = gatherer();
    for (row, (transformer, value)) in values.iter().enumerate() {
        gatherer.take(*transformer, "display_name", row as u64, value);
    }
    gatherer.end()
}

fn some_people() -> KnownPeople {
    knowing(&[
        (Transformer::Name, "Zoë Quill"),
        (Transformer::Name, "Anna Long"),
        (Transformer::Name, "Mary O'Neil"),
        (Transformer::Name, "Anna-Lena van der Berg"),
        (Transformer::Name, "Jürgen Müller"),
        (Transformer::Email, "Zoe.Quill@example.com"),
        (Transformer::Phone, "020 7946 0123"),
        (Transformer::Phone, "+49 30 23125 012"),
        (Transformer::Street, "12 Quill Street"),
        (Transformer::Street, "Quillstraße 7"),
        (Transformer::Login, "zquill84"),
        (Transformer::Company, "Quill & Daughters"),
    ])
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let nets = nets(some_people());
    for text in [
        "Zoë Quill",
        "ZOË QUILL",
        "zoe quill",
        "Quill, Zoë",
        "QUILL Zoe",
        "Zoë\nQuill",
        "Zoë   Quill",
        "Zoë&nbsp;Quill",
        "Zoë\u{a0}Quill",
        "<b>Zoë</b> <i>Quill</i>",
        "Zo\\u00eb Quill",
        "{\\\"name\\\":\\\"Zo\\\\u00eb Quill\\\"}".replace("\\\\u", "\\u").as_str(),
        "Zo%C3%AB%20Quill",
        "Zo&euml; Quill",
        "name=Zo%C3%AB+Quill&x=1",
        "Zoë María Quill",
        "Zoë M. Quill",
        "\"Zoë\";\"Quill\"",
        "/author/zoe-quill/",
        "zoe_quill",
        "Dear Zoë Quill's order",
        "Zoe\u{308} Quill",
    ] {
        let masked = masked(&nets, text).unwrap_or_else(|| panic!("{text}"));
        let lower = masked.to_lowercase();
        assert!(!lower.contains("quill") && !lower.contains("zo"), "{text}: {masked}");
    }
    for text in [
        "Mary O'Neil",
        "Mary O&#039;Neil",
        "mary oneil",
        "Anna-Lena van der Berg",
        "Berg, Anna-Lena",
        "Juergen Mueller",
        "JÜRGEN MULLER",
    ] {
        assert!(masked(&nets, text).is_some(), "{text}");
    }
}

#[test]
fn whoever_is_found_is_the_same_stranger_as_everywhere() {
    let (nets, key) = (nets(some_people()), Key::of_test());
    let stranger = |name: &str| strangers::name(&key, name);
    assert_eq!(masked(&nets, "Note: Zoë Quill rang.").unwrap(), format!("Note: {} rang.", stranger("Zoë Quill")));
    assert_eq!(masked(&nets, "Quill, Zoë").unwrap(), format!("{}, {}", stranger("Quill"), stranger("Zoë")));
    assert_eq!(
        masked(&nets, "Zo\\u00eb&nbsp;Quill").unwrap(),
        format!("{}&nbsp;{}", stranger("zoë"), stranger("quill"))
    );
    assert_eq!(masked(&nets, "Anna-Lena van der Berg").unwrap(), stranger("Anna-Lena van der Berg"));
    let email = masked(&nets, "write to zoe.quill@example.com").unwrap();
    assert_eq!(email, format!("write to {}", strangers::one_email(&key, "zoe.quill@example.com")));
    assert!(masked(&nets, "zoe.quill%40example.com").unwrap().contains("%40example.invalid"));
    assert!(masked(&nets, "zoe.quill&#64;example.com").unwrap().contains("&#64;example.invalid"));
    let street = masked(&nets, "at 12 Quill Street.").unwrap();
    assert_eq!(street, format!("at {}.", strangers::street(&key, "12 Quill Street")));
    assert_eq!(masked_whole(&nets, Transformer::Login, "ZQuill84"), Some(strangers::login(&key, "ZQuill84")));
    assert!(masked_whole(&nets, Transformer::Company, "quill & daughters").unwrap().ends_with("Ltd"));
    assert_eq!(masked(&nets, "zquill84 and Quill & Daughters"), None, "no words of a text");
}

#[test]
fn numbers_and_streets_are_found_in_either_form() {
    let nets = nets(some_people());
    for text in [
        "call +44 20 7946 0123!",
        "020 79460123",
        "(020) 7946-0123",
        "tel:+442079460123",
        "0044 20 7946 0123",
        "030/23125-012",
        "+4930 23125012",
    ] {
        let masked = masked(&nets, text).unwrap_or_else(|| panic!("{text}"));
        assert!(masked.contains("+999"), "{masked}");
    }
    for text in [
        "Quill Street 12",
        "12 quill st.",
        "12%20Quill%20Street",
        "12+Quill+Street",
        "Quillstr. 7",
        "an: Quillstraße 7, 12345 Ort",
        "12\nQuill Street",
    ] {
        let masked = masked(&nets, text).unwrap_or_else(|| panic!("{text}"));
        assert!(!masked.to_lowercase().contains("quill"), "{masked}");
        assert!(text.contains(' ') || !masked.contains(' ') || text.contains('\n'), "{masked}");
    }
}

#[test]
fn nobody_else_is_found() {
    let nets = nets(some_people());
    for text in [
        "It was a long way to Anna.",
        "I saw Anna long ago",
        "So long Anna said",
        "I met Anna. Long ago.",
        "Z. Quill",
        "Zoë alone, and a quill",
        "Zoë went to see how the Quill was",
        "2079460123",
        "207946012",
        "1632960123",
        "13 Quill Street",
        "Quill Street",
        "2024-01-02 10:33:00",
        "user-0123@example.invalid",
        "",
        "a",
    ] {
        assert_eq!(masked(&nets, text), None, "{text}");
    }
}

#[test]
fn words_of_any_languages_prose_are_no_name_in_small_letters() {
    let mut people =
        knowing(&[(Transformer::Name, "Rose La"), (Transformer::Name, "Jean Tordu"), (Transformer::Name, "Will May")]);
    let mut published = people.published();
    people.note_published(&mut published, "Le fil est tordu, jean bleu; la rose.");
    people.leave_out(published);
    let nets = nets(people);
    for text in ["voilà la rose", "il a un jean tordu", "it will may be"] {
        assert_eq!(masked(&nets, text), None, "{text}");
    }
    for text in ["Rose La", "JEAN TORDU", "May, Will"] {
        assert!(masked(&nets, text).is_some(), "{text}");
    }
}

#[test]
fn what_everyone_can_read_is_nobodys_secret() {
    let mut people = some_people();
    let before = people.len();
    let mut published = people.published();
    people.note_published(
        &mut published,
        "<p>Imprint: Zoë Quill, Quillstr. 7, tel. 0049 30 23125012, zoe.quill@example.com</p>",
    );
    people.note_published_value(&mut published, "Quill &amp; Daughters".replace("&amp;", "&").as_str());
    people.leave_out(published);
    assert_eq!(before - people.len(), 5);
    assert_eq!(people.counts().published, 5);
    assert!(!people.holds_name(("Zoë", "Quill")) && people.holds_name(("Long", "Anna")));
    assert!(!people.holds_whole("Quill & Daughters") && people.holds_whole("zquill84"));
    let nets = nets(people);
    assert_eq!(masked(&nets, "Zoë Quill, Quillstraße 7"), None);
}

#[test]
fn names_without_blanks_are_found_within_a_text() {
    let mut gatherer = gatherer();
    gatherer.take(Transformer::Name, "display_name", 1, "山田 太郎");
    gatherer.take(Transformer::Name, "billing_first_name", 2, "小明");
    gatherer.take(Transformer::Name, "billing_last_name", 2, "王");
    gatherer.take(Transformer::Name, "display_name", 3, "김민수");
    let nets = nets(gatherer.end());
    for (text, name) in [
        ("昨日、山田太郎様から電話。", "山田"),
        ("请联系王小明先生", "王小明"),
        ("太郎山田", "太郎"),
        ("김민수님", "민수"),
        ("山田 太郎", "太郎"),
    ] {
        let masked = masked(&nets, text).unwrap_or_else(|| panic!("{text}"));
        assert!(!masked.contains(name), "{masked}");
    }
    for text in ["山田さんから", "小明", "電話番号を教えてください"] {
        assert_eq!(masked(&nets, text), None, "{text}");
    }
}

#[test]
fn nothing_changes_where_nobody_is_known() {
    let empty = nets(gatherer().end());
    let unset = Nets::new(Key::of_test());
    for text in ["Zoë Quill, 12 Quill Street, zoe@example.com, +44 20 7946 0123", "", "é"] {
        assert_eq!(masked(&empty, text), None);
        assert_eq!(masked(&unset, text), None);
    }
}

#[test]
fn any_text_can_be_rolled_over() {
    let nets = nets(some_people());
    for text in [
        "&",
        "%",
        "\\",
        "%C3",
        "%C3%",
        "%zz",
        "\\u",
        "\\u00",
        "&#;",
        "&#x;",
        "&#99999999;",
        "é&é;%é\\é",
        "\u{301}",
        "'''",
        "+",
        "(+",
        "%2b",
        "%2B4",
        "Zoë'",
        "12'",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    ] {
        for around in ["", "Zoë Quill ", "12 "] {
            let _ = masked(&nets, &format!("{around}{text}"));
            let _ = masked(&nets, &format!("{text}{around}{text}"));
        }
    }
}

#[test]
fn a_stranger_that_somebody_is_called_like_cannot_be_told_apart() {
    let people = knowing(&[(Transformer::Name, "Harper Quinn"), (Transformer::Name, "Zoë Quinn")]);
    assert!(!KnownPeople::is_searchable(("Quinn", "HARPER")) && KnownPeople::is_searchable(("Zoë", "Quinn")));
    assert_eq!(people.counts().not_searchable, 1);
    let nets = nets(people);
    assert!(!masked(&nets, "by Harper Quinn").unwrap().contains("Harper Quinn"));
}

#[test]
fn a_million_people_are_held_in_48_bytes_each_and_the_rest_is_counted() {
    const MORE: u64 = 100_000;
    let mut gatherer = gatherer();
    let people = known::MOST_PEOPLE as u64;
    gatherer.take(Transformer::Email, "email", 0, "zoe@example.com");
    for number in 1..people + MORE {
        gatherer.add_hashed(number);
    }
    let known = gatherer.end();
    assert!(known.bytes() <= 48 * known::MOST_PEOPLE, "{}", known.bytes());
    assert_eq!(known.counts().people, people);
    assert_eq!(known.counts().left_out, 5 * MORE - 4);
    assert!(known.holds_email("zoe@example.com"), "whoever came first stays");
    assert_eq!(masked(&nets(known), "The quick brown fox jumps over the lazy dog, 12 times in 2024."), None);
}
