//! The JSON Schemas of everything that callers write or read; `schemas/` holds what this makes, and a test compares the two.

use schemars::Schema;

use crate::contract::input::schema_of;
use crate::contract::policy::Policy;
use crate::contract::record::Record;
use crate::masking::RulesFile;
use crate::steps::STEPS;

/// Every schema file: its name under `schemas/` and its text.
pub fn files() -> Vec<(String, String)> {
    let steps = STEPS.iter().flat_map(|step| {
        [
            (format!("{}.input.json", step.name), text(&(step.input_schema)())),
            (format!("{}.output.json", step.name), text(&(step.output_schema)())),
        ]
    });
    let documents = [
        ("masking-rules.json".to_owned(), text(&schema_of::<RulesFile>())),
        ("policy.json".to_owned(), text(&schema_of::<Policy>())),
        ("record.json".to_owned(), text(&schema_of::<Record>())),
    ];
    steps.chain(documents).collect()
}

fn text(schema: &Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is plain data");
    text.push('\n');
    text
}
