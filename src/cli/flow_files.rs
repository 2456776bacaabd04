//! What is generated in a flow's file: the blocks between `# generated: NAME` and `# end of NAME`. All else in it is written by hand.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::cli::args::policy_value;
use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::steps::STEPS;

const POLICY: &str = "policy";
/// Fields of every step's outputs that a flow tells the sum of, each in a block of its name.
const SUMS: &[&str] = &["railway_calls", "railway_requests"];
const OUTCOME: &str = "outcome";
const TIMES: &str = "steps";
const VERSION: &str = "version";

/// A flow's text with every generated block written anew: the policy, comments included, the version of this program, how it ended,
/// and the sums over its tasks.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when either is not what it should be, or the flow's policy would not be the given one.
pub fn generate(flow: &str, policy: &str) -> Result<String> {
    let allowed = check_policy(policy)?;
    let tasks = tasks(&parse(flow)?);
    let with_policy = replace(flow, POLICY, &policy_lines(policy))?;
    let version = format!("railstage_version: \"{}\"", env!("CARGO_PKG_VERSION"));
    let with_version = replace(&with_policy, VERSION, &[version])?;
    let with_outcome = replace(&with_version, OUTCOME, &outcome_lines(&tasks))?;
    let with_outcome = replace(&with_outcome, TIMES, &time_lines(&tasks))?;
    let made = SUMS.iter().try_fold(with_outcome, |made, field| replace(&made, field, &sum_lines(&tasks, field)))?;
    if let Some(told) = policy_of(&parse(&made)?) {
        let outside = || {
            Failure::invalid("the flow's `variables.policy` is not the policy that is to be written")
                .hint("put it alone between the lines `# generated: policy` and `# end of policy`, and no `---` into the policy")
        };
        ensure!(*told == allowed, outside());
    }
    Ok(made)
}

/// A policy's text as a value that a step would take.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming each wrong field.
pub(super) fn check_policy(policy: &str) -> Result<Value> {
    let value = policy_value(policy)?;
    Policy::read(value.clone())?;
    Ok(value)
}

/// Whether the flow has a policy.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when the text is no YAML.
pub(super) fn has_policy(flow: &str) -> Result<bool> {
    Ok(policy_of(&parse(flow)?).is_some())
}

fn parse(flow: &str) -> Result<Value> {
    serde_yaml::from_str(flow).context(Failure::invalid("read the flow as YAML"))
}

fn policy_of(flow: &Value) -> Option<&Value> {
    flow.get("variables")?.get("policy")
}

/// The ids of the flow's tasks that run a step and pass on to the next.
fn tasks(flow: &Value) -> Vec<String> {
    let ids = flow["tasks"].as_array().into_iter().flatten().filter_map(|task| task["id"].as_str());
    ids.filter(|id| STEPS.iter().any(|step| step.task_id() == *id)).map(str::to_owned).collect()
}

fn policy_lines(policy: &str) -> Vec<String> {
    let text = policy.trim_start_matches('\u{feff}').trim_end();
    let lines = text.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    std::iter::once("policy:".to_owned()).chain(lines).collect()
}

fn sum_lines(tasks: &[String], field: &str) -> Vec<String> {
    let parts: Vec<_> = tasks.iter().map(|task| format!("(outputs.{task}.vars.{field} ?? 0)")).collect();
    let sum = format!("  {{{{ {} }}}}", parts.join("\n  + "));
    std::iter::once("value: >-").chain(sum.lines()).map(str::to_owned).collect()
}

/// How long each task took that ended. Kestra leaves out what is null.
fn time_lines(tasks: &[String]) -> Vec<String> {
    let time = |task: &String| {
        let step = task.replace('_', "-");
        format!("{{'step': '{step}', 'seconds': outputs.{task}.vars.seconds ?? null}}")
    };
    let times: Vec<_> = tasks.iter().map(time).collect();
    let list = format!("  {{{{ [{}] | toJson }}}}", times.join(",\n  "));
    std::iter::once("value: >-").chain(list.lines()).map(str::to_owned).collect()
}

