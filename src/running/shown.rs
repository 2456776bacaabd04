//! What a step did, as a person reads it: lines of name and value, and tables; not the JSON of its outputs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr as _;

use crate::inert::one_line;

/// How many of a list are shown; the whole list is in the JSON.
const MOST: usize = 20;

/// Any output, field by field: what is absent or empty is left out.
pub(crate) fn of(output: &impl Serialize) -> String {
    match serde_json::to_value(output).expect("outputs are plain data") {
        Value::Object(fields) => lines(&fields, 0).trim_end().to_owned(),
        other => scalar(&other),
    }
}

/// Rows under a head, in columns as wide as they need to be; nothing for no rows.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let (head, rows) = (head.map(str::to_owned), rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))));
    let rows: Vec<_> = rows.collect();
    let all = || std::iter::once(&head).chain(&rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| row[column].width()).max().unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| padded(cell, width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(line).collect::<Vec<_>>().join("\n")
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

fn lines(fields: &Map<String, Value>, indent: usize) -> String {
    let shown: Vec<_> = fields.iter().filter(|(_, value)| !is_empty(value)).collect();
    let width = shown.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
    let mut out = String::new();
    for (name, value) in shown {
        let name = padded(&name.replace('_', " "), width);
        let told = match value {
            Value::Object(inner) => format!("{}\n{}", name.trim_end(), lines(inner, indent + 2).trim_end()),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                format!("{}\n{}", name.trim_end(), list(items, indent + 2).trim_end())
            }
            Value::Array(items) => format!("{name}  {}", some(items, ", ")),
            Value::String(text) if text.contains('\n') => format!("{}\n{}", name.trim_end(), block(text, indent + 2)),
            other => format!("{name}  {}", scalar(other)),
        };
        let _ = writeln!(out, "{}{told}", " ".repeat(indent));
    }
    out
}

fn list(items: &[Value], indent: usize) -> String {
    let mut out = String::new();
    for item in items.iter().take(MOST) {
        let told = match item {
            Value::Object(fields) => lines(fields, indent + 2),
            other => format!("{}{}\n", " ".repeat(indent + 2), scalar(other)),
        };
        let (_, told) = told.split_at(told.len().min(indent + 2));
        let _ = write!(out, "{}- {told}", " ".repeat(indent));
    }
    if let Some(rest) = items.len().checked_sub(MOST).filter(|rest| *rest > 0) {
        let _ = writeln!(out, "{}and {rest} more", " ".repeat(indent));
    }
    out
}

fn some(items: &[Value], between: &str) -> String {
    let mut told: Vec<_> = items.iter().take(MOST).map(scalar).collect();
    told.extend(items.len().checked_sub(MOST).filter(|rest| *rest > 0).map(|rest| format!("and {rest} more")));
    told.join(between)
}

/// Lines that a text has brought, none of which can be taken for one of ours.
fn block(text: &str, indent: usize) -> String {
    let told: Vec<_> =
        text.trim_end().lines().map(|line| format!("{}{}", " ".repeat(indent), one_line(line))).collect();
    told.join("\n")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_output_reads_as_lines_of_name_and_value() {
        let output = json!({
            "environment_name": "tuesday", "created": true, "url": null, "sealed_missing": [], "names": ["a", "b"],
            "databases": [{"service": "Postgres", "rows": 10}, {"service": "Other", "rows": 1}],
        });
        let expected = "environment name  tuesday\ncreated           yes\nnames             a, b\ndatabases\n  \
            - service  Postgres\n    rows     10\n  - service  Other\n    rows     1";
        assert_eq!(of(&output), expected);
        assert_eq!(of(&json!({})), "");
    }

    #[test]
    fn columns_stand_under_each_other_in_any_script() {
        let rows = [["Zoë".to_owned(), "1".to_owned()], ["北京".to_owned(), "22".to_owned()]];
        assert_eq!(table(["NAME", "N"], &rows), "NAME  N\nZoë   1\n北京  22");
        assert_eq!(table(["NAME"], &[]), "");
        assert_eq!(table(["NAME"], &[["a\n1 copy".to_owned()]]).lines().count(), 2);
        assert_eq!(
            of(&json!({"name": "a\nstate  ready", "state": "failed"})),
            "name\n  a\n  state  ready\nstate  failed"
        );
    }
}
