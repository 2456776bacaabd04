//! Telephone numbers, as they are written abroad and at home.

use std::ops::Range;

use super::checks::ean;
use super::country::{Plan, by_code};
use super::numbers::has_word;
use super::rules::RULES;
use super::{Context, FieldKind, Place};

/// The code of no country, under which masked numbers are.
const NOBODYS: &str = "999";
/// A number has no more digits (E.164), but for what is dialled before it and a zero in brackets.
const MOST_DIGITS: usize = 18;
const FEWEST_DIGITS: usize = 7;
/// Of a number that no country tells anything of, written with a leading zero.
const DIGITS_ANYWHERE: std::ops::RangeInclusive<usize> = 9..=12;
/// A number without what is dialled before it at home; where a zero is a part of it, as in Italy, it stays.
fn without_trunk<'d>(national: &'d str, plan: &Plan) -> &'d str {
    let rest = national.strip_prefix(plan.trunk).filter(|_| !plan.trunk.is_empty());
    rest.filter(|rest| plan.is_possible(rest.len()) || !plan.is_possible(national.len())).unwrap_or(national)
}

#[derive(Default)]
struct Digits {
    digits: [u8; MOST_DIGITS],
    len: usize,
    is_abroad: bool,
}

impl Digits {
    fn push(&mut self, digit: u8) -> Option<()> {
        *self.digits.get_mut(self.len)? = digit;
        self.len += 1;
        Some(())
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).expect("digits")
    }

    /// `+44 (0)20`: the zero is dialled at home only.
    fn without_zero_in_brackets(&mut self, written: &str) {
        if let Some(at) = written.find("(0)") {
            let before = written[..at].bytes().filter(u8::is_ascii_digit).count();
            if before > 0 && before < self.len {
                self.digits.copy_within(before + 1..self.len, before);
                self.len -= 1;
            }
        }
    }
}

/// The number whose first digits are a piece of a text.
pub(super) fn at(context: &Context<'_>, piece: Range<usize>, done: usize, place: Place) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    if matches!(place.field, FieldKind::Thing | FieldKind::Version) {
        return None;
    }
    let start = begin(text, &piece, done);
    let mut before = text[..start].iter().rev();
    let is_within = match (before.next(), before.next()) {
        (Some(b'-' | b'.'), Some(beyond)) => beyond.is_ascii_alphanumeric(),
        // A part of a path, and not the second of two.
        (Some(b'/'), _) => start != done + 1 || done == 0,
        (Some(b'_' | b'#' | b'*' | b'@' | b'$' | b'\\'), _) => true,
        // A row of four by four, as on a card.
        (Some(b' '), Some(b'0'..=b'9')) => {
            piece.len() == 4 && text[..start - 1].iter().rev().take(4).all(u8::is_ascii_digit)
        }
        (Some(beside), _) => beside.is_ascii_alphanumeric(),
        (None, _) => false,
    };
    let (ends, count) = if is_within { ([0; 10], 0) } else { ends(text, start) };
    let all = || ends[..count].iter().rev().map(|end| start..*end);
    if all().any(|range| is_isbn(&context.text[range])) {
        return None;
    }
    all().find(|range| is_number(context, range, place))
}

/// The number begins with a `+`, or with a bracket around its first digits.
fn begin(text: &[u8], piece: &Range<usize>, done: usize) -> usize {
    let stands = |at: usize, sign: u8| at > done && text[at - 1] == sign;
    let plus = piece.start - usize::from(stands(piece.start, b'+'));
    let goes_on = text[piece.end..].iter().skip(1).take(2).any(u8::is_ascii_digit);
    if text.get(piece.end) != Some(&b')') || !goes_on || !stands(plus, b'(') {
        return plus;
    }
    plus - 1 - usize::from(stands(plus - 1, b'+'))
}

