//! Sites that Railway cannot fetch by itself: one commit is checked out here, and its files alone are uploaded.

use backboard::{Fault, FaultEffect, WorldOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{deploy, diff, request, with_copy};
use crate::stage::{Stage, base64, eventually};

const SITE: &str = "https://git.example.net/acme/site";

/// Files that a repository would rather send, or keep back, than those of its commit.
const FILES: &[(&str, &str)] = &[
    ("index.html", "<h1>Spring sale</h1>"),
    ("deep/er/page.html", "deeper"),
    (".gitignore", "deep/\n"),
    (".gitattributes", "*.html filter=evil\n*.html export-ignore\n"),
    (".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = https://evil.example/x\n"),
    ("Dockerfile", "FROM caddy\nCOPY . /usr/share/caddy\n"),
];

/// What was uploaded, by the names of its files.
fn uploads(stage: &Stage) -> Vec<Value> {
    let journal = stage.world.journal();
    journal.iter().filter(|entry| entry.operation == "up").map(|entry| entry.arguments["files"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_any_repository_is_uploaded_as_it_is_committed_and_taken_back() {
    let mut stage = with_copy(WorldOptions::prompt()).await;
    let first = stage.world.commit(SITE, "main", FILES, &[("start.html", "deep/er/page.html")]).unwrap();
    stage.world.commit(SITE, "main", &[("index.html", "later")], &[]).unwrap();
    stage.world.close_repositories("git.example.net", "eC1hY2Nlc3MtdG9rZW46Y2FuYXJ5LWdpdC10b2tlbi0zMWQw");
    let asked = request(
        &stage,
        "one",
        "web",
        json!({"repository": SITE, "ref": first, "health": [{"contains": "Spring sale"}]}),
    );
    let call = deploy(&stage, "shut", &asked).await;
    assert!(call.expect(4).error().contains("`deploy.tokens`"), "{}", call.error());
    stage.policy["deploy"]["tokens"] = json!(["git.example.net=GIT"]);
    let call = deploy(&stage, "shut", &asked).await;
    assert!(call.expect(2).error().contains("there is no secret `GIT`"), "{}", call.error());
    stage.env.push(("RAILSTAGE_SECRET_GIT".into(), "canary-git-token-31d0".into()));

    // The answer to the upload is lost, and the deployment found all the same.
    stage.world.fault(Fault::new("up", FaultEffect::Http { status: 504 }).after_the_deed());
    let call = deploy(&stage, "two", &asked).await;
    let told = call.expect(0).outputs();
    assert!(!format!("{}{}", call.stdout, call.stderr).contains("canary-git-token"), "the token was told");
    assert_eq!((&told["how"], &told["commit"]), (&json!("upload"), &json!(first)), "{told}");
    assert!(told["warnings"][0].as_str().unwrap().contains("cannot deploy it in a copy"), "{told}");
    let mut names: Vec<_> = FILES.iter().map(|(name, _)| *name).chain(["start.html"]).collect();
    names.sort_unstable();
    assert_eq!(uploads(&stage), [json!(names)]);
    let host = told["url"].as_str().unwrap().trim_start_matches("https://").to_owned();
    assert_eq!(stage.world.fetch(&host, "/start.html").await.unwrap().body, "deeper");
    let (drift, differences) = diff(&stage, "web").await;
    assert_eq!(drift, json!(0), "{differences:?}");
    assert_eq!(stage.record("one")["made"]["deployed"]["web"]["uploaded"], json!(true));

    stage.policy["sources"] = json!(["one"]);
    let copy_of_it = stage.request(json!({"source_environment": "one", "environment_name": "two"}));
    let findings = stage.step("validate", "copy", &copy_of_it).await.expect(2).stdout.clone();
    assert!(findings.contains("railway up"), "nobody says that `web` cannot be deployed there: {findings}");

    let back = request(&stage, "one", "web", json!({"rollback_to": told["previous_deployment_id"]}));
    deploy(&stage, "three", &back).await.expect(0);
    assert!(stage.world.fetch(&host, "/").await.unwrap().body.contains("customers"), "the shop is not back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_send_more_than_its_commit_or_too_much_is_refused() {
    let mut stage = with_copy(WorldOptions::prompt()).await;
    let at = |name: &str| format!("https://git.example.net/acme/{name}");
    for (name, link) in
        [("passwd", "/etc/passwd"), ("environ", "/proc/self/environ"), ("up", "../../.."), ("nowhere", "gone")]
    {
        stage.world.commit(&at(name), "main", &[("index.html", "x")], &[("page", link)]).unwrap();
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", json!({"repository": at(name)}))).await;
        assert!(call.expect(2).error().contains("its link `page` leads out"), "{name}: {}", call.error());
    }
    let page = "x".repeat(700_000);
    stage.world.commit(&at("large"), "main", &[("a", &page), ("b", &format!("y{page}"))], &[]).unwrap();
    stage.policy["deploy"]["max_upload_mb"] = json!(1);
    for (name, git_ref, words) in [
        ("large", "main", "it is larger than 1 MB"),
        ("large", "gone", "the repository has no `gone`"),
        ("large", "0123456789abcdef0123456789abcdef01234567", "has no such commit"),
        ("gone", "main", "`git` says"),
    ] {
        let asked = json!({"repository": at(name), "ref": git_ref});
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", asked)).await;
        assert!([2, 4].contains(&call.code) && call.error().contains(words), "no {words} in {}", call.error());
    }
    let twice = stage.world.commit(&at("twice"), "both", &[("a", "1")], &[]).unwrap();
    stage.world.commit(&at("twice"), "both", &[("a", "2")], &[]).unwrap();
    stage.world.name_commit(&at("twice"), "refs/tags/both", &twice).unwrap();
    let asked = json!({"repository": at("twice"), "ref": "both"});
    let call = deploy(&stage, "bad", &request(&stage, "one", "web", asked)).await;
    assert!(call.expect(2).error().contains("is a branch and a tag, of different commits"), "{}", call.error());
    // Without a proxy, which looks up names by itself, a private address is none of a repository.
    stage.policy["deploy"]["repositories"] =
        json!(["https://localhost:1/*", "https://127.0.0.1:1/*", "https://169.254.169.254/*"]);
    stage.env.push(("NO_PROXY".into(), "localhost".into()));
    for host in ["localhost:1", "127.0.0.1:1", "169.254.169.254"] {
        let asked = json!({"repository": format!("https://{host}/acme/site")});
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", asked)).await;
        assert!(call.expect(2).error().contains("is at a private address"), "{}", call.error());
    }
    assert!(uploads(&stage).is_empty());
}

/// What is checked out is gone with the process, however that ends; what a killed one leaves, the next removes. A list of somebody else's beside
/// it keeps nothing back.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_checked_out_stays_on_disk() {
    let mut stage = with_copy(WorldOptions::prompt()).await;
    let disk = tempfile::tempdir().unwrap();
    std::fs::write(disk.path().join(".ignore"), "*\n").unwrap();
    std::fs::write(disk.path().join(".railwayignore"), "*\n").unwrap();
    stage.env.push(("TMPDIR".into(), disk.path().to_str().unwrap().into()));
    stage.world.commit(SITE, "main", FILES, &[]).unwrap();
    let asked = request(&stage, "one", "web", json!({"repository": SITE}));
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    let somebody_elses = disk.path().join("railstage-notes");
    std::fs::create_dir(&somebody_elses).unwrap();
    std::fs::File::open(&somebody_elses).unwrap().set_modified(hour_ago).unwrap();
    let left = || {
        let entries = std::fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir() && *path != somebody_elses).collect::<Vec<_>>()
    };
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        stage.world.fault(Fault::new("up", FaultEffect::Delay { secs: 3.0 }));
        let mut command = stage.command();
        command
            .arg("deploy")
            .env("RAILSTAGE_OUTPUT", "kestra")
            .env("RAILSTAGE_REQUEST", base64(&asked.to_string()))
            .env("RAILSTAGE_POLICY", base64(&stage.policy.to_string()))
            .env("RAILSTAGE_RUN_ID", signal.as_str());
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        let begun = || !stage.world.waiting_faults().iter().any(|fault| fault.operation == "up");
        eventually("the upload is under way", async || begun()).await;
        let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        kill(id, signal).unwrap();
        child.wait().await.unwrap();
        assert_eq!(left().len(), usize::from(signal == Signal::SIGKILL), "{signal}");
    }
    eventually("the upload of the killed run's `railway` has come", async || uploads(&stage).len() == 1).await;
    std::fs::File::open(&left()[0]).unwrap().set_modified(hour_ago).unwrap();
    // Whoever was killed holds the copy for two minutes still.
    stage.change_record("one", json!({"lease": null}));
    deploy(&stage, "next", &asked).await.expect(0);
    assert!(left().is_empty() && somebody_elses.is_dir(), "{:?}", left());
    let mut names: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(uploads(&stage).last().unwrap(), &json!(names));
}
