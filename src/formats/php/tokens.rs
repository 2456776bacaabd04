//! The parts of serialized data that count their bytes: where each ends by its own count, and whether that is so.

use std::ops::Range;

use crate::formats::escapes::{self, MOST_LEVELS};

/// A part of serialized data whose length stands before it: `s:3:"abc";`, or the payload of `C:3:"Foo":5:{…}`.
pub(crate) struct Counted {
    pub(crate) end: usize,
    /// The digits of the count, and the count.
    pub(crate) digits: Range<usize>,
    pub(crate) len: usize,
    pub(crate) body: Range<usize>,
    /// How often its quotes are escaped, as within JSON; the count is that of the decoded bytes.
    pub(crate) level: u8,
}

/// What was met.
pub(crate) enum Token {
    Counted {
        start: usize,
        token: Counted,
    },
    /// An object's class and how many members it has, `O:3:"Foo":2:{`; `end` is where they begin.
    Object {
        start: usize,
        end: usize,
        members: usize,
        level: u8,
    },
    /// A case of an enum, `E:11:"Suit:Hearts";`, which is no text.
    Case {
        start: usize,
        end: usize,
        level: u8,
    },
    /// The count does not lead to the closing quote or brace.
    Broken {
        start: usize,
        end: usize,
    },
}

impl Token {
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Counted { start, .. }
            | Self::Object { start, .. }
            | Self::Case { start, .. }
            | Self::Broken { start, .. } => *start,
        }
    }
}

/// Reads tokens of one layer, the end of which is the end of `text`.
pub(crate) struct TokenReader<'a> {
    pub(crate) text: &'a [u8],
    /// How often the layer around is escaped; what is in it is so at least as often.
    pub(crate) level: u8,
    /// How many bytes may still be read for counting.
    pub(crate) budget: usize,
}

impl<'a> TokenReader<'a> {
    /// For a value that stands for itself.
    pub(crate) fn of(value: &'a [u8]) -> Self {
        Self { text: value, level: 0, budget: usize::MAX }
    }

    /// The first token at or after `from`.
    pub(crate) fn next(&mut self, from: usize) -> Option<Token> {
        let mut at = from;
        while self.budget > 0 {
            let colon = at + memchr::memchr(b':', self.text.get(at..)?)?;
            at = colon + 1;
            let Some(start) = colon.checked_sub(1).filter(|start| *start >= from) else { continue };
            let is_kind = matches!(self.text[start], b's' | b'S' | b'C' | b'O' | b'E');
            if !is_kind || !escapes::starts_word(self.text, start) {
                continue;
            }
            let token = self.token(start);
            if token.is_some() {
                return token;
            }
        }
        None
    }

    /// The token that begins at `start`.
    pub(super) fn token(&mut self, start: usize) -> Option<Token> {
        match self.text.get(start..start + 2)? {
            b"s:" | b"S:" => self.string(start),
            b"C:" => self.custom(start),
            b"O:" => self.object(start),
            b"E:" => self.case(start),
            _ => None,
        }
    }

    /// The count of members between the colons of `:2:{`, and where they begin.
    pub(super) fn members(&self, at: usize) -> Option<(usize, usize)> {
        self.members_at(at, self.level)
    }

    fn members_at(&self, at: usize, level: u8) -> Option<(usize, usize)> {
        let (digits, members) = self.count(self.expect(at, level, b":")?)?;
        Some((members, self.expect(digits.end + 1, level, b"{")?))
    }

    /// The count whose digits begin at `at`; a colon follows.
    fn count(&self, at: usize) -> Option<(Range<usize>, usize)> {
        let (mut end, mut len) = (at, 0_usize);
        while let Some(digit @ b'0'..=b'9') = self.text.get(end) {
            len = len.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
            end += 1;
        }
        (end > at && self.text.get(end) == Some(&b':')).then_some((at..end, len))
    }

    /// The level and the end of a quote at `at`.
    fn quote(&self, at: usize) -> Option<(u8, usize)> {
        match self.text.get(at)? {
            b'"' => return Some((self.level, at + 1)),
            b'\\' => {}
            _ => return None,
        }
        (self.level..=MOST_LEVELS).find_map(|level| {
            let unit = escapes::unit(self.text, at, level).filter(|unit| unit.byte == b'"')?;
            Some((level, unit.end))
        })
    }

