//! `set-policy`: one policy in every flow.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::stage::{Call, binary, finish};

/// Copies of the flows, and files beside them.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for flow in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("kestra")).unwrap() {
            let flow = flow.unwrap();
            std::fs::copy(flow.path(), folder.path(flow.file_name().to_str().unwrap())).unwrap();
        }
        folder.write("policy.txt", "# Ours.\nallowed_projects: [one, two]\nmax_ttl: P3D\n");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn flows(&self) -> Vec<PathBuf> {
        let mut flows: Vec<_> = std::fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().path()).collect();
        flows.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
        flows.sort();
        flows
    }

    fn texts(&self) -> Vec<String> {
        self.flows().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    async fn set_policy(&self, arguments: &[&str]) -> Call {
        let mut command = binary();
        command.arg("set-policy").args(arguments).arg(self.path("policy.txt")).args(self.flows());
        finish(command).await
    }
}

#[tokio::test]
async fn every_flow_gets_the_policy_and_a_second_time_nothing_changes() {
    let folder = Folder::new();
    let before = folder.texts();
    let told = folder.set_policy(&[]).await.expect(0).stdout.clone();
    let without = told.matches(": has no policy\n").count();
    assert_eq!(told.matches(": written\n").count() + without, before.len(), "{told}");
    for text in folder.texts() {
        let flow: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        if !text.contains("exec railstage") {
            assert!(flow["variables"]["policy"].is_null(), "{text}");
            continue;
        }
        assert_eq!(
            flow["variables"]["policy"],
            serde_json::json!({"allowed_projects": ["one", "two"], "max_ttl": "P3D"})
        );
        assert!(text.contains("    # Ours.\n"), "{text}");
    }
    let told = folder.set_policy(&[]).await.expect(0).stdout.clone();
    assert_eq!(told.matches(": has it\n").count() + without, before.len(), "{told}");
}

#[tokio::test]
async fn a_check_writes_nothing_and_tells_by_its_code() {
    let folder = Folder::new();
    let before = folder.texts();
    let call = folder.set_policy(&["--check"]).await;
    call.expect(1);
    assert!(call.stdout.contains(": has another policy\n") && call.stderr.contains("hint: "), "{}", call.stderr);
    assert_eq!(folder.texts(), before);
    folder.set_policy(&[]).await.expect(0);
    folder.set_policy(&["--check"]).await.expect(0);
}

#[tokio::test]
async fn a_flow_that_cannot_take_the_policy_keeps_all_others_as_they_were() {
    let folder = Folder::new();
    folder.write("without.yaml", "id: without\n");
    folder.write("zz-own.yaml", "id: own\nvariables:\n  policy:\n    allowed_projects: [other]\n");
    let before = folder.texts();
    let call = folder.set_policy(&[]).await;
    call.expect(2);
    assert!(call.stderr.contains("zz-own.yaml") && call.stderr.contains("# generated: policy"), "{}", call.stderr);
    assert_eq!(folder.texts(), before);

    std::fs::remove_file(folder.path("zz-own.yaml")).unwrap();
    let call = folder.set_policy(&[]).await;
    assert!(call.expect(0).stdout.contains("without.yaml: has no policy\n"), "{}", call.stdout);
}

#[tokio::test]
async fn a_policy_with_a_wrong_field_is_refused_with_the_right_name() {
    let folder = Folder::new();
    let before = folder.texts();
    folder.write("policy.txt", "allowed_project: [one]\n");
    let call = folder.set_policy(&[]).await;
    call.expect(2);
    assert!(call.stderr.starts_with("error: set-policy failed: read the policy: "), "{}", call.stderr);
    assert!(call.stderr.contains("did you mean `allowed_projects`"), "{}", call.stderr);
    assert_eq!(folder.texts(), before);
}
