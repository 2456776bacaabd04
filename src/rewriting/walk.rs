//! Walks a value once, with a stack of the counted tokens around the place it is at, and notes what is to be changed.

use std::ops::Range;

use super::encoded::Encoded;
use super::host_search::Found;
use super::urls::{Edit, OldHost, Place};
use crate::formats::escapes::{self, MOST_LEVELS};
use crate::formats::php::tokens::{Counted, Token, TokenReader};
use crate::formats::{DEEPEST, php};

/// So much in a sound string may look like the beginning of a counted one before none is looked for any more.
const MOST_LOOKALIKES: usize = 64;

/// A place that may have to change.
pub(super) enum Spot<'a> {
    /// The letters of an old host.
    Host(Found, &'a OldHost),
    /// Something encoded, and what it becomes.
    Encoded(&'a Encoded),
}

impl Spot<'_> {
    pub(super) fn start(&self) -> usize {
        match self {
            Self::Host(found, _) => found.start,
            Self::Encoded(encoded) => encoded.place.start,
        }
    }
}

/// What a walk found out.
#[derive(Default)]
pub(super) struct Changes {
    /// In order; those that change nothing are empty.
    pub(super) edits: Vec<Edit>,
    /// A count that is wrong was met.
    pub(super) malformed: bool,
}

/// A layer: the value, or the body of a counted token in it.
struct Layer {
    body: Range<usize>,
    level: u8,
    /// `None` for the value itself.
    counted: Option<Counted>,
    /// Whether it is a sound string that is no serialized value itself: what looks like one in it and is broken is text.
    is_text: bool,
    /// Whether some bytes are written as `\xx`, each of which counts as one.
    is_hex: bool,
    lookalikes: usize,
    /// The edit that is kept for its digits.
    slot: usize,
    grown: isize,
}

pub(super) struct Walk<'a> {
    text: &'a [u8],
    ahead: std::iter::Peekable<std::vec::IntoIter<Spot<'a>>>,
    layers: Vec<Layer>,
    budget: usize,
    changes: Changes,
}

impl<'a> Walk<'a> {
    /// `spots` are in order.
    pub(super) fn new(text: &'a [u8], spots: Vec<Spot<'a>>) -> Self {
        let value = Layer {
            body: 0..text.len(),
            level: 0,
            counted: None,
            is_text: false,
            is_hex: false,
            lookalikes: 0,
            slot: 0,
            grown: 0,
        };
        // Each layer of sound data is counted through once.
        let budget = (text.len() + 1).saturating_mul(DEEPEST);
        Self { text, ahead: spots.into_iter().peekable(), layers: vec![value], budget, changes: Changes::default() }
    }

    pub(super) fn run(mut self) -> Changes {
        let mut at = 0;
        self.changes.malformed = php::is_broken(self.text);
        while let Some(layer) = self.layers.last() {
            let (limit, level) = (layer.body.end, layer.level);
            // Without a host there is nothing to do in the rest of this layer.
            let is_idle =
                layer.lookalikes > MOST_LOOKALIKES || self.ahead.peek().is_none_or(|next| next.start() >= limit);
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
            Token::Broken { start, .. } if self.layers.last().is_some_and(|layer| layer.is_text) => {
                if let Some(within) = self.layers.last_mut() {
                    within.lookalikes += 1;
                }
                start + 2
            }
            Token::Broken { end, .. } => {
                self.changes.malformed = true;
                self.pass(end);
                end
            }
            Token::Counted { start, token } => {
                if self.ahead.peek().is_none_or(|next| next.start() >= token.end) {
                    return token.end;
                }
                let (body, slot) = (token.body.clone(), self.changes.edits.len());
                let is_broken = token.level == 0 && php::is_broken(&self.text[body.clone()]);
                self.changes.malformed |= is_broken;
                self.changes.edits.push(Edit { start: token.digits.start, end: token.digits.start, bytes: Vec::new() });
                self.layers.push(Layer {
                    body: body.clone(),
                    level: token.level,
                    is_text: !is_broken && self.text[start] != b'C',
                    is_hex: self.text[start] == b'S',
                    lookalikes: 0,
                    counted: Some(token),
                    slot,
                    grown: 0,
                });
                body.start
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

    fn next_before(&mut self, end: usize) -> Option<Spot<'a>> {
        self.ahead.next_if(|next| next.start() < end)
    }

    fn pass(&mut self, end: usize) {
        while self.next_before(end).is_some() {}
    }

    /// Rewrites up to `end`, where no token is; `limit` is where the layer ends.
    fn plain(&mut self, end: usize, limit: usize) {
        let begin = self.layers.last().map_or(0, |layer| layer.body.start);
        while let Some(next) = self.next_before(end) {
            match next {
                Spot::Host(found, host) if found.end <= limit => {
                    if let Place::Url(edit) = host.place(&self.text[..limit], begin, found) {
                        self.push(edit);
                    }
                }
                Spot::Encoded(Encoded { place, new: Some(bytes), .. }) if place.end <= limit => {
                    self.push(Edit { start: place.start, end: place.end, bytes: bytes.clone() });
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, edit: Edit) {
        let old = &self.text[edit.start..edit.end];
        if *old == *edit.bytes || self.changes.edits.last().is_some_and(|last| edit.start < last.end) {
            return;
        }
        let mut grown = [None; MOST_LEVELS as usize + 1];
        for layer in &mut self.layers {
            let len = |bytes: &[u8]| signed(escapes::decoded_len(bytes, layer.level));
            let measure = || len(&edit.bytes) - len(old);
            layer.grown += match layer.is_hex {
                false => *grown[usize::from(layer.level)].get_or_insert_with(measure),
                true => measure() + 2 * signed(memchr::memchr_iter(b'\\', old).count()),
            };
        }
        self.changes.edits.push(edit);
    }
}

/// No slice is longer than `isize::MAX`.
fn signed(len: usize) -> isize {
    isize::try_from(len).unwrap_or(isize::MAX)
}
