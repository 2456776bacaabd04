//! Takes PHP's source code apart: what is code, and what is a string, a comment, or text around it.

use std::ops::Range;

/// A piece of source code; white space is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::files) struct Token {
    pub(in crate::files) kind: Kind,
    /// Its bytes.
    pub(in crate::files) place: Range<usize>,
    /// From 1.
    pub(in crate::files) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::files) enum Kind {
    /// A name or a word of the language.
    Name,
    Variable,
    Number,
    Text(Text),
    /// Any other sign, each byte for itself; the end of code is a `;`, as it is to PHP.
    Sign(u8),
    Comment,
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::files) struct Text {
    /// What is in it; what is put in at run time as it is written.
    pub(in crate::files) value: Vec<u8>,
    /// Whether nothing is put in at run time.
    pub(in crate::files) is_constant: bool,
    /// Whether it is in double quotes.
    pub(in crate::files) is_double: bool,
}

/// Source code that PHP would not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::files) struct Broken {
    /// Where what has no end begins, from 1.
    pub(in crate::files) line: usize,
}

/// How deep strings and the code in them may be in each other.
const DEEPEST: usize = 32;

pub(super) type Lexed<T> = Result<T, Broken>;

/// The tokens of a file.
///
/// # Errors
/// When a string or a comment has no end.
pub(in crate::files) fn tokens(source: &[u8]) -> Result<Vec<Token>, Broken> {
    let mut lexer = Lexer { source, at: 0, counted: (0, 1), depth: 0, tokens: Vec::new() };
    while lexer.enter() {
        lexer.code()?;
    }
    Ok(lexer.tokens)
}

pub(super) struct Lexer<'a> {
    pub(super) source: &'a [u8],
    pub(super) at: usize,
    /// How far lines have been counted, and the line there.
    counted: (usize, usize),
    /// How many strings within code within strings it is in.
    depth: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.source[self.at.min(self.source.len())..]
    }

    /// The line of a place that is not before one that was asked for.
    fn line_of(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let new = &self.source[from.min(at)..at];
        let before = from.checked_sub(1).and_then(|last| self.source.get(last));
        // Of `\r\n` the `\r` has been counted.
        let ends = |n: usize, byte: u8| match byte {
            b'\r' => true,
            b'\n' => n.checked_sub(1).map_or(before, |last| new.get(last)) != Some(&b'\r'),
            _ => false,
        };
        let lines = new.iter().enumerate().filter(|(n, byte)| ends(*n, **byte)).count();
        self.counted = (from.max(at), line + lines);
        self.counted.1
    }

    fn push(&mut self, kind: Kind, from: usize) {
        let line = self.line_of(from);
        self.tokens.push(Token { kind, place: from..self.at, line });
    }

    pub(super) fn broken(&self, from: usize) -> Broken {
        Broken { line: self.source[..from].split(|b| *b == b'\n').count() }
    }

    /// Goes to where code begins; whether it does.
    fn enter(&mut self) -> bool {
        while let Some(found) = find(self.rest(), b"<?") {
            self.at += found + 2;
            let rest = self.rest();
            let is = |tag: &[u8]| rest.len() >= tag.len() && rest[..tag.len()].eq_ignore_ascii_case(tag);
            if is(b"php") && rest.get(3).is_none_or(u8::is_ascii_whitespace) {
                self.at += 3;
                return true;
            }
            // With short tags, which PHP has where nobody has switched them off.
            if !is(b"xml") {
                self.at += usize::from(rest.first() == Some(&b'='));
                return true;
            }
        }
        false
    }

    /// Reads code up to its end.
    fn code(&mut self) -> Lexed<()> {
        while !self.rest().is_empty() {
            if self.rest().starts_with(b"?>") {
                let from = self.at;
                self.at += 2;
                self.push(Kind::Sign(b';'), from);
                return Ok(());
            }
            self.token()?;
        }
        Ok(())
    }

    /// Reads code up to the brace that closes it, keeping none of it: it stands in a string.
    pub(super) fn braced(&mut self) -> Lexed<()> {
        let (from, kept) = (self.at, self.tokens.len());
        let counted = self.counted;
        let mut depth = 1;
        self.depth += 1;
        while depth > 0 {
            let before = self.at;
            if self.rest().is_empty() || self.depth > DEEPEST {
                return Err(self.broken(from));
            }
            self.token()?;
            // White space and comments leave no token.
            match &self.source[before..self.at] {
                b"{" => depth += 1,
                b"}" => depth -= 1,
                _ => {}
            }
        }
        self.depth -= 1;
        self.tokens.truncate(kept);
        self.counted = counted;
        Ok(())
    }

    fn token(&mut self) -> Lexed<()> {
        let (from, rest) = (self.at, self.rest());
        let prefix = usize::from(matches!(rest, [b'b' | b'B', b'\'' | b'"', ..] | [b'b' | b'B', b'<', b'<', b'<', ..]));
        match &rest[prefix..] {
            [byte, ..] if prefix == 0 && byte.is_ascii_whitespace() => self.at += 1,
            [b'/', b'*', ..] => return self.block_comment(),
            [b'/', b'/', ..] => self.line_comment(),
            // PHP 8 has attributes there.
            [b'#', after @ ..] if after.first() != Some(&b'[') => self.line_comment(),
            [quote @ (b'\'' | b'"' | b'`'), ..] => {
                let text = self.quoted(*quote, prefix)?;
                self.push(Kind::Text(text), from);
            }
            [b'<', b'<', b'<', ..] => match self.heredoc(prefix)? {
                Some(text) => self.push(Kind::Text(text), from),
                None => self.sign(),
            },
            [b'$', next, ..] if begins_name(*next) => {
                self.at += 1 + name_len(&rest[1..]);
                self.push(Kind::Variable, from);
            }
            [byte, ..] if begins_name(*byte) || prefix > 0 => self.name(),
            [byte, ..] if byte.is_ascii_digit() => {
                self.at += rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"._".contains(b)).count();
                self.push(Kind::Number, from);
            }
            _ => self.sign(),
        }
        Ok(())
    }

    fn sign(&mut self) {
        let (from, byte) = (self.at, self.source[self.at]);
        self.at += 1;
        self.push(Kind::Sign(byte), from);
    }

    fn name(&mut self) {
        let (from, rest) = (self.at, self.rest());
        let len = name_len(rest).max(1);
        self.at += len;
        self.push(Kind::Name, from);
        // What follows is data.
        if rest[..len].eq_ignore_ascii_case(b"__halt_compiler") {
            self.at = self.source.len();
        }
    }

    fn line_comment(&mut self) {
        let (from, rest) = (self.at, self.rest());
        let ends = |n: &usize| matches!(rest[*n], b'\n' | b'\r') || rest[*n..].starts_with(b"?>");
        self.at += (0..rest.len()).find(ends).unwrap_or(rest.len());
        self.push(Kind::Comment, from);
    }

    fn block_comment(&mut self) -> Lexed<()> {
        let from = self.at;
        let end = find(&self.rest()[2..], b"*/").ok_or_else(|| self.broken(from))?;
        self.at += end + 4;
        self.push(Kind::Comment, from);
        Ok(())
    }
}

pub(super) fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, sought)
}

pub(super) fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn name_len(text: &[u8]) -> usize {
    text.iter().take_while(|b| begins_name(**b) || b.is_ascii_digit()).count()
}
