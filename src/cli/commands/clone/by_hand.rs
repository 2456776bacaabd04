//! The command line that takes a run back, as it must be typed into a shell.

use serde_json::{Map, Value};

use crate::running::run::Run;

/// The fields of a request that a rollback finds the copy by. No other is told: `variables` may hold what nobody should read.
const NAMING: &[&str] = &["project_id", "client_name", "environment_name", "idempotency_key"];

/// `railstage rollback` for this run.
pub(super) fn roll_back(run: &Run, request: &Value, policy: Option<&str>) -> String {
    let named = NAMING.iter().filter_map(|name| Some(((*name).to_owned(), request.get(*name)?.clone())));
    let request = Value::Object(named.collect::<Map<_, _>>()).to_string();
    let policy = policy.map(|path| format!(" --policy {}", quoted(path))).unwrap_or_default();
    format!("printf %s {} | railstage rollback --run-id {}{policy} --request -", quoted(&request), quoted(&run.id))
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_names_the_copy_and_tells_nothing_else() {
        let request = json!({"project_id": "p", "client_name": "Zoë's", "variables": {"web": {"KEY": "secret"}}});
        let line = roll_back(&Run { id: "2026-a".into() }, &request, Some("my policy.yaml"));
        let expected = r#"printf %s '{"project_id":"p","client_name":"Zoë'\''s"}' | railstage rollback --run-id 2026-a --policy 'my policy.yaml' --request -"#;
        assert_eq!(line, expected);
    }
}
