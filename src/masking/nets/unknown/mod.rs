//! The unknown: what of a value may stay that no rule, shape or person speaks of, in a table that refers to people.
//!
//! `tables` tells by names, columns and keys which tables refer to people, and gives each column its net; `texts` tells
//! what a text is: a number, a word of some program's own, a name, or free text. `wordpress` has what is known of its tables,
//! and `judge` opens or closes what a sample tells more of.

mod judge;
mod links;
mod names;
mod records;
mod tables;
mod texts;
pub(crate) mod wordpress;
mod words;

use super::Nets;
use crate::contract::transformer::Transformer;
use crate::formats::FieldPath;
use crate::masking::transformers::ValueLimits;
use crate::masking::{permuted, strangers, values};
use names::Told;
use texts::Kind;

pub(crate) use judge::{Differing, MOST_COMMON, Variety, judge};
pub(crate) use links::Links;
pub(crate) use records::rule as rule_records;
pub(crate) use tables::{cast, key_column};
pub(crate) use texts::is_opaque;
pub(crate) use wordpress::stays_because;

/// What stands where free text stood.
const TEXT: &str = "Masked text.";

/// Another word of the same form, where a text is one that tells nothing by its letters.
pub(crate) fn other_word(nets: &Nets, text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| texts::is_opaque(text))?;
    let new = permuted::permuted(&nets.key, text);
    (new != text).then(|| new.into_bytes())
}

/// What a text becomes that may be a name or is free text; `None` when it is neither.
pub(crate) fn masked(nets: &Nets, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(text) else { return Some(TEXT.into()) };
    let told = Told::of(path.name);
    if told.is_handle
        && text.len() >= 4
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !text.contains([' ', '@', '{'])
    {
        let new =
            if text.contains("://") { strangers::url(&nets.key, text) } else { strangers::login(&nets.key, text) };
        return Some(new.into_bytes());
    }
    // Logins look like a program's words.
    let is_word = !text.contains(|c: char| c.is_whitespace() || "@:/\\{".contains(c));
    if is_word && text.contains(char::is_alphabetic) && values::in_record(path.name) == Some(Transformer::Login) {
        return Some(strangers::login(&nets.key, text).into_bytes());
    }
    if texts::is_voucher(text) && !told.is_article {
        return Transformer::OfficialNumber.masked(nets, "", text.as_bytes(), ValueLimits::default());
    }
    if told.is_technical && !text.contains(' ') {
        return None;
    }
    let new = match texts::kind(text) {
        Kind::Technical => return None,
        Kind::Name => strangers::name(&nets.key, text.trim()),
        Kind::Free => TEXT.to_owned(),
        Kind::Markup => texts::between_tags(text, |_| TEXT.to_owned())?,
    };
    (new != text).then(|| new.into_bytes())
}
