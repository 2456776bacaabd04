//! The flows in `kestra/` against the steps, their schemas and the policy.

use railstage::cli::flow_files::generate;
use railstage::steps::{Deadline, STEPS, StepDef, of_a_clone};
use serde_json::{Value, json};

use super::{compare_file, root, schema, text};

/// The flow that tells somebody of the ends of others.
const NOTIFY: &str = "notify-staging";

/// A flow's id, text and content.
pub(super) struct Flow {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) yaml: Value,
}

impl Flow {
    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        self.yaml.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// Every task, wherever it stands.
    pub(super) fn all_tasks(&self) -> Vec<Value> {
        fn within(task: Value) -> Vec<Value> {
            let inner = task["tasks"].as_array().cloned().unwrap_or_default();
            std::iter::once(task).chain(inner.into_iter().flat_map(within)).collect()
        }
        ["tasks", "errors", "finally", "afterExecution"]
            .iter()
            .flat_map(|name| self.list(name))
            .flat_map(within)
            .collect()
    }

    /// Its text without its triggers, which speak of other flows.
    pub(super) fn own_text(&self) -> String {
        let (before, after) = self.text.split_once("\ntriggers:\n").unwrap_or((&self.text, ""));
        let (_, rest) = after.split_once("\ntasks:\n").unwrap_or(("", ""));
        format!("{before}\n{rest}")
    }

    /// Every task that runs a step.
    pub(super) fn steps(&self) -> Vec<Value> {
        self.all_tasks().into_iter().filter(runs_a_step).collect()
    }
}

/// Whether a task runs a step; others are Kestra's own, for what no step can do.
fn runs_a_step(task: &Value) -> bool {
    task["type"] == "io.kestra.plugin.scripts.shell.Commands"
}

/// The flows' tests; what they share starts nothing by itself.
fn tests_of_flows() -> String {
    let files = std::fs::read_dir(root().join("tests/flows")).unwrap().map(|file| file.unwrap().path());
    let code = files.map(|file| std::fs::read_to_string(file).unwrap());
    code.filter(|code| code.contains("#[tokio::test")).collect()
}

#[test]
fn every_flow_is_driven_in_the_engine() {
    let tests = tests_of_flows();
    // Two are started by others: by a webhook that `Engine::clone` fires, and by the ends of other flows.
    for id in ids() {
        let ways = match id.as_str() {
            "clone-staging" => vec!["engine.clone(".to_owned()],
            "notify-staging" => vec!["mailbox.letter(".to_owned()],
            _ => vec![format!("submit(\"{id}\"")],
        };
        assert!(ways.iter().any(|way| tests.contains(way)), "no test in tests/flows/ starts `{id}`: {ways:?}");
    }
}

/// The ids of the flows, sorted.
pub(super) fn ids() -> Vec<String> {
    let files =
        std::fs::read_dir(root().join("kestra")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut ids: Vec<_> =
        files.map(|name| name.strip_suffix(".yaml").expect("kestra/ holds the flows alone").to_owned()).collect();
    ids.sort();
    ids
}

pub(super) fn flow(id: &str) -> Flow {
    let text = text(format!("kestra/{id}.yaml"));
    Flow { yaml: serde_yaml::from_str(&text).unwrap(), id: id.to_owned(), text }
}

pub(super) fn flows() -> Vec<Flow> {
    ids().iter().map(|id| flow(id)).collect()
}

/// The step that a task runs.
pub(super) fn step_of(task: &Value) -> &'static StepDef {
    let commands = task["commands"].as_array().expect("a task has commands");
    let command = commands[0].as_str().unwrap();
    assert_eq!(commands.len(), 1, "{command}");
    let step = STEPS.iter().find(|step| command.split(" --").next() == Some(&format!("exec railstage {}", step.name)));
    step.unwrap_or_else(|| panic!("no step: {command}"))
}

