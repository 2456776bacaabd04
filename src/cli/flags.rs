//! The flags of every subcommand that takes a request: one for each field of it, made from its schema.

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches};
use schemars::Schema;
use serde_json::{Map, Value};

use crate::cli::args::{file_arg, given_request};
use crate::error::Failure;

/// One field of a request.
struct Field {
    name: String,
    help: String,
    kind: FlagKind,
    /// The words that it may be, where it may be no other.
    words: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FlagKind {
    Text,
    Bool,
    Number,
    /// A list of texts: the flag may be given several times.
    Texts,
    /// Anything deeper: JSON text.
    Json,
}

impl Field {
    fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

fn fields(schema: &Schema) -> Vec<Field> {
    let properties = schema.as_value()["properties"].as_object().cloned().unwrap_or_default();
    let field =
        |(name, field): (String, Value)| Field { help: help(&field), kind: kind(&field), words: words(&field), name };
    properties.into_iter().map(field).collect()
}

fn kind(field: &Value) -> FlagKind {
    let is = |name: &str| {
        field["type"] == name || field["type"].as_array().is_some_and(|kinds| kinds.contains(&name.into()))
    };
    if is("boolean") {
        FlagKind::Bool
    } else if is("integer") || is("number") {
        FlagKind::Number
    } else if is("array") && field["items"]["type"] == "string" {
        FlagKind::Texts
    } else if is("array") || is("object") {
        FlagKind::Json
    } else {
        FlagKind::Text
    }
}

fn words(field: &Value) -> Option<String> {
    let choices = field["enum"].as_array().or(field["oneOf"].as_array())?;
    let word = |choice: &Value| choice.as_str().or(choice["const"].as_str()).map(str::to_owned);
    Some(choices.iter().map(word).collect::<Option<Vec<_>>>()?.join("|"))
}

fn help(field: &Value) -> String {
    let mut text = field["description"].as_str().unwrap_or_default().replace('\n', " ");
    if kind(field) == FlagKind::Texts {
        text.push_str(" May be given several times.");
    }
    match &field["default"] {
        Value::String(default) => format!("{text} [default: {default}]"),
        Value::Bool(default) => format!("{text} [default: {default}]"),
        Value::Number(default) => format!("{text} [default: {default}]"),
        _ => text,
    }
}

/// `--request`, and a flag for each field of the request, in its order.
pub(super) fn all(schema: &Schema) -> Vec<Arg> {
    let file = file_arg(
        "request",
        "Begin with the JSON request in FILE (`-`: standard input) instead of RAILSTAGE_REQUEST; flags come on top",
    );
    std::iter::once(file).chain(fields(schema).into_iter().map(arg)).collect()
}

fn arg(field: Field) -> Arg {
    let name: &'static str = field.flag().leak();
    let arg = Arg::new(name).long(name).help(field.help);
    match field.kind {
        FlagKind::Text => arg.value_name(field.words.map_or("TEXT", |words| &*words.leak())),
        FlagKind::Number => arg.value_name("NUMBER").allow_negative_numbers(true),
        FlagKind::Bool => {
            arg.value_name("true|false").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        FlagKind::Texts => arg.value_name("TEXT").action(ArgAction::Append),
        FlagKind::Json => arg.value_name("JSON"),
    }
}

/// The request that the flags spell out, on top of the one that was given as a whole.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when there is no request in any form, or one that is no JSON object.
pub(super) fn request(schema: &Schema, matches: &ArgMatches) -> Result<Value> {
    let flags = typed(schema, matches);
    let mut request = match given_request(matches)? {
        Some(given) if flags.is_empty() => return Ok(given),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(Failure::invalid("the request is not a JSON object").into()),
        None => Map::new(),
    };
    request.extend(flags);
    Ok(Value::Object(request))
}

/// The fields that were typed as flags. What cannot be read as what its field is goes on as text, so that it is named
/// together with all else that is wrong.
pub(super) fn typed(schema: &Schema, matches: &ArgMatches) -> Map<String, Value> {
    let mut typed = Map::new();
    for field in fields(schema) {
        let Some(mut given) = matches.get_many::<String>(&field.flag()) else { continue };
        let value = match field.kind {
            FlagKind::Texts => given.cloned().collect(),
            kind => given.next_back().map_or(Value::Null, |text| single(kind, text)),
        };
        typed.insert(field.name, value);
    }
    typed
}

fn single(kind: FlagKind, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match kind {
        FlagKind::Bool => text.parse().map_or_else(|_| as_text(), Value::Bool),
        FlagKind::Json | FlagKind::Number => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
        FlagKind::Text | FlagKind::Texts => as_text(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Command;
    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;
    use crate::contract::input;
    use crate::contract::request::OnFailure;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is asked for")]
    struct Odd {
        count: Option<u32>,
        dry_run: bool,
        names: Vec<String>,
        by_name: BTreeMap<String, String>,
        what: String,
        outcome: OnFailure,
    }

    fn read(arguments: &[&str]) -> Value {
        let schema = input::schema_of::<Odd>();
        let command = Command::new("odd").args(all(&schema));
        request(&schema, &command.try_get_matches_from([&["odd"], arguments].concat()).unwrap()).unwrap()
    }

    #[test]
    fn a_flag_is_read_as_what_its_field_is_and_what_is_none_is_left_for_the_schema_to_name() {
        let typed = ["--count", "3", "--dry-run", "--names", "a", "--names", "b", "--by-name", r#"{"a": "b"}"#];
        let expected = json!({"count": 3, "dry_run": true, "names": ["a", "b"], "by_name": {"a": "b"}});
        assert_eq!(read(&typed), expected);
        let wrong = ["--count", "many", "--dry-run=false", "--by-name", "{", "--what", "true"];
        assert_eq!(read(&wrong), json!({"count": "many", "dry_run": false, "by_name": "{", "what": "true"}));
        assert_eq!(read(&["--dry-run=perhaps"]), json!({"dry_run": "perhaps"}));
    }

    #[test]
    fn help_names_the_words_that_a_field_may_be_and_says_what_may_be_given_again() {
        let help = Command::new("odd").args(all(&input::schema_of::<Odd>())).render_help().to_string();
        for told in ["--outcome <rollback|keep>", "--dry-run[=<true|false>]", "May be given several times."] {
            assert!(help.contains(told), "{told} is not in {help}");
        }
    }
}
