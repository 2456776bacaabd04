//! What is seen while a step runs: lines for machines that keep to their schema, and on a terminal one thing at a time.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;

use nix::pty::{Winsize, openpty};
use railstage::cli::schema_files;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{Call, Stage, base64};

/// The events of a step in Kestra, each of which keeps to the schema.
pub(crate) fn events(call: &Call) -> Vec<Value> {
    let schema = schema_files::all().into_iter().find(|schema| schema.name == "progress").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema.text).unwrap()).unwrap();
    let lines = call.stdout.lines().filter_map(|line| line.strip_prefix("::")?.strip_suffix("::"));
    let logs = lines.filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["logs"].get(0).cloned());
    let told = logs.filter_map(|log| {
        let event = log["message"].as_str().unwrap().strip_prefix("progress ")?.to_owned();
        assert_eq!(log["level"], "DEBUG", "people should not have to read it: {event}");
        Some(event)
    });
    let events: Vec<Value> = told.map(|event| serde_json::from_str(&event).unwrap()).collect();
    for event in &events {
        assert!(schema.is_valid(event), "{event}");
    }
    events
}

pub(crate) fn states(events: &[Value], service: Option<&str>) -> Vec<String> {
    let of = |event: &&Value| event["service"].as_str() == service && event["state"] != "under_way";
    events.iter().filter(of).map(|event| event["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_can_follow_a_step_by_its_services_and_databases() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "followed"}));
    let copied = events(&stage.steps_until("sync-db", "followed", &request).await);
    assert_eq!(states(&copied, None), ["started", "done"]);
    assert_eq!(states(&copied, Some("Postgres")), ["started", "done", "started", "done"], "deployed, then copied");
    let last = copied.iter().rfind(|event| event["service"] == "Postgres").unwrap();
    assert!(last["bytes"].as_u64().unwrap() > 0 && last["state"] == "done", "{last}");
    let started = events(&stage.step("start-apps", "followed", &request).await);
    for app in ["web", "worker"] {
        assert_eq!(states(&started, Some(app)), ["started", "done"], "{app}: {started:?}");
    }
    let refused = stage.step("create-env", "another", &stage.request(json!({"environment_name": "followed"}))).await;
    refused.expect(2);
    let refused = events(&refused);
    assert_eq!(states(&refused, None), ["started", "failed"]);
    assert!(refused.last().unwrap()["error"].as_str().unwrap().contains("`followed`"), "{refused:?}");
}

const ROWS: NonZeroU16 = NonZeroU16::new(50).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// A terminal of 80 columns, and what a call has left on it.
struct Terminal {
    code: i32,
    screen: vt100::Parser,
    raw: String,
}

impl Terminal {
    /// Runs a command at a terminal at which somebody types this.
    async fn run(mut command: Command, typed: &'static str) -> Self {
        let size = Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = |of: &OwnedFd| of.try_clone().unwrap();
        command.stdin(end(&pty.slave)).stdout(end(&pty.slave)).stderr(end(&pty.slave)).env("TERM", "xterm-256color");
        let mut child = command.spawn().unwrap();
        drop((command, pty.slave));
        let mut master = std::fs::File::from(pty.master);
        master.write_all(typed.as_bytes()).unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let (mut raw, mut part) = (Vec::new(), [0; 4096]);
            // A terminal whose last program is gone ends with an error.
            while let Ok(count @ 1..) = master.read(&mut part) {
                raw.extend_from_slice(&part[..count]);
            }
            raw
        });
        let code = child.wait().await.unwrap().code().unwrap();
        let raw = read.await.unwrap();
        let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        screen.process(&raw);
        Self { code, screen, raw: String::from_utf8(raw).unwrap() }
    }

    fn lines(&self) -> Vec<String> {
        let text = self.screen.screen().contents();
        text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    }
}

fn at_a_terminal(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.command();
    command.args(arguments).env("RAILSTAGE_POLICY", base64(&stage.policy.to_string()));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_at_a_terminal_leaves_a_line_for_each_step_and_nothing_that_was_drawn() {
    let stage = Stage::of(backboard::WorldOptions::default()).await;
    let project = stage.world.project_id();
    let clone = ["clone", "--project-id", &project, "--environment-name", "drawn"];
    let seen = Terminal::run(at_a_terminal(&stage, &clone), "").await;
    assert_eq!(seen.code, 0, "{}", seen.raw);
    let lines = seen.lines();
    for step in railstage::steps::of_a_clone() {
        let own: Vec<_> = lines.iter().filter(|line| line.starts_with(step.name)).collect();
        assert_eq!(own.len(), 1, "{}: {lines:#?}", step.name);
        assert!(own[0].contains(" done ") && own[0].contains(" s  "), "{}", own[0]);
    }
    assert!(lines.last().unwrap().starts_with("drawn is ready at https://"), "{lines:#?}");
    assert!(seen.raw.contains("sync-db  Postgres"), "nothing was drawn of the copy: {}", seen.raw);
    for spinner in ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'] {
        assert!(!lines.iter().any(|line| line.contains(spinner)), "{lines:#?}");
    }
    // All that was ever drawn is one line: none goes up further than over itself.
    assert!(!seen.raw.contains("\u{1b}[2A") && !seen.raw.contains("GiB"), "{}", seen.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_deleted_at_a_terminal_when_its_name_is_typed_and_not_otherwise() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "mine"}));
    stage.steps_until("create-env", "mine", &request).await;
    let project = stage.world.project_id();
    let delete = ["delete-env", "--project-id", &project, "--environment", "mine"];
    for typed in ["y\n", "\n", "min\n"] {
        let call = Terminal::run(at_a_terminal(&stage, &delete), typed).await;
        assert_eq!(call.code, 2, "{}", call.raw);
        assert!(call.raw.contains("nothing is deleted"), "{}", call.raw);
        assert_eq!(stage.environments(), ["mine", "production"]);
    }
    let call = Terminal::run(at_a_terminal(&stage, &delete), "mine\n").await;
    assert_eq!(call.code, 0, "{}", call.raw);
    assert_eq!(call.lines().last().unwrap(), "environment `mine` is gone");
    assert_eq!(stage.environments(), ["production"]);
}
