//! The action for GitHub, from a pull request's opening to its closing, with the flows that it starts.

use std::sync::{Arc, Mutex};

use backboard::WorldOptions;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::github::{GitHub, Job, REPOSITORY, listen};
use crate::launch::{PASSWORD, USER};

const FIRST: &str = "0123456789abcdef0123456789abcdef01234567";
const SECOND: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A pull request, and the engine that makes its copy.
struct Stage {
    engine: Engine,
    github: GitHub,
}

impl Stage {
    async fn run(&self, event: &str, more: &[(&str, &str)]) -> Job {
        self.of(&self.github.event(event, REPOSITORY), more).await
    }

    async fn of(&self, event: &Value, more: &[(&str, &str)]) -> Job {
        let project = self.engine.world.project_id();
        let own = [
            ("kestra-url", self.engine.address()),
            ("kestra-user", USER),
            ("kestra-password", PASSWORD),
            ("webhook-key", &self.engine.webhook_key),
            ("project-id", &project),
            ("service", "web"),
        ];
        let with: Vec<_> =
            more.iter().chain(own.iter().filter(|(name, _)| more.iter().all(|(n, _)| n != name))).copied().collect();
        let job = self.github.run("pull_request", event, &with).await;
        for secret in [PASSWORD, &self.engine.webhook_key] {
            let shown: Vec<_> =
                job.log.lines().filter(|l| l.contains(secret) && !l.starts_with("::add-mask::")).collect();
            assert!(shown.is_empty(), "a secret is shown: {shown:?}");
        }
        job
    }

    /// The copy's name, once it has it.
    async fn appears(&self) -> String {
        let named = async || self.engine.environments().into_iter().find(|name| name.starts_with("pr-42-"));
        self.engine.soon("-", "the copy is there", named).await
    }

