//! What a flow says of itself: its form, its outputs, its secrets, and the longest request that it takes.

use std::collections::BTreeSet;

use railstage::steps::STEPS;
use serde_json::{Value, json};

use super::flows::{Flow, flow, flows, step_of, texts};
use super::{fields, schema, text, words_after};

#[test]
fn every_input_task_trigger_and_output_of_a_flow_is_described() {
    for flow in flows() {
        let lists = ["inputs", "triggers", "outputs"].iter().flat_map(|name| flow.list(name));
        for part in lists.chain(flow.all_tasks()) {
            assert!(part["description"].as_str().is_some_and(|d| !d.is_empty()), "{}: {}", flow.id, part["id"]);
        }
    }
}

/// The step whose input a flow's form fills in: its first.
fn request_of(flow: &Flow) -> Value {
    schema(&format!("{}.input", step_of(&flow.steps()[0]).name))
}

/// What a field may be, where its choices are described or not.
fn choices(field: &Value) -> Value {
    let described = field["oneOf"].as_array().map(|all| all.iter().map(|one| one["const"].clone()).collect());
    described.unwrap_or_else(|| field["enum"].clone())
}

#[test]
fn every_form_has_the_fields_of_its_request_with_their_defaults() {
    for flow in flows().into_iter().filter(|flow| !flow.steps().is_empty()) {
        let request = request_of(&flow);
        let inputs: Vec<_> = flow.list("inputs").into_iter().filter(|input| input["id"] != "request").collect();
        assert_eq!(texts(&inputs, "id"), fields(&request), "{}", flow.id);
        for input in inputs {
            let (id, field) =
                (format!("{}: {}", flow.id, input["id"]), &request["properties"][input["id"].as_str().unwrap()]);
            let unset = [Value::Null, json!([]), json!({}), json!("")];
            let default = &field["default"];
            assert!(
                input["defaults"] == *default || unset.contains(default) && input["defaults"].is_null(),
                "{id}: {default}"
            );
            if input["type"] == "SELECT" {
                assert_eq!(input["values"], choices(field), "{id}");
            }
        }
    }
}

#[test]
fn what_a_flow_tells_is_in_its_steps_outputs() {
    for flow in flows().into_iter().filter(|flow| !flow.steps().is_empty()) {
        let mut told = 0;
        // What a task leaves as a file is Kestra's to tell.
        let files = |place: &&str| !place.split_whitespace().next().is_some_and(|word| word.contains(".outputFiles["));
        // What `notify-staging` was given is others' as well.
        let text = flow.own_text().replace("inputs.outputs", "");
        for place in text.split("outputs.").skip(1).filter(files) {
            let (task, rest) = place.split_once(".vars.").expect("outputs.TASK.vars.FIELD");
            let field = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
            let step = STEPS
                .iter()
                .filter(|step| task.starts_with(&step.task_id()))
                .max_by_key(|step| step.name.len())
                .unwrap_or_else(|| panic!("{}: {task}", flow.id));
            assert!(texts(&flow.all_tasks(), "id").contains(&task.to_owned()), "{}: {task} is no task", flow.id);
            let fields = fields(&schema(&format!("{}.output", step.name)));
            assert!(fields.iter().any(|known| known == field), "{}: {task} has no {field}", flow.id);
            told += 1;
        }
        assert!(told > 0, "{} tells nothing", flow.id);
    }
}

#[test]
fn every_secret_of_a_flow_is_told_in_its_description() {
    for flow in flows() {
        let description = flow.yaml["description"].as_str().unwrap();
        let secrets: BTreeSet<_> = words_after(&flow.text, "secret('").collect();
        for secret in secrets {
            assert!(description.contains(&format!("`{secret}`")), "{}: {secret}", flow.id);
            assert!(text("README.md").contains(&format!("`{secret}`")), "the README does not name {secret}");
        }
    }
}

/// The README and the messages say 64 KiB; Base64 makes four characters of three bytes.
#[test]
fn the_longest_request_is_64_kib() {
    let clone = flow("clone-staging").text;
    let most = (64_usize * 1024).div_ceil(3) * 4;
    assert_eq!(clone.matches(&format!("length) <= {most}")).count(), 2);
    assert_eq!(clone.matches("length) <=").count(), 2);
}
