//! The hash of a whole request, by which a record is bound to what was asked for.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::contract::request::CloneRequest;

impl CloneRequest {
    /// The same for requests that mean the same, however they are written: of all fields those count that differ from their
    /// defaults, so that a field which a later version adds changes no hash.
    pub(crate) fn hash(&self) -> String {
        let fields = |request: &Self| match json!(request) {
            Value::Object(fields) => fields.into_iter().collect::<BTreeMap<_, _>>(),
            _ => BTreeMap::new(),
        };
        let defaults = serde_json::from_value(json!({ "project_id": self.project_id })).map(|plain| fields(&plain));
        let mut said = fields(self);
        said.retain(|name, value| {
            name == "project_id" || defaults.as_ref().ok().and_then(|defaults| defaults.get(name)) != Some(value)
        });
        let all: Vec<_> = said.iter().map(|(name, value)| format!("{}:{}", json!(name), canonical(value))).collect();
        HEXLOWER.encode(&Sha256::digest(all.join(",").as_bytes()))
    }
}

/// JSON with the names of objects sorted, whatever order they are kept in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            let all: Vec<_> = sorted.iter().map(|(name, v)| format!("{}:{}", json!(name), canonical(v))).collect();
            format!("{{{}}}", all.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(request: &str) -> String {
        serde_json::from_str::<CloneRequest>(request).unwrap().hash()
    }

    #[test]
    fn what_means_the_same_has_one_hash_and_all_else_another() {
        let plain = hash(r#"{"project_id": "p", "variables": {"web": {"A": "1", "B": {"remove": true}}}}"#);
        let same = [
            r#"{"variables": {"web": {"B": {"remove": true}, "A": "1"}}, "project_id": "p"}"#,
            r#"{"project_id": "p", "ttl": "PT168H", "anonymize": true, "client_name": null,
                "variables": {"web": {"A": "1", "B": {"remove": true}}}}"#,
        ];
        for request in same {
            assert_eq!(hash(request), plain, "{request}");
        }
        let others = [
            r#"{"project_id": "q", "variables": {"web": {"A": "1", "B": {"remove": true}}}}"#,
            r#"{"project_id": "p", "variables": {"web": {"A": "1", "B": {"secret": "B"}}}}"#,
            r#"{"project_id": "p", "variables": {"web": {"A": "1"}}}"#,
            r#"{"project_id": "p", "variables": {"web": {"A": "1", "B": {"remove": true}}}, "anonymize": false}"#,
            r#"{"project_id": "p", "variables": {"web": {"A": "1", "B": {"remove": true}}}, "idempotency_key": "k"}"#,
        ];
        for request in others {
            assert_ne!(hash(request), plain, "{request}");
        }
    }
}
