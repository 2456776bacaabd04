//! The words of a statement as they stand outside of quotes and brackets.

/// Where a word stands outside of quotes and brackets.
pub(super) fn word_at(item: &str, word: &str) -> Option<usize> {
    let mut scan = Scan::default();
    let bare: String = item
        .chars()
        .map(|c| if scan.is_quoted_after(c) || scan.depth > 0 { "\0".repeat(c.len_utf8()) } else { c.to_string() })
        .collect();
    bare.match_indices(word).map(|(at, _)| at).find(|at| {
        let around = [
            bare.get(..*at).and_then(|b| b.chars().last()),
            bare.get(at + word.len()..).and_then(|b| b.chars().next()),
        ];
        around.into_iter().flatten().all(|c| !c.is_alphanumeric() && c != '_')
    })
}

/// Whether a comment stands in a statement outside of quotes that is not one for servers: what is behind it would be read by us alone,
/// or by the server alone.
pub(super) fn has_comment(statement: &str) -> bool {
    let mut scan = Scan::default();
    let bare: String = statement.chars().map(|c| if scan.is_quoted_after(c) { ' ' } else { c }).collect();
    let mut comments = bare.match_indices("/*").map(|(at, _)| &bare[at + 2..]);
    bare.contains('#') || bare.contains("--") || comments.any(|rest| !rest.starts_with('!') && !rest.starts_with("M!"))
}

/// What stands before the list of columns, the list, and what stands behind it.
pub(super) fn split(statement: &str) -> Option<(&str, Vec<&str>, &str)> {
    let mut scan = Scan::default();
    let (mut begin, mut head, mut items) = (None, "", Vec::new());
    for (at, c) in statement.char_indices() {
        let depth = scan.depth;
        if scan.is_quoted_after(c) {
            continue;
        }
        match (c, depth, begin) {
            ('(', 0, None) => (begin, head) = (Some(at + 1), &statement[..=at]),
            (',', 1, Some(from)) => {
                items.push(statement[from..at].trim());
                begin = Some(at + 1);
            }
            (')', 1, Some(from)) => {
                items.push(statement[from..at].trim());
                return Some((head, items, &statement[at..]));
            }
            _ => {}
        }
    }
    None
}

/// Where a scan over SQL is: in quotes, or in how many brackets.
#[derive(Default)]
pub(in crate::mysql) struct Scan {
    quote: Option<char>,
    is_escaped: bool,
    pub(super) depth: usize,
}

impl Scan {
    /// Takes note of a character; whether it stands in quotes or is one.
    pub(in crate::mysql) fn is_quoted_after(&mut self, c: char) -> bool {
        match self.quote {
            Some('\'' | '"') if self.is_escaped => self.is_escaped = false,
            Some('\'' | '"') if c == '\\' => self.is_escaped = true,
            // A doubled one ends and begins again.
            Some(quote) if c == quote => self.quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' | '`' => self.quote = Some(c),
                '(' => {
                    self.depth += 1;
                    return false;
                }
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    return false;
                }
                _ => return false,
            },
        }
        true
    }
}

/// Whether an item of a table is a column.
pub(super) fn is_column(item: &str) -> bool {
    item.starts_with('`')
}

/// Whether an item of a table is a key that can be made later.
pub(super) fn is_key(item: &str) -> bool {
    ["KEY ", "UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY "].iter().any(|kind| item.starts_with(kind))
}

/// The name in backticks that something begins with, as it stands.
pub(super) fn first_name(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('`')?;
    let (mut end, mut chars) = (None, rest.char_indices().peekable());
    while let Some((at, c)) = chars.next() {
        if c == '`' && chars.next_if(|(_, next)| *next == '`').is_none() {
            end = Some(at);
            break;
        }
    }
    Some(&rest[..end?])
}

/// The first column of a key.
pub(super) fn first_column(key: &str) -> Option<&str> {
    let name = &key[key.find('`')?..];
    let rest = &name[first_name(name)?.len() + 2..];
    first_name(rest[rest.find('(')? + 1..].trim_start())
}

/// Whether a word stands in a definition outside of quotes.
pub(super) fn has_word(item: &str, word: &str) -> bool {
    let mut scan = Scan::default();
    let bare: String = item.chars().map(|c| if scan.is_quoted_after(c) { ' ' } else { c }).collect();
    let mut parts = bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    // A comment for servers may have a version right before its words.
    parts.any(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).eq_ignore_ascii_case(word))
}

/// Whether all words stand in a definition outside of quotes.
pub(super) fn has_words(item: &str, words: &[&str]) -> bool {
    words.iter().all(|word| has_word(item, word))
}
