//! Shapes: what is personal or secret by what it looks like, whatever the place is called.

use super::Nets;
use crate::masking::{contacts, live_keys};

/// The text with every shape in it masked; `None` when there is none.
pub(crate) fn masked(nets: &Nets, text: &str, takes_phones: bool) -> Option<String> {
    let without_keys = live_keys::removed(text.as_bytes()).and_then(|text| String::from_utf8(text).ok());
    let text = without_keys.as_deref().unwrap_or(text);
    if memchr::memchr3(b'@', b'+', b'%', text.as_bytes()).is_none() {
        return without_keys;
    }
    let masked =
        if takes_phones { contacts::masked(&nets.key, text) } else { contacts::masked_emails(&nets.key, text) };
    masked.or(without_keys)
}
