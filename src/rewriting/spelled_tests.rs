//! Characters in all their spellings.

use super::*;

#[test]
fn each_spelling_of_a_character_is_read_from_both_sides() {
    for (wanted, spellings) in [
        (
            '/',
            vec![
                "/",
                "\\/",
                "\\\\\\/",
                "\\u002F",
                "\\\\\\\\u002f",
                "\\u{2f}",
                "\\x2F",
                "\\2f ",
                "\\00002f",
                "&#x2F;",
                "&#47;",
                "&#047;",
                "&sol;",
                "&amp;#47;",
                "&amp;amp;#x2f;",
                "\\u0026#47;",
                "%2F",
                "%2f",
                "%252F",
                "%25252f",
                "%5C%2F",
                "%255C%255C%252F",
                "%u002F",
            ],
        ),
        ('-', vec!["-", "\\u002d", "\\\\u002D", "&#45;", "%2D", "\\-"]),
        ('.', vec![".", "\\.", "\\\\.", "%2E", "&period;", "\\2e "]),
        ('s', vec!["s", "S", "%73", "%53", "&#115;", "&#x53;", "\\x73", "\\u0073", "\\73 "]),
        (
            'ü',
            vec![
                "ü",
                "Ü",
                "\\u00fc",
                "\\u00DC",
                "%C3%BC",
                "%25C3%25bc",
                "&uuml;",
                "&#252;",
                "\\xc3\\xbc",
                "\\xfc",
                "\\fc ",
            ],
        ),
        ('😀', vec!["😀", "\\ud83d\\ude00", "\\u{1f600}", "%F0%9F%98%80", "&#x1f600;"]),
    ] {
        for spelled in spellings {
            let text = format!("x{spelled}");
            let text = text.as_bytes();
            assert_eq!(end_of(text, 1, wanted), Some(text.len()), "{spelled}");
            assert_eq!(start_of(text, text.len(), wanted), Some(1), "{spelled}");
            for end in 1..text.len() {
                end_of(&text[..end], 1, wanted);
                start_of(text, end, wanted);
            }
        }
    }
    assert_eq!(end_of(b"\\s", 0, 's'), None);
    assert_eq!(end_of(&[b'\\'; 500], 0, '/'), None);
}
