//! Words of texts in all the ways in which texts are written.

use super::*;

fn words(text: &str) -> Vec<(&str, Word)> {
    Words::of(text, 1).map(|word| (&text[word.start..word.end], word)).collect()
}

fn hash(word: &str) -> u64 {
    Words::of(word, 1).next().unwrap().hash
}

#[test]
fn a_word_is_one_however_it_is_escaped() {
    for (text, word) in [
        ("Zo\\u00eb", "Zoë"),
        ("Zo&euml;", "Zoë"),
        ("Zo&#235;", "Zoë"),
        ("Zo&#xEB;", "Zoë"),
        ("Zo%C3%AB", "zoe"),
        ("ZO\u{cb}", "zoe"),
        ("O'Neil", "oneil"),
        ("O&#039;Neil", "ONeil"),
        ("O\u{2019}Neil", "ONeil"),
        ("O\\'Neil", "ONeil"),
        ("Stra&szlig;e", "strasse"),
        ("Quillstr", "Quillstraße"),
        ("&Aacute;lvaro", "Alvaro"),
    ] {
        let all = words(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        assert_eq!(all[0].1.hash, hash(word), "{text}");
        assert_eq!(all[0].0, text);
    }
}

#[test]
fn words_end_where_they_end() {
    let of = |text: &str| words(text).into_iter().map(|(word, _)| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(of("Zoë\u{a0}Quill&nbsp;x%20y"), ["Zoë", "Quill", "x", "y"]);
    assert_eq!(of("<b>Zoë</b>\nQuill's, 'Anna'"), ["Zoë", "Quill", "s", "Anna"]);
    assert_eq!(of("a\\nBob c:\\dir"), ["a", "Bob", "c", "dir"]);
    assert_eq!(of("100% & % &x &; \\ \\u12 &#1;"), ["100", "x", "u12"]);
    assert_eq!(of("\u{301} é"), ["é"]);
    assert!(of("").is_empty() && of("… – —").is_empty());
}

#[test]
fn what_stands_between_words_tells_whether_they_belong_together() {
    let gap = |text: &str| words(text)[1].1.gap;
    assert!(gap("Zoë  \n Quill").joins() && gap("Quill, Zoë").has(Gap::COMMA) && gap("Anna-Lena").is_hyphen());
    assert!(!gap("Anna. Long").joins() && gap("St. Anna").joins() && gap("zoe.quill").joins());
    assert!(!gap("Anna! Long").joins() && !gap(&format!("Anna{}Long", " ".repeat(40))).joins());
    assert!(gap("<b>Anna</b> <i>Long").joins());
}

#[test]
fn numbers_and_cases_are_known() {
    let all = words("12a Quill STREET street 1234567 x9 ab12");
    let told: Vec<_> = all.iter().map(|(_, word)| (word.number, word.letters, word.case)).collect();
    assert_eq!(told[0].0, Some(12));
    assert_eq!(told[1], (None, 5, Case::Capital));
    assert_eq!((told[2].2, told[3].2), (Case::Large, Case::Small));
    assert!(told[4..].iter().all(|told| told.0.is_none() && told.1 == 0), "{told:?}");
}
