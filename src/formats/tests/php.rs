//! Serialized data: numbers, blanks, keys, pairs, and what is left of broken values.

use super::*;
use crate::formats::php::{edited, is_broken};

#[test]
fn numbers_are_read_in_every_spelling() {
    let long = format!("d:0.1{};", "0".repeat(54));
    for number in [long.as_str(), "d:1.5E+25;", "d:-1.0E-25;", "d:INF;", "d:-INF;", "d:NAN;", "i:-3;", "b:1;", "N;"] {
        let value = format!("a:2:{{s:1:\"n\";{number}s:5:\"email\";s:1:\"x\";}}");
        assert_eq!(texts(&value), ["f/email=x"], "{value}");
        assert!(!is_broken(value.as_bytes()));
    }
    for number in ["d:;", "i:x;", "d:1,5;", "b:\";"] {
        assert!(is_broken(format!("a:1:{{s:1:\"n\";{number}}}").as_bytes()), "{number}");
    }
}

#[test]
fn blanks_around_a_value_are_none_of_it() {
    assert_eq!(marked("\n  a:1:{s:1:\"k\";s:1:\"x\";}\r\n", "x"), "\n  a:1:{s:1:\"k\";s:2:\"#x\";}\r\n");
    assert_eq!(texts(" N; "), Vec::<String>::new());
}

#[test]
fn all_that_can_stand_in_a_value_is_read() {
    let value = "a:6:{i:0;S:3:\"\\61bc\";i:1;R:2;i:2;r:1;i:3;O:3:\"Foo\":1:{s:6:\"\0*\0key\";s:1:\"v\";}i:4;C:3:\"Bar\":8:{s:1:\"c\";}i:5;E:9:\"Suit:Club\";}";
    assert_eq!(texts(value), ["f=abc", "f/key=v", "f=c"]);
}

#[test]
fn keys_change_and_are_kept_apart() {
    let value = "a:3:{s:3:\"a@b\";i:1;s:4:\"#a@b\";i:2;s:1:\"k\";s:1:\"v\";}";
    let new = marked(value, "@");
    assert_eq!(new, "a:3:{s:6:\"#a-3@b\";i:1;s:5:\"##a@b\";i:2;s:1:\"k\";s:1:\"v\";}");
    assert!(edited(new.as_bytes(), &FieldPath::named("f"), &Marker::new("@"), 0).is_ok());
}

#[test]
fn a_pair_names_its_value() {
    let pair =
        "a:1:{i:0;a:3:{s:5:\"value\";s:1:\"Z\";s:4:\"name\";s:7:\"input_1\";s:5:\"label\";s:10:\"first_name\";}}";
    assert_eq!(texts(pair), ["f/first_name=Z"]);
    let no_pair = "a:2:{s:4:\"name\";s:1:\"Z\";s:3:\"age\";i:1;}";
    assert_eq!(texts(no_pair), ["f/name=Z"]);
}

#[test]
fn what_is_left_of_a_broken_value_is_read_by_its_fields() {
    // Counted wrongly, as a search and replace leaves it.
    let wrong = "a:2:{s:10:\"first_name\";s:3:\"Zoëlle\";s:5:\"phone\";s:3:\"07700 900000\";}";
    assert_eq!(texts(wrong), ["f/first_name=Zoëlle", "f/phone=07700 900000"]);
    assert_eq!(marked(wrong, "0"), "a:2:{s:10:\"first_name\";s:3:\"Zoëlle\";s:5:\"phone\";s:13:\"#07700 900000\";}");
    // A value in a text whose count is wrong.
    assert_eq!(texts("s:9:\"a:1:{s:5:\"phone\";s:12:\"07700 900000\";}\";"), ["f=", "f/phone=07700 900000", "f=\";"]);
    // Cut off anywhere.
    let whole =
        "a:2:{s:7:\"billing\";a:1:{s:5:\"email\";s:3:\"a@b\";}s:4:\"note\";O:1:\"X\":1:{s:1:\"t\";s:5:\"hello\";}}";
    let cut = |without: &str| texts(whole.strip_suffix(without).unwrap());
    assert_eq!(cut("}"), ["f/billing/email=a@b", "f/note/t=hello"]);
    assert_eq!(cut("lo\";}}"), ["f/billing/email=a@b", "f/note/t=hel"]);
    let inside = "\";}s:4:\"note\";O:1:\"X\":1:{s:1:\"t\";s:5:\"hello\";}}";
    assert_eq!(cut(inside), ["f/billing/email=a@b"]);
    // What stands between parts is text.
    assert_eq!(texts("a:1:{s:1:\"k\";write to a@b;s:1:\"j\";s:1:\"v\";}"), ["f/k=write to a@b;", "f=j", "f/j=v"]);
}

#[test]
fn every_piece_of_a_value_keeps_its_bytes_and_shows_what_is_in_it() {
    let whole = "a:3:{s:1:\"a\";s:9:\"the a@b.c\";s:1:\"b\";a:1:{i:0;d:0.5;}s:3:\"c@d\";O:1:\"X\":1:{s:1:\"t\";s:5:\"hello\";}}";
    for end in 0..whole.len() {
        let piece = &whole[..end];
        texts(piece);
        let new = marked(piece, "@");
        assert_eq!(new.matches('#').count(), piece.matches('@').count(), "{piece} became {new}");
    }
}
