//! What can be checked before anything is done is told then, and not in the middle of a copy.

use backboard::postgres::{Cluster, ClusterOptions, PgBin};
use serde_json::json;

use crate::copy::Ends;
use crate::stage::{Stage, binary, finish};

/// PATH with an old `pg_dump` first.
fn with_old_pg_dump(command: &mut tokio::process::Command) {
    let oldest = PgBin::all().unwrap().remove(0).program("pg_dump");
    let path = command.as_std().get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path =
        std::env::join_paths([oldest.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path)))
            .unwrap();
    command.env("PATH", path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pg_dump_that_is_too_old_is_told_before_anything_is_made() {
    let mut stage = Stage::prompt().await;
    let mut command = stage.command();
    with_old_pg_dump(&mut command);
    let path = command.as_std().get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    stage.env.push(("PATH".into(), path.into_string().unwrap()));
    let call = stage.step("validate", "old", &stage.request(json!({}))).await;
    call.expect(3);
    assert!(call.error().contains("cannot read a server of PostgreSQL"), "{}", call.error());

    let ends = Ends::start().await;
    for (arguments, code) in [(&["copy-db", "--dry-run"][..], 2), (&["copy-db"], 3)] {
        let mut command = binary();
        with_old_pg_dump(&mut command);
        command
            .args(arguments)
            .env("SOURCE_DATABASE_URL", ends.source.url())
            .env("TARGET_DATABASE_URL", ends.target.url());
        let call = finish(command).await;
        call.expect(code);
        let told = format!("{}{}", call.stdout, call.stderr);
        assert!(told.contains("cannot read a server of PostgreSQL"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_make_databases_is_told_before_a_copy() {
    let bin = PgBin::find().unwrap();
    let ends = Ends::start().await;
    let target = Cluster::start(&bin, ClusterOptions::default()).await.unwrap();
    let admin = target.connect("postgres").await.unwrap();
    for sql in ["CREATE ROLE plain LOGIN PASSWORD 'canary-of-plain'", "CREATE DATABASE site OWNER plain"] {
        admin.batch_execute(sql).await.unwrap();
    }
    ends.source().await.batch_execute("CREATE TABLE t (a int)").await.unwrap();
    let url = format!("postgresql://plain:canary-of-plain@127.0.0.1:{}/site", target.port());
    for (arguments, words) in [
        (&["copy-db", "--dry-run"][..], "would fail: target: "),
        (&["copy-db"], "error: copy-db failed: the target's "),
    ] {
        let mut command = binary();
        command.args(arguments).env("SOURCE_DATABASE_URL", ends.source.url()).env("TARGET_DATABASE_URL", &url);
        let call = finish(command).await;
        call.expect(2);
        let told = format!("{}{}", call.stdout, call.stderr);
        let line = told
            .lines()
            .find(|line| line.contains("login may not create databases"))
            .unwrap_or_else(|| panic!("{told}"));
        assert!(line.starts_with(words), "{line}");
    }
}
