//! The action for GitHub and the workflow of the README: what they may do, and that nothing of a pull request becomes a command.

use serde_json::Value;

use super::{compare_file, readme::with_table, text};

/// The fields of a shell's command, wherever a document has them.
fn commands(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = fields.iter().filter(|(name, _)| *name == "run").filter_map(|(_, text)| text.as_str());
            own.chain(fields.values().flat_map(commands)).collect()
        }
        Value::Array(items) => items.iter().flat_map(commands).collect(),
        _ => Vec::new(),
    }
}

fn action() -> Value {
    serde_yaml::from_str(&text("action.yml")).unwrap()
}

fn workflow() -> Value {
    let readme = text("README.md");
    let (_, rest) = readme.split_once("```yaml\nname: Staging copy\n").expect("the workflow");
    serde_yaml::from_str(rest.split_once("```").expect("its end").0).unwrap()
}

#[test]
fn the_readme_lists_the_actions_inputs() {
    let action = action();
    let row = |(name, about): (&String, &Value)| {
        let default = match about["default"].as_str() {
            Some(default) => format!("`{default}`"),
            None => "required".to_owned(),
        };
        assert_eq!(about["required"] == true, about["default"].is_null(), "{name}");
        [format!("`{name}`"), default, about["description"].as_str().unwrap().to_owned()]
    };
    let rows = action["inputs"].as_object().unwrap().iter().map(row);
    compare_file("README.md", &with_table(&text("README.md"), "action inputs", ["input", "default", "meaning"], rows));
}

#[test]
fn the_workflow_may_comment_and_no_more_and_runs_for_what_is_not_a_strangers() {
    let workflow = workflow();
    let on = workflow["on"].as_object().unwrap();
    assert_eq!(on.keys().collect::<Vec<_>>(), ["pull_request"]);
    for event in ["opened", "reopened", "synchronize", "closed"] {
        assert!(on["pull_request"]["types"].as_array().unwrap().iter().any(|one| one == event), "{event}");
    }
    assert_eq!(workflow["permissions"], serde_json::json!({"pull-requests": "write"}));
    assert!(workflow["concurrency"]["group"].as_str().unwrap().contains("pull_request.number"));
    assert!(workflow["concurrency"].get("cancel-in-progress").is_none(), "a run that is cut off is not taken back");
    let steps = workflow["jobs"]["copy"]["steps"].as_array().unwrap();
    assert!(workflow["jobs"]["copy"].get("permissions").is_none());
    let with = steps[0]["with"].as_object().unwrap();
    let action = action();
    let inputs = action["inputs"].as_object().unwrap();
    assert!(with.keys().all(|name| inputs.contains_key(name)), "{with:?}");
    let needed = inputs.iter().filter(|(_, about)| about["required"] == true);
    assert!(needed.map(|(name, _)| name).all(|name| with.contains_key(name)), "{with:?}");
    for name in ["kestra-password", "webhook-key"] {
        assert!(with[name].as_str().unwrap().starts_with("${{ secrets."), "{name}");
    }
}

#[test]
fn no_command_has_an_expression_in_it() {
    for (place, document) in [("action.yml", action()), ("the README's workflow", workflow())] {
        for command in commands(&document) {
            assert!(!command.contains("${{"), "{place}: {command}");
        }
    }
    // A program of ours runs, and no shell.
    let action = action();
    assert_eq!((&action["runs"]["using"], commands(&action).len()), (&Value::from("node24"), 0));
    let code = ["main", "runner", "kestra", "github"].map(|file| text(format!("action/{file}.mjs"))).concat();
    for word in ["child_process", "eval(", "Function(", ".title", "head.ref", "console.error", "RAILWAY"] {
        assert!(!code.contains(word), "{word}");
    }
    assert_eq!(code.matches("console.log").count(), 2, "all that is printed is made inert in one place");
}
