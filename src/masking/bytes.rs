//! Finds the next byte of a kind, in pieces of many bytes at a time.

/// So many bytes are looked at before anything is decided, which compilers make few instructions of.
const PIECE: usize = 32;

/// Where the next byte is that is one, from a place on; `is_one` is best without a branch.
pub(super) fn next(text: &[u8], from: usize, is_one: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = from;
    let mut pieces = text.get(from..)?.chunks_exact(PIECE);
    for piece in pieces.by_ref() {
        if piece.iter().fold(false, |any, byte| any | is_one(*byte)) {
            break;
        }
        at += PIECE;
    }
    text[at..].iter().position(|byte| is_one(*byte)).map(|place| at + place)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_next_one_is_found_wherever_it_stands() {
        for len in [0, 1, 31, 32, 33, 100] {
            for place in 0..len {
                let mut text = vec![b'a'; len];
                text[place] = b'7';
                for from in 0..=len {
                    let found = super::next(&text, from, |byte| byte == b'7');
                    assert_eq!(found, (from <= place).then_some(place), "{len} {place} {from}");
                }
            }
        }
        assert_eq!(super::next(b"7", 2, |_| true), None);
    }
}
