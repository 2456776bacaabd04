//! A world to try the binary in, and what a call of the binary left behind.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use backboard::{World, WorldOptions};
use railstage::steps;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::records;

/// Longer than any call may take here.
const PATIENCE: Duration = Duration::from_mins(2);

/// The key that signs the records of this world's copies.
pub(crate) const RECORD_KEY: &str = "canary-record-key-51c0";

/// A world with the settings that the binary needs in it.
pub(crate) struct Stage {
    pub world: World,
    /// Further variables for every call.
    pub env: Vec<(String, String)>,
    pub policy: Value,
}

/// A policy that grants what requests of these tests ask for; what the strict one refuses is tested by itself.
fn generous(project_id: &str) -> Value {
    json!({
        "allowed_projects": [project_id],
        "min_ttl": "PT1S",
        "may_be_kept": true,
        "may_keep_failed": true,
        "may_be_unmasked": true,
        "may_weaken_masking": true,
        "keep_users": ["administrators", "anna"],
        "may_keep_urls": true,
        "may_print_logs": true,
        "cron_services": ["nightly"],
        "variables": ["*.*"],
        "other_code": ["*=*"],
        "may_reference": true,
        "secrets": ["MAIL", "NOT_THERE"],
        "custom_domains": ["*"],
        "deploy": {
            "repositories": ["https://github.com/acme/*", "https://git.example.net/*"], "images": ["ghcr.io/acme/*"], "services": ["*"], "environments": ["*"],
            "databases": ["postgres", "mysql", "redis", "mariadb=0f5a3a0e-4c1f-4f0e-9d68-7f1d5a0b7c11"],
        },
    })
}

/// One finished call.
pub(crate) struct Call {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    /// A world that keeps nobody waiting.
    pub(crate) async fn prompt() -> Self {
        Self::of(WorldOptions::prompt()).await
    }

    pub(crate) async fn of(options: WorldOptions) -> Self {
        let world = World::start(options).await.expect("start the stand-in");
        let policy = generous(&world.project_id());
        Self { world, env: Vec::new(), policy }
    }

    /// Lets the policy know the relay of this world, and the binary where it is.
    pub(crate) fn know_relay(&mut self) {
        self.policy["relay_host_keys"] = json!([fingerprint(self.world.relay_host_key())]);
        self.env.push(("RAILSTAGE_RELAY".to_owned(), format!("127.0.0.1:{}", self.world.relay_port())));
    }

    /// A request that this world grants, with `more` on top.
    pub(crate) fn request(&self, more: Value) -> Value {
        let mut request = json!({ "project_id": self.world.project_id() });
        let Value::Object(more) = more else { panic!("{more} is no object") };
        request.as_object_mut().expect("an object").extend(more);
        request
    }

    /// Runs a step as Kestra would, for run `run_id`.
    pub(crate) async fn step(&self, step: &str, run_id: &str, request: &Value) -> Call {
        finish(self.step_command(step, run_id, request)).await
    }

    /// The command of a step, to be started by whoever does something to it.
    pub(crate) fn step_command(&self, step: &str, run_id: &str, request: &Value) -> Command {
        let mut command = self.command();
        command
            .arg(step)
            .env("RAILSTAGE_OUTPUT", "kestra")
            .env("RAILSTAGE_REQUEST", base64(&request.to_string()))
            .env("RAILSTAGE_POLICY", base64(&self.policy.to_string()))
            .env("RAILSTAGE_RUN_ID", run_id);
        command
    }

    /// Waits until Railway's readings, which lag its writes, show a copy in this state.
    pub(crate) async fn shows(&self, name: &str, state: &str) {
        eventually(&format!("`{name}` is seen to be {state}"), async || {
            let listed = self.step("list-envs", "-", &json!({"project_id": self.world.project_id()})).await;
            let environments = listed.outputs()["environments"].take();
            environments.as_array().unwrap().iter().any(|one| one["name"] == name && one["state"] == state)
        })
        .await;
    }

    /// Runs the steps of a clone up to and with `last`, each of which must succeed.
    pub(crate) async fn steps_until(&self, last: &str, run_id: &str, request: &Value) -> Call {
        let call = self.step("validate", run_id, request).await;
        call.expect(0);
        if last == "validate" { call } else { self.steps_after_validate(last, run_id, request).await }
    }

    /// The same where `validate` would not let a run begin.
    pub(crate) async fn steps_after_validate(&self, last: &str, run_id: &str, request: &Value) -> Call {
        for step in steps::of_a_clone().filter(|step| step.name != "validate") {
            let call = self.step(step.name, run_id, request).await;
            call.expect(0);
            if step.name == last {
                return call;
            }
        }
        panic!("no step `{last}`");
    }

