//! Anybody's webhook, in the shape of Standard Webhooks: the event as JSON, its id, the time, and a signature over all three.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::error::Failure;
use crate::notifying::channel::NOTIFY_KEY;
use crate::notifying::event::Event;
use crate::secret::Secret;

/// How many bytes a key must have.
const SHORTEST_KEY: usize = 24;

/// What is posted.
pub(super) fn body(event: &Event) -> String {
    serde_json::to_string(event).expect("an event is plain data")
}

/// The keys that a secret holds, `whsec_` and Base64: two, with a blank between them, while one takes the other's place.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when one is none.
pub(super) fn keys(secret: &Secret) -> Result<Vec<Vec<u8>>> {
    let wrong = || Failure::invalid(format!("{NOTIFY_KEY} is no `whsec_` and Base64 of {SHORTEST_KEY} bytes or more"));
    let key = |word: &str| {
        let bytes = word.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).with_context(wrong)?;
        ensure!(bytes.len() >= SHORTEST_KEY, wrong());
        Ok(bytes)
    };
    let keys = secret.expose().split_whitespace().map(key).collect::<Result<Vec<_>>>()?;
    ensure!(!keys.is_empty(), wrong());
    Ok(keys)
}

/// What proves to the receiver who wrote this and when; the id is the event's, however often it is sent.
pub(super) fn headers(keys: &[Vec<u8>], id: &str, now: Timestamp, body: &str) -> [(&'static str, String); 3] {
    let timestamp = now.as_second().to_string();
    let signed = format!("{id}.{timestamp}.{body}");
    let signature = |key: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        mac.update(signed.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    let signatures: Vec<_> = keys.iter().map(signature).collect();
    [("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp), ("webhook-signature", signatures.join(" "))]
}
