//! What `serialize()` of PHP counts the bytes of: where each such token ends by its own count, and whether that is so.

use std::ops::Range;

use super::escapes::{self, MOST_LEVELS};

/// A part of serialized data whose length stands before it: `s:3:"abc";`, or the payload of `C:3:"Foo":5:{…}`.
pub(super) struct Counted {
    pub(super) end: usize,
    /// The digits of the count, and the count.
    pub(super) digits: Range<usize>,
    pub(super) len: usize,
    pub(super) body: Range<usize>,
    /// How often its quotes are escaped, as within JSON; the count is that of the decoded bytes.
    pub(super) level: u8,
}

/// What was met.
pub(super) enum Token {
    Counted {
        start: usize,
        token: Counted,
    },
    /// The name of a class or of an enum's case, which is no text.
    Name {
        start: usize,
        end: usize,
    },
    /// The count does not lead to the closing quote or brace.
    Broken {
        start: usize,
        end: usize,
    },
}

impl Token {
    pub(super) fn start(&self) -> usize {
        match self {
            Token::Counted { start, .. } | Token::Name { start, .. } | Token::Broken { start, .. } => *start,
        }
    }
}

/// Reads one layer, the end of which is the end of `text`.
pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    /// How often the layer around is escaped; what is in it is so at least as often.
    pub(super) level: u8,
    /// How many bytes may still be read for counting.
    pub(super) budget: &'a mut usize,
}

impl Reader<'_> {
    /// The first token at or after `from`.
    pub(super) fn next(&mut self, from: usize) -> Option<Token> {
        let mut at = from;
        while *self.budget > 0 {
            let colon = at + memchr::memchr(b':', self.text.get(at..)?)?;
            at = colon + 1;
            let Some(start) = colon.checked_sub(1).filter(|start| *start >= from) else { continue };
            let kind = self.text[start];
            if !matches!(kind, b's' | b'S' | b'C' | b'O' | b'E') || !escapes::starts_word(self.text, start) {
                continue;
            }
            let token = match kind {
                b's' | b'S' => self.string(start),
                b'C' => self.custom(start),
                _ => self.name(start).map(|(end, _)| Token::Name { start, end }),
            };
            if token.is_some() {
                return token;
            }
        }
        None
    }

    /// The count whose digits begin at `at`; a colon follows.
    fn count(&self, at: usize) -> Option<(Range<usize>, usize)> {
        let digits = self.text.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        let range = at..at + digits;
        let len = std::str::from_utf8(&self.text[range.clone()]).ok().filter(|digits| !digits.is_empty())?;
        (self.text.get(range.end) == Some(&b':')).then(|| (range, len.parse().unwrap_or(usize::MAX)))
    }

    /// The level and the end of a quote at `at`.
    fn quote(&self, at: usize) -> Option<(u8, usize)> {
        matches!(self.text.get(at)?, b'"' | b'\\').then_some(())?;
        (self.level..=MOST_LEVELS).find_map(|level| {
            let unit = escapes::unit(self.text, at, level).filter(|unit| unit.byte == b'"')?;
            Some((level, unit.end))
        })
    }

    /// Where `expected` ends that begins at `at`.
    fn expect(&self, mut at: usize, level: u8, expected: &[u8]) -> Option<usize> {
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
            *self.budget = self.budget.saturating_sub(end.unwrap_or(self.text.len()) - at);
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
            at = if unit.byte == b'\\' { escapes::skip(self.text, unit.end, level, 2)? } else { unit.end };
            Some(())
        });
        *self.budget = self.budget.saturating_sub(at - start);
        end.map(|()| at)
    }

    /// The end of `O:3:"Foo"`, and its level.
    fn name(&mut self, start: usize) -> Option<(usize, u8)> {
        let (digits, len) = self.count(start + 2)?;
        let (level, name) = self.quote(digits.end + 1)?;
        let end = self.skip(name, level, len)?;
        Some((self.expect(end, level, b"\"")?, level))
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
