//! Strings in PHP's source code: where they end, and what is in them.

use super::lexer::{Lexed, Lexer, Text, begins_name, name_len};
use super::literal::{of_double, of_single};

impl Lexer<'_> {
    /// Reads a string in quotes; `prefix` is how long what stands before the first is.
    pub(super) fn quoted(&mut self, quote: u8, prefix: usize) -> Lexed<Text> {
        let from = self.at;
        self.at += prefix + 1;
        let begin = self.at;
        let is_constant = if quote == b'\'' { self.single().then_some(true) } else { self.double(quote)? };
        let is_constant = is_constant.ok_or_else(|| self.broken(from))?;
        let body = &self.source[begin..self.at - 1];
        let value = if quote == b'\'' { of_single(body) } else { of_double(body, Some(quote)) };
        // What is between backticks is run.
        Ok(Text { value, is_constant: is_constant && quote != b'`', is_double: quote == b'"' })
    }

    /// Goes behind the end of a string in single quotes, if it has one.
    fn single(&mut self) -> bool {
        while let Some(byte) = self.source.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'\'' {
                return true;
            }
        }
        false
    }

    /// The same for other quotes: whether nothing is put in at run time.
    fn double(&mut self, quote: u8) -> Lexed<Option<bool>> {
        let mut is_constant = true;
        while let Some(byte) = self.source.get(self.at) {
            if *byte == quote {
                self.at += 1;
                return Ok(Some(is_constant));
            }
            is_constant &= !self.part()?;
        }
        Ok(None)
    }

    /// Goes over one byte of a string, an escape, or what is put in at run time; whether it was that.
    fn part(&mut self) -> Lexed<bool> {
        match self.rest() {
            [b'\\', next, ..] => self.at += if b"\r\n".contains(next) { 1 } else { 2 },
            [b'{', b'$', ..] => {
                self.at += 1;
                self.braced()?;
                return Ok(true);
            }
            [b'$', b'{', ..] => {
                self.at += 2;
                self.braced()?;
                return Ok(true);
            }
            [b'$', next, ..] if begins_name(*next) => {
                self.at += 2;
                return Ok(true);
            }
            _ => self.at += 1,
        }
        Ok(false)
    }

    /// Reads a heredoc or a nowdoc; none when it is neither.
    pub(super) fn heredoc(&mut self, prefix: usize) -> Lexed<Option<Text>> {
        let (from, rest) = (self.at, &self.rest()[prefix + 3..]);
        let blanks = rest.iter().take_while(|b| b" \t".contains(b)).count();
        let rest = &rest[blanks..];
        let quote = rest.first().filter(|b| b"'\"".contains(b));
        let named = &rest[usize::from(quote.is_some())..];
        let len = name_len(named);
        let closing = quote.is_none() || named.get(len) == quote;
        let after = &named[(len + usize::from(quote.is_some())).min(named.len())..];
        let newline = match after {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if len == 0 || !begins_name(named[0]) || !closing || newline == 0 {
            return Ok(None);
        }
        self.at = self.source.len() - after.len() + newline;
        let (begin, label, is_nowdoc) = (self.at, &named[..len], quote == Some(&b'\''));
        let mut is_constant = true;
        let mut is_line_start = true;
        loop {
            if let (true, Some(indent)) = (is_line_start, self.closes(label)) {
                let body = without_last_newline(&self.source[begin..self.at]);
                self.at += indent + len;
                let body = dedented(body, indent);
                let value = if is_nowdoc { body } else { of_double(&body, None) };
                return Ok(Some(Text { value, is_constant, is_double: false }));
            }
            let Some(byte) = self.source.get(self.at) else { return Err(self.broken(from)) };
            is_line_start = b"\r\n".contains(byte);
            if is_nowdoc {
                self.at += 1;
            } else {
                is_constant &= !self.part()?;
            }
        }
    }

    /// How far the label that ends a heredoc is moved in, where it stands in this line.
    fn closes(&self, label: &[u8]) -> Option<usize> {
        let rest = self.rest();
        let indent = rest.iter().take_while(|b| b" \t".contains(b)).count();
        let after = rest[indent..].strip_prefix(label)?;
        (name_len(&after[..after.len().min(1)]) == 0).then_some(indent)
    }
}

fn without_last_newline(body: &[u8]) -> &[u8] {
    body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")).or_else(|| body.strip_suffix(b"\r")).unwrap_or(body)
}

/// A text without so many blanks at the beginning of each line.
fn dedented(body: &[u8], indent: usize) -> Vec<u8> {
    let lines = body.split_inclusive(|b| *b == b'\n').flat_map(|line| {
        let blanks = line.iter().take(indent).take_while(|b| b" \t".contains(b)).count();
        &line[blanks..]
    });
    lines.copied().collect()
}
