//! Numbers that their check digits tell, and strangers that their form tells.

/// How long account numbers are, by country.
const IBANS: &[u8] = b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24\
    FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25\
    MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23\
    ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";
/// The longest of them, and blanks within it.
const LONGEST_IBAN: usize = 33 + 8;

/// Digits of a card, at most.
pub(super) const MOST_CARD_DIGITS: usize = 19;

/// Whether a bank account's number with right check digits begins here.
pub(super) fn begins_with_iban(text: &[u8]) -> bool {
    let text = &text[..text.len().min(LONGEST_IBAN)];
    let Some((country, _)) = text.split_first_chunk::<2>() else { return false };
    let country = country.map(|byte| byte.to_ascii_uppercase());
    let Some(entry) = IBANS.chunks_exact(4).find(|entry| entry[..2] == country) else { return false };
    let wanted = usize::from(entry[2] - b'0') * 10 + usize::from(entry[3] - b'0');
    let (mut number, mut len, mut end) = ([0_u8; 34], 0, 0);
    for (at, byte) in text.iter().enumerate() {
        end = at;
        match byte {
            _ if len == wanted => break,
            // In groups, as people write it; a cell's or a word's end is its end.
            b' ' | b'-' if len > 3 => {}
            _ if byte.is_ascii_alphanumeric() => {
                number[len] = byte.to_ascii_uppercase();
                len += 1;
                end = at + 1;
            }
            _ => break,
        }
    }
    let is_longer = text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    len == wanted && !is_longer && number[2..4].iter().all(u8::is_ascii_digit) && mod_97(&number[..len]) == 1
}

fn mod_97(number: &[u8]) -> u32 {
    number[4..].iter().chain(&number[..4]).fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// Whether digits are a card's: of an issuer, as many as that one's have, and the last one checks the others. Those of
/// thirteen and fourteen digits, which hardly anybody has any more, cannot be told from the numbers of goods (GTIN).
pub(super) fn is_card(digits: &[u8]) -> bool {
    let begins =
        |len: usize| digits.iter().take(len).fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    let is_of_issuer = match digits.len() {
        19 => begins(1) == 4,
        15 => matches!(begins(2), 34 | 37),
        16 => {
            begins(1) == 4 || matches!(begins(2), 51..=55 | 65) || matches!(begins(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    is_of_issuer && digits.iter().any(|digit| *digit != digits[0]) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let weighed = |(place, digit): (usize, &u8)| match (place % 2, u32::from(digit - b'0')) {
        (0, digit) => digit,
        (_, digit @ 5..) => digit * 2 - 9,
        (_, digit) => digit * 2,
    };
    digits.iter().rev().enumerate().map(weighed).sum::<u32>() % 10 == 0
}

/// Whether an address is at the domain of all strangers.
pub(super) fn is_strangers_domain(domain: &[u8]) -> bool {
    domain.eq_ignore_ascii_case(b"example.invalid")
}

/// Whether the letters and digits around a digit are what strangers log in with, or a reference that leads nowhere: such
/// may have right check digits by chance.
pub(super) fn is_strangers_word(text: &[u8], digit: usize, end: usize) -> bool {
    const DIGITS: usize = 16;
    let is_hex = |byte: &&u8| byte.is_ascii_hexdigit();
    let begin = digit - text[..digit].iter().rev().take(DIGITS).take_while(is_hex).count();
    let before = &text[begin.saturating_sub(b"masked-".len())..begin];
    let ends =
        |word: &[u8]| before.len() >= word.len() && before[before.len() - word.len()..].eq_ignore_ascii_case(word);
    before.ends_with(b"-")
        && end - begin <= DIGITS
        && text[begin..end].iter().all(|byte| is_hex(&byte))
        && (ends(b"user-") || ends(b"masked-"))
}

/// Whether a telephone number is under the code of all strangers.
pub(super) fn is_strangers_phone(digits: &[u8]) -> bool {
    digits.strip_prefix(b"00").unwrap_or(digits).starts_with(b"999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_known_by_their_check_digits() {
        for iban in
            ["GB82WEST12345698765432", "gb82 west 1234 5698 7654 32", "DE89370400440532013000,", "NO9386011117947"]
        {
            assert!(begins_with_iban(iban.as_bytes()), "{iban}");
        }
        for other in ["GB83WEST12345698765432", "ZZ00123456789012345678", "GB82WEST123456987654321", "DE89", "", "DE"] {
            assert!(!begins_with_iban(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn cards_are_known_by_their_issuer_and_check_digit() {
        for card in ["4111111111111111", "378282246310005", "5555555555554444", "6011111111111117"] {
            assert!(is_card(card.as_bytes()), "{card}");
        }
        for other in
            ["4111111111111112", "1111111111111117", "0000000000000000", "41111111", "4006381333931", "30569309025904"]
        {
            assert!(!is_card(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn strangers_are_known_by_their_form() {
        assert!(is_strangers_domain(b"Example.invalid") && !is_strangers_domain(b"example.com"));
        assert!(
            is_strangers_phone(b"999123456789") && is_strangers_phone(b"00999123") && !is_strangers_phone(b"49999")
        );
    }
}
