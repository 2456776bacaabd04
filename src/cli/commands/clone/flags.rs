//! The flags of `clone`: one for each field of a clone request, made from its schema.

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Map, Value};

use crate::cli::args::read_file;
use crate::contract::input::schema_of;
use crate::contract::request::CloneRequest;
use crate::error::Failure;

/// One field of the request.
struct Field {
    name: String,
    help: String,
    kind: FlagKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FlagKind {
    Text,
    Bool,
    /// A list of texts: the flag may be given several times.
    Texts,
    /// Anything deeper: JSON text.
    Json,
}

fn fields() -> Vec<Field> {
    let schema = schema_of::<CloneRequest>();
    let properties = schema.as_value()["properties"].as_object().cloned().unwrap_or_default();
    properties.into_iter().map(|(name, field)| Field { help: help(&field), kind: kind(&field), name }).collect()
}

fn kind(field: &Value) -> FlagKind {
    let is = |name: &str| {
        field["type"] == name || field["type"].as_array().is_some_and(|kinds| kinds.contains(&name.into()))
    };
    if is("boolean") {
        FlagKind::Bool
    } else if is("array") && field["items"]["type"] == "string" {
        FlagKind::Texts
    } else if is("array") || is("object") {
        FlagKind::Json
    } else {
        FlagKind::Text
    }
}

fn help(field: &Value) -> String {
    let text = field["description"].as_str().unwrap_or_default().replace('\n', " ");
    match &field["default"] {
        Value::String(default) => format!("{text} [default: {default}]"),
        Value::Bool(default) => format!("{text} [default: {default}]"),
        _ => text,
    }
}

/// The flags, in the order of the request's fields.
pub(super) fn all() -> Vec<Arg> {
    fields().into_iter().map(flag).collect()
}

fn flag(field: Field) -> Arg {
    let name: &'static str = field.name.replace('_', "-").leak();
    let arg = Arg::new(name).long(name).help(field.help);
    match field.kind {
        FlagKind::Text => arg.value_name("TEXT"),
        FlagKind::Bool => arg
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(["true", "false"]),
        FlagKind::Texts => arg.value_name("TEXT").action(ArgAction::Append),
        FlagKind::Json => arg.value_name("JSON"),
    }
}

/// The request that the flags, on top of `--request FILE`, spell out.
pub(super) fn request(matches: &ArgMatches) -> Result<Value> {
    let mut request = match matches.get_one::<String>("request") {
        Some(path) => object(&read_file(path)?)?,
        None => Map::new(),
    };
    for field in fields() {
        let flag = field.name.replace('_', "-");
        let Some(mut given) = matches.get_many::<String>(&flag) else { continue };
        let value = match field.kind {
            FlagKind::Texts => given.cloned().collect(),
            kind => single(&field.name, kind, given.next().map_or("", String::as_str))?,
        };
        request.insert(field.name, value);
    }
    Ok(Value::Object(request))
}

fn object(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|e| Failure::invalid(format!("the request is not a JSON object: {e}")).into())
}

fn single(name: &str, kind: FlagKind, text: &str) -> Result<Value> {
    Ok(match kind {
        FlagKind::Bool => Value::Bool(text == "true"),
        FlagKind::Json => {
            serde_json::from_str(text).map_err(|e| Failure::invalid(format!("`{name}`: not JSON: {e}")))?
        }
        FlagKind::Text | FlagKind::Texts => Value::String(text.to_owned()),
    })
}
