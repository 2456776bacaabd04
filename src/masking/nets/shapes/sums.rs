//! Check digits of numbers whose sum is more than a row of weights.

use super::checks::{luhn_sum, rest, sign, value, weighted};

pub(super) fn rentenversicherung(number: &[u8]) -> bool {
    let [front @ .., c, a, b, check] = number else { return false };
    let Some(letter) = c.checked_sub(b'A').filter(|at| *at < 26).map(|at| u32::from(at) + 1) else { return false };
    let mut digits: Vec<u32> = front.iter().map(|b| u32::from(b.wrapping_sub(b'0'))).collect();
    digits.extend([letter / 10, letter % 10, u32::from(a - b'0'), u32::from(b - b'0')]);
    let products = digits.iter().zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(|(one, weight)| one * weight);
    products.map(|product| product / 10 + product % 10).sum::<u32>() % 10 == u32::from(check - b'0')
}

pub(super) fn codice_fiscale(number: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some((check, rest)) = number.split_last() else { return false };
    let place = |b: u8| usize::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' });
    let of = |(i, b): (usize, &u8)| {
        if i % 2 == 0 { ODD[place(*b)] } else { u32::try_from(place(*b)).expect("a digit or a letter") }
    };
    let sum: u32 = rest.iter().enumerate().map(of).sum();
    check.checked_sub(b'A').is_some_and(|check| u32::from(check) == sum % 26)
}

pub(super) fn of_23(number: u64, letter: u8) -> bool {
    sign(b"TRWAGMYFPDXBNJZSQVHLCKE", rest(number, 23), letter)
}

pub(super) fn cif(number: &[u8], d: &[u32]) -> bool {
    let last = number[number.len() - 1];
    let control = (10 - luhn_sum(&d[..7], 0) % 10) % 10;
    b"ABCDEFGHJNPQRSUVW".contains(&number[0])
        && (u32::from(last.wrapping_sub(b'0')) == control || sign(b"JABCDEFGHI", control, last))
}

pub(super) fn bsn(d: &[u32]) -> bool {
    d.len() == 9 && (weighted(d, &[9, 8, 7, 6, 5, 4, 3, 2]) + 10 * d[8]).is_multiple_of(11)
}

pub(super) fn rijksregister(d: &[u32]) -> bool {
    let (number, check) = (value(&d[..9]), value(&d[9..]));
    97 - number % 97 == check || 97 - (number + 2_000_000_000) % 97 == check
}

pub(super) fn is_nino(number: &[u8]) -> bool {
    let [a, b, .., suffix] = number else { return false };
    !b"DFIQUV".contains(a)
        && !b"DFIOQUV".contains(b)
        && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].iter().any(|none| none.as_bytes() == [*a, *b])
        && (b'A'..=b'D').contains(suffix)
}

pub(super) fn pps(number: &[u8], d: &[u32]) -> bool {
    let second = number.get(8).map_or(0, |letter| if *letter == b'W' { 0 } else { u32::from(letter - b'A') + 1 });
    d.len() == 7 && sign(b"WABCDEFGHIJKLMNOPQRSTUV", (weighted(d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23, number[7])
}

pub(super) fn is_ssn(d: &[u32]) -> bool {
    let area = value(&d[..3]);
    area != 0 && area != 666 && area < 900 && value(&d[3..5]) != 0 && value(&d[5..]) != 0
}

pub(super) fn cnpj(d: &[u32]) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let check = |digits: &[u32]| (11 - weighted(digits, &WEIGHTS[13 - digits.len()..]) % 11) % 11 % 10;
    d.len() == 14 && check(&d[..12]) == d[12] && check(&d[..13]) == d[13]
}

pub(super) fn rut(number: &[u8]) -> bool {
    let Some((last, rest)) = number.split_last() else { return false };
    let weights = [2, 3, 4, 5, 6, 7].into_iter().cycle();
    let sum: u32 = rest.iter().rev().zip(weights).map(|(b, weight)| u32::from(b.wrapping_sub(b'0')) * weight).sum();
    sign(b"0K987654321", sum % 11, *last)
}

pub(super) fn fodselsnummer(d: &[u32]) -> bool {
    d.len() == 11
        && (weighted(d, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) + d[9]).is_multiple_of(11)
        && (weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) + d[10]).is_multiple_of(11)
}

pub(super) fn tckn(d: &[u32]) -> bool {
    let odd = || d[..9].iter().step_by(2).sum::<u32>();
    let even = || d[1..8].iter().step_by(2).sum::<u32>();
    d.len() == 11 && d[0] > 0 && (odd() * 7 + 100 - even()) % 10 == d[9] && d[..10].iter().sum::<u32>() % 10 == d[10]
}

pub(super) fn inn(d: &[u32]) -> bool {
    d.len() == 12
        && weighted(d, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == d[10]
        && weighted(d, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == d[11]
}

pub(super) fn abn(d: &[u32]) -> bool {
    d.len() == 11 && d[0] > 0 && (weighted(d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10).is_multiple_of(89)
}

pub(super) fn nric(number: &[u8], d: &[u32]) -> bool {
    let more = if matches!(number[0], b'T' | b'G') { 4 } else { 0 };
    let signs = if matches!(number[0], b'S' | b'T') { b"JZIHGFEDCBA" } else { b"XWUTRQPNMLK" };
    d.len() == 7 && sign(signs, (weighted(d, &[2, 7, 6, 5, 4, 3, 2]) + more) % 11, number[8])
}

pub(super) fn resident_id(number: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = number.iter().zip(WEIGHTS).map(|(b, weight)| u32::from(b.wrapping_sub(b'0')) * weight).sum();
    number.len() == 18 && sign(b"10X98765432", sum % 11, number[17])
}

pub(super) fn my_number(d: &[u32]) -> u32 {
    let sum = weighted(d, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    if sum <= 1 { 0 } else { 11 - sum }
}

/// Verhoeff's, by the group of symmetries of a pentagon.
pub(super) fn verhoeff(d: &[u32]) -> bool {
    const TURNS: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let turned = |one: u32, times: usize| (0..times).fold(one, |one, _| TURNS[one as usize]);
    d.iter().rev().enumerate().fold(0, |all, (i, one)| product(all, turned(*one, i % 8))) == 0
}
