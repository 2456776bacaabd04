//! What a text is: a word or number of some program's own, a name, free text, or markup around it.

/// A name of more words or letters is a text.
const MOST_NAME_WORDS: usize = 5;
const LONGEST_NAME: usize = 60;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number, a date, a reference, a path, a colour, a program's word.
    Technical,
    Name,
    Free,
    /// Text between tags.
    Markup,
}

/// What a text is, told by its letters alone.
pub(super) fn kind(text: &str) -> Kind {
    let text = text.trim();
    if !text.chars().any(char::is_alphabetic) {
        return Kind::Technical;
    }
    if next_tag(text).is_some() {
        return if between_tags(text, |_| String::new()).is_some() { Kind::Markup } else { Kind::Technical };
    }
    let words = text.split_whitespace();
    match words.clone().take(MOST_NAME_WORDS + 1).count() {
        1 if is_technical_word(text) => Kind::Technical,
        _ if is_amount(text) => Kind::Technical,
        count if count <= MOST_NAME_WORDS && text.len() <= LONGEST_NAME && is_name(text) => Kind::Name,
        _ => Kind::Free,
    }
}

/// Whether each word begins with a large letter, or is of a script without such, and no sentence ends.
fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        let mut letters = word.chars().filter(|c| c.is_alphabetic());
        let first = letters.next();
        first.is_some_and(|first| !first.is_lowercase() || word.chars().count() <= 3)
            && word.chars().all(|c| c.is_alphabetic() || "'’.-,·´`".contains(c) || !c.is_ascii() && !c.is_numeric())
    };
    text.split_whitespace().all(is_word)
}

/// Whether a text without blanks is nobody's name and no sentence.
fn is_technical_word(word: &str) -> bool {
    // Addresses are known by what they look like.
    if word.contains('@') || word.contains("://") || word.starts_with(['/', '#', '.', '$', '\\', '{', '[']) {
        return true;
    }
    if !word.is_ascii() {
        return false;
    }
    let bytes = word.as_bytes();
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let has_sign = bytes.iter().any(|b| b"_:/\\=|;()%*+<>&".contains(b));
    let has_upper = bytes.iter().any(u8::is_ascii_uppercase);
    let is_code = word.len() <= 3 && bytes.iter().all(u8::is_ascii_uppercase);
    has_digit || has_sign || !has_upper || is_code || is_hump(word) || is_file(word)
}

/// Whether a text is a code that somebody was given: groups of large letters and digits, or both mixed.
pub(super) fn is_voucher(text: &str) -> bool {
    let text = text.trim_end();
    let is_sign = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let (letters, groups) = (text.bytes().filter(u8::is_ascii_uppercase).count(), text.split('-').count());
    (8..=40).contains(&text.len())
        && letters > 0
        && text.split('-').all(|group| group.len() >= 3 && group.bytes().all(is_sign))
        && (groups > 2 || groups == 2 && text.bytes().any(|b| b.is_ascii_digit()) || {
            let changes = text.as_bytes().windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit());
            groups == 1 && changes.count() >= 3
        })
}

