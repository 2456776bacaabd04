//! What people read, held in files of `tests/golden`: exit code, stdout and stderr of one call each, without its measures.
//! `UPDATE=1` rewrites them.

use std::path::{Path, PathBuf};

use railstage::cli::commands::COMMANDS;
use railstage::steps::STEPS;
use serde_json::json;
use tokio::process::Command;

use crate::copy::Ends;
use crate::stage::{Call, Stage, base64, binary, finish};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares a call with its file. `named`: what differs from run to run, and the word that stands for it.
fn check(name: &str, call: &Call, named: &[(&str, &str)]) {
    let mut text = format!("exit code {}\n── stdout\n{}── stderr\n{}", call.code, call.stdout, call.stderr);
    for (value, word) in named {
        text = text.replace(value, word);
    }
    let (text, path) = (without_measures(&text), folder().join(name).with_extension("txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} is old, UPDATE=1 rewrites it; now:\n{text}", path.display());
}

/// The text with `#` for each number of seconds or megabytes, and for the spaces that align it.
fn without_measures(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |len| at + len);
        let (number, after) = (&rest[at..end], &rest[end..]);
        let is_measured = number.contains('.') && (after.starts_with(" s") || after.starts_with(" MB"))
            || out.ends_with("seconds\": ");
        if is_measured {
            let aligned = out.trim_end_matches(' ').len();
            out.truncate(out.len().min(aligned + 1));
            out.push('#');
        } else {
            out.push_str(number);
        }
        rest = after;
    }
    out + rest
}

pub(crate) async fn called(mut command: Command, arguments: &[&str]) -> Call {
    // Lines of progress come and go with the time that a call takes.
    command.args(arguments).env("RAILSTAGE_LOG", "warn");
    finish(command).await
}

#[tokio::test]
async fn help_reads_as_it_did() {
    let names: Vec<_> = STEPS.iter().map(|step| step.name).chain(COMMANDS.iter().map(|command| command.name)).collect();
    let whole = called(binary(), &["--help"]).await;
    check("help", &whole, &[]);
    for name in &names {
        assert!(whole.stdout.contains(&format!("\n  {name} ")), "{name} is not in the list of subcommands");
        check(&format!("help-{name}"), &called(binary(), &[name, "--help"]).await, &[]);
    }
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let helps = files.filter(|name| name.starts_with("help-")).count();
    assert_eq!(helps, names.len(), "a file of help speaks of nothing that is there");
}

/// A step as one calls it at a terminal, with this request.
fn step(mut command: Command, request: &str, policy: &str) -> Command {
    command.envs([
        ("RAILSTAGE_RUN_ID", "run-1"),
        ("RAILSTAGE_REQUEST", &base64(request)),
        ("RAILSTAGE_POLICY", &base64(policy)),
    ]);
    command
}

