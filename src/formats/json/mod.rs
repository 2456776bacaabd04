//! JSON, read in place: what does not change keeps its own spelling.
//!
//! The form is that of RFC 8259 but for one thing: a string may hold raw line ends, tabs and the like, as sloppy plugins
//! write them. There is no other way to read them, and what is not read as JSON hides its fields from masking.

mod order;
mod strings;

use std::borrow::Cow;

use super::members::{self, Keys, Pair};
use super::{DEEPEST, Edits, FieldPath, Scalar, Unchanged, Unreadable, ValueEditor};
pub(crate) use order::in_server_order;
use strings::{Spelling, is_number, string, string_end, value_end, without_blanks};

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is not JSON of some structure.
pub(crate) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    ValueReader::of(value, editor, Spelling::default()).whole(path, depth)
}

/// The same for what stands in the comment of a block, or between apostrophes.
pub(super) fn edited_in_markup(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    ValueReader::of(value, editor, Spelling::IN_MARKUP).whole(path, depth)
}

/// A text that begins with JSON: what `editor` changes in that, and where it ends.
///
/// # Errors
/// When it does not.
pub(super) fn edited_first<'a>(
    text: &'a [u8],
    path: &FieldPath<'_>,
    editor: &'a impl ValueEditor,
    depth: usize,
) -> Result<(Edits<'a>, usize), Unreadable> {
    let mut reader = ValueReader::of(text, editor, Spelling::default());
    reader.first(path, depth)?;
    Ok((reader.edits, reader.at))
}

/// Whether a text may begin with an object or an array that has something in it.
pub(super) fn may_begin(text: &[u8]) -> bool {
    let within = |text| without_blanks(text).first();
    match text {
        [b'{', rest @ ..] => within(rest) == Some(&b'"'),
        [b'[', rest @ ..] => matches!(within(rest), Some(b'{' | b'[' | b'"')),
        _ => false,
    }
}

/// How long the JSON is that a text begins with.
pub(super) fn len(text: &[u8]) -> Option<usize> {
    let mut reader = ValueReader::of(text, &Unchanged, Spelling::default());
    reader.value(&FieldPath::named(""), 0).map(|()| reader.at)
}

/// What stands behind a string some end of which a text begins with.
pub(crate) fn string_rest(text: &[u8]) -> Option<&[u8]> {
    string_end(text, 0).and_then(|(end, _)| text.get(end + 1..))
}

struct ValueReader<'a, E> {
    text: &'a [u8],
    at: usize,
    edits: Edits<'a>,
    editor: &'a E,
    /// What must be escaped where it stands.
    place: Spelling,
    /// How its writer spells strings, once one was to be written.
    spelling: Option<Spelling>,
}

impl<'a, E: ValueEditor> ValueReader<'a, E> {
    fn of(text: &'a [u8], editor: &'a E, place: Spelling) -> Self {
        Self { text, at: 0, edits: Edits::of(text), editor, place, spelling: None }
    }

    fn whole(mut self, path: &FieldPath<'_>, depth: usize) -> Result<Option<Vec<u8>>, Unreadable> {
        self.first(path, depth)?;
        if without_blanks(&self.text[self.at..]).is_empty() { Ok(self.edits.end()) } else { Err(Unreadable) }
    }

    fn first(&mut self, path: &FieldPath<'_>, depth: usize) -> Result<(), Unreadable> {
        if !matches!(self.peek(), Some(b'{' | b'[' | b'"')) {
            return Err(Unreadable);
        }
        self.value(path, depth).ok_or(Unreadable)
    }