/// The outputs that say how the flow ended. After a time-out Kestra drops a task's outputs: what it printed is gone, but that it has not said `ok`
/// is told by nothing being there. Of a killed execution Kestra makes none of these.
fn outcome_lines(tasks: &[String]) -> Vec<String> {
    let failed = |task: &String| format!("(outputs.{task}.vars.status ?? '') != 'ok'");
    let any: Vec<_> = tasks.iter().map(failed).collect();
    let which =
        tasks.iter().rev().fold("''".to_owned(), |rest, task| format!("{} ? '{task}' :\n  ({rest})", failed(task)));
    let first = |field: &str, none: &str| {
        let all: Vec<_> = tasks.iter().map(|task| format!("outputs.{task}.vars.{field}")).collect();
        format!("{} ?? {none}", all.join("\n  ?? "))
    };
    let gave_way = first("first.status", "''");
    let ended = first("first.status", &format!("({} ? 'failed' : 'ok')", any.join("\n  or ")));
    let about_status = "How it ended, `ok` or `failed`; `already_running` or `ready` when another run came first with the same `idempotency_key`.";
    let about_run =
        "The run that makes the copy, this execution or the one that came first with the same `idempotency_key`.";
    let last = tasks.last().map(String::as_str).unwrap_or_default();
    let of_copy = |field: &str, none: &str| {
        format!("outputs.{last}.vars.{field}\n  ?? {}", first(&format!("first.{field}"), none))
    };
    let is_unsure = format!(
        "({gave_way}) == ''\n  and (outputs.{begin}.vars.status ?? '') == 'ok' and (outputs.{last}.vars.status ?? '') != 'ok'\n  and (outputs.rollback.vars.status ?? '') != 'ok'",
        begin = tasks.first().map(String::as_str).unwrap_or_default()
    );
    let which = format!("({gave_way}) != '' ? '' :\n  ({which})");
    let outputs = [
        ("status", "STRING", about_status, ended),
        ("run_id", "STRING", about_run, first("first.run_id", "execution.id")),
        ("step", "STRING", "The task that failed or timed out; empty when none did.", which),
        ("error", "STRING", "What went wrong; empty when nothing did, and after a time-out.", first("error", "''")),
        ("hint", "STRING", "What to change, where that is known.", first("hint", "''")),
        (
            "exit_code",
            "INT",
            "The code that the task failed with; 0 when none did, and after a time-out.",
            first("exit_code", "0"),
        ),
        (
            "needs_person",
            "BOOL",
            "Whether something of this run may be left behind that a person must look after.",
            is_unsure,
        ),
        (
            "environment_name",
            "STRING",
            "Name of the copy; empty when there is none.",
            of_copy("environment_name", "outputs.rollback.vars.kept ?? ''"),
        ),
        ("environment_id", "STRING", "Id of the copy's environment.", of_copy("environment_id", "''")),
        ("url", "STRING", "Where the copy answers.", of_copy("url", "''")),
    ];
    let lines = outputs.map(|(id, kind, description, value)| {
        format!(
            "- id: {id}\n  type: {kind}\n  description: {description}\n  value: >-\n    {{{{ {} }}}}",
            value.replace('\n', "\n  ")
        )
    });
    lines.join("\n").lines().map(str::to_owned).collect()
}