    /// Where `expected` ends that begins at `at`.
    fn expect(&self, mut at: usize, level: u8, expected: &[u8]) -> Option<usize> {
        if level == 0 {
            return self.text.get(at..)?.starts_with(expected).then_some(at + expected.len());
        }
        for byte in expected {
            at = escapes::unit(self.text, at, level).filter(|unit| unit.byte == *byte)?.end;
        }
        Some(at)
    }

    fn skip(&mut self, at: usize, level: u8, len: usize) -> Option<usize> {
        // No escape is shorter than what it stands for.
        if len > self.text.len() - at {
            return None;
        }
        let end = escapes::skip(self.text, at, level, len);
        if level > 0 {
            self.budget = self.budget.saturating_sub(end.unwrap_or(self.text.len()) - at);
        }
        end
    }

    fn string(&mut self, start: usize) -> Option<Token> {
        let (digits, len) = self.count(start + 2)?;
        let open = digits.end + 1;
        let (level, body) = self.quote(open)?;
        let body_end =
            if self.text[start] == b's' { self.skip(body, level, len) } else { self.skip_hex(body, level, len) };
        if let Some(body_end) = body_end
            && let Some(end) = self.expect(body_end, level, b"\";")
        {
            return Some(Token::Counted { start, token: Counted { end, digits, len, body: body..body_end, level } });
        }
        let close = [&self.text[open..body], b";"].concat();
        let rest = &self.text[body..];
        let end = memchr::memmem::find(rest, &close).map_or(self.text.len(), |at| body + at + close.len());
        Some(Token::Broken { start, end })
    }

    /// `S:` writes some bytes as `\xx`, and counts each as one.
    fn skip_hex(&mut self, mut at: usize, level: u8, len: usize) -> Option<usize> {
        let start = at;
        let end = (0..len).try_for_each(|_| {
            let unit = escapes::unit(self.text, at, level)?;
            at = if unit.byte == b'\\' { self.hex_digits(unit.end, level)? } else { unit.end };
            Some(())
        });
        self.budget = self.budget.saturating_sub(at - start);
        end.map(|()| at)
    }

    /// Where the two digits end that begin at `at`.
    fn hex_digits(&self, at: usize, level: u8) -> Option<usize> {
        let digit = |at| escapes::unit(self.text, at, level).filter(|unit| unit.byte.is_ascii_hexdigit());
        Some(digit(digit(at)?.end)?.end)
    }

    /// The end of `O:3:"Foo"`, and its level.
    fn name(&mut self, start: usize) -> Option<(usize, u8)> {
        let (digits, len) = self.count(start + 2)?;
        let (level, name) = self.quote(digits.end + 1)?;
        let end = self.skip(name, level, len)?;
        Some((self.expect(end, level, b"\"")?, level))
    }

    fn object(&mut self, start: usize) -> Option<Token> {
        let (name_end, level) = self.name(start)?;
        let (members, end) = self.members_at(name_end, level)?;
        Some(Token::Object { start, end, members, level })
    }

    fn case(&mut self, start: usize) -> Option<Token> {
        let (name_end, level) = self.name(start)?;
        Some(Token::Case { start, end: self.expect(name_end, level, b";")?, level })
    }

    /// `C:11:"ArrayObject":37:{…}`: the second count is that of what stands between the braces.
    fn custom(&mut self, start: usize) -> Option<Token> {
        let (name_end, level) = self.name(start)?;
        let (digits, len) = self.count(self.expect(name_end, level, b":")?)?;
        let body = self.expect(digits.end + 1, level, b"{")?;
        let body_end = self.skip(body, level, len);
        if let Some(body_end) = body_end
            && let Some(end) = self.expect(body_end, level, b"}")
        {
            return Some(Token::Counted { start, token: Counted { end, digits, len, body: body..body_end, level } });
        }
        // Only this count is known to be wrong; the strings inside have their own.
        Some(Token::Broken { start, end: body })
    }
}
