//! The one pass over a text: where it stops, and what is asked there.

use std::ops::Range;

use super::rules::{RULES, Target};
use super::{FieldKind, Found, Place, Shape, accounts, addresses, emails, marks, numbers, phones, secrets};

/// The text that is searched.
#[derive(Clone, Copy)]
pub(super) struct Context<'t> {
    pub(super) text: &'t str,
}

impl Context<'_> {
    /// Whether a range is no part of a longer word or number.
    pub(super) fn is_apart(&self, range: &Range<usize>) -> bool {
        let text = self.text.as_bytes();
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let joins = |sign: Option<&u8>, beyond: Option<&u8>| match sign {
            Some(b'-' | b'.') => beyond.is_some_and(u8::is_ascii_alphanumeric),
            sign => sign.is_some_and(|b| is_word(*b)),
        };
        let mut before = text[..range.start].iter().rev();
        !joins(before.next(), before.next()) && !joins(text.get(range.end), text.get(range.end + 1))
    }
}

/// Where something next is.
#[derive(Clone, Copy)]
enum Next {
    Unknown,
    None,
    At { start: usize, end: usize, target: Target },
}

/// Goes over a text, from shape to shape.
pub(crate) struct Finder<'t> {
    context: Context<'t>,
    place: Place,
    /// Where the last shape ended.
    done: usize,
    /// Where to look for marks next.
    mark: usize,
    literal: Next,
}

impl Iterator for Finder<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let mark = marks::next(self.context.text.as_bytes(), self.mark);
            self.mark = mark.unwrap_or(self.context.text.len());
            let literal = self.next_literal(self.done);
            let found = match (mark, literal) {
                (None, None) => return None,
                (Some(mark), Some((start, ..))) if mark < start => self.at_mark(mark),
                (_, Some((start, end, target))) => {
                    let found = self.at_literal(start, end, target);
                    self.literal = Next::Unknown;
                    if found.is_none() {
                        self.literal = self.search_literal(start + 1);
                    }
                    found
                }
                (Some(mark), None) => self.at_mark(mark),
            };
            if let Some((shape, range)) = found {
                self.done = range.end;
                self.mark = range.end;
                return Some(Found { shape, range });
            }
        }
    }
}

impl<'t> Finder<'t> {
    pub(super) fn of(text: &'t str, place: Place) -> Self {
        Self { context: Context { text }, place, done: 0, mark: 0, literal: Next::Unknown }
    }

    fn next_literal(&mut self, from: usize) -> Option<(usize, usize, Target)> {
        if let Next::Unknown = self.literal {
            self.literal = self.search_literal(from);
        }
        loop {
            match self.literal {
                Next::At { start, end, target } if start >= from => return Some((start, end, target)),
                Next::At { .. } => self.literal = self.search_literal(from),
                _ => return None,
            }
        }
    }

    fn search_literal(&self, from: usize) -> Next {
        let found = RULES.literals.find(self.context.text.as_bytes(), from);
        found.map_or(Next::None, |(span, literal)| Next::At {
            start: span.start,
            end: span.end,
            target: RULES.targets[literal],
        })
    }

    fn at_literal(&self, start: usize, end: usize, target: Target) -> Option<(Shape, Range<usize>)> {
        let text = self.context.text;
        let (shape, range) = match target {
            Target::Secret(number) => secrets::of_rule(text.as_bytes(), start..end, number)?,
            Target::At => (Shape::Email, emails::around(text, start, end - start)?),
        };
        (range.start >= self.done).then_some((shape, range))
    }

