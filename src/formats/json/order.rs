//! The order in which Postgres keeps the members of a `jsonb` object: by the length of their keys, then by their bytes.

use super::strings::string;

/// A list or an object that is open.
struct Open {
    is_object: bool,
    /// Where its members begin in the new text.
    begin: usize,
    keys: Vec<(Vec<u8>, usize)>,
    awaits_key: bool,
}

/// The text of a `jsonb` value, some keys of which are new, as the server would give it back.
pub(crate) fn in_server_order(text: Vec<u8>) -> Vec<u8> {
    let (mut new, mut open, mut at) = (Vec::with_capacity(text.len()), Vec::<Open>::new(), 0);
    while let Some(sign) = text.get(at) {
        let mut end = at + 1;
        match (sign, open.last_mut()) {
            (b'{' | b'[', _) => {
                let is_object = *sign == b'{';
                open.push(Open { is_object, begin: new.len() + 1, keys: Vec::new(), awaits_key: is_object });
            }
            (b'"', innermost) => {
                let Some((key, after)) = string(&text, at) else { return text };
                end = after;
                if let Some(object) = innermost.filter(|open| open.awaits_key) {
                    object.keys.push((key.into_owned().into_bytes(), new.len()));
                    object.awaits_key = false;
                }
            }
            (b',', Some(object)) => object.awaits_key = object.is_object,
            (b'}' | b']', Some(_)) => {
                if let Some(object) = open.pop() {
                    sort(&mut new, &object);
                }
            }
            _ => {}
        }
        new.extend_from_slice(&text[at..end]);
        at = end;
    }
    new
}

/// Puts the members of an object, which end the text, into order.
fn sort(text: &mut Vec<u8>, object: &Open) {
    let order = |key: &(Vec<u8>, usize)| (key.0.len(), key.0.clone());
    if object.keys.is_sorted_by_key(order) {
        return;
    }
    let ends = object.keys.iter().skip(1).map(|(_, start)| start - ", ".len()).chain([text.len()]);
    let mut members: Vec<_> =
        object.keys.iter().zip(ends).map(|(key, end)| (order(key), text[key.1..end].to_vec())).collect();
    members.sort();
    text.truncate(object.begin);
    text.extend(members.into_iter().map(|(_, member)| member).collect::<Vec<_>>().join(&b", "[..]));
}