/// The flow with `lines` in place of what stands in the block, each moved in as far as the block's first mark.
fn replace(flow: &str, name: &str, lines: &[String]) -> Result<String> {
    let (begin, end) = (format!("# generated: {name}"), format!("# end of {name}"));
    ensure!(!lines.iter().any(|line| line.trim() == end), Failure::invalid(format!("`{end}` stands in the {name}")));
    let (mut made, mut inside) = (String::new(), false);
    for line in flow.split_inclusive('\n') {
        let words = line.trim();
        inside = inside && words != end;
        if !inside {
            made.push_str(line);
        }
        if !inside && (words == begin || words.starts_with(&format!("{begin} "))) {
            inside = true;
            let indent = &line[..line.len() - line.trim_start().len()];
            for line in lines {
                made.push_str(format!("{indent}{line}").trim_end());
                made.push('\n');
            }
        }
    }
    ensure!(!inside, Failure::invalid(format!("no line `{end}` comes after `{begin}`")));
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = "id: one\nvariables:\n  # generated: policy (by hand nowhere)\n  policy: old\n  # end of policy\n\
        tasks:\n  - id: validate\n  - id: log\n  - id: sync_db\noutputs:\n  - id: calls\n    # generated: railway_calls\n    # end of railway_calls\n";

    #[test]
    fn blocks_are_written_and_all_else_stays() {
        let made = generate(FLOW, "# Ours.\nallowed_projects: [a]\n\nmax_ttl: P3D\n").unwrap();
        let expected = "id: one\nvariables:\n  # generated: policy (by hand nowhere)\n  policy:\n    # Ours.\n    allowed_projects: [a]\n\n    max_ttl: P3D\n  \
            # end of policy\ntasks:\n  - id: validate\n  - id: log\n  - id: sync_db\noutputs:\n  - id: calls\n    # generated: railway_calls\n    \
            value: >-\n      {{ (outputs.validate.vars.railway_calls ?? 0)\n      + (outputs.sync_db.vars.railway_calls ?? 0) }}\n    # end of railway_calls\n";
        assert_eq!(made, expected);
        assert_eq!(generate(&made, "# Ours.\nallowed_projects: [a]\n\nmax_ttl: P3D\n").unwrap(), made);
    }

    #[test]
    fn the_first_task_that_did_not_end_well_is_told() {
        let made = generate(
            "tasks:\n  - id: validate\n  - id: sync_db\noutputs:\n  # generated: outcome\n  # end of outcome\n",
            "{}",
        )
        .unwrap();
        let outputs = parse(&made).unwrap()["outputs"].take();
        let told = |id: &str| {
            outputs.as_array().unwrap().iter().find(|o| o["id"] == id).unwrap()["value"].as_str().unwrap().to_owned()
        };
        let (first, second) =
            ("(outputs.validate.vars.status ?? '') != 'ok'", "(outputs.sync_db.vars.status ?? '') != 'ok'");
        let gave_way = "outputs.validate.vars.first.status ?? outputs.sync_db.vars.first.status ??";
        assert_eq!(told("status"), format!("{{{{ {gave_way} ({first} or {second} ? 'failed' : 'ok') }}}}"));
        let step =
            format!("{{{{ ({gave_way} '') != '' ? '' : ({first} ? 'validate' : ({second} ? 'sync_db' : (''))) }}}}");
        assert_eq!(told("step"), step);
        assert_eq!(told("exit_code"), "{{ outputs.validate.vars.exit_code ?? outputs.sync_db.vars.exit_code ?? 0 }}");
    }

    #[test]
    fn json_is_a_policy_too() {
        let made = generate(FLOW, "{\n\"allowed_projects\": [\"a\"]\n}").unwrap();
        assert!(made.contains("  policy:\n    {\n    \"allowed_projects\": [\"a\"]\n    }\n"), "{made}");
    }

    #[test]
    fn what_would_leave_another_policy_in_force_is_refused() {
        let refused = |flow: &str, policy: &str| format!("{:#}", generate(flow, policy).unwrap_err());
        let unmarked = "variables:\n  policy: {allowed_projects: [a]}\n";
        assert!(refused(unmarked, "allowed_projects: [b]").contains("not the policy"));
        assert!(refused(FLOW, "allowed_project: [b]").contains("`allowed_projects`"));
        assert!(refused(FLOW, "max_ttl: P1D\n# end of policy\nallowed_projects: [b]").contains("stands in the policy"));
        assert!(refused("variables:\n  # generated: policy\n  policy: {}\n", "max_ttl: P1D").contains("no line"));
        for nothing in ["", "# only this", "null", "[]"] {
            assert!(refused(FLOW, nothing).contains("policy"), "{nothing:?}");
        }
    }
}
