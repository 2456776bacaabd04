//! What a request makes of one variable: a value, an empty text, nothing, or a secret of the flow's.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// For people.
const EXPECTED: &str = "text, {\"remove\": true}, {\"blank\": true} or {\"secret\": \"NAME\"}";

/// What becomes of one variable in the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Override {
    /// Gets this value.
    Value(String),
    /// Is taken out.
    Remove,
    /// Gets the empty text, which a field of a request cannot say: there it means absent.
    Blank,
    /// Gets the value of `RAILSTAGE_SECRET_<name>`, which exists only if the flow's author put that line there.
    Secret(String),
}

impl JsonSchema for Override {
    fn schema_name() -> Cow<'static, str> {
        "Override".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value, `{\"remove\": true}`, `{\"blank\": true}` for the empty text, or `{\"secret\": \"NAME\"}` for the value of `RAILSTAGE_SECRET_NAME`.",
            "x-expects": EXPECTED,
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object", "additionalProperties": false, "required": ["remove"],
                    "properties": { "remove": { "const": true } },
                },
                {
                    "type": "object", "additionalProperties": false, "required": ["blank"],
                    "properties": { "blank": { "const": true } },
                },
                {
                    "type": "object", "additionalProperties": false, "required": ["secret"],
                    "properties": { "secret": { "type": "string", "pattern": "^[A-Z][A-Z0-9_]*$" } },
                },
            ],
        })
    }
}

impl Serialize for Override {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => serializer.serialize_str(value),
            Self::Remove => serializer.collect_map([("remove", true)]),
            Self::Blank => serializer.collect_map([("blank", true)]),
            Self::Secret(name) => serializer.collect_map([("secret", name)]),
        }
    }
}

impl<'de> Deserialize<'de> for Override {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OverrideVisitor)
    }
}

struct OverrideVisitor;

impl<'de> Visitor<'de> for OverrideVisitor {
    type Value = Override;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Override, E> {
        Ok(Override::Value(value.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Override, A::Error> {
        let choice = match map.next_key::<String>()?.as_deref() {
            Some("remove") if map.next_value::<bool>()? => Override::Remove,
            Some("blank") if map.next_value::<bool>()? => Override::Blank,
            Some("secret") => Override::Secret(map.next_value()?),
            _ => return Err(A::Error::custom(format!("expected {EXPECTED}"))),
        };
        match map.next_key::<String>()? {
            None => Ok(choice),
            Some(key) => Err(A::Error::unknown_field(&key, &[])),
        }
    }
}
