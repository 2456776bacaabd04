//! What is secret within a value that is JSON, or JSON in Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fresh::Fresh;
use super::names::Name;
use super::pem;
use super::secrets::{Beside, Need, Verdict, is_setting, judge};

/// The verdict on a value that is JSON; `None` where it is none.
pub(super) fn judge_json(name: &Name<'_>, text: &str, fresh: &mut Fresh) -> Option<Verdict> {
    if let Some(json) = json(text) {
        return Some(in_json(name, json, fresh));
    }
    let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some(match in_json(name, json(&decoded)?, fresh) {
        Verdict::Renewed(new) => Verdict::Renewed(STANDARD.encode(new)),
        Verdict::Off(new) => Verdict::Off(STANDARD.encode(new)),
        verdict => verdict,
    })
}

fn json(text: &str) -> Option<Value> {
    let json: Value = serde_json::from_str(text).ok()?;
    matches!(json, Value::Object(_) | Value::Array(_)).then_some(json)
}

fn in_json(name: &Name<'_>, mut json: Value, fresh: &mut Fresh) -> Verdict {
    if json["type"] == "service_account" {
        // Programs read the key when they start, so it must be one.
        for (field, value) in json.as_object_mut().into_iter().flatten() {
            match (field.as_str(), &value) {
                ("private_key", Value::String(key)) => *value = pem::nobodys(key).into(),
                ("private_key_id", Value::String(id)) => *value = fresh.instead_of(id).into(),
                _ => {}
            }
        }
        return Verdict::Renewed(json.to_string());
    }
    if !json["kty"].is_null() || !json["keys"][0]["kty"].is_null() {
        return Verdict::Kept(Need::KeyPair);
    }
    if name.decrypts() {
        return Verdict::Kept(Need::Decrypts);
    }
    let mut new = json.clone();
    renew_within(name, &mut new, false, fresh);
    if new == json && name.is_secret() {
        renew_within(name, &mut new, true, fresh);
    }
    if new == json { Verdict::Plain } else { Verdict::Renewed(new.to_string()) }
}

fn renew_within(name: &Name<'_>, json: &mut Value, all: bool, fresh: &mut Fresh) {
    match json {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(field, value)| renew_within(&Name::of(field), value, all, fresh));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| renew_within(name, value, all, fresh)),
        Value::String(text) => {
            if all && !is_setting(text) {
                *text = fresh.instead_of(text);
            } else if let Verdict::Renewed(new) | Verdict::Off(new) = judge(name, text, &Beside::NOTHING, fresh) {
                *text = new;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
