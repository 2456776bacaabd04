//! Base64, hexadecimal and compressed texts: put back as they were, and refused when they are bombs.

use proptest::prelude::*;

use super::*;

fn text(encoded: &str) -> Option<(String, Encoded)> {
    match decoded(encoded.as_bytes(), true)? {
        Decoded::Text(encoded) => Some((String::from_utf8(encoded.plain.clone()).unwrap(), encoded)),
        Decoded::Opaque => None,
    }
}

const JSON: &str = r#"{"email":"zoe@example.com","note":"\u00fcber 7 >>> ??? ~~~"}"#;

#[test]
fn letters_of_every_alphabet_are_put_back_as_they_were() {
    let mime = Lines { width: 20, end: b"\r\n", ends_with_one: true }.broken(BASE64.encode(JSON.as_bytes()).into());
    for encoded in [
        BASE64.encode(JSON.as_bytes()),
        BASE64_NOPAD.encode(JSON.as_bytes()),
        BASE64URL.encode(JSON.as_bytes()),
        BASE64URL_NOPAD.encode(JSON.as_bytes()),
        HEXLOWER.encode(JSON.as_bytes()),
        HEXUPPER.encode(JSON.as_bytes()),
        format!("\\x{}", HEXLOWER.encode(JSON.as_bytes())),
        String::from_utf8(mime).unwrap(),
    ] {
        let (plain, way) = text(&encoded).unwrap_or_else(|| panic!("{encoded}"));
        assert_eq!((plain.as_str(), String::from_utf8(way.again(plain.as_bytes())).unwrap()), (JSON, encoded));
        let longer = way.again(JSON.repeat(3).as_bytes());
        assert_eq!(text(std::str::from_utf8(&longer).unwrap()).unwrap().0, JSON.repeat(3));
    }
}

#[test]
fn compressed_texts_are_read_and_compressed_alike() {
    for packing in [Packing::Gzip, Packing::Zlib, Packing::Deflate] {
        let (plain, way) = text(&BASE64.encode(&packing.packed(JSON.as_bytes()))).unwrap();
        assert_eq!(plain, JSON);
        let again = BASE64.decode(&way.again(b"another text")).unwrap();
        assert_eq!(packing.unpacked(&again).unwrap_or_default(), b"another text");
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    for packing in [Packing::Gzip, Packing::Zlib] {
        let bomb = BASE64.encode(&packing.packed(&vec![b'a'; 1 << 24]));
        assert!(matches!(decoded(bomb.as_bytes(), true), Some(Decoded::Opaque)));
        let nested = BASE64.encode(&packing.packed(JSON.as_bytes()));
        assert!(matches!(decoded(nested.as_bytes(), false), Some(Decoded::Opaque)));
    }
    let bomb = BASE64.encode(&Packing::Deflate.packed(&vec![b'a'; 1 << 24]));
    assert!(decoded(bomb.as_bytes(), true).is_none());
}

#[test]
fn words_numbers_and_hashes_hold_nothing() {
    for word in [
        "completed",
        "password",
        "woocommerce_order_items",
        "Marianne",
        "12345678",
        "1700000000000000",
        "5d41402abc4b2a76b9719d911017c592",
        "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "$2y$10$abcdefghijklmnopqrstuv",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "MARGARETHE",
        "subscription",
        "processing",
    ] {
        assert!(decoded(word.as_bytes(), true).is_none(), "{word}");
    }
}

#[test]
fn runs_are_found_within_text() {
    let run = BASE64.encode(b"https://shop.test/a?b");
    let text = format!("[raw]{run}[/raw] and some words of_a_text {run}");
    let found: Vec<_> = runs(text.as_bytes()).map(|range| &text[range]).collect();
    assert_eq!(found, [run.as_str(), run.as_str()]);
}

proptest! {
    #[test]
    fn every_long_run_is_found(words in prop::collection::vec("[ab+/]{1,40}={0,2}", 0..12)) {
        let text = words.join(" ");
        let expected: Vec<_> =
            words.iter().filter(|word| word.trim_end_matches('=').len() >= SHORTEST_RUN).cloned().collect();
        let found: Vec<_> = runs(text.as_bytes()).map(|range| text[range].to_owned()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_letters_end_nothing(text in "[A-Za-z0-9+/=_\r\n-]{0,80}") {
        if let Some(Decoded::Text(encoded)) = decoded(text.as_bytes(), true)
            && !encoded.is_packed
            && matches!(encoded.letters, Letters::Base64(_))
        {
            prop_assert_eq!(encoded.again(&encoded.plain), text.as_bytes());
        }
    }
}
