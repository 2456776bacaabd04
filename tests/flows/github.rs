//! GitHub as the action sees it: one repository's pull request, the comments on it, and a runner that starts the action.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::launch::root;

pub(crate) const REPOSITORY: &str = "acme/shop";
const BOT: &str = "github-actions[bot]";
const TOKEN: &str = "canary-github-token-71";

/// What GitHub knows.
pub(crate) struct State {
    pub sha: String,
    pub is_open: bool,
    /// Whether the token may write to pull requests.
    pub may_comment: bool,
    pub comments: Vec<Value>,
}

/// GitHub's API.
pub(crate) struct GitHub {
    url: String,
    pub state: Arc<Mutex<State>>,
}

/// What a run of the action left behind.
pub(crate) struct Job {
    pub succeeded: bool,
    pub log: String,
    pub outputs: BTreeMap<String, String>,
}

impl GitHub {
    pub(crate) async fn open(sha: &str) -> Self {
        let state = State { sha: sha.to_owned(), is_open: true, may_comment: true, comments: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let known = state.clone();
        let url = listen(move |head, body| answer(head, body, &mut known.lock().unwrap())).await;
        Self { url, state }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// Somebody comments.
    pub(crate) fn comment(&self, author: &str, body: &str) {
        self.change(|state| add(state, author, body));
    }

    /// What the action has said.
    pub(crate) fn said(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let own = state.comments.iter().filter(|comment| comment["user"]["login"] == BOT);
        own.map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }

    /// The event of a pull request as it is now, from this repository or from a fork of it.
    pub(crate) fn event(&self, action: &str, from: &str) -> Value {
        let state = self.state.lock().unwrap();
        json!({"action": action, "pull_request": {
            "number": 42,
            "title": "`id`; $(id) ${{ secrets.KEY }}\n::add-path::/tmp",
            "user": {"login": "anna"},
            "head": {"sha": state.sha, "ref": "feature/$(id)", "repo": {"full_name": from}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        }})
    }

    /// Runs the action as GitHub's runner does: `action.yml` says which program, and what inputs are when a workflow does not.
    pub(crate) async fn run(&self, name: &str, event: &Value, with: &[(&str, &str)]) -> Job {
        let manifest = std::fs::read_to_string(root().join("action.yml")).unwrap();
        let manifest: Value = serde_yaml::from_str(&manifest).unwrap();
        assert_eq!(manifest["runs"]["using"], "node24");
        let folder = tempfile::tempdir().unwrap();
        let [event_file, output] = ["event.json", "output"].map(|file| folder.path().join(file));
        std::fs::write(&event_file, event.to_string()).unwrap();
        std::fs::write(&output, "").unwrap();
        let mut command = Command::new("node");
        command.arg(root().join(manifest["runs"]["main"].as_str().unwrap())).env_clear().kill_on_drop(true);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path))).current_dir(folder.path());
        command.env("GITHUB_EVENT_NAME", name).env("GITHUB_EVENT_PATH", &event_file).env("GITHUB_OUTPUT", &output);
        command.env("GITHUB_API_URL", &self.url).env("GITHUB_REPOSITORY", REPOSITORY);
        let declared = manifest["inputs"].as_object().unwrap();
        assert!(
            with.iter().all(|(input, _)| declared.contains_key(*input)),
            "an input that `action.yml` does not have"
        );
        for (input, about) in declared {
            let given = with.iter().find(|(name, _)| name == input).map(|(_, value)| *value);
            let value = given.or(about["default"].as_str()).unwrap_or_default().replace("${{ github.token }}", TOKEN);
            command.env(format!("INPUT_{}", input.to_uppercase()), value);
        }
        let done = tokio::time::timeout(crate::engine::PATIENCE, command.output()).await.expect("the action ends");
        let done = done.expect("node is there");
        let log = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        Job { succeeded: done.status.success(), log, outputs: outputs(&output) }
    }
}

/// What a step wrote into the file of its outputs: `name<<edge`, lines, `edge`; the last of a name holds.
fn outputs(file: &PathBuf) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let mut found = BTreeMap::new();
    while let Some(line) = lines.next() {
        let (name, edge) = line.split_once("<<").expect("a name and an edge");
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != edge).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

impl Job {
    #[track_caller]
    pub(crate) fn expect(&self, outputs: &[(&str, &str)]) -> &Self {
        assert!(self.succeeded, "{}", self.log);
        for (name, value) in outputs {
            assert_eq!(self.outputs.get(*name).map_or("", String::as_str), *value, "{name}: {}", self.log);
        }
        self
    }

    /// What the job tells of a failure.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        assert!(!self.succeeded, "{}", self.log);
        self.log.lines().find_map(|line| line.strip_prefix("::error::")).expect("an error")
    }
}

fn add(state: &mut State, author: &str, body: &str) {
    let id = state.comments.len() + 1;
    state.comments.push(json!({"id": id, "body": body, "user": {"login": author}}));
}

/// A server of HTTP on loopback that answers each request, by its head and its body, with a status and a document; its address.
pub(crate) async fn listen(answer: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, answer) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move { serve(stream, &*answer).await });
        }
    });
    url
}

async fn serve(mut stream: TcpStream, answer: &(dyn Fn(&str, &Value) -> (u16, Value) + Send + Sync)) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = |line: &str| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
        if body.len() >= head.lines().find_map(length).unwrap_or(0) {
            break (head.to_owned(), serde_json::from_str::<Value>(body).unwrap_or_default());
        }
    };
    let (status, answer) = answer(&head, &body);
    let more = answer["location"].as_str().map_or(String::new(), |location| format!("Location: {location}\r\n"));
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} -\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    let _ = stream.write_all((head + &answer).as_bytes()).await;
}

fn answer(head: &str, body: &Value, state: &mut State) -> (u16, Value) {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    if !head.to_lowercase().contains(&format!("authorization: bearer {TOKEN}")) {
        return (401, json!({"message": "Bad credentials"}));
    }
    let path = target.strip_prefix(&format!("/repos/{REPOSITORY}/")).unwrap_or_default();
    let refused = (403, json!({"message": "Resource not accessible by integration"}));
    match (method, path.split_once('?').unwrap_or((path, ""))) {
        ("GET", ("pulls/42", _)) => {
            (200, json!({"state": if state.is_open { "open" } else { "closed" }, "head": {"sha": state.sha}}))
        }
        ("GET", ("issues/42/comments", query)) => {
            let page: usize = query.strip_prefix("per_page=100&page=").unwrap().parse().unwrap();
            (200, json!(state.comments.chunks(100).nth(page - 1).unwrap_or_default()))
        }
        ("POST" | "PATCH", _) if !state.may_comment => refused,
        ("POST", ("issues/42/comments", _)) => {
            add(state, BOT, body["body"].as_str().unwrap());
            (201, json!({}))
        }
        ("PATCH", (path, _)) => {
            let id: usize = path.strip_prefix("issues/comments/").unwrap().parse().unwrap();
            let comment = state.comments.iter_mut().find(|comment| comment["id"] == id).unwrap();
            assert_eq!(comment["user"]["login"], BOT, "the comment of somebody else is changed");
            comment["body"] = body["body"].clone();
            (200, json!({}))
        }
        _ => (404, json!({"message": "Not Found"})),
    }
}
