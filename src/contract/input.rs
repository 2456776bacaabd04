//! Reading a JSON input against its own schema, so that every wrong field is named at once.

use anyhow::Result;
use jsonschema::error::ValidationErrorKind;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::contract::nearest::nearest;
use crate::error::{Failure, listed};

/// The keyword by which a field of ours says in words what it expects; it takes the place of a bare pattern in messages.
const EXPECTS: &str = "x-expects";

/// The keyword by which a field of ours says why it refuses a value that somebody may well try.
const REFUSED: &str = "x-refused";

/// One wrong field: its path in the document and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub path: String,
    pub message: String,
}

/// The JSON Schema of `T`, with everything in place rather than behind references.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>()
}

/// Reads `value` as a `T`; a null, or an empty string at the top, means an absent field.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming each wrong field by its path.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(what: &str, mut value: Value) -> Result<T> {
    drop_absent(&mut value);
    let problems = problems(schema_of::<T>().as_value(), &value);
    if !problems.is_empty() {
        return Err(refuse(what, &problems));
    }
    serde_path(value).map_err(|message| refuse(what, &[Problem { path: what.to_owned(), message }]))
}

/// The error for a document with `problems`.
pub(crate) fn refuse(what: &str, problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<_> = problems.iter().map(|p| format!("`{}`: {}", p.path, p.message)).collect();
    Failure::invalid(format!("read the {what}: {}", listed(&lines))).into()
}

fn serde_path<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// Kestra's forms send empty text for what was left out, and callers send nulls: both mean absent.
fn drop_absent(value: &mut Value) {
    fn drop_nulls(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|_, v| !v.is_null());
                map.values_mut().for_each(drop_nulls);
            }
            Value::Array(items) => items.iter_mut().for_each(drop_nulls),
            _ => {}
        }
    }
    drop_nulls(value);
    if let Value::Object(map) = value {
        map.retain(|_, v| v.as_str() != Some(""));
    }
}

fn problems(schema: &Value, value: &Value) -> Vec<Problem> {
    let validator = jsonschema::validator_for(schema).expect("our own schemas are valid");
    let mut problems: Vec<_> = validator.iter_errors(value).flat_map(|e| explain(schema, value, &e)).collect();
    problems.dedup();
    problems
}

fn explain(schema: &Value, root: &Value, error: &jsonschema::ValidationError<'_>) -> Vec<Problem> {
    let path = dotted(error.instance_path().as_str());
    let at = |message: String| vec![Problem { path: path.clone(), message }];
    let parent = parent_of(schema, error.schema_path().as_str());
    let found = || shown(root.pointer(error.instance_path().as_str()).unwrap_or(&Value::Null));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = parent.get("properties").and_then(Value::as_object);
            unexpected.iter().map(|name| Problem { path: join(&path, name), message: unknown(name, known) }).collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let field = &parent["properties"][name];
            vec![Problem { path: join(&path, name), message: format!("is missing; expected {}", expectation(field)) }]
        }
        _ => {
            let value = root.pointer(error.instance_path().as_str()).and_then(Value::as_str).unwrap_or_default();
            let reason = parent[REFUSED][value.trim().to_lowercase()].as_str();
            let reason = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
            at(format!("expected {}, found {}{reason}", expectation(&parent), found()))
        }
    }
}

fn unknown(name: &str, known: Option<&Map<String, Value>>) -> String {
    const LIKE: f64 = 0.75;
    let names = known.into_iter().flat_map(|map| map.keys().map(String::as_str));
    match nearest(name, names).first() {
        Some((likeness, candidate)) if *likeness > LIKE => format!("unknown field; did you mean `{candidate}`?"),
        _ => "unknown field".to_owned(),
    }
}

/// What a schema asks for, in words.
fn expectation(schema: &Value) -> String {
    if let Some(words) = schema[EXPECTS].as_str() {
        return words.to_owned();
    }
    if let Some(only) = schema.get("const") {
        return only.as_str().map_or_else(|| format!("`{only}`"), |word| format!("`{word}`"));
    }
    if let Some(choices) = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array) {
        let words: Vec<_> = choices.iter().filter(|c| c["type"] != "null").map(expectation).collect();
        return words.join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let words: Vec<_> = values.iter().filter_map(Value::as_str).map(|v| format!("`{v}`")).collect();
        return words.join(" or ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("string") => "text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("a whole number{}", bounded(schema)),
        Some("number") => format!("a number{}", bounded(schema)),
        Some("array") if schema["items"]["type"] == "object" => "a list of objects".to_owned(),
        Some("array") => format!("a list of {}", expectation(&schema["items"])),
        Some("object") => "an object".to_owned(),
        _ => "something else".to_owned(),
    }
}

/// Between what a number must be.
fn bounded(schema: &Value) -> String {
    let (least, above, most) = (&schema["minimum"], &schema["exclusiveMinimum"], &schema["maximum"]);
    match (least.is_null(), above.is_null(), most.is_null()) {
        (false, _, false) => format!(" from {least} to {most}"),
        (false, _, true) => format!(" that is {least} or more"),
        (true, false, false) => format!(" that is more than {above}, up to {most}"),
        (true, false, true) => format!(" that is more than {above}"),
        (true, true, false) => format!(" up to {most}"),
        (true, true, true) => String::new(),
    }
}

fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => {
            let text = other.to_string();
            let cut: String = text.chars().take(LONGEST).collect();
            if cut.len() < text.len() { format!("`{cut}`…") } else { format!("`{text}`") }
        }
    }
}

fn parent_of(schema: &Value, keyword: &str) -> Value {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema.pointer(parent).cloned().unwrap_or_default()
}

fn dotted(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).map(|p| p.replace("~1", "/").replace("~0", "~")).collect();
    if parts.is_empty() { "(the document)".to_owned() } else { parts.join(".") }
}

fn join(path: &str, name: &str) -> String {
    if path == "(the document)" { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_number_must_be_and_what_a_list_holds_is_told() {
        for (schema, words) in [
            (json!({"type": "integer", "minimum": 1, "maximum": 16}), "a whole number from 1 to 16"),
            (json!({"type": ["integer", "null"], "minimum": 0}), "a whole number that is 0 or more"),
            (json!({"type": "number", "exclusiveMinimum": 0, "maximum": 9}), "a number that is more than 0, up to 9"),
            (json!({"type": "number"}), "a number"),
            (json!({"type": "array", "items": {"type": "object"}}), "a list of objects"),
            (json!({"type": "array", "items": {"type": "string"}}), "a list of text"),
        ] {
            assert_eq!(expectation(&schema), words);
        }
    }
}