/// Where the number that begins at a place may end: behind each of its pieces.
fn ends(text: &[u8], start: usize) -> ([usize; 10], usize) {
    let (mut ends, mut count, mut digits, mut gap, mut at) = ([0; 10], 0, 0, 0, start);
    while let Some(byte) = text.get(at) {
        let blank = [&b"\xc2\xa0"[..], b"\xe2\x80\xaf", b"\xe2\x80\x91", b"\xe2\x80\x93"]
            .into_iter()
            .find(|blank| text[at..].starts_with(blank));
        match byte {
            b'0'..=b'9' => (digits, gap) = (digits + 1, 0),
            b'+' | b'(' if at <= start + 1 => {}
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if gap < 3 => gap += 1,
            _ if blank.is_some() && gap < 3 => {
                gap += 1;
                at += blank.map_or(1, <[u8]>::len) - 1;
            }
            _ => break,
        }
        at += 1;
        let is_end = byte.is_ascii_digit() && !text.get(at).is_some_and(u8::is_ascii_digit);
        if is_end && digits >= FEWEST_DIGITS && count < ends.len() {
            ends[count] = at;
            count += 1;
        }
        if digits > MOST_DIGITS {
            break;
        }
    }
    (ends, count)
}

fn is_number(context: &Context<'_>, range: &Range<usize>, place: Place) -> bool {
    let (text, written) = (context.text.as_bytes(), &context.text[range.clone()]);
    let mut digits = Digits::default();
    let is_few = written.bytes().filter(u8::is_ascii_digit).all(|digit| digits.push(digit).is_some());
    let after = text.get(range.end).copied();
    let next = text.get(range.end + 1).copied();
    // A time, a share, an address, a unit, an amount or a file's name is no number.
    let goes_on = match after {
        Some(b'_' | b'@' | b'%' | b'*' | b'$') => true,
        Some(b':') => next.is_some_and(|b| b.is_ascii_digit()),
        Some(b'-' | b'.') => next.is_some_and(|b| b.is_ascii_lowercase()),
        after => after.is_some_and(|b| b.is_ascii_alphanumeric()),
    };
    if !is_few || goes_on || is_dates(written) || digits.as_str().starts_with(NOBODYS) {
        return false;
    }
    digits.is_abroad = written.starts_with('+') || written.starts_with("(+");
    let pieces = written.split(|c: char| !c.is_ascii_digit()).filter(|piece| !piece.is_empty()).count();
    digits.without_zero_in_brackets(written);
    let all = digits.as_str();
    if digits.is_abroad {
        return is_abroad(all, false);
    }
    let is_bare = pieces == 1;
    if let Some(abroad) = all.strip_prefix("00").filter(|_| written.starts_with("00")) {
        return is_abroad(abroad, is_bare) && !(is_bare && is_thing(context, range, all));
    }
    let is_home = match place.country {
        Some(country) => is_at_home(context, range, all, pieces, country.plan()),
        None => is_anywhere(all, written, is_bare),
    };
    is_home && !(is_bare && is_thing(context, range, all))
}

/// A number of a thing: its length and check digit are an article's, or a word says so.
fn is_thing(context: &Context<'_>, range: &Range<usize>, digits: &str) -> bool {
    let mut values = [0; MOST_DIGITS];
    for (value, digit) in values.iter_mut().zip(digits.bytes()) {
        *value = u32::from(digit - b'0');
    }
    let is_article = matches!(digits.len(), 8 | 12 | 13 | 14) && ean(&values[..digits.len()]);
    let is_query =
        context.text[..range.start].ends_with('=') && !has_word(context.text, range.start, &RULES.words.telephones);
    is_article && digits.len() != 12 || is_query || has_word(context.text, range.start, &RULES.words.things)
}

/// A number with a country's code.
fn is_abroad(digits: &str, is_proven: bool) -> bool {
    let Some((plans, code)) = by_code(digits) else { return false };
    let whole = &digits[code..];
    plans.iter().any(|plan| {
        let national = without_trunk(whole, plan);
        plan.is_possible(national.len()) && (!is_proven || plan.has(national) || is_for_drama(digits))
    })
}

/// A number as it is dialled within its country.
fn is_at_home(context: &Context<'_>, range: &Range<usize>, digits: &str, pieces: usize, plan: &Plan) -> bool {
    let written = &context.text[range.clone()];
    let is_listed = |national: &str| plan.has(national) || is_for_drama_of(plan, national);
    let trunk = digits.strip_prefix(plan.trunk).filter(|_| !matches!(plan.trunk, "" | "1"));
    if let Some(national) = trunk {
        let is_written = pieces > 1 && plan.trunk == "0" && !written.starts_with("0-");
        return !written.starts_with("0.") && plan.is_possible(national.len()) && (is_written || is_listed(national));
    }
    let national = without_trunk(digits, plan);
    if !plan.is_possible(national.len()) {
        return false;
    }
    if written.starts_with('(') {
        return is_listed(national);
    }
    let text = context.text.as_bytes();
    let mut before = text[..range.start].iter().rev();
    let is_in_row = matches!((before.next(), before.next()), (Some(b' '), Some(b'0'..=b'9')))
        || matches!(text.get(range.end..range.end + 2), Some([b' ', b'0'..=b'9']));
    let is_scattered = written.split(|c: char| !c.is_ascii_digit()).any(|piece| piece.len() == 1) && plan.trunk != "1";
    if pieces < 2 || is_in_row || is_scattered || is_amount(written) || written.contains('/') {
        return false;
    }
    match plan.trunk {
        "1" => is_american(written) && is_listed(national),
        "" => !written.contains('.') && digits.len() >= 8 && is_listed(national),
        _ => plan.is_trunkless && !written.contains('.') && plan.has_mobile(national),
    }
}