    /// How often a flow was started.
    async fn starts(&self, flow: &str) -> usize {
        self.engine.executions(flow).await.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_has_one_copy_from_its_opening_to_its_closing_and_one_comment() {
    let stage = Stage { engine: Engine::start(WorldOptions::prompt()).await, github: GitHub::open(FIRST).await };
    let github = &stage.github;
    // More comments than fit a page; one by somebody who knows the marker.
    (0..120).for_each(|n| github.comment("ben", &format!("comment {n}")));
    // Nothing is made for whom nothing may be made.
    let fork = stage.of(&github.event("opened", "mallory/shop"), &[("webhook-key", "")]).await;
    assert!(fork.expect(&[("created", "false")]).outputs["skipped"].contains("comes from a fork"), "{}", fork.log);
    let mut bot = github.event("opened", REPOSITORY);
    bot["pull_request"]["user"]["login"] = json!("dependabot[bot]");
    let bot = stage.of(&bot, &[("webhook-key", "")]).await;
    assert!(bot.expect(&[]).outputs["skipped"].contains("Dependabot"), "{}", bot.log);
    let wrong = stage.run("opened", &[("kestra-url", "http://kestra.test"), ("service", ""), ("request", "[")]).await;
    for field in ["`kestra-url`", "`service`", "`request`"] {
        assert!(wrong.error().contains(field), "{}", wrong.log);
    }
    github.change(|state| state.may_comment = false);
    let mute = stage.run("opened", &[]).await;
    assert!(mute.error().contains("`pull-requests: write`"), "{}", mute.log);
    github.change(|state| state.may_comment = true);
    let stranger = stage.run("opened", &[("kestra-password", "wrong")]).await;
    assert!(stranger.error().contains("`kestra-password` is wrong"), "{}", stranger.log);
    assert_eq!((stage.starts("clone-staging").await, stage.starts("list-staging").await), (0, 0));

    // A push comes while the copy is still being made.
    let pushed = async {
        let copy = stage.appears().await;
        github.change(|state| state.sha = SECOND.into());
        (stage.run("synchronize", &[]).await, copy)
    };
    let more = [("request", r#"{"ttl": "P3D"}"#)];
    let (opened, (pushed, copy)) = tokio::join!(stage.run("opened", &more), pushed);
    let url = opened.outputs["url"].clone();
    opened.expect(&[("created", "true"), ("skipped", ""), ("environment", &copy)]);
    pushed.expect(&[("created", "false"), ("skipped", ""), ("environment", &copy), ("url", &url)]);
    assert!(url.starts_with("https://web-pr-42-"), "{url}");
    assert_eq!(stage.engine.world.deployed_code(&copy, "web").unwrap()["commitHash"], SECOND);
    let said = github.said();
    assert!(said.len() == 1 && said[0].contains(&url) && said[0].contains(SECOND), "{said:?}");
    // Somebody copies the comment, marker and all; and the job is run again.
    github.change(|state| state.comments.insert(0, json!({"id": 0, "body": said[0], "user": {"login": "mallory"}})));
    stage.run("synchronize", &[]).await.expect(&[("created", "false"), ("url", &url)]);
    assert_eq!((github.said(), stage.starts("deploy-to-railway").await), (said, 2));
    let mut older = github.event("synchronize", REPOSITORY);
    older["pull_request"]["head"]["sha"] = json!(FIRST);
    let older = stage.of(&older, &[]).await;
    assert!(older.expect(&[]).outputs["skipped"].contains("newer push"), "{}", older.log);

    github.change(|state| state.is_open = false);
    for _ in 0..2 {
        stage.run("closed", &[]).await.expect(&[("created", "false"), ("url", "")]);
        assert_eq!(stage.engine.environments(), ["production"]);
    }
    let late = stage.run("synchronize", &[]).await;
    assert!(late.expect(&[]).outputs["skipped"].contains("closed"), "{}", late.log);

    // It is opened again, and closed while the copy is made.
    github.change(|state| state.is_open = true);
    let closed = async {
        stage.appears().await;
        github.change(|state| state.is_open = false);
        stage.run("closed", &[]).await
    };
    let (reopened, closed) = tokio::join!(stage.run("reopened", &[]), closed);
    closed.expect(&[("url", "")]);
    reopened.expect(&[("url", "")]);
    assert_eq!(stage.engine.environments(), ["production"]);
    let said = github.said();
    assert!(said.len() == 1 && said[0].ends_with("deleted."), "{said:?}");
    assert_eq!(stage.starts("clone-staging").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lying_kestra_says_is_no_command_and_no_comment_and_it_sends_no_log_in_elsewhere() {
    let evil = "::add-path::/tmp\n::stop-commands::x :::add-mask::y ##[group] \r\u{1b}[2J\u{202e}</a><script>";
    let caught: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = caught.clone();
    let elsewhere = listen(move |head, _| {
        sink.lock().unwrap().push(head.to_owned());
        (200, json!({"id": "caught"}))
    })
    .await;
    let cases = [
        (json!({"id": "x1"}), json!({"status": "ok", "url": "https://evil.test/<script>"}), "tells no address"),
        (json!({"id": "x1"}), json!({"status": "ok", "url": "javascript:alert(1)"}), "tells no address"),
        (json!({"id": "x1"}), json!({"status": "failed", "error": evil, "hint": evil}), "execution x1"),
        (json!({"id": "x1"}), json!({"status": evil, "url": {"a": evil}}), "execution x1"),
        (json!({"id": evil}), json!({}), "clone-staging: "),
        (json!({"id": "../../x"}), json!({}), "clone-staging: "),
        (json!({"location": elsewhere}), json!({}), "HTTP status 302"),
    ];
    for (started, outputs, words) in cases {
        let github = GitHub::open(FIRST).await;
        let kestra = listen(move |head, _| {
            let path = head.split(' ').nth(1).unwrap().strip_prefix("/api/v1/main/").unwrap();
            match path {
                "executions/railstage/list-staging" => (200, json!({"id": "list"})),
                "outputs/executions/list" => (200, json!({"environments": []})),
                "outputs/executions/x1" => (200, outputs.clone()),
                path if path.starts_with("executions/webhook/") && started["location"].is_string() => {
                    (302, started.clone())
                }
                path if path.starts_with("executions/webhook/") => (200, started.clone()),
                _ => (200, json!({"state": {"current": "SUCCESS"}})),
            }
        })
        .await;
        let with = [
            ("kestra-url", kestra.as_str()),
            ("kestra-user", USER),
            ("kestra-password", PASSWORD),
            ("webhook-key", "canary-key"),
            ("project-id", "p"),
            ("service", "web"),
        ];
        let job = github.run("pull_request", &github.event("opened", REPOSITORY), &with).await;
        assert!(job.error().contains(words), "{words}: {}", job.log);
        for line in job.log.lines() {
            let rest = ["::add-mask::", "::error::"].iter().find_map(|own| line.strip_prefix(own)).unwrap_or(line);
            assert!(!["::", "##[", "\u{1b}", "\u{202e}", "\r"].iter().any(|sign| rest.contains(sign)), "{line}");
        }
        let said = github.said();
        assert!(said.len() == 1 && said[0].ends_with("is not in it; the log of the job tells why."), "{said:?}");
    }
    assert!(caught.lock().unwrap().is_empty(), "a log-in went elsewhere: {caught:?}");
    // Whoever may write to the base gets secrets by `pull_request_target`, and so would a stranger's code.
    let github = GitHub::open(FIRST).await;
    let target = github.run("pull_request_target", &github.event("opened", "mallory/shop"), &[]).await;
    assert!(target.error().contains("`pull_request` alone") && github.said().is_empty(), "{}", target.log);
}