    /// What stands at a digit, an `@`, a `=` or a `:`.
    fn at_mark(&mut self, at: usize) -> Option<(Shape, Range<usize>)> {
        let (context, text, done) = (self.context, self.context.text.as_bytes(), self.done);
        if text[at] == b'@' {
            self.mark = at + 1;
            let login = || secrets::login(text, at, done).map(|range| (Shape::Secret, range));
            let email = || emails::around(context.text, at, 1).map(|range| (Shape::Email, range));
            return login().or_else(email).filter(|(_, range)| range.start >= done);
        }
        if matches!(text[at], b'=' | b':') {
            self.mark = at + 1;
            return secrets::assigned(context.text, at).map(|range| (Shape::Secret, range));
        }
        let is_part = |b: &&u8| b.is_ascii_alphanumeric();
        let start = at - text[done..at].iter().rev().take_while(is_part).count();
        let end = at + text[at..].iter().take_while(is_part).count();
        self.mark = end;
        let found = around_digits(context, start..end, done, self.place);
        // A number before an `@` is a part of an address.
        found.filter(|(_, range)| text.get(range.end) != Some(&b'@'))
    }
}

/// What the piece of letters and digits is, or the beginning of.
fn around_digits(
    context: Context<'_>,
    piece: Range<usize>,
    done: usize,
    place: Place,
) -> Option<(Shape, Range<usize>)> {
    const LONGEST: usize = 34;
    const SHORTEST_ALONE: usize = 7;
    let text = context.text.as_bytes();
    let start = piece.start;
    let is_number = text[piece.clone()].iter().all(u8::is_ascii_digit);
    let after = text.get(piece.end).copied();
    if piece.len() > LONGEST
        || piece.len() < SHORTEST_ALONE && !goes_on(text, piece.end) && !text[..start].ends_with(b":")
    {
        return None;
    }
    let is_hex = piece.len() <= 4 && text[piece.clone()].iter().all(u8::is_ascii_hexdigit);
    if is_hex
        && (after == Some(b':') || text[..start].ends_with(b":") || after == Some(b'-') && piece.len() == 2)
        && let Some((is_device, found)) = addresses::of_hex(&context, done, start)
    {
        return Some((if is_device { Shape::Device } else { Shape::Ip }, found));
    }
    if is_number
        && after == Some(b'.')
        && piece.len() <= 3
        && let Some(found) = addresses::ipv4(&context, start, place)
    {
        return Some((Shape::Ip, found));
    }
    let account = accounts::iban(&context, start).map(|found| (Shape::Iban, found));
    let card = || accounts::card(&context, start).filter(|_| is_number && place.field != FieldKind::Thing);
    let pair = || addresses::coordinates(&context, start).filter(|_| is_number && after == Some(b'.'));
    let phone = || phones::at(&context, piece.clone(), done, place).filter(|_| is_number);
    account
        .or_else(|| official(&context, &piece, done, place).map(|found| (Shape::OfficialNumber, found)))
        .or_else(|| card().map(|found| (Shape::Card, found)))
        .or_else(|| pair().map(|found| (Shape::Coordinates, found)))
        .or_else(|| phone().map(|found| (Shape::Phone, found)))
}

/// Whether more of a number may stand behind a piece of it.
fn goes_on(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(b'-' | b'.' | b'/' | b':') => {
            text.get(end + 1).is_some_and(|b| b.is_ascii_alphanumeric() || b"-:(".contains(b))
        }
        Some(b' ' | b')') => {
            text[end + 1..].iter().take(3).any(u8::is_ascii_digit)
                || text.get(end + 1).is_some_and(|b| b"(-/".contains(b))
        }
        Some(b'(' | 0xc2 | 0xe2 | b'%') => true,
        _ => false,
    }
}

/// An official number that begins with the piece, or with the letters before it: `DE 123…`.
fn official(context: &Context<'_>, piece: &Range<usize>, done: usize, place: Place) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    let is_letters = |from: &usize| text[*from..piece.start - 1].iter().all(u8::is_ascii_alphabetic);
    let before = piece.start.checked_sub(2).filter(|_| b" -.".contains(&text[piece.start - 1]));
    let letters = before.map(|last| {
        last + 1 - text[done.min(last)..=last].iter().rev().take(5).take_while(|b| b.is_ascii_alphabetic()).count()
    });
    let front = letters.filter(|from| *from + 1 < piece.start && *from >= done).filter(is_letters);
    let longer = front.and_then(|from| numbers::at(context, from..piece.start - 1, place));
    longer.or_else(|| numbers::at(context, piece.clone(), place))
}
