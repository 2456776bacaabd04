//! Old hosts in base64 or hexadecimal, perhaps compressed: each text that is encoded so is opened, rewritten and put back,
//! as `formats` reads it. What cannot be opened where the letters of a host stand is told.

use std::ops::Range;

use super::encoded_run::Run;
use super::encoded_search::EncodedHit;
use super::{Left, Rewriter};
use crate::formats::encoded::{self, Decoded};

/// So often may one be within another.
const DEEPEST: usize = 3;

/// A piece of a text that is encoded and names an old host.
pub(super) struct Encoded {
    pub(super) place: Range<usize>,
    /// What it becomes, unless it stays.
    pub(super) new: Option<Vec<u8>>,
    /// Why an old host is in it still.
    pub(super) left: Option<Left>,
}

/// All such pieces of a text, in order.
pub(super) fn all(rewriter: &Rewriter, text: &[u8], depth: usize) -> Vec<Encoded> {
    let mut all: Vec<Encoded> = Vec::new();
    let mut from = 0;
    while let Some(hit) = rewriter.encoded.first(text, from) {
        let run = Run::around(text, hit.place.start);
        from = run.place.end.max(hit.place.end);
        if depth < DEEPEST {
            all.extend(piece(rewriter, text, &run, &hit, depth));
        }
    }
    all
}

fn piece(rewriter: &Rewriter, text: &[u8], run: &Run, hit: &EncodedHit, depth: usize) -> Option<Encoded> {
    let told = || Some(Encoded { place: run.place.clone(), new: None, left: Some(Left::Encoded) });
    let Some((run, letters, opened)) = opened(text, run, hit) else { return hit.is_host.then(told).flatten() };
    let inner = rewriter.rewrite_within(&opened.plain, depth + 1)?;
    if inner.value == opened.plain {
        return Some(Encoded { place: run.place, new: None, left: inner.left });
    }
    // What is signed would be worth nothing.
    if run.is_signed(text) || !opened.is_packed && opened.again(&opened.plain) != letters {
        return told();
    }
    let new = run.spelled(opened.again(&inner.value));
    Some(Encoded { place: run.place, new: Some(new), left: inner.left })
}

/// A run of letters, or the part of it that stands for a text.
fn opened(text: &[u8], run: &Run, hit: &EncodedHit) -> Option<(Run, Vec<u8>, encoded::Encoded)> {
    [Some(run.clone()), run.part(text, &hit.place)].into_iter().flatten().find_map(|run| {
        let letters = run.letters(text);
        match encoded::decoded(&letters, true)? {
            Decoded::Text(opened) => Some((run, letters, opened)),
            Decoded::Opaque => None,
        }
    })
}
