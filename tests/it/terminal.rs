//! What a person gets at a terminal: flags for every request, words for outputs, and a question before a deletion.

use railstage::steps::STEPS;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{Call, Stage, base64, binary, finish};

/// The binary with the policy of this world, as somebody has set it for his shell.
fn at_hand(stage: &Stage) -> Command {
    let mut command = stage.command();
    command.env("RAILSTAGE_POLICY", base64(&stage.policy.to_string()));
    command
}

async fn typed(stage: &Stage, arguments: &[&str]) -> Call {
    let mut command = at_hand(stage);
    command.args(arguments);
    finish(command).await
}

async fn a_copy(stage: &Stage, name: &str) {
    let request = stage.request(json!({"environment_name": name}));
    stage.steps_until("create-env", name, &request).await;
}

#[tokio::test]
async fn every_field_of_every_request_is_a_flag() {
    for step in STEPS {
        let mut command = binary();
        command.args([step.name, "--help"]);
        let help = finish(command).await.stdout;
        let schema = (step.input_schema)().to_value();
        for field in schema["properties"].as_object().unwrap().keys() {
            let flag = format!("--{}", field.replace('_', "-"));
            let is_shown = |line: &str| line.split([' ', '=', '[']).any(|word| word == flag);
            assert!(help.lines().any(is_shown), "{}: {flag} is not in its help", step.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_a_file_and_the_environment_make_one_request_and_what_is_typed_holds() {
    let stage = Stage::prompt().await;
    a_copy(&stage, "typed").await;
    let project = stage.world.project_id();
    let by_flags = typed(&stage, &["list-envs", "--project-id", &project, "--json"]).await;
    by_flags.expect(0);
    let listed: Value = serde_json::from_str(&by_flags.stdout).unwrap();
    assert_eq!(listed["environments"][1]["name"], "typed");
    let mut over_the_environment = at_hand(&stage);
    over_the_environment.env("RAILSTAGE_REQUEST", base64(r#"{"project_id": "another"}"#)).args([
        "list-envs",
        "--project-id",
        &project,
        "--json",
    ]);
    finish(over_the_environment).await.expect(0);
    let wrong =
        typed(&stage, &["create-env", "--run-id", "r", "--ttl", "2 days", "--variables", "{", "--keep=perhaps"]).await;
    wrong.expect(2);
    let keep = "`keep`: expected true or false, found `\"perhaps\"`";
    for told in ["`project_id`: is missing", "`ttl`: expected", "`variables`: expected an object", keep] {
        assert!(wrong.stderr.contains(told), "{told} is not in\n{}", wrong.stderr);
    }
    assert_eq!(wrong.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_words_and_a_program_one_json_object() {
    let stage = Stage::prompt().await;
    let project = stage.world.project_id();
    let none = typed(&stage, &["list-envs", "--project-id", &project]).await;
    none.expect(0);
    assert!(none.stdout.contains("not ours") && none.stdout.ends_with("\n0 copies\n"), "{}", none.stdout);
    a_copy(&stage, "one").await;
    let one = typed(&stage, &["list-envs", "--project-id", &project]).await;
    let lines: Vec<_> = one.stdout.lines().collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        words(lines[0]),
        ["NAME", "FOR", "BY", "STATE", "FROM", "DATA", "SIZE", "ENDS", "COST", "URL"],
        "{}",
        one.stdout
    );
    assert_eq!(words(lines[2])[..5], ["one", "cloning", "production", "given", "up"], "{}", one.stdout);
    assert!(lines[2].starts_with("  one "), "{}", one.stdout);
    assert_eq!(lines[3], "1 copy");
    let failed = typed(&stage, &["list-envs", "--project-id", "another", "--json"]).await;
    failed.expect(2);
    let told: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!((&told["status"], &told["exit_code"]), (&json!("failed"), &json!(2)));
    let looked = typed(&stage, &["validate", "--project-id", &project]).await;
    looked.expect(0);
    assert!(looked.stdout.starts_with("environment name"), "{}", looked.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_changes_something_is_given_its_run_and_kestra_always_gives_one() {
    let stage = Stage::prompt().await;
    let project = stage.world.project_id();
    let without = typed(&stage, &["create-env", "--project-id", &project]).await;
    without.expect(2);
    assert!(without.stderr.contains("there is no run id"), "{}", without.stderr);
    let mut in_kestra = at_hand(&stage);
    in_kestra.env("RAILSTAGE_OUTPUT", "kestra").args(["validate", "--project-id", &project]);
    let in_kestra = finish(in_kestra).await;
    in_kestra.expect(2);
    assert!(in_kestra.error().contains("there is no r"), "{}", in_kestra.error());
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_that_nobody_has_confirmed_and_nobody_is_asked_without_a_terminal() {
    let stage = Stage::prompt().await;
    a_copy(&stage, "mine").await;
    let project = stage.world.project_id();
    let delete = ["delete-env", "--project-id", &project, "--environment", "mine"];
    for more in [&[][..], &["--confirm", "yours"], &["--confirm", ""]] {
        let call = typed(&stage, &[&delete[..], more].concat()).await;
        call.expect(2);
        assert!(call.stderr.contains("confirm"), "{}", call.stderr);
    }
    let sweep = ["sweep-envs", "--project-id", &project, "--dry-run=false"];
    let unasked = typed(&stage, &sweep).await;
    unasked.expect(2);
    assert!(unasked.stderr.contains("hint: give `--yes`"), "{}", unasked.stderr);
    // What is wrong is told first, all of it, and nobody is asked about that.
    let wrong = typed(&stage, &["delete-env", "--project-id", "not one"]).await;
    assert!(wrong.stderr.contains("`environment`: is missing"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("`confirm`"), "{}", wrong.stderr);
    let other = typed(&stage, &["delete-env", "--project-id", &project, "--environment", "production", "--yes"]).await;
    other.expect(2);
    assert_eq!(stage.environments(), ["mine", "production"]);
    typed(&stage, &[&sweep[..], &["--yes"]].concat()).await.expect(0);
    let deleted = typed(&stage, &[&delete[..], &["--yes"]].concat()).await;
    deleted.expect(0);
    assert_eq!(deleted.stdout, "environment `mine` is gone\n");
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test]
async fn completions_and_manual_pages_know_every_step_and_flag() {
    for arguments in [&["completions", "bash"][..], &["completions", "fish"], &["man"]] {
        let mut command = binary();
        command.args(arguments);
        let call = finish(command).await;
        call.expect(0);
        for step in STEPS {
            let name = if arguments == ["man"] { step.name.replace('-', "\\-") } else { step.name.to_owned() };
            assert!(call.stdout.contains(&name), "{arguments:?} knows no {name}");
        }
    }
    let mut of_a_step = binary();
    of_a_step.args(["man", "delete-env"]);
    let page = finish(of_a_step).await;
    page.expect(0);
    assert!(
        page.stdout.contains("railstage\\-delete\\-env") && page.stdout.contains("\\-\\-confirm"),
        "{}",
        page.stdout
    );
    let mut unknown = binary();
    unknown.args(["man", "delete-all"]);
    finish(unknown).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_copy_is_for_is_readable_in_its_name_and_whole_in_record_and_list() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"client_name": "Müller & Söhne Großhandel"}));
    stage.steps_until("create-env", "umlauts", &request).await;
    let name = stage.environments().into_iter().find(|name| name != "production").unwrap();
    assert!(name.starts_with("staging-mueller-so"), "{name}");
    assert_eq!(stage.record(&name)["client"], "mueller-soehne-grosshandel");
    let listed = typed(&stage, &["list-envs", "--project-id", &stage.world.project_id()]).await;
    let line = listed.stdout.lines().find_map(|line| line.trim_start().strip_prefix(&name)).unwrap_or_default();
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    assert_eq!(words, ["mueller-soehne-grosshandel", "cloning"], "{}", listed.stdout);
    // What is wrong with an automatic name is told of the field that the caller wrote.
    let mut stage = stage;
    stage.policy["protected_environments"] = json!(["production", name]);
    let project = stage.world.project_id();
    let typed_again =
        ["validate", "--run-id", "umlauts", "--project-id", &project, "--client-name", "Müller & Söhne Großhandel"];
    let refused = typed(&stage, &typed_again).await;
    refused.expect(2);
    assert!(
        refused.stderr.contains(&format!("`client_name`: environment `{name}` is protected")),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("environment_name"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_domain_that_does_not_answer_yet_is_told_with_its_records_and_the_address_that_does() {
    let stage = Stage::prompt().await;
    let project = stage.world.project_id();
    let domain = "staging.example.net";
    let call =
        typed(&stage, &["clone", "--project-id", &project, "--environment-name", "own", "--custom-domain", domain])
            .await;
    call.expect(0);
    let warning =
        format!("warning: `{domain}` does not answer before its DNS has the records below; until then visit ");
    let (_, told) = call.stderr.split_once(&warning).unwrap_or_else(|| panic!("{}", call.stderr));
    let mut lines = told.lines();
    let works = lines.next().unwrap();
    assert!(works.starts_with("https://web-own-") && works.ends_with(".up.railway.app"), "{works}");
    let record = lines.next().unwrap();
    assert!(record.starts_with("  staging.example.net. 300 IN CNAME "), "{record}");
    assert!(call.stdout.starts_with(&format!("own is ready at {works}, ")), "{}", call.stdout);
}

/// Kestra starts a task again whose worker it has lost, and the first may have come as far as the domain.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_a_custom_domain_attached_tells_its_records_until_they_are_set() {
    let stage = Stage::prompt().await;
    let domain = "staging.example.net";
    let request = stage.request(json!({"environment_name": "own", "custom_domain": domain}));
    let first = stage.steps_until("assign-domain", "own", &request).await.outputs()["dns_records"].take();
    assert_eq!(first.as_array().unwrap().len(), 2, "{first}");
    let again = stage.step("assign-domain", "own", &request).await;
    again.expect(0);
    assert_eq!(again.outputs()["dns_records"], first);
    assert!(again.stdout.contains(&format!("`{domain}` does not answer before")), "{}", again.stdout);
    stage.world.add_custom_domain("own", "web", domain, true).unwrap();
    let answering = stage.step("assign-domain", "own", &request).await;
    answering.expect(0);
    assert_eq!(answering.outputs()["dns_records"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_extended_by_flags_and_told_in_a_sentence_and_who_may_not_is_told_the_way() {
    let stage = Stage::prompt().await;
    a_copy(&stage, "mine").await;
    let project = stage.world.project_id();
    let extend = ["extend-env", "--project-id", &project, "--environment", "mine"];
    let early = typed(&stage, &[&extend[..], &["--ttl", "P2D"]].concat()).await;
    early.expect(2);
    assert!(early.stderr.contains("is being made") && early.stderr.contains("hint: wait until"), "{}", early.stderr);
    stage.change_record("mine", json!({"state": "ready"}));
    let before = stage.record("mine")["expires_at"].as_str().unwrap().to_owned();
    let extended = typed(&stage, &[&extend[..], &["--ttl", "P2D"]].concat()).await;
    extended.expect(0);
    let end = stage.record("mine")["expires_at"].as_str().unwrap().to_owned();
    let sentence = format!("mine lives until {end}, and not until {before}; ");
    assert!(extended.stdout.starts_with(&sentence) && extended.stdout.lines().count() == 1, "{}", extended.stdout);
    let kept = typed(&stage, &[&extend[..], &["--keep"]].concat()).await;
    kept.expect(0);
    assert_eq!(kept.stdout, format!("mine is kept for ever, and not until {end}\n"));
}
