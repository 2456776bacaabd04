//! Walks a value once, with a stack of the counted tokens around the place it is at, and notes what is to be changed.

use std::ops::Range;

use super::urls::{Edit, OldHost};
use crate::formats::escapes::{self, MOST_LEVELS};
use crate::formats::php::tokens::{Counted, Token, TokenReader};
use crate::formats::{DEEPEST, json, php};

/// A place where the letters of an old host stand.
#[derive(Clone, Copy)]
pub(super) struct Occurrence<'a> {
    pub(super) at: usize,
    pub(super) host: &'a OldHost,
}

/// What a walk found out.
#[derive(Default)]
pub(super) struct Changes {
    /// In order; those that change nothing are empty.
    pub(super) edits: Vec<Edit>,
    /// A count that is wrong was met.
    pub(super) malformed: bool,
    /// An old URL was left because it is in a token that is broken.
    pub(super) missed: bool,
}

/// A layer: the value, or the body of a counted token in it.
struct Layer {
    body: Range<usize>,
    level: u8,
    is_json: Option<bool>,
    /// `None` for the value itself.
    counted: Option<Counted>,
    /// The edit that is kept for its digits.
    slot: usize,
    grown: isize,
}

pub(super) struct Walk<'a> {
    text: &'a [u8],
    ahead: std::iter::Peekable<std::vec::IntoIter<Occurrence<'a>>>,
    layers: Vec<Layer>,
    budget: usize,
    changes: Changes,
}

impl<'a> Walk<'a> {
    /// `occurrences` are in order.
    pub(super) fn new(text: &'a [u8], occurrences: Vec<Occurrence<'a>>) -> Self {
        let value = Layer { body: 0..text.len(), level: 0, is_json: None, counted: None, slot: 0, grown: 0 };
        // Each layer of sound data is counted through once.
        let budget = (text.len() + 1).saturating_mul(DEEPEST);
        Self {
            text,
            ahead: occurrences.into_iter().peekable(),
            layers: vec![value],
            budget,
            changes: Changes::default(),
        }
    }

    pub(super) fn run(mut self) -> Changes {
        let mut at = 0;
        self.changes.malformed = php::is_broken(self.text);
        if self.bare(0..self.text.len()) {
            return self.changes;
        }
        while let Some(layer) = self.layers.last() {
            let (limit, level) = (layer.body.end, layer.level);
            // Without a host there is nothing to do in the rest of this layer.
            let is_idle = self.ahead.peek().is_none_or(|next| next.at >= limit);
            let mut reader = TokenReader { text: &self.text[..limit], level, budget: self.budget };
            let token = if is_idle { None } else { reader.next(at) };
            self.budget = reader.budget;
            self.changes.malformed |= self.budget == 0;
            match token {
                Some(token) if self.layers.len() <= DEEPEST => {
                    self.plain(token.start(), limit);
                    at = self.enter(token);
                }
                beyond => {
                    self.changes.malformed |= beyond.is_some();
                    self.plain(limit, limit);
                    at = self.close();
                }
            }
        }
        self.changes
    }

    /// Goes into a token, or past it; the answer is where to go on.
    fn enter(&mut self, token: Token) -> usize {
        match token {
            Token::Object { end, .. } | Token::Case { end, .. } => {
                self.pass(end);
                end
            }
            Token::Broken { start, end } => {
                self.changes.malformed = true;
                self.pass_broken(start, end);
                end
            }
            Token::Counted { token, .. } => {
                if self.ahead.peek().is_none_or(|next| next.at >= token.end) {
                    return token.end;
                }
                let (body, slot) = (token.body.clone(), self.changes.edits.len());
                self.changes.malformed |= token.level == 0 && php::is_broken(&self.text[body.clone()]);
                self.changes.edits.push(Edit { start: token.digits.start, end: token.digits.start, bytes: Vec::new() });
                self.layers.push(Layer {
                    body: body.clone(),
                    level: token.level,
                    is_json: None,
                    counted: Some(token),
                    slot,
                    grown: 0,
                });
                if self.bare(body.clone()) { body.end } else { body.start }
            }
        }
    }

    /// Ends the innermost layer and puts its count right; the answer is where to go on.
    fn close(&mut self) -> usize {
        let Some(Layer { counted: Some(token), grown, slot, .. }) = self.layers.pop() else { return self.text.len() };
        self.pass(token.end);
        if grown != 0 {
            let digits = token.len.saturating_add_signed(grown).to_string().into_bytes();
            let more = signed(digits.len()) - signed(token.digits.len());
            self.changes.edits[slot] = Edit { start: token.digits.start, end: token.digits.end, bytes: digits };
            for layer in &mut self.layers {
                layer.grown += more;
            }
        }
        token.end
    }

    fn next_before(&mut self, end: usize) -> Option<Occurrence<'a>> {
        self.ahead.next_if(|next| next.at < end)
    }

    fn pass(&mut self, end: usize) {
        while self.next_before(end).is_some() {}
    }

    fn pass_broken(&mut self, start: usize, end: usize) {
        while let Some(next) = self.next_before(end) {
            self.changes.missed |= next.host.url(&self.text[..end], next.at).is_some_and(|edit| edit.start >= start);
        }
    }

    /// Rewrites up to `end`, where no token is; `limit` is where the layer ends.
    fn plain(&mut self, end: usize, limit: usize) {
        while let Some(next) = self.next_before(end) {
            let edit = next.host.url(&self.text[..limit], next.at).or_else(|| self.json_string(next));
            if let Some(edit) = edit {
                self.push(edit);
            }
        }
    }

    /// Rewrites a layer that is an old host and nothing else.
    fn bare(&mut self, body: Range<usize>) -> bool {
        let Some(next) = self.ahead.peek().copied().filter(|next| next.at == body.start) else { return false };
        let Some(edit) = next.host.bare(self.text, body.start, body.end) else { return false };
        self.push(edit);
        self.pass(body.end);
        true
    }

    /// The edit of a string that is an old host and nothing else, in a layer that is JSON as a whole.
    fn json_string(&mut self, next: Occurrence) -> Option<Edit> {
        let layer = self.layers.last_mut().filter(|layer| layer.level == 0)?;
        let body = &self.text[..layer.body.end];
        let is_quoted = next.at > layer.body.start && body[next.at - 1] == b'"';
        let len = is_quoted.then(|| body[next.at..].iter().take(300).position(|b| *b == b'"')).flatten()?;
        let edit = next.host.bare(self.text, next.at, next.at + len)?;
        let is_json = || json::is_whole(&body[layer.body.start..]);
        layer.is_json.get_or_insert_with(is_json).then_some(edit)
    }

    fn push(&mut self, edit: Edit) {
        let old = &self.text[edit.start..edit.end];
        if *old == *edit.bytes || self.changes.edits.last().is_some_and(|last| edit.start < last.end) {
            return;
        }
        let mut grown = [None; MOST_LEVELS as usize + 1];
        for layer in &mut self.layers {
            let measure = || {
                let len = |bytes: &[u8]| signed(escapes::decoded_len(bytes, layer.level));
                len(&edit.bytes) - len(old)
            };
            layer.grown += *grown[usize::from(layer.level)].get_or_insert_with(measure);
        }
        self.changes.edits.push(edit);
    }
}

/// No slice is longer than `isize::MAX`.
fn signed(len: usize) -> isize {
    isize::try_from(len).unwrap_or(isize::MAX)
}