/// Whether a text is one word that tells nothing by its letters: no number, no address, way to a file or class, no colour.
pub(crate) fn is_opaque(text: &str) -> bool {
    const LONGEST: usize = 128;
    (2..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+~=!*".contains(&b))
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !is_date(text)
        && !is_file(text)
        && !(is_hump(text) && text.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// `2024-05-06T10:11:12Z`, `12.5e3`
fn is_date(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b"-.+TZEe".contains(&b))
}

/// Whether a text is a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Whether several words are numbers, dates and units.
fn is_amount(text: &str) -> bool {
    let is_number = |word: &str| {
        word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().filter(u8::is_ascii_alphabetic).count() <= 3
    };
    let is_unit =
        |word: &str| word.len() <= 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_punctuation());
    let mut words = text.split_whitespace();
    words.clone().any(is_number) && words.all(|word| is_number(word) || is_unit(word))
}

/// `CamelCase`, but for what names begin with.
fn is_hump(word: &str) -> bool {
    const NAMES: &[&str] = &["Mc", "Mac", "De", "Di", "Du", "La", "Le", "Van", "Von", "Fitz", "O"];
    let pairs = word.as_bytes().windows(2).enumerate();
    let humps: Vec<usize> = pairs
        .filter(|(_, pair)| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .map(|(at, _)| at + 1)
        .collect();
    match humps.as_slice() {
        [] => false,
        [one] => !NAMES.contains(&&word[..*one]),
        _ => true,
    }
}

fn is_file(word: &str) -> bool {
    let Some((stem, extension)) = word.rsplit_once('.') else { return false };
    !stem.is_empty()
        && (2..=5).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The text with what stands between its tags replaced; `None` when it has no tag, or no text between.
pub(super) fn between_tags(text: &str, replace: impl Fn(&str) -> String) -> Option<String> {
    let mut new = String::with_capacity(text.len());
    let (mut rest, mut has_tag, mut has_text) = (text, false, false);
    while !rest.is_empty() {
        let (before, tag) = match next_tag(rest) {
            Some((from, to)) => (&rest[..from], &rest[from..to]),
            None => (rest, ""),
        };
        if before.chars().any(char::is_alphabetic) {
            has_text = true;
            let start = before.len() - before.trim_start().len();
            let end = before.trim_end().len();
            new.push_str(&before[..start]);
            new.push_str(&replace(&before[start..end]));
            new.push_str(&before[end..]);
        } else {
            new.push_str(before);
        }
        new.push_str(tag);
        has_tag |= !tag.is_empty();
        rest = &rest[before.len() + tag.len()..];
    }
    (has_tag && has_text).then_some(new)
}

/// Where the next tag, comment or declaration begins and ends.
fn next_tag(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'<', bytes).find_map(|from| {
        let is_tag = bytes.get(from + 1).is_some_and(|b| b.is_ascii_alphabetic() || b"/!?".contains(b));
        let end = if bytes[from..].starts_with(b"<!--") {
            memchr::memmem::find(&bytes[from..], b"-->").map(|at| from + at + 3)
        } else {
            memchr::memchr(b'>', &bytes[from..]).map(|at| from + at + 1)
        };
        end.filter(|_| is_tag).map(|end| (from, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_is_shows() {
        for (text, wanted) in [
            ("12.50 EUR", Kind::Technical),
            ("2024-05-06 10:11:12", Kind::Technical),
            ("wc-completed", Kind::Technical),
            ("manage_options", Kind::Technical),
            ("App\\Models\\User", Kind::Technical),
            ("WC_Order_Item", Kind::Technical),
            ("OrderPlaced", Kind::Technical),
            ("#ff9900", Kind::Technical),
            ("EUR", Kind::Technical),
            ("invoice.pdf", Kind::Technical),
            ("a81bc81b-dead-4e5d-abff-90865d1e13b1", Kind::Technical),
            ("Quill", Kind::Name),
            ("Zoë Quill", Kind::Name),
            ("O'Quill", Kind::Name),
            ("McQuill", Kind::Name),
            ("Ольга Перо", Kind::Name),
            ("王小明", Kind::Name),
            ("Dr. Zoë van der Quill", Kind::Name),
            ("please ring twice", Kind::Free),
            ("Left at the neighbour's. Ring twice", Kind::Free),
            ("<p>Left at the <b>door</b></p>", Kind::Markup),
            ("<br />", Kind::Technical),
            ("a < b and so on", Kind::Free),
        ] {
            assert_eq!(kind(text), wanted, "{text}");
        }
    }

    #[test]
    fn tags_stay_and_what_is_between_goes() {
        let new = between_tags("<p class=\"a\"> Ring <b>twice</b>!</p><!-- x -->", |_| "T".to_owned());
        assert_eq!(new.as_deref(), Some("<p class=\"a\"> T <b>T</b>!</p><!-- x -->"));
        assert_eq!(between_tags("no tag", |_| "T".to_owned()), None);
    }
}
