//! Check digits of official numbers, of cards and of accounts.

use serde::Deserialize;

use super::sums::{
    abn, bsn, cif, cnpj, codice_fiscale, fodselsnummer, inn, is_nino, is_ssn, my_number, nric, of_23, pps,
    rentenversicherung, resident_id, rijksregister, rut, tckn, verhoeff,
};

/// What the check digits of a number are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::masking) enum Check {
    None,
    Luhn,
    Ean13,
    Iso7064,
    SteuerId,
    VatDe,
    Rentenversicherung,
    VatAt,
    Svnr,
    CodiceFiscale,
    PartitaIva,
    Dni,
    Nie,
    Cif,
    Nir,
    Tva,
    Bsn,
    VatNl,
    Rijksregister,
    VatBe,
    Nhs,
    Nino,
    Utr,
    VatGb,
    Pps,
    Ssn,
    Cpf,
    Cnpj,
    Curp,
    Rfc,
    Rut,
    Cuit,
    Nit,
    Cedula,
    Pesel,
    Nip,
    RodneCislo,
    Cnp,
    Egn,
    Afm,
    Personnummer,
    BirthFirst,
    BirthFirstRrn,
    Fodselsnummer,
    Hetu,
    NifPt,
    Tckn,
    Snils,
    Inn,
    Rnokpp,
    Aadhaar,
    Tfn,
    Abn,
    Medicare,
    Nric,
    ResidentId,
    MyNumber,
}

