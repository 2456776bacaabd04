//! Private keys in PEM, and the one that stands in the place of an account's: a real one, so that programs start, of nobody's.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An RSA key that was made for this place and is known to everybody: no provider has its other half.
const NOBODYS: &[u8] = include_bytes!("nobodys_key.der");

/// How Base64 of a text in PEM begins.
const IN_BASE64: &str = "LS0tLS1CRUdJTi";

/// Whether a value is something in PEM, as it is or in Base64.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ") || text.starts_with(IN_BASE64)
}

/// Whether a value in PEM holds a private key.
pub(super) fn is_private(text: &str) -> bool {
    let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.as_deref().unwrap_or(text).contains("PRIVATE KEY-----")
}

/// Nobody's key, with its lines ended as those of `old` are, and in Base64 where that is.
pub(super) fn nobodys(old: &str) -> String {
    let end = if old.contains("\\n") { "\\n" } else { "\n" };
    let label = "PRIVATE KEY-----";
    let mut pem = format!("-----BEGIN {label}{end}");
    let encoded = STANDARD.encode(NOBODYS);
    for line in encoded.as_bytes().chunks(64) {
        let _ = write!(pem, "{}{end}", String::from_utf8_lossy(line));
    }
    let _ = write!(pem, "-----END {label}{end}");
    if old.starts_with(IN_BASE64) { STANDARD.encode(pem) } else { pem }
}
