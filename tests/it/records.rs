//! Records as somebody else would write them: the format by hand, so that the binary's own idea of it proves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// What the record says, whoever wrote it.
pub(crate) fn read(value: &str) -> Value {
    let body = value.split('.').nth(1).expect("a record of version 2");
    serde_json::from_slice(&STANDARD.decode(body).unwrap()).unwrap()
}

pub(crate) fn unsigned(record: &Value) -> String {
    format!("2.{}", STANDARD.encode(record.to_string()))
}

pub(crate) fn signed(record: &Value, key: &str) -> String {
    let body = unsigned(record);
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key.as_bytes()).unwrap();
    mac.update(b"railstage record\0");
    mac.update(body.as_bytes());
    format!("{body}.{}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// The record as version 1 wrote it.
pub(crate) fn version_1(record: &Value) -> String {
    let mut old = record.clone();
    old["version"] = json!(1);
    for new in ["project_id", "environment_created_at", "key_hash", "request_hash"] {
        old.as_object_mut().unwrap().remove(new);
    }
    old.to_string()
}
