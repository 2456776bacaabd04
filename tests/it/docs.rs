//! Schemas, README and flows against the code.

use std::path::{Path, PathBuf};

use railstage::cli::schema_files;
use railstage::error::Exit;
use railstage::steps::STEPS;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn schemas_on_disk_are_those_of_the_code() {
    let folder = root().join("schemas");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        schema_files::files().iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    }
    let mut expected: Vec<_> = schema_files::files().into_iter().map(|(name, _)| name).collect();
    expected.sort();
    let mut found: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, expected);
    for (name, made) in schema_files::files() {
        assert_eq!(text(Path::new("schemas").join(&name)), made, "{name} is old: run the tests with UPDATE=1");
    }
}

/// The rows of the README's table between `<!-- name -->` and `<!-- /name -->`.
fn table(name: &str) -> Vec<Vec<String>> {
    let readme = text("README.md");
    let (_, rest) =
        readme.split_once(&format!("<!-- {name} -->")).unwrap_or_else(|| panic!("the README has no table `{name}`"));
    let (table, _) = rest.split_once(&format!("<!-- /{name} -->")).expect("the end of the table");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    table.trim().lines().skip(2).map(cells).collect()
}

/// Compares a table of the README with what the code makes of it; with UPDATE set, writes it.
fn compare_table(name: &str, head: [&str; 2], rows: &[Vec<String>]) {
    if std::env::var_os("UPDATE").is_some() {
        let readme = text("README.md");
        let (before, rest) = readme.split_once(&format!("<!-- {name} -->")).unwrap();
        let (_, after) = rest.split_once(&format!("<!-- /{name} -->")).unwrap();
        let lines: String = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
        let table = format!("| {} |\n|---|---|\n{lines}", head.join(" | "));
        let new = format!("{before}<!-- {name} -->\n{table}<!-- /{name} -->{after}");
        // Other tests read it meanwhile.
        if new != readme {
            std::fs::write(root().join("README.md"), new).unwrap();
        }
    }
    assert_eq!(table(name), rows, "the README's table is old: run the tests with UPDATE=1");
}

#[test]
fn the_readme_lists_steps_and_exit_codes_of_the_code() {
    let steps: Vec<_> = STEPS.iter().map(|s| vec![format!("`{}`", s.name), s.about.to_owned()]).collect();
    compare_table("steps", ["step", "does"], &steps);
    let exits: Vec<_> =
        Exit::ALL.iter().map(|(exit, meaning)| vec![exit.code().to_string(), (*meaning).to_owned()]).collect();
    compare_table("exit codes", ["exit code", "meaning"], &exits);
}

#[test]
fn the_readme_lists_the_fields_of_a_request() {
    let (_, schema) = schema_files::files().into_iter().find(|(name, _)| name == "clone-request.json").unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().map(|name| format!("`{name}`")).collect();
    let listed: Vec<_> = table("request").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(listed, fields);
}

/// Every flow as YAML.
fn flows() -> Vec<(String, serde_yaml::Value)> {
    let files = std::fs::read_dir(root().join("kestra")).unwrap().map(|e| e.unwrap().path());
    files
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_yaml::from_str(&text(&path)).unwrap())
        })
        .collect()
}

/// Every task of a flow, wherever it stands.
fn tasks(flow: &serde_yaml::Value) -> Vec<serde_yaml::Value> {
    let lists = ["tasks", "errors", "afterExecution"].iter().filter_map(|list| flow.get(list)?.as_sequence());
    lists.flatten().cloned().collect()
}

#[test]
fn flows_run_the_steps_of_the_code_and_give_them_a_little_more_time() {
    for (id, flow) in flows() {
        assert_eq!(flow["id"].as_str(), Some(id.as_str()));
        for task in tasks(&flow) {
            let command = task["commands"][0].as_str().expect("one command");
            let step = STEPS
                .iter()
                .find(|s| command == format!("exec railstage {}", s.name))
                .unwrap_or_else(|| panic!("{id}: {command}"));
            assert!(task["id"].as_str().unwrap().starts_with(&step.task_id()), "{id}: {}", step.name);
            let timeout: jiff::SignedDuration = task["timeout"].as_str().unwrap().parse().unwrap();
            let slack = timeout.as_secs() - i64::try_from(step.deadline.as_secs()).unwrap();
            assert!((5..=120).contains(&slack), "{id}: {} has {slack} s more than its deadline", step.name);
        }
    }
}

#[test]
fn the_clone_flow_runs_the_clones_steps_in_order() {
    let (_, flow) = flows().into_iter().find(|(id, _)| id == "clone-staging").unwrap();
    let ids: Vec<_> =
        flow["tasks"].as_sequence().unwrap().iter().map(|t| t["id"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> =
        STEPS.iter().take_while(|s| s.name != "rollback").map(railstage::steps::StepDef::task_id).collect();
    assert_eq!(ids, expected);
}

#[test]
fn every_input_and_task_of_a_flow_is_described() {
    for (id, flow) in flows() {
        let inputs = flow.get("inputs").and_then(serde_yaml::Value::as_sequence).cloned().unwrap_or_default();
        for part in inputs.into_iter().chain(tasks(&flow)) {
            assert!(part["description"].as_str().is_some_and(|d| !d.is_empty()), "{id}: {:?}", part["id"]);
        }
    }
}

#[test]
fn the_clone_form_has_the_fields_of_a_request() {
    let (_, flow) = flows().into_iter().find(|(id, _)| id == "clone-staging").unwrap();
    let inputs: Vec<_> =
        flow["inputs"].as_sequence().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect();
    let (_, schema) = schema_files::files().into_iter().find(|(name, _)| name == "clone-request.json").unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(inputs[0], "request");
    assert_eq!(inputs[1..], fields);
}