/// Whether the check digits of a number hold; it comes as large letters and digits, without the letters of its country.
pub(in crate::masking) fn holds(check: Check, number: &[u8]) -> bool {
    let (mut digits, mut len) = ([0_u32; 32], 0);
    for byte in number.iter().filter(|b| b.is_ascii_digit()) {
        digits[len] = u32::from(byte - b'0');
        len += 1;
    }
    let d = &digits[..len];
    // One digit over and over holds for most sums, and is nobody's.
    if d.len() > 5 && d.iter().all(|one| *one == d[0]) {
        return false;
    }
    let last = || number.last().copied().unwrap_or_default();
    match check {
        Check::None => true,
        Check::Luhn | Check::PartitaIva => luhn(d),
        Check::Ean13 => d.len() == 13 && ean(d),
        Check::Iso7064 | Check::SteuerId | Check::VatDe => iso7064(d),
        Check::Rentenversicherung => rentenversicherung(number),
        Check::VatAt => d.len() == 8 && (96 - luhn_sum(&d[..7], 1)) % 10 == d[7],
        Check::Svnr => d.len() == 10 && weighted(d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == d[3],
        Check::CodiceFiscale => codice_fiscale(number),
        Check::Dni => of_23(value(d), last()),
        Check::Nie => of_23(u64::from(number[0] - b'X') * 10_000_000 + value(d), last()),
        Check::Cif => cif(number, d),
        Check::Nir => d.len() == 15 && 97 - value(&d[..13]) % 97 == value(&d[13..]) && matches!(d[0], 1 | 2),
        Check::Tva => d.len() == 11 && (12 + 3 * (value(&d[2..]) % 97)) % 97 == value(&d[..2]),
        Check::Bsn => bsn(d),
        Check::VatNl => d.len() == 11 && (bsn(&d[..9]) || mod97(b"NL", number)),
        Check::Rijksregister => d.len() == 11 && rijksregister(d),
        Check::VatBe => d.len() == 10 && 97 - value(&d[..8]) % 97 == value(&d[8..]),
        Check::Nhs => d.len() == 10 && (11 - weighted(d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[9],
        Check::Nino => is_nino(number),
        Check::Utr => {
            d.len() == 10 && sign(b"21987654321", weighted(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11, number[0])
        }
        Check::VatGb => d.len() == 9 && [0, 42].contains(&(weighted(d, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97)),
        Check::Pps => pps(number, d),
        Check::Ssn => d.len() == 9 && is_ssn(d),
        Check::Cpf => d.len() == 11 && falling(&d[..9], 10) == d[9] && falling(&d[..10], 11) == d[10],
        Check::Cnpj => cnpj(d),
        Check::Curp => matches!(number.get(10), Some(b'H' | b'M' | b'X')) && is_year_month_day(d),
        Check::Rfc => is_year_month_day(d),
        Check::Rut => rut(number),
        Check::Cuit => d.len() == 11 && (11 - weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[10],
        Check::Nit => {
            d.len() == 10 && sign(b"01987654321", weighted(d, &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11, last())
        }
        Check::Cedula => d.len() == 10 && value(&d[..2]) <= 30 && d[2] < 6 && luhn(d),
        Check::Pesel => d.len() == 11 && (10 - weighted(d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == d[10],
        Check::Nip => d.len() == 10 && weighted(d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9],
        Check::RodneCislo => {
            d.len() == 10 && value(d).is_multiple_of(11) && is_month(d[2] * 10 + d[3], &[0, 20, 50, 70])
        }
        Check::Cnp => d.len() == 13 && weighted(d, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 % 10 == d[12] % 10,
        Check::Egn => d.len() == 10 && weighted(d, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == d[9],
        Check::Afm => d.len() == 9 && d[..8].iter().fold(0, |sum, one| (sum + one) * 2) % 11 % 10 == d[8],
        Check::Personnummer => d.len() >= 10 && luhn(&d[d.len() - 10..]) && is_personnummer(&d[d.len() - 10..]),
        Check::BirthFirst => d.len() == 10 && is_day(d[0] * 10 + d[1]) && is_month(d[2] * 10 + d[3], &[0]),
        Check::BirthFirstRrn => is_year_month_day(d) && (1..=8).contains(&d[6]),
        Check::Fodselsnummer => fodselsnummer(d),
        Check::Hetu => d.len() >= 9 && sign(b"0123456789ABCDEFHJKLMNPRSTUVWXY", rest(value(&d[..9]), 31), last()),
        Check::NifPt => d.len() == 9 && falling(&d[..8], 9) == d[8],
        Check::Tckn => tckn(d),
        Check::Snils => {
            d.len() == 11 && u64::from(weighted(d, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100) == value(&d[9..])
        }
        Check::Inn => inn(d),
        Check::Rnokpp => d.len() == 10 && (weighted(d, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11) % 10 == d[9],
        Check::Aadhaar => d.len() == 12 && d[0] > 1 && verhoeff(d),
        Check::Tfn => d.len() == 9 && weighted(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
        Check::Abn => abn(d),
        Check::Medicare => {
            d.len() == 10 && (2..7).contains(&d[0]) && weighted(d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == d[8]
        }
        Check::Nric => nric(number, d),
        Check::ResidentId => resident_id(number),
        Check::MyNumber => d.len() == 12 && my_number(d) == d[11],
    }
}

pub(super) fn value(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |all, one| all * 10 + u64::from(*one))
}

pub(super) fn rest(number: u64, modulus: u64) -> u32 {
    u32::try_from(number % modulus).expect("it is smaller than the modulus")
}

pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(one, weight)| one * weight).sum()
}

/// Whether the sign for a rest is the one that stands there.
pub(super) fn sign(signs: &[u8], rest: u32, written: u8) -> bool {
    signs.get(rest as usize) == Some(&written)
}

/// The check digit of Portugal's and Brazil's, whose weights fall from the left.
fn falling(digits: &[u32], first: u32) -> u32 {
    let sum: u32 = digits.iter().zip((2..=first).rev()).map(|(one, weight)| one * weight).sum();
    (11 - sum % 11) % 11 % 10
}

/// The sum of Luhn's; every second digit from the right is doubled, or those in between.
pub(super) fn luhn_sum(digits: &[u32], first_doubled: usize) -> u32 {
    let of = |(i, one): (usize, &u32)| if i % 2 == first_doubled { one * 2 / 10 + one * 2 % 10 } else { *one };
    digits.iter().rev().enumerate().map(of).sum()
}

pub(super) fn luhn(digits: &[u32]) -> bool {
    digits.len() > 1 && luhn_sum(digits, 1).is_multiple_of(10)
}

/// The check digit of an article's number (GTIN), whatever its length.
pub(super) fn ean(digits: &[u32]) -> bool {
    let of = |(i, one): (usize, &u32)| if i % 2 == 1 { one * 3 } else { *one };
    digits.iter().rev().enumerate().map(of).sum::<u32>().is_multiple_of(10)
}

/// ISO 7064, modulus 11,10.
fn iso7064(digits: &[u32]) -> bool {
    let Some((last, digits)) = digits.split_last() else { return false };
    let mut product = 10;
    for one in digits {
        let sum = (one + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    (11 - product) % 10 == *last
}

/// ISO 7064, modulus 97,10: as in an account number, `front` stands before the rest.
pub(super) fn mod97(front: &[u8], rest: &[u8]) -> bool {
    let mut remainder = 0;
    for byte in front.iter().chain(rest) {
        let Some(digit) = char::from(*byte).to_digit(36) else { return false };
        remainder = (remainder * if digit > 9 { 100 } else { 10 } + digit) % 97;
    }
    remainder == 1
}

fn is_day(day: u32) -> bool {
    (1..=31).contains(&day)
}

/// A month, which some countries add to for women or when numbers run out.
fn is_month(month: u32, added: &[u32]) -> bool {
    added.iter().any(|added| (1..=12).contains(&month.wrapping_sub(*added)))
}

fn is_personnummer(d: &[u32]) -> bool {
    let day = d[4] * 10 + d[5];
    is_month(d[2] * 10 + d[3], &[0]) && (is_day(day) || is_day(day.wrapping_sub(60)))
}

fn is_year_month_day(d: &[u32]) -> bool {
    d.len() >= 6 && is_month(d[2] * 10 + d[3], &[0]) && is_day(d[4] * 10 + d[5])
}