#[tokio::test]
async fn errors_of_input_read_as_they_did() {
    let granted = r#"{"allowed_projects": ["p"]}"#;
    for (name, request, policy) in [
        ("no-json", "{\"project_id\": ", granted),
        ("no-object", "[1, 2]", granted),
        ("unknown-field", r#"{"project_id": "p", "anonymise": true}"#, granted),
        ("wrong-values", r#"{"project_id": "p", "ttl": "2 days", "keep": "maybe", "variables": {"web": 1}}"#, granted),
        ("policy-unknown-field", r#"{"project_id": "p"}"#, r#"{"allowed_project": ["p"]}"#),
        ("policy-no-project", r#"{"project_id": "p"}"#, "{}"),
    ] {
        let call = called(step(binary(), request, policy), &["validate"]).await;
        check(&format!("error-{name}"), &call, &[]);
    }
    let calls: [(&str, &[&str]); 10] = [
        ("no-subcommand", &[]),
        ("wrong-subcommand", &["vaildate"]),
        ("no-run-id", &["create-env"]),
        ("clone-no-project", &["clone"]),
        ("clone-no-policy", &["clone", "--project-id", "p"]),
        ("rules-without-anonymize", &["copy-db", "--rules", "rules.yaml"]),
        ("rewrite-url-one-address", &["copy-db", "--rewrite-url", "https://shop.example.com"]),
        ("rewrite-url-no-address", &["copy-db", "--rewrite-url", "https://shop.example.com=staging com"]),
        ("wrong-rate", &["copy-db", "--max-rate", "fast"]),
        ("no-source", &["copy-db"]),
    ];
    for (name, arguments) in calls {
        check(&format!("error-{name}"), &called(binary(), arguments).await, &[]);
    }
}

#[tokio::test]
async fn errors_of_addresses_read_as_they_did() {
    let nobody = backboard::Port::take().unwrap();
    let (number, here) = (nobody.number().to_string(), "postgresql://postgres:canary@127.0.0.1");
    for (name, source, target) in [
        ("url-of-another-kind", "mysql://root@localhost/shop".to_owned(), format!("{here}:{number}/railway")),
        ("url-no-target", format!("{here}:{number}/railway"), String::new()),
        ("url-nobody-listens", format!("{here}:{number}/postgres"), format!("{here}:{number}/other")),
    ] {
        let mut command = binary();
        command.env("SOURCE_DATABASE_URL", source).env("TARGET_DATABASE_URL", target);
        check(&format!("error-{name}"), &called(command, &["copy-db", "--dry-run"]).await, &[(&number, "PORT")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_railway_read_as_they_did() {
    let stage = Stage::prompt().await;
    let project = stage.world.project_id();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let strict = json!({"allowed_projects": [project, unknown]});
    let policy = json!({"allowed_projects": [project, unknown], "variables": ["web.KEY"], "secrets": ["MAIL"]});
    let with_secret = stage.request(json!({"variables": {"web": {"KEY": {"secret": "MAIL"}}}})).to_string();
    let beyond = step(stage.command(), &with_secret, &strict.to_string());
    let asked = |more: serde_json::Value| step(stage.command(), &stage.request(more).to_string(), &policy.to_string());
    let mut without_token = asked(json!({}));
    without_token.env_remove("RAILWAY_API_TOKEN");
    let mut with_wrong_token = asked(json!({}));
    with_wrong_token.env("RAILWAY_API_TOKEN", "canary-wrong");
    let mut without_programs = asked(json!({}));
    without_programs.env("PATH", "/nonexistent");
    let mut without_railway = asked(json!({}));
    let pg_dump = backboard::postgres::PgBin::find().unwrap().program("pg_dump");
    without_railway.env("PATH", pg_dump.parent().unwrap());
    for (name, command) in [
        ("no-token", without_token),
        ("wrong-token", with_wrong_token),
        ("no-programs", without_programs),
        ("no-railway", without_railway),
        ("unknown-project", asked(json!({"project_id": unknown}))),
        ("unknown-environment", asked(json!({"source_environment": "prodution"}))),
        ("protected-name", asked(json!({"environment_name": "production"}))),
        ("beyond-the-policy", beyond),
        ("unknown-secret", asked(json!({"variables": {"web": {"KEY": {"secret": "MAIL"}}}}))),
    ] {
        let call = called(command, &["validate"]).await;
        check(&format!("error-{name}"), &call, &[(&project, "PROJECT")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_tells_its_steps_and_its_address() {
    let stage = Stage::prompt().await;
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let (policy, project) = (policy.path().to_str().unwrap(), stage.world.project_id());
    let named = ["clone", "--policy", policy, "--project-id", &project, "--environment-name", "tuesday"];
    let call = called(stage.command(), &named).await;
    let copy = stage.world.environments().into_iter().find(|e| e.name == "tuesday").unwrap();
    let host = copy.domains.keys().next().unwrap().as_str();
    let run = |call: &Call| {
        call.stderr.lines().find_map(|line| line.strip_prefix("run ")).expect("the run is told").to_owned()
    };
    check("clone", &call, &[(host, "HOST"), (&run(&call), "RUN")]);
    let again = called(stage.command(), &named).await;
    check("clone-name-taken", &again, &[(host, "HOST"), (&run(&again), "RUN")]);
}

const PEOPLE: &str = "
    CREATE TABLE wp_users (\"ID\" bigserial PRIMARY KEY, user_login varchar(60), user_pass varchar(255), user_email varchar(100), display_name varchar(250));
    CREATE TABLE wp_usermeta (umeta_id bigserial PRIMARY KEY, user_id bigint, meta_key varchar(255), meta_value text);
    INSERT INTO wp_users (user_login, user_pass, user_email, display_name) VALUES
        ('owner', '$P$Canary', 'owner@people.example.net', 'Zoe Canary'), ('buyer', '$P$Canary', 'buyer@people.example.net', 'Tamsin Canary');
    INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
        (1, 'wp_capabilities', 'a:1:{s:13:\"administrator\";b:1;}'), (2, 'billing_phone', '+1-555-0100'),
        (2, 'session_tokens', 'a:0:{}'), (2, 'homepage', 'https://shop.example.com/buyer');
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191), option_value text);
    INSERT INTO wp_options (option_name, option_value) VALUES
        ('siteurl', 'https://shop.example.com'), ('cron', 'a:0:{}'), ('mailserver_pass', 'canary');
    CREATE TABLE accounts (email text, code text);
    INSERT INTO accounts VALUES ('canary.one@people.example.net', 'one'), ('canary.two@people.example.net', 'two');
    CREATE TABLE wp_woocommerce_sessions (session_id bigserial PRIMARY KEY, session_value text);
    INSERT INTO wp_woocommerce_sessions (session_value) VALUES ('canary');";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_tells_what_it_did_and_whom_it_masked() {
    let ends = Ends::start().await;
    ends.source().await.batch_execute(PEOPLE).await.unwrap();
    let between = || {
        let mut command = binary();
        command.env("SOURCE_DATABASE_URL", ends.source.url()).env("TARGET_DATABASE_URL", ends.target.url());
        command
    };
    let rewrite = ["copy-db", "--rewrite-url", "https://shop.example.com=https://staging.example.com"];
    let plan = called(between(), &[&rewrite[..], &["--anonymize", "--dry-run"]].concat()).await;
    check("copy-db-dry-run", &plan, &[]);
    // Which tables were slowest, when, and what strangers became differs each time.
    let told = |mut call: Call| {
        let is_named = |line: &str| line.starts_with("slowest tables: ") || line.starts_with("digest: ");
        let lines = call.stdout.lines().map(|line| match line.split_once(": ") {
            Some((name, _)) if is_named(line) => format!("{name}: …\n"),
            _ => match line.split_once(", snapshot of ") {
                Some((copied, _)) => format!("{copied}, snapshot of …\n"),
                None => format!("{line}\n"),
            },
        });
        call.stdout = lines.collect();
        call
    };
    let plain = called(between(), &[&rewrite[..], &["--exclude-table-data", "wp_users"]].concat()).await;
    check("copy-db", &told(plain), &[]);
    check("copy-db-masked", &told(called(between(), &["copy-db", "--anonymize"]).await), &[]);
    let strict = called(between(), &["copy-db", "--anonymize", "--unknown", "refuse"]).await;
    check("error-unknown", &strict, &[]);
}
