//! Finds bytes of a kind, and runs of them, in pieces of many bytes at a time.

/// So many bytes are looked at together: one bit of a number stands for each.
const PIECE: usize = 64;

/// Where the next byte is that is one, from a place on; `is_one` is best without a branch.
pub(crate) fn next(text: &[u8], from: usize, is_one: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = from;
    for piece in text.get(from..)?.chunks(PIECE) {
        let ones = ones(piece, &is_one);
        if ones != 0 {
            return Some(at + ones.trailing_zeros() as usize);
        }
        at += PIECE;
    }
    None
}

/// Where all bytes are that are one.
pub(crate) fn each(text: &[u8], is_one: impl Fn(u8) -> bool) -> impl Iterator<Item = usize> {
    let (mut left, mut begin, mut pieces) = (0, 0, text.chunks(PIECE).zip((0..).step_by(PIECE)));
    std::iter::from_fn(move || {
        while left == 0 {
            let (piece, at) = pieces.next()?;
            (left, begin) = (ones(piece, &is_one), at);
        }
        let at = begin + left.trailing_zeros() as usize;
        left &= left - 1;
        Some(at)
    })
}

/// Where the next run of at least so many ones begins, from a place on; `least` is at most 64.
pub(crate) fn next_run(text: &[u8], from: usize, least: usize, is_one: impl Fn(u8) -> bool) -> Option<usize> {
    // `open` is how many ones stand right before `at`.
    let (mut at, mut open) = (from, 0);
    for piece in text.get(from..)?.chunks(PIECE) {
        let ones = ones(piece, &is_one);
        let first = ones.trailing_ones() as usize;
        if open + first >= least {
            return Some(at - open);
        }
        if first == PIECE {
            open += PIECE;
        } else {
            // Those bits stay behind which as many others stand.
            let (mut starts, mut len) = (ones, 1);
            while len < least {
                let step = len.min(least - len);
                starts &= starts >> step;
                len += step;
            }
            if starts != 0 {
                return Some(at + starts.trailing_zeros() as usize);
            }
            open = (ones << (PIECE - piece.len())).leading_ones() as usize;
        }
        at += piece.len();
    }
    None
}

/// A bit for each byte of a piece that is one, the first the lowest.
pub(crate) fn ones(piece: &[u8], is_one: impl Fn(u8) -> bool) -> u64 {
    const EIGHT: usize = 8;
    /// Moves the lowest bit of each of eight bytes into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut each = [0; PIECE];
    for (one, byte) in each.iter_mut().zip(piece) {
        *one = u8::from(is_one(*byte));
    }
    let (eights, _) = each.as_chunks::<EIGHT>();
    eights.iter().rev().fold(0, |ones, eight| ones << EIGHT | u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_letter(byte: u8) -> bool {
        byte.is_ascii_lowercase()
    }

    #[test]
    fn the_next_one_is_found_wherever_it_stands() {
        for len in [0, 1, 31, 63, 64, 65, 130, 200] {
            for place in 0..len {
                let mut text = vec![b' '; len];
                text[place] = b'a';
                for from in 0..=len {
                    assert_eq!(next(&text, from, is_letter), (from <= place).then_some(place), "{len} {place} {from}");
                }
            }
        }
        assert_eq!(next(b"a", 2, is_letter), None);
    }

    #[test]
    fn a_run_is_found_where_it_begins_if_it_is_long_enough() {
        for least in [1, 2, 12, 20, 63, 64] {
            for (begin, len) in (0..140).flat_map(|begin| (0..140).step_by(3).map(move |len| (begin, len))) {
                let text = [vec![b' '; begin], vec![b'a'; len], b" a b ".to_vec()].concat();
                let found = next_run(&text, 0, least, is_letter);
                let wanted = if len >= least { Some(begin) } else { (least == 1).then_some(begin + len + 1) };
                assert_eq!(found, wanted, "{least} {begin} {len}");
            }
        }
    }
}
