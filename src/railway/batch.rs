//! One GraphQL document made of several aliased root fields, so that many changes cost one call.

use serde_json::{Map, Value};

/// A document under construction; values travel as variables, never in its text.
pub(super) struct Batch {
    operation: &'static str,
    parameters: Vec<String>,
    fields: Vec<String>,
    variables: Map<String, Value>,
}

/// One argument of a root field: its name, its type in Railway's schema, its value.
pub(super) type Argument<'a> = (&'a str, &'a str, Value);

impl Batch {
    pub(super) fn query() -> Self {
        Self::new("query")
    }

    /// A document whose fields are carried out one after another, in order.
    pub(super) fn mutation() -> Self {
        Self::new("mutation")
    }

    fn new(operation: &'static str) -> Self {
        Self { operation, parameters: Vec::new(), fields: Vec::new(), variables: Map::new() }
    }

    /// Adds `alias: name(arguments) selection`.
    pub(super) fn field<const N: usize>(
        &mut self,
        alias: &str,
        name: &str,
        arguments: [Argument<'_>; N],
        selection: &str,
    ) {
        let mut passed = Vec::with_capacity(N);
        for (argument, kind, value) in arguments {
            let variable = format!("{alias}_{argument}");
            self.parameters.push(format!("${variable}: {kind}"));
            passed.push(format!("{argument}: ${variable}"));
            self.variables.insert(variable, value);
        }
        self.fields.push(format!("{alias}: {name}({}) {selection}", passed.join(", ")));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The document's text and its variables.
    pub(super) fn into_parts(self) -> (String, Value) {
        let text = format!("{}({}) {{\n  {}\n}}", self.operation, self.parameters.join(", "), self.fields.join("\n  "));
        (text, Value::Object(self.variables))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_variables_and_never_text() {
        let mut batch = Batch::mutation();
        batch.field(
            "a0",
            "environmentRename",
            [("id", "String!", json!("e1")), ("input", "EnvironmentRenameInput!", json!({"name": "x\" }"}))],
            "{ id }",
        );
        let (text, variables) = batch.into_parts();
        assert_eq!(
            text,
            "mutation($a0_id: String!, $a0_input: EnvironmentRenameInput!) {\n  a0: environmentRename(id: $a0_id, input: $a0_input) { id }\n}"
        );
        assert_eq!(variables, json!({"a0_id": "e1", "a0_input": {"name": "x\" }"}}));
    }
}