    /// Deploys a service as somebody does in the dashboard, and waits until it is up.
    pub(crate) async fn deploy(&self, environment: &str, service: &str) {
        self.world.deploy(environment, service).unwrap();
        let is_up = async || {
            let all = self.world.environments();
            let one = all.iter().find(|state| state.name == environment).unwrap();
            one.deployments[service].as_deref() == Some("SUCCESS")
        };
        eventually("the deployment is up", is_up).await;
    }

    /// The names of the environments that are there, sorted.
    pub(crate) fn environments(&self) -> Vec<String> {
        let mut names: Vec<_> = self.world.environments().into_iter().map(|e| e.name).collect();
        names.sort();
        names
    }

    /// What the record of a copy says.
    pub(crate) fn record(&self, name: &str) -> Value {
        let id = self.world.environment_id(name).unwrap();
        records::read(&self.world.shared_variable(&id, "RAILSTAGE").unwrap().expect("a record"))
    }

    /// Gives a copy another value in its record's place.
    pub(crate) fn write_record(&self, name: &str, value: &str) {
        let id = self.world.environment_id(name).unwrap();
        self.world.set_variable(&id, None, "RAILSTAGE", value).unwrap();
    }

    /// Changes fields of a copy's record, as somebody with the key would.
    pub(crate) fn change_record(&self, name: &str, changes: Value) {
        let mut record = self.record(name);
        let Value::Object(changes) = changes else { panic!("no object: {changes}") };
        for (field, value) in changes {
            record[field] = value;
        }
        self.write_record(name, &records::signed(&record, RECORD_KEY));
    }

    /// The binary in this world, with nothing of our own environment but PATH.
    pub(crate) fn command(&self) -> Command {
        let mut command = binary();
        command.envs(self.world.cli_env()).env("RAILSTAGE_RECORD_KEY", RECORD_KEY).envs(self.env.iter().cloned());
        command
    }
}

/// The binary, in no world at all.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_railstage"));
    command.env_clear().env("PATH", path()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// PATH with the programs that `tests/setup` has put into the cache before all others.
fn path() -> String {
    let programs = backboard::cache::programs().expect("find the cache");
    for folder in &programs {
        assert!(folder.is_dir(), "`{}` is missing: run tests/setup first", folder.display());
    }
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let all = programs.into_iter().chain(std::env::split_paths(&inherited).collect::<Vec<PathBuf>>());
    std::env::join_paths(all).expect("join PATH").into_string().expect("a PATH of UTF-8")
}

/// Runs a prepared command to its end.
pub(crate) async fn finish(mut command: Command) -> Call {
    let output =
        tokio::time::timeout(PATIENCE, command.output()).await.expect("the call ends").expect("the call starts");
    Call::of(output)
}

/// The digest of a public key, as `ssh-keygen -lf` prints it.
pub(crate) fn fingerprint(line: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use sha2::Digest as _;
    let blob = STANDARD.decode(line.split(' ').nth(1).expect("a key of OpenSSH")).expect("Base64");
    format!("SHA256:{}", STANDARD_NO_PAD.encode(sha2::Sha256::digest(blob)))
}

pub(crate) fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

impl Call {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
        }
    }

    /// Panics with everything that was printed unless the call ended with `code`.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The outputs that Kestra would keep.
    pub(crate) fn outputs(&self) -> Value {
        let mut all = json!({});
        for line in self.lines("outputs") {
            for (name, value) in line.as_object().expect("outputs are an object") {
                all[name] = value.clone();
            }
        }
        all
    }

    /// What each `::{"<key>":…}::` line holds.
    pub(crate) fn lines(&self, key: &str) -> Vec<Value> {
        let inner = |line: &str| Some(line.strip_prefix("::")?.strip_suffix("::")?.to_owned());
        let values = self
            .stdout
            .lines()
            .filter_map(inner)
            .map(|json| serde_json::from_str::<Value>(&json).expect("JSON in a line"));
        values.filter_map(|mut value| value.get_mut(key).map(Value::take)).collect()
    }

    /// The error of a failed step, and its hint.
    pub(crate) fn error(&self) -> String {
        let outputs = self.outputs();
        let told: Vec<_> = ["error", "hint"].iter().filter_map(|field| outputs[*field].as_str()).collect();
        told.join("\nhint: ")
    }

    /// The call's stdout as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON document on stdout")
    }
}

/// Waits for something that happens by itself, and fails when it does not.
pub(crate) async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !happened().await {
        assert!(Instant::now() < give_up, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
