//! Kestra's engine with the flows, in a world; and what an execution left behind.

use std::time::Duration;

use backboard::{World, WorldOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use railstage::cli::flow_files::generate;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use crate::flow_text::unscheduled;
use crate::launch;
use crate::mailbox::Mailbox;
use crate::worker::Worker;

/// Longer than any execution may take here.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// States that an execution or a task does not leave again.
const ENDED: &[&str] = &["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "SKIPPED"];

/// A running engine and the world that its flows act on.
pub(crate) struct Engine {
    pub world: World,
    pub webhook_key: String,
    /// Where `notify-staging` posts to, once its webhook is switched on.
    pub mailbox: Mailbox,
    url: String,
    /// What the engine said when it was ready.
    ready: Value,
    http: reqwest::Client,
    _process: Child,
    _folder: TempDir,
}

impl Engine {
    /// The flows as they are, with the world's project allowed and no schedule.
    pub(crate) async fn start(options: WorldOptions) -> Self {
        Self::start_with(options, unscheduled).await
    }

    /// The flows after `change` was made to each.
    pub(crate) async fn start_with(options: WorldOptions, change: impl Fn(&str, String) -> String) -> Self {
        Self::begin(options, change, &[]).await
    }

    /// As [`Self::start_with`], with two workers in processes of their own, and none in the engine's.
    pub(crate) async fn start_apart(
        options: WorldOptions,
        change: impl Fn(&str, String) -> String,
    ) -> (Self, [Worker; 2]) {
        let engine = Self::begin(options, change, &["--workers-apart"]).await;
        let workers = tokio::join!(engine.worker(), engine.worker());
        (engine, workers.into())
    }

    async fn begin(options: WorldOptions, change: impl Fn(&str, String) -> String, more: &[&str]) -> Self {
        // Another test of this process may have done it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::start(options).await.expect("start the stand-in");
        let folder = tempfile::tempdir().unwrap();
        let flows = folder.path().join("flows");
        std::fs::create_dir(&flows).unwrap();
        let granted = "may_be_kept: true\nmay_keep_failed: true\nmay_print_logs: true\n\
            custom_domains: ['*.example.net']\n\
            private_receivers: [127.0.0.1]\n\
            other_code: ['web=commit:*']\n\
            deploy: {repositories: ['https://git.example.net/*', 'https://github.com/acme/shop'], services: [web]}";
        let policy = format!("allowed_projects: [{}]\n{granted}", world.project_id());
        for file in std::fs::read_dir(launch::root().join("kestra")).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = generate(&text, &policy).unwrap();
            let stem = path.file_stem().unwrap().to_string_lossy();
            std::fs::write(flows.join(path.file_name().unwrap()), change(&stem, text)).unwrap();
        }
        let webhook_key = format!("canary-webhook-{}", world.project_id());
        let mailbox = Mailbox::open().await;
        let mut command = launch::program(&world, &webhook_key, &mailbox);
        command.arg("serve").arg(&flows).args(more);
        let (process, ready) = launch::answered(command, &folder).await;
        let login = STANDARD.encode(format!("{}:{}", launch::USER, launch::PASSWORD));
        let headers = [(AUTHORIZATION, HeaderValue::try_from(format!("Basic {login}")).unwrap())].into_iter().collect();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).default_headers(headers);
        let http = client.build().unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        Self { world, webhook_key, mailbox, url, ready, http, _process: process, _folder: folder }
    }

    /// One more worker in a process of its own, for an engine that was started with workers apart.
    pub(crate) async fn worker(&self) -> Worker {
        let folder = tempfile::tempdir().unwrap();
        let mut command = launch::program(&self.world, &self.webhook_key, &self.mailbox);
        command.args(["worker", &self.ready["controller"].to_string(), self.ready["storage"].as_str().unwrap()]);
        let (process, _) = launch::answered(command, &folder).await;
        Worker::new(process, folder)
    }

    /// A request that this world grants, with `more` on top.
    pub(crate) fn request(&self, more: Value) -> Value {
        let mut request = json!({ "project_id": self.world.project_id() });
        let Value::Object(more) = more else { panic!("not an object: {more}") };
        for (name, value) in more {
            request[name] = value;
        }
        request
    }

    /// Fires the clone webhook; the status, and the body where there is one.
    pub(crate) async fn fire(&self, body: impl Into<reqwest::Body>) -> (u16, Value) {
        self.fire_at("clone-staging", body).await
    }

    /// The same for the webhook of a flow.
    pub(crate) async fn fire_at(&self, flow: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let path = format!("executions/webhook/railstage/{flow}/{}", self.webhook_key);
        let request = self
            .http
            .post(self.at(&path))
            .header("Content-Type", "application/json")
            .header("Authorization", "Basic Y2FuYXJ5Om9mLWEtY2FsbGVy")
            .body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Fires the clone webhook with a request that is taken; the execution's id.
    pub(crate) async fn clone(&self, request: &Value) -> String {
        let (status, body) = self.fire(request.to_string()).await;
        assert_eq!(status, 200, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Starts a flow by its form; the execution's id.
    pub(crate) async fn submit(&self, flow: &str, inputs: &[(&str, &str)]) -> String {
        let edge = "form-part-7f3a";
        let part = |(name, value): &(&str, &str)| {
            format!("--{edge}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = format!("{}--{edge}--\r\n", inputs.iter().map(part).collect::<String>());
        let kind = format!("multipart/form-data; boundary={edge}");
        let answer = self
            .http
            .post(self.at(&format!("executions/railstage/{flow}")))
            .header("Content-Type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The execution once it and all that comes after it have ended.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        self.until(id, |execution| {
            let state = execution["state"]["current"].as_str().unwrap_or_default();
            let runs = execution["taskRunList"].as_array().cloned().unwrap_or_default();
            let over = |state: &Value| ENDED.contains(&state.as_str().unwrap_or_default());
            let late = state != "KILLED"
                || runs.iter().any(|run| {
                    let task = run["taskId"].as_str().unwrap_or_default();
                    task.starts_with("rollback") && task.ends_with("_after_kill")
                });
            ENDED.contains(&state) && late && runs.iter().all(|run| over(&run["state"]["current"]))
        })
        .await
    }

    /// The execution once `is_there` says so.
    pub(crate) async fn until(&self, id: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let execution = self.get(&format!("executions/{id}")).await;
            if is_there(&execution) {
                return execution;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "gave up on {id}: {}\n{}",
                execution["state"],
                self.logs(id).await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The executions of a flow.
    pub(crate) async fn executions(&self, flow: &str) -> Vec<Value> {
        let found = self.get(&format!("executions?namespace=railstage&flowId={flow}")).await;
        found["results"].as_array().cloned().unwrap_or_default()
    }

    /// The account of an execution that `notify-staging` was given.
    pub(crate) async fn told_of(&self, id: &str) -> Value {
        let told = async || {
            let all = self.executions("notify-staging").await;
            let one = all.into_iter().find(|one| one["inputs"]["execution_id"] == id)?;
            let outputs: Value = serde_json::from_str(one["inputs"]["outputs"].as_str()?).unwrap();
            Some(outputs["account"].clone())
        };
        self.soon(id, "somebody is told of it", told).await
    }

    /// What comes of `look` once it finds something, which it must before the execution can be over.
    pub(crate) async fn soon<T, F: Future<Output = Option<T>>>(&self, id: &str, what: &str, look: impl Fn() -> F) -> T {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "waited in vain until {what}: {}", self.logs(id).await);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) async fn kill(&self, id: &str) {
        let answer = self.http.delete(self.at(&format!("executions/{id}/actions/kill"))).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
    }

    /// Starts an execution again, as a person does who has read how it ended: what the engine still does after that end is
    /// lost in a restart at the same moment.
    pub(crate) async fn restart(&self, id: &str) {
        let runs = |execution: &Value| execution["taskRunList"].as_array().map_or(0, Vec::len);
        let mut before = 0;
        while before != runs(&self.ended(id).await) {
            before = runs(&self.ended(id).await);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let answer = self.http.post(self.at(&format!("executions/{id}/actions/restart"))).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// What a task printed as its outputs, in its last run.
    pub(crate) async fn task(&self, execution: &Value, task: &str) -> Value {
        self.all_outputs(execution, task).await["vars"].take()
    }

    /// What is in a file that a task gave out, in the engine's own storage.
    pub(crate) async fn file(&self, execution: &Value, task: &str, name: &str) -> String {
        let outputs = self.all_outputs(execution, task).await;
        let file = outputs["outputFiles"][name].as_str().unwrap_or_else(|| panic!("no file `{name}` in {outputs}"));
        let path = file.strip_prefix("kestra:///").unwrap();
        let storage = std::path::Path::new(self.ready["storage"].as_str().unwrap());
        std::fs::read_to_string(storage.join("main").join(path)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    async fn all_outputs(&self, execution: &Value, task: &str) -> Value {
        let id = execution["id"].as_str().unwrap();
        let runs = execution["taskRunList"].as_array().unwrap();
        let run = runs.iter().rev().find(|run| run["taskId"] == task).unwrap_or_else(|| panic!("no task `{task}` ran"));
        self.get(&format!("outputs/tasks/{id}/{}", run["id"].as_str().unwrap())).await
    }

    pub(crate) async fn outputs(&self, id: &str) -> Value {
        self.get(&format!("outputs/executions/{id}")).await
    }

    pub(crate) async fn logs(&self, id: &str) -> String {
        self.http.get(self.at(&format!("logs/{id}/download"))).send().await.unwrap().text().await.unwrap()
    }

    /// An answer of the API; null where there is none yet.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.at(path)).send().await.unwrap();
        if !answer.status().is_success() {
            return Value::Null;
        }
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// Where the engine answers.
    pub(crate) fn address(&self) -> &str {
        &self.url
    }

    fn at(&self, path: &str) -> String {
        format!("{}/api/v1/main/{path}", self.url)
    }

    /// The faults that were ordered and have not struck yet.
    pub(crate) async fn faults(&self) -> Vec<Value> {
        let address = format!("{}/faults", self.world.control_url());
        let text = self.http.get(address).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The names of the environments that are there.
    pub(crate) fn environments(&self) -> Vec<String> {
        let mut names: Vec<_> = self.world.environments().into_iter().map(|e| e.name).collect();
        names.sort();
        names
    }
}

/// The state of a task's last run.
pub(crate) fn state<'a>(execution: &'a Value, task: &str) -> &'a str {
    let runs = execution["taskRunList"].as_array().unwrap();
    runs.iter().rev().find(|run| run["taskId"] == task).and_then(|run| run["state"]["current"].as_str()).unwrap_or("-")
}
