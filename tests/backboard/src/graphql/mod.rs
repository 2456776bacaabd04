//! One request from its document to its answer: checked against Railway's schema, struck by faults, executed, noted.

mod caller;
mod environment;
mod mutation;
mod node;
mod query;
mod resource;
mod ssh_key;
mod usage;

pub(crate) use caller::{Caller, Tokens};

use crate::backend::Backend;
use crate::faults::{FaultEffect, Faults, RelayFault, When};
use crate::journal::{Entry, OperationKind};
use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{OperationType, Value as Ast};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{ExecutionResponse, JsonMap};
use apollo_compiler::validation::Valid;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use mutation::Mutation;
use node::Arguments;
use query::Query;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
    #[serde(default)]
    operation_name: Option<String>,
}

/// The faults that strike single fields, inside an answer that is otherwise well.
#[derive(Clone, Copy)]
pub(crate) struct FieldFaults<'a>(&'a Faults);

impl FieldFaults<'_> {
    fn message(self, field: &str, arguments: &Arguments) -> Option<String> {
        let named = named_environments(arguments);
        match self.0.strike(field, &named, |effect| matches!(effect, FaultEffect::Error { .. }))? {
            (FaultEffect::Error { message }, _) => Some(message),
            _ => None,
        }
    }

    /// By how many seconds the relay is late to know a key that is registered.
    fn key_late(self, field: &str, arguments: &Arguments) -> Option<f64> {
        let is_it = |effect: &FaultEffect| matches!(effect, FaultEffect::Relay(RelayFault::KeyLate { .. }));
        match self.0.strike(field, &named_environments(arguments), is_it)? {
            (FaultEffect::Relay(RelayFault::KeyLate { secs }), _) => Some(secs),
            _ => None,
        }
    }
}

fn named_environments(arguments: &Arguments) -> Vec<String> {
    let input = arguments.input();
    let texts = [arguments.text("environmentId"), arguments.text("id"), input.text("environmentId")];
    texts.into_iter().flatten().map(str::to_owned).collect()
}

/// A root field before execution: what the journal notes and faults look at.
struct Root {
    operation: String,
    alias: String,
    arguments: Arguments,
}

pub(crate) async fn answer(backend: &Arc<Backend>, headers: &HeaderMap, request: Request) -> Response {
    let caller = match Caller::of(headers, &backend.tokens()) {
        Ok(caller) => caller,
        Err(refusal) => return errors(&[refusal.0]),
    };
    let parsed = ExecutableDocument::parse_and_validate(&backend.schema, &request.query, Path::new("request.graphql"));
    let document = match parsed {
        Ok(document) => document,
        Err(invalid) => {
            return errors(&invalid.errors.iter().map(|error| error.error.to_string()).collect::<Vec<_>>());
        }
    };
    let Ok(operation) = document.operations.get(request.operation_name.as_deref()) else {
        return errors(&["Must provide operation name if query contains multiple operations.".to_owned()]);
    };
    let variables = request.variables.unwrap_or_default();
    let variables = match coerce_variable_values(&backend.schema, operation, &variables) {
        Ok(variables) => variables,
        Err(wrong) => return errors(&[wrong.message().to_string()]),
    };
    let kind = match operation.operation_type {
        OperationType::Query => OperationKind::Query,
        OperationType::Mutation => OperationKind::Mutation,
        OperationType::Subscription => return errors(&["backboard does not model subscriptions".to_owned()]),
    };
    let roots: Vec<Root> = operation
        .root_fields(&document)
        .map(|field| Root {
            operation: field.name.to_string(),
            alias: field.response_key().to_string(),
            arguments: Arguments(
                field
                    .arguments
                    .iter()
                    .map(|argument| (argument.name.to_string(), json_of(&argument.value, &variables)))
                    .collect::<Map<_, _>>()
                    .into(),
            ),
        })
        .collect();
    backend.order.turn().await;
    let entries = entries(backend, kind, caller, &roots);
    let late = match strike(backend, &roots).await {
        Struck::AtOnce(response) => {
            note(backend, entries, &response, None);
            return *response;
        }
        Struck::Later(late) => late,
    };
    let executed = execute(backend, kind, caller, &document, operation, &variables);
    let response = match late {
        Some(effect) => failure(&effect).await,
        None => ([("x-ratelimit-limit", "1000")], axum::Json(&executed)).into_response(),
    };
    note(backend, entries, &response, Some(&executed));
    response
}

enum Struck {
    AtOnce(Box<Response>),
    Later(Option<FaultEffect>),
}