/// Three digits, three and four, and before them a one; or all of the last seven.
fn is_american(written: &str) -> bool {
    let mut pieces = written.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|len| *len > 0).peekable();
    let _one = pieces.next_if_eq(&1);
    let rest: Vec<usize> = pieces.collect();
    matches!(rest.as_slice(), [3, 3, 4] | [3, 7])
}

/// A number written as numbers are in most countries, where nothing tells the country: with a zero before it or brackets.
fn is_anywhere(digits: &str, written: &str, is_bare: bool) -> bool {
    let is_zero =
        digits.starts_with('0') && !is_bare && written.as_bytes()[1].is_ascii_digit() && !digits.starts_with("00");
    let is_bracketed = written.starts_with('(') && written.find(')').is_some_and(|at| (3..=7).contains(&at));
    (is_zero || is_bracketed) && DIGITS_ANYWHERE.contains(&digits.len())
}

/// Whether a number is set aside for drama, which the plans do not list.
fn is_for_drama(digits: &str) -> bool {
    RULES.places.telephones.iter().any(|begin| digits.starts_with(begin.as_str()))
}

fn is_for_drama_of(plan: &Plan, national: &str) -> bool {
    let code = plan.code.to_string();
    let begins = |begin: &String| begin.strip_prefix(&code).is_some_and(|begin| national.starts_with(begin));
    RULES.places.telephones.iter().any(begins)
}

/// Whether pieces are those of a large amount, or of a version: three digits each, with points or blanks between them.
fn is_amount(written: &str) -> bool {
    let mut pieces = written.split([' ', '.', '\u{a0}', '\u{202f}']);
    let is_three = |piece: &str| piece.len() == 3 && piece.bytes().all(|b| b.is_ascii_digit());
    let is_dotted = written.contains('.');
    pieces.next().is_some_and(|first| first.len() < if is_dotted { 4 } else { 3 }) && pieces.all(is_three)
}

/// Whether a text begins with a date: `06.05.2024`, `2024-05-06`.
fn is_dates(written: &str) -> bool {
    let mut pieces = written.splitn(4, ['.', '-', '/']);
    let mut piece = || pieces.next().filter(|piece| piece.bytes().all(|b| b.is_ascii_digit()) && !piece.is_empty());
    let Some((a, b)) = piece().zip(piece()) else { return false };
    let c = pieces.next().map(|c| &c[..c.find(|c: char| !c.is_ascii_digit()).unwrap_or(c.len())]).unwrap_or_default();
    let number = |piece: &str| piece.parse::<u32>().unwrap_or(u32::MAX);
    let (is_year_first, is_year_last) = (a.len() == 4, matches!(c.len(), 2 | 4));
    let [day, month] = if is_year_first { [number(c), number(b)] } else { [number(a), number(b)] };
    let is_short = a.len() <= 4 && b.len() <= 2 && (is_year_first && c.len() <= 2 || a.len() <= 2 && is_year_last);
    is_short && !c.is_empty() && day <= 31 && month <= 31 && (day <= 12 || month <= 12)
}

/// Whether a text is a book's number, with a sign between its four or five parts.
fn is_isbn(written: &str) -> bool {
    let digits = || written.bytes().filter(u8::is_ascii_digit).map(|digit| u32::from(digit - b'0'));
    let is_parted = written.split(['-', ' ']).count() == 4 && !written.starts_with('+');
    let sum = || digits().zip((1..=10).rev()).map(|(digit, weight)| digit * weight).sum::<u32>();
    is_parted && digits().count() == 10 && sum().is_multiple_of(11)
        || digits().count() == 13 && (written.starts_with("978") || written.starts_with("979"))
}
