//! Addresses of computers and devices, and places on the earth.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::numbers::has_word;
use super::rules::RULES;
use super::{Context, FieldKind, Place};

/// Where all four numbers of an address are smaller, it is a version.
const LARGEST_OF_VERSION: u8 = 32;
/// So many digits behind the point tell a house from a town.
const PRECISE: usize = 4;

/// The address whose first number is the piece at `start`.
pub(super) fn ipv4(context: &Context<'_>, start: usize, place: Place) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    let is_part = |b: &&u8| b.is_ascii_digit() || **b == b'.';
    let len = text[start..].iter().take(16).take_while(is_part).count();
    let written = context.text[start..start + len].trim_end_matches('.');
    let range = start..start + written.len();
    let ip: Ipv4Addr = written.parse().ok()?;
    let before = text[..start].last();
    let is_of_path = before == Some(&b'/') && !text[..start].ends_with(b"//");
    let is_of_number = matches!(before, Some(b'.' | b'-' | b','))
        && start > 1
        && text[start - 2].is_ascii_digit()
        && before != Some(&b',');
    let octets = ip.octets();
    let is_small = octets.iter().all(|octet| *octet < LARGEST_OF_VERSION) || octets[1..] == [0, 0, 0];
    let is_version = match place.field {
        FieldKind::Version => true,
        FieldKind::Address => false,
        _ => is_small || is_of_path || is_of_number || has_word(context.text, start, &RULES.words.versions),
    };
    (!is_version && is_somebodys(ip) && context.is_apart(&range)).then_some(range)
}

/// Addresses of no network at all are nobody's, and those of benchmarks (RFC 2544) are what addresses become.
fn is_somebodys(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a != 0 && !ip.is_loopback() && !ip.is_multicast() && a < 240 && !(a == 198 && matches!(b, 18 | 19))
}

/// The address, or the number of a network card, within which `at` is.
pub(super) fn of_hex(context: &Context<'_>, done: usize, at: usize) -> Option<(bool, Range<usize>)> {
    let text = context.text.as_bytes();
    let is_part = |b: &u8| b.is_ascii_hexdigit() || *b == b':' || *b == b'-';
    let start = at - text[done..at].iter().rev().take(45).take_while(|b| is_part(b)).count();
    let len = text[start..].iter().take(46).take_while(|b| is_part(b) || **b == b'.').count();
    let whole = &context.text[start..start + len];
    let trimmed = whole.trim_end_matches([':', '.', '-']);
    let range = start..start + trimmed.len();
    if !context.is_apart(&range) {
        return None;
    }
    if is_device(trimmed.as_bytes()) {
        return Some((true, range));
    }
    if trimmed.len() < 7 || memchr::memchr_iter(b':', trimmed.as_bytes()).count() < 2 {
        return None;
    }
    let ip: Ipv6Addr = trimmed.parse().ok()?;
    let inner = ip.to_ipv4_mapped();
    let is_ours = ip.segments()[..3] == [0x2001, 2, 0];
    let is_one = !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && !is_ours;
    (is_one && inner.is_none_or(is_somebodys)).then_some((false, range))
}

/// Six pairs of hexadecimal digits; those that an administrator gives (the second digit is even and of the upper half of four)
/// are what others become.
fn is_device(text: &[u8]) -> bool {
    let separator = text.get(2).copied().unwrap_or_default();
    text.len() == 17
        && matches!(separator, b':' | b'-')
        && text
            .chunks(3)
            .all(|pair| pair[..2].iter().all(u8::is_ascii_hexdigit) && pair.get(2).is_none_or(|b| *b == separator))
        && !text.starts_with(b"02")
        && text.iter().any(|b| !b"0Ff:-".contains(b))
}

/// A pair of latitude and longitude, each with four digits and more behind the point.
pub(super) fn coordinates(context: &Context<'_>, start: usize) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    let start = if text[..start].ends_with(b"-") { start - 1 } else { start };
    let before = text[..start].last().copied();
    // One of a longer row of numbers is a point of a drawing.
    let is_row =
        |side: &[u8]| side.iter().rev().find(|b| **b != b' ').is_some_and(|b| b.is_ascii_digit() || *b == b',');
    let is_called = before == Some(b'(') && text[..start - 1].last().is_some_and(u8::is_ascii_lowercase);
    if is_row(&text[..start]) || before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.') || is_called {
        return None;
    }
    let first = decimal(text, start)?;
    let mut next = first.end;
    for between in [",", ";", "%2C", "/", " ", " "] {
        if text[next..].starts_with(between.as_bytes()) {
            next += between.len();
        }
    }
    let second = decimal(text, next).filter(|second| second.start > first.end)?;
    let after = text[second.end..].iter().find(|b| !b" ,".contains(b));
    let is_end = !after.is_some_and(|b| b.is_ascii_digit() || b".-".contains(b))
        && text.get(second.end).is_none_or(|b| !b.is_ascii_alphanumeric());
    let degrees = |range: &Range<usize>| context.text[range.clone()].parse::<f64>().unwrap_or(f64::MAX).abs();
    let (a, b) = (degrees(&first), degrees(&second));
    (is_end && a <= 180.0 && b <= 180.0 && a.min(b) <= 90.0).then_some(first.start..second.end)
}

fn decimal(text: &[u8], start: usize) -> Option<Range<usize>> {
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(text.get(start) == Some(&b'-'));
    let whole = digits(start + sign);
    let point = start + sign + whole;
    if !(1..=3).contains(&whole) || text.get(point) != Some(&b'.') {
        return None;
    }
    let behind = digits(point + 1);
    let end = point + 1 + behind;
    (behind >= PRECISE && !text[..end].ends_with(b"000")).then_some(start..end)
}