/// Faults of the whole request: the first that strikes decides.
async fn strike(backend: &Backend, roots: &[Root]) -> Struck {
    let mut late = None;
    for root in roots {
        let named = named_environments(&root.arguments);
        let is_mine = |effect: &FaultEffect| !matches!(effect, FaultEffect::Error { .. } | FaultEffect::Relay(_));
        match backend.faults.strike(&root.operation, &named, is_mine) {
            Some((FaultEffect::Delay { secs }, _)) => tokio::time::sleep(Duration::from_secs_f64(secs)).await,
            Some((effect, When::Before)) => return Struck::AtOnce(Box::new(failure(&effect).await)),
            Some((effect, When::After)) => late = Some(effect),
            None => {}
        }
    }
    Struck::Later(late)
}

pub(crate) async fn failure(effect: &FaultEffect) -> Response {
    let page = |status: StatusCode| (status, Html(format!("<html><body><h1>{status}</h1></body></html>")));
    match effect {
        FaultEffect::Timeout { secs } => {
            tokio::time::sleep(Duration::from_secs_f64(*secs)).await;
            page(StatusCode::GATEWAY_TIMEOUT).into_response()
        }
        FaultEffect::RateLimited { retry_after_secs } => {
            let retry_after = [(header::RETRY_AFTER, retry_after_secs.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, retry_after, "error code: 1015").into_response()
        }
        FaultEffect::Http { status } => {
            page(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)).into_response()
        }
        FaultEffect::Error { message } => errors(std::slice::from_ref(message)),
        FaultEffect::Delay { .. } | FaultEffect::Relay(_) => page(StatusCode::OK).into_response(),
    }
}

fn execute(
    backend: &Arc<Backend>,
    kind: OperationKind,
    caller: Caller,
    document: &Valid<ExecutableDocument>,
    operation: &apollo_compiler::executable::Operation,
    variables: &Valid<JsonMap>,
) -> ExecutionResponse {
    let faults = FieldFaults(&backend.faults);
    let execution = Execution::new(&backend.schema, document).operation(operation).coerced_variable_values(variables);
    let result = match kind {
        OperationKind::Query => execution.execute_sync(&Query { model: backend.read(), caller: &caller, faults }),
        OperationKind::Mutation => backend.change(|model| {
            let root = Mutation { model: RefCell::new(model.clone()), caller: &caller, faults };
            let result = execution.execute_sync(&root);
            *model = root.model.into_inner();
            result
        }),
    };
    let mut response = result.unwrap_or_else(|wrong| ExecutionResponse {
        errors: vec![wrong.to_graphql_error(&document.sources)],
        data: None,
    });
    for error in &mut response.errors {
        if let Some(own) = error.message.strip_prefix("resolver error: ") {
            error.message = own.to_owned();
        }
    }
    response
}

fn entries(backend: &Backend, kind: OperationKind, caller: Caller, roots: &[Root]) -> Vec<Entry> {
    let (model, request) = (backend.current(), backend.next_request());
    let entry = |root: &Root| Entry {
        at: Timestamp::now(),
        request,
        kind,
        operation: root.operation.clone(),
        alias: root.alias.clone(),
        arguments: root.arguments.0.clone(),
        environment_ids: caller::environments_of(&model, &root.operation, &root.arguments)
            .into_iter()
            .map(|id| id.to_string())
            .collect(),
        token: caller.name().to_owned(),
        outcome: String::new(),
    };
    roots.iter().map(entry).collect()
}

fn note(backend: &Backend, mut entries: Vec<Entry>, response: &Response, executed: Option<&ExecutionResponse>) {
    for entry in &mut entries {
        entry.outcome = response.status().as_u16().to_string();
        let errors = executed.into_iter().flat_map(|executed| &executed.errors);
        let of_field = errors.filter(|error| {
            let first = error.path.first().map(|segment| serde_json::to_value(segment).unwrap_or_default());
            first.as_ref().and_then(Value::as_str) == Some(&entry.alias)
        });
        if let Some(error) = of_field.into_iter().next() {
            entry.outcome.push_str(&format!(" {}", error.message));
        }
    }
    backend.journal.add(entries);
}

fn errors(messages: &[String]) -> Response {
    let errors: Vec<Value> = messages.iter().map(|message| json!({ "message": message })).collect();
    axum::Json(json!({ "errors": errors, "data": null })).into_response()
}

fn json_of(value: &Ast, variables: &JsonMap) -> Value {
    match value {
        Ast::Null => Value::Null,
        Ast::Enum(name) => Value::String(name.to_string()),
        Ast::Variable(name) => variables
            .get(name.as_str())
            .map(|value| serde_json::to_value(value).unwrap_or_default())
            .unwrap_or_default(),
        Ast::String(text) => Value::String(text.clone()),
        Ast::Float(number) => number.try_to_f64().map(Value::from).unwrap_or_default(),
        Ast::Int(number) => number.try_to_i32().map(Value::from).unwrap_or_default(),
        Ast::Boolean(flag) => Value::Bool(*flag),
        Ast::List(items) => items.iter().map(|item| json_of(item, variables)).collect(),
        Ast::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.to_string(), json_of(value, variables)));
            Value::Object(fields.collect())
        }
    }
}