    fn value(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => {
                let (begin, mut keys, mut pair) = (self.at + 1, Keys::default(), None);
                self.list(b'}', |reader| {
                    let name = reader.key(path, begin, &mut keys)?;
                    reader.expect(b':')?;
                    reader.member(&name, begin, &mut pair, path, depth)
                })
            }
            b'[' => self.list(b']', |reader| reader.value(&path.element(), depth + 1)),
            b'"' => self.string(|editor, text| editor.text(path, text, depth + 1)).map(drop),
            _ => self.literal(path),
        }
    }

    fn literal(&mut self, path: &FieldPath<'_>) -> Option<()> {
        let start = self.at;
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        self.at += self.text[start..].iter().take_while(|b| is_part(b)).count();
        let scalar = match &self.text[start..self.at] {
            b"null" => return Some(()),
            b"true" => Scalar::True,
            b"false" => Scalar::False,
            number if is_number(number) => Scalar::Number,
            _ => return None,
        };
        let new: &[u8] = match self.editor.scalar(path, scalar) {
            Some(Scalar::True) if scalar == Scalar::Number => b"1",
            Some(Scalar::True) => b"true",
            Some(Scalar::False) => b"false",
            Some(Scalar::Number) => b"0",
            None => return Some(()),
        };
        self.edits.put(start, self.at, &[new]);
        Some(())
    }

    fn list(&mut self, close: u8, mut member: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            member(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                sign if sign == close => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The text of the string that begins here, decoded, before `new` makes another of it.
    fn string(&mut self, new: impl FnOnce(&E, &[u8]) -> Option<Vec<u8>>) -> Option<Cow<'a, str>> {
        self.peek()?;
        let start = self.at;
        let (text, end) = string(self.text, start)?;
        self.at = end;
        if let Some(new) = new(self.editor, text.as_bytes()) {
            let spelling = self.spelling.get_or_insert_with(|| Spelling::of(self.text).and(self.place));
            let new = spelling.quoted(&String::from_utf8_lossy(&new));
            self.edits.put(start, end, &[&new]);
        }
        Some(text)
    }

    /// The key that begins here; the members of its object begin at `begin`.
    fn key(&mut self, path: &FieldPath<'_>, begin: usize, keys: &mut Keys) -> Option<Cow<'a, str>> {
        let text = self.text;
        let all = || shallow(text, begin).map(|(key, _)| key.into_owned().into_bytes()).collect();
        self.string(|editor, key| editor.key(path, key).map(|new| keys.apart(&new, all)))
    }

    /// The value of a member; `pair` is what the members are together, once that was asked for.
    fn member(
        &mut self,
        name: &str,
        begin: usize,
        pair: &mut Option<Pair>,
        path: &FieldPath<'_>,
        depth: usize,
    ) -> Option<()> {
        if E::READS_NAMES && Pair::may_be_part(name) {
            let looked_at = || {
                let mut pair = Pair::default();
                shallow(self.text, begin).for_each(|(key, text)| pair.look(&key, text.as_deref()));
                pair
            };
            if let Some(label) = pair.get_or_insert_with(looked_at).name() {
                if members::is_value(name) {
                    return self.value(&path.member(label), depth + 1);
                }
                if self.peek()? == b'"' {
                    return self.string(|editor, text| editor.label(path, text)).map(drop);
                }
            }
        }
        self.value(&path.member(name), depth + 1)
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - without_blanks(rest).len();
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, sign: u8) -> Option<()> {
        (self.peek()? == sign).then(|| self.at += 1)
    }
}

/// The keys of members that begin at `begin`, and their texts; those within them are passed over.
fn shallow(text: &[u8], begin: usize) -> impl Iterator<Item = (Cow<'_, str>, Option<Cow<'_, str>>)> {
    let mut at = begin;
    let blanks = |at: usize| text.len() - without_blanks(&text[at.min(text.len())..]).len();
    std::iter::from_fn(move || {
        let (key, end) = string(text, blanks(at))?;
        at = blanks(blanks(end) + 1);
        let value = string(text, at).map(|(value, _)| value);
        // Past the comma.
        at = blanks(value_end(text, at)?) + 1;
        Some((key, value))
    })
}
