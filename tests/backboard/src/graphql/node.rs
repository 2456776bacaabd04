//! A GraphQL object made of named fields; a field that nobody gave is an error that names it.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

use crate::model::Answer;

pub(crate) enum Field {
    Leaf(Value),
    Object(Option<Node>),
    List(Vec<Node>),
}

type Resolver = Box<dyn Fn(&Arguments) -> Answer<Field>>;

pub(crate) struct Node {
    type_name: String,
    fields: HashMap<&'static str, Resolver>,
}

impl Node {
    pub(crate) fn new(type_name: &str) -> Self {
        Node { type_name: type_name.to_owned(), fields: HashMap::new() }
    }

    pub(crate) fn leaf(self, name: &'static str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.with(name, move |_| Ok(Field::Leaf(value.clone())))
    }

    pub(crate) fn with(mut self, name: &'static str, resolve: impl Fn(&Arguments) -> Answer<Field> + 'static) -> Self {
        self.fields.insert(name, Box::new(resolve));
        self
    }

    /// A Relay connection: `edges { cursor node }` and `pageInfo`, cut by `first` and `after`.
    pub(crate) fn connection(
        self,
        name: &'static str,
        type_name: &'static str,
        nodes: impl Fn(&Arguments) -> Answer<Vec<Node>> + 'static,
    ) -> Self {
        self.with(name, move |arguments| Ok(Field::Object(Some(page(type_name, nodes(arguments)?, arguments)))))
    }
}

pub(crate) fn page(type_name: &'static str, nodes: Vec<Node>, arguments: &Arguments) -> Node {
    let total = nodes.len();
    let start = arguments.text("after").and_then(|cursor| cursor.parse().ok()).map_or(0, |last: usize| last + 1);
    let first = arguments.int("first").map_or(total, |first| usize::try_from(first).unwrap_or(0));
    let end = start.saturating_add(first).min(total);
    let cursor = |position: usize| (end > start).then(|| position.to_string());
    let info = [
        ("hasNextPage", Value::from(end < total)),
        ("hasPreviousPage", Value::from(start > 0)),
        ("startCursor", cursor(start).into()),
        ("endCursor", cursor(end.saturating_sub(1)).into()),
    ];
    let nodes: Vec<_> = nodes.into_iter().map(|node| std::rc::Rc::new(std::cell::Cell::new(Some(node)))).collect();
    let edge_type = format!("{type_name}Edge");
    Node::new(type_name)
        .with("edges", move |_| {
            let edges = (start.min(end)..end).map(|position| {
                let node = nodes[position].clone();
                Node::new(&edge_type)
                    .leaf("cursor", position.to_string())
                    .with("node", move |_| Ok(Field::Object(node.take())))
            });
            Ok(Field::List(edges.collect()))
        })
        .with("pageInfo", move |_| {
            let info = info.clone().into_iter();
            Ok(Field::Object(Some(info.fold(Node::new("PageInfo"), |node, (name, value)| node.leaf(name, value)))))
        })
}

impl ObjectValue for Node {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let Some(resolve) = self.fields.get(info.field_name()) else {
            return Err(not_modelled(&self.type_name, info.field_name()));
        };
        resolve(&Arguments::of(info.arguments())).map(Field::resolved).map_err(|refusal| error(refusal.0))
    }
}

pub(crate) fn not_modelled(type_name: &str, field: &str) -> FieldError {
    error(format!("backboard does not model {type_name}.{field}"))
}

pub(crate) fn error(message: String) -> FieldError {
    FieldError { message }
}

impl Field {
    pub(crate) fn resolved<'a>(self) -> ResolvedValue<'a> {
        match self {
            Field::Leaf(value) => ResolvedValue::leaf(value),
            Field::Object(node) => ResolvedValue::nullable_object(node),
            Field::List(nodes) => ResolvedValue::list(nodes.into_iter().map(ResolvedValue::object)),
        }
    }
}

/// The arguments of one field, after GraphQL's coercion.
pub(crate) struct Arguments(pub(crate) Value);

impl Arguments {
    pub(crate) fn of(map: &JsonMap) -> Self {
        Arguments(serde_json::to_value(map).unwrap_or_default())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0[name] == true
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0[name].as_i64()
    }

    /// The input object of a mutation, as arguments of their own.
    pub(crate) fn input(&self) -> Arguments {
        Arguments(self.0["input"].clone())
    }

    pub(crate) fn id(&self, name: &str) -> Answer<uuid::Uuid> {
        self.optional_id(name)?.ok_or_else(|| format!("{name} is required").as_str().into())
    }

    /// An id that is no UUID belongs to nothing here.
    pub(crate) fn optional_id(&self, name: &str) -> Answer<Option<uuid::Uuid>> {
        let parse = |text: &str| uuid::Uuid::parse_str(text).map_err(|_| "Not found".into());
        self.text(name).map(parse).transpose()
    }
}