pub(super) fn texts(list: &[Value], field: &str) -> Vec<String> {
    list.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_generated_in_flows_is_current() {
    let policy = text("policy.yaml");
    for flow in flows() {
        compare_file(format!("kestra/{}.yaml", flow.id), &generate(&flow.text, &policy).unwrap());
        let has_policy = self::flow(&flow.id).yaml["variables"]["policy"].is_object();
        assert_eq!(has_policy, !flow.steps().is_empty(), "{}: a policy is for steps", flow.id);
    }
}

#[test]
fn the_policy_file_names_every_field_with_its_default() {
    let policy: Value = serde_yaml::from_str(&text("policy.yaml")).unwrap();
    let properties = schema("policy")["properties"].take();
    let defaults = properties.as_object().unwrap().iter().map(|(name, field)| (name.clone(), field["default"].clone()));
    assert_eq!(policy, Value::Object(defaults.collect()));
}

#[test]
fn flows_run_the_steps_of_the_code_and_give_them_a_little_more_time() {
    for flow in flows() {
        assert_eq!(flow.yaml["id"], json!(flow.id));
        for task in flow.steps() {
            let step = step_of(&task);
            assert!(task["id"].as_str().unwrap().starts_with(&step.task_id()), "{}: {}", flow.id, step.name);
            let timeout = task["timeout"].as_str().unwrap();
            let Deadline::Fixed(deadline) = step.deadline else {
                // What the other steps leave of it is always less.
                assert_eq!(timeout, "{{ vars.policy.longest_run ?? 'PT3H' }}", "{}: {}", flow.id, step.name);
                assert_eq!(schema("policy")["properties"]["longest_run"]["default"], "PT3H");
                continue;
            };
            let timeout: jiff::SignedDuration = timeout.parse().unwrap();
            let slack = timeout.as_secs() - i64::try_from(deadline.as_secs()).unwrap();
            assert!((5..=120).contains(&slack), "{}: {} has {slack} s more than its deadline", flow.id, step.name);
        }
    }
}

#[test]
fn the_clone_flow_runs_the_clones_steps_in_order_and_rolls_back() {
    let clone = flow("clone-staging");
    let expected: Vec<_> = of_a_clone().map(StepDef::task_id).collect();
    assert_eq!(texts(&clone.list("tasks"), "id"), expected);
    for list in ["errors", "afterExecution"] {
        let (steps, others): (Vec<_>, Vec<_>) = clone.list(list).into_iter().partition(runs_a_step);
        assert_eq!(steps.iter().map(|task| step_of(task).name).collect::<Vec<_>>(), ["rollback"], "{list}");
        // Who is told what the rollback did comes after it.
        assert_eq!(others.len(), if list == "afterExecution" { 2 } else { 1 }, "{list}");
        assert!(runs_a_step(&clone.list(list)[0]), "{list}");
    }
}

/// A step reads nothing but these, and what a site's owner adds of `RAILSTAGE_SECRET_…` and `RAILSTAGE_MASKING_KEY`.
#[test]
fn every_task_gets_the_same_environment() {
    for flow in flows().into_iter().filter(|flow| flow.id != NOTIFY) {
        let whole = flow.list("inputs").iter().any(|input| input["id"] == "request");
        let request = if whole { "(inputs.request ?? inputs)" } else { "inputs" };
        let expected = json!({
            "RAILSTAGE_OUTPUT": "kestra",
            "RAILSTAGE_REQUEST": format!("{{{{ {request} | toJson | base64encode }}}}"),
            "RAILSTAGE_POLICY": "{{ vars.policy | toJson | base64encode }}",
            "RAILSTAGE_RUN_ID": "{{ execution.id }}",
            "RAILSTAGE_RECORD_KEY": "{{ secret('RAILSTAGE_RECORD_KEY') }}",
            "RAILWAY_API_TOKEN": "{{ secret('RAILWAY_API_TOKEN') }}",
        });
        for mut task in flow.steps() {
            // Names only: what else `validate` is told of the call is kept from no one.
            let headers = task["env"].as_object_mut().unwrap().remove("RAILSTAGE_WEBHOOK_HEADERS");
            let names = json!("{{ (trigger.headers ?? {}) | keys | toJson | base64encode }}");
            assert!(headers.is_none() || headers == Some(names) && task["id"] == "validate", "{}", flow.id);
            assert_eq!(task["env"], expected, "{}: {}", flow.id, task["id"]);
            assert_eq!(task["taskRunner"], json!({"type": "io.kestra.plugin.core.runner.Process"}));
        }
    }
}

/// Who tells somebody outside has no key to Railway or to records, and of receivers only the one that is told.
#[test]
fn what_tells_others_holds_the_secrets_of_one_channel_alone() {
    let notify = flow(NOTIFY);
    for mut task in notify.steps() {
        let channel = task["id"].as_str().unwrap().strip_prefix("notify_").unwrap().to_owned();
        assert_eq!(
            (&task["runIf"], &notify.yaml["variables"][&channel]),
            (&json!(format!("{{{{ vars.{channel} }}}}")), &json!(false))
        );
        let of_channel = if channel == "webhook" {
            "RAILSTAGE_NOTIFY_".to_owned()
        } else {
            format!("RAILSTAGE_{}_", channel.to_uppercase())
        };
        let env = task["env"].as_object_mut().unwrap();
        assert_eq!(env.remove("RAILSTAGE_OUTPUT").unwrap(), "kestra");
        assert_eq!(env.remove("RAILSTAGE_POLICY").unwrap(), "{{ vars.policy | toJson | base64encode }}");
        for (name, value) in &*env {
            assert!(name.starts_with(&of_channel), "{channel}: {name}");
            assert_eq!(*value, format!("{{{{ secret('{name}') }}}}"));
        }
        // As a file: no list of copies is too long for it, and it is rendered once.
        let request = "{{ inputs | merge({'flow_id': inputs.flow_id ?? trigger.flowId ?? '', 'outputs': fromJson(inputs.outputs ?? '{}')}) | toJson }}";
        assert_eq!(task["inputFiles"], json!({"request.json": request}));
    }
}

/// Whatever gives account of a run is told, by a trigger that never fires on itself.
#[test]
fn every_flow_that_ends_a_run_is_told_of_by_one_trigger_and_by_no_other_way() {
    let notify = flow(NOTIFY);
    let (triggers, ends_run) =
        (notify.list("triggers"), |flow: &Flow| flow.steps().iter().any(|task| step_of(task).ends_run));
    let when = triggers[0]["when"].as_str().unwrap();
    assert_eq!((triggers.len(), when.contains(NOTIFY)), (1, false));
    let given = triggers[0]["inputs"]["outputs"].as_str().unwrap();
    for flow in flows().into_iter().filter(|flow| flow.id != NOTIFY) {
        let is_told = when.contains(&format!("'{}'", flow.id));
        assert!(is_told || !ends_run(&flow), "nobody is told of {}", flow.id);
        let outputs = texts(&flow.list("outputs"), "id");
        for needed in ["error", "hint", "needs_person"].iter().filter(|_| is_told) {
            assert!(outputs.contains(&(*needed).to_owned()), "{} does not give out `{needed}`", flow.id);
            assert!(given.contains(&format!("trigger.outputs.{needed} ")), "{needed} is not told");
        }
        let started: Vec<_> = flow.all_tasks().into_iter().filter(|task| task["flowId"] == NOTIFY).collect();
        let has_end_after_its_end = !flow.list("afterExecution").is_empty();
        assert_eq!(
            texts(&started, "id"),
            if has_end_after_its_end { vec!["tell_after_kill"] } else { vec![] },
            "{}",
            flow.id
        );
    }
}

#[test]
fn flows_need_kestra_and_its_shell_plugin_alone() {
    for flow in flows() {
        let known = ["core.", "scripts.shell.Commands\n"];
        let used: Vec<_> = flow.text.split("type: io.kestra.plugin.").skip(1).collect();
        for plugin in &used {
            assert!(known.iter().any(|known| plugin.starts_with(known)), "{}: {:.40}", flow.id, plugin);
        }
        assert_eq!(flow.text.matches("type: io.kestra.").count(), used.len(), "{}", flow.id);
    }
}

#[test]
fn every_flow_says_of_which_version_it_is() {
    for flow in flows() {
        assert_eq!(flow.yaml["labels"]["app"], "railstage", "{}", flow.id);
        assert_eq!(flow.yaml["labels"]["railstage_version"], env!("CARGO_PKG_VERSION"), "{}", flow.id);
    }
}
