//! The files under `schemas/`, and what `railstage schema` answers.

use railstage::cli::schema_files;
use railstage::steps::{STEPS, of_a_clone};

use super::{compare_file, root, schema_file, updates};
use crate::stage::{Call, binary, finish};

#[test]
fn schemas_on_disk_are_those_of_the_code() {
    let folder = root().join("schemas");
    let files = schema_files::files();
    let mut expected: Vec<_> = files.iter().map(|(name, _)| name.clone()).collect();
    expected.sort();
    let found = || {
        let mut names: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    if updates() {
        let old = found().into_iter().filter(|name| !expected.contains(name));
        old.for_each(|name| std::fs::remove_file(folder.join(name)).unwrap());
    }
    for (name, made) in &files {
        compare_file(format!("schemas/{name}"), made);
    }
    assert_eq!(found(), expected);
}

#[test]
fn all_steps_of_a_clone_read_one_request() {
    for step in of_a_clone().chain(STEPS.iter().filter(|step| step.name == "rollback")) {
        assert_eq!(schema_file(&format!("{}.input", step.name)).file, "clone-request");
    }
}

async fn answer(arguments: &[&str]) -> Call {
    let mut command = binary();
    command.arg("schema").args(arguments);
    finish(command).await
}

#[tokio::test]
async fn every_step_has_its_schemas_by_name() {
    let listed = answer(&[]).await.expect(0).stdout.clone();
    for step in STEPS {
        for end in ["input", "output"] {
            let name = format!("{}.{end}", step.name);
            let file = schema_file(&name).file;
            let line = if file == name { name.clone() } else { format!("{name} ({file})") };
            assert!(listed.lines().any(|listed| listed == line), "`{line}` is not in:\n{listed}");
        }
    }
    for name in ["create-env.input", "clone-request.json", "policy"] {
        let made = schema_file(name.trim_end_matches(".json")).text;
        assert_eq!(answer(&[name]).await.expect(0).stdout, made, "{name}");
    }
    answer(&["create-env.inputs"]).await.expect(2);
}
