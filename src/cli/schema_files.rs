//! The JSON Schemas of everything that callers write or read; `schemas/` holds what this makes, and a test compares the two.

use schemars::Schema;

use crate::cli::sheet_file::SheetFile;
use crate::contract::input::schema_of;
use crate::contract::policy::Policy;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::copying::event::Event;
use crate::masking::RulesFile;
use crate::running::account::Account;
use crate::steps::{Plan, STEPS};

/// What `railstage schema` answers to one name.
pub struct SchemaFile {
    /// Such as `create-env.input` or `policy`.
    pub name: String,
    /// The name of the file under `schemas/`, without `.json`: another one where several names share a schema.
    pub file: String,
    pub text: String,
}

/// Every schema: each step's input and output, then what stands for itself.
pub fn all() -> Vec<SchemaFile> {
    let documents = documents();
    let of_step = |name: String, schema: &Schema| {
        let text = text(schema);
        let shared = documents.iter().find(|document| document.text == text);
        SchemaFile { file: shared.map_or_else(|| name.clone(), |document| document.name.clone()), name, text }
    };
    let of_steps: Vec<_> = STEPS
        .iter()
        .flat_map(|step| {
            [
                of_step(format!("{}.input", step.name), &(step.input_schema)()),
                of_step(format!("{}.output", step.name), &(step.output_schema)()),
            ]
        })
        .collect();
    of_steps.into_iter().chain(documents).collect()
}

/// Every schema file: its name under `schemas/` and its text.
pub fn files() -> Vec<(String, String)> {
    let own = all().into_iter().filter(|schema| schema.name == schema.file);
    own.map(|schema| (format!("{}.json", schema.file), schema.text)).collect()
}

fn documents() -> Vec<SchemaFile> {
    let document =
        |name: &str, schema: &Schema| SchemaFile { name: name.to_owned(), file: name.to_owned(), text: text(schema) };
    vec![
        document("account", &schema_of::<Account>()),
        document("clone-request", &schema_of::<CloneRequest>()),
        document("masking-rules", &schema_of::<RulesFile>()),
        document("policy", &schema_of::<Policy>()),
        document("progress", &schema_of::<Event>()),
        document("record", &schema_of::<Record>()),
        document("sheet", &schema_of::<SheetFile>()),
        document("plan", &schema_of::<Plan>()),
    ]
}

fn text(schema: &Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is plain data");
    text.push('\n');
    text
}
