//! Tokens that a secret of the same environment has signed: they are signed anew with the one that takes its place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The token as `new` signs it, if `old` has signed it (HS256).
pub(super) fn signed_anew(token: &str, old: &str, new: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(signed, old)?.verify_slice(&signature).ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(signed, new)?.finalize().into_bytes())))
}

fn mac(signed: &str, key: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}

/// A token with the signature of `key`.
#[cfg(test)]
pub(super) fn signed_anew_for_tests(signed: &str, key: &str) -> String {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(signed, key).unwrap().finalize().into_bytes()))
}
