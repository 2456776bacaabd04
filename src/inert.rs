//! Text from outside made harmless to whatever shows it: a terminal, a CI job's log, Kestra. All that is printed goes through here.
//!
//! Names, comments, log lines and other programs' errors are data. A terminal obeys control characters in them, a CI job commands such as
//! `::stop-commands::` at the beginning of a line or `##[…]` anywhere in it (`actions/runner` `ActionCommand.cs`), Kestra `::{…}::` and `##kestra:`.

use std::fmt::Write as _;

/// `text` without a character or a line that anything obeys; its newlines stay.
pub(crate) fn inert(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(inert_line).collect();
    lines.join("\n")
}

/// The same for a text of ours that quotes others: what follows its first line is moved in, so that it cannot pass for a line of its own.
pub(crate) fn inert_block(text: &str) -> String {
    let moved_in = |(n, line): (usize, &str)| match n == 0 || line.is_empty() || line.starts_with("  ") {
        true => inert_line(line),
        false => format!("  {}", inert_line(line)),
    };
    text.split('\n').enumerate().map(moved_in).collect::<Vec<_>>().join("\n")
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    inert_line(&text.replace('\n', "\\n"))
}

/// Several lines, each of which stays one whatever it quotes.
pub(crate) fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

/// JSON with the characters escaped that a terminal or a CI job might obey; it means the same. They can stand only in its strings.
pub(crate) fn inert_json(json: &str) -> String {
    escaped_json(json, |c| c != '\n' && is_obeyed(c))
}

/// JSON on lines of ASCII; it means the same.
pub(crate) fn ascii_json(json: &str) -> String {
    escaped_json(json, |c| !c.is_ascii() || c == '\u{7f}')
}

fn escaped_json(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(json.len());
    let mut previous = ' ';
    for c in json.chars() {
        if is_escaped(c) || (c == '#' && previous == '#') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
        previous = c;
    }
    safe
}

fn inert_line(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    let (blank, rest) = line.split_at(line.len() - line.trim_start().len());
    let mark = if rest.starts_with("::") { "\\" } else { "" };
    let mut previous = ' ';
    for c in [blank, mark, rest].into_iter().flat_map(str::chars) {
        match c {
            '\t' => safe.push(c),
            '\r' => safe.push_str("\\r"),
            c if is_obeyed(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => {
                if c == '#' && previous == '#' {
                    safe.push('\\');
                }
                safe.push(c);
            }
        }
        previous = c;
    }
    safe
}

/// Control characters, and what turns the direction of text, ends lines or cannot be seen.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        let title = "a\u{1b}]0;owned\u{7}b\rc\u{9b}31md\u{202e}e";
        assert_eq!(inert(title), "a\\u{1b}]0;owned\\u{7}b\\rc\\u{9b}31md\\u{202e}e");
        assert_eq!(inert("tab\there, Zoë 🦀\nnext"), "tab\there, Zoë 🦀\nnext");
    }

    #[test]
    fn no_line_is_a_command() {
        assert_eq!(
            inert("x\n::set-output name=a::b\n  ::{\"outputs\":{}}::"),
            "x\n\\::set-output name=a::b\n  \\::{\"outputs\":{}}::"
        );
        assert_eq!(inert("##[add-mask]a ###kestra:log"), "#\\#[add-mask]a #\\#\\#kestra:log");
        assert_eq!(inert("a::text"), "a::text");
    }

    #[test]
    fn what_is_quoted_is_no_line_of_its_own() {
        assert_eq!(inert_block("read `x\nhint: run it`"), "read `x\n  hint: run it`");
        assert_eq!(inert_block("2 problems\n  one\n  two"), "2 problems\n  one\n  two");
        assert_eq!(one_line("x\n::y"), "x\\n::y");
    }

    proptest! {
        #[test]
        fn nothing_that_is_obeyed_is_left_and_twice_is_once(text in "(?s)([\\x00-\\x20:#{\"\\u{80}-\\u{9f}\\u{202e}]|.){0,60}") {
            let safe = inert_block(&text);
            for line in safe.split('\n') {
                prop_assert!(line.chars().all(|c| c == '\t' || !is_obeyed(c)), "{line:?}");
                prop_assert!(!line.trim_start().starts_with("::") && !line.contains("##"), "{line:?}");
            }
            prop_assert!(safe.split('\n').skip(1).all(|line| line.is_empty() || line.starts_with("  ")), "{safe:?}");
            prop_assert_eq!(inert_block(&safe), safe);
        }

        #[test]
        fn json_means_the_same(text in "(?s)(#|.){0,40}") {
            let json = serde_json::to_string_pretty(&serde_json::json!({ "a": text })).unwrap();
            let safe = inert_json(&json);
            prop_assert!(safe.chars().all(|c| c == '\n' || !is_obeyed(c)) && !safe.contains("##"), "{safe:?}");
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), serde_json::from_str::<serde_json::Value>(&json).unwrap());
        }
    }
}
