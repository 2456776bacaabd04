//! Logins that are no superuser's.

use railstage::postgres::{Endpoint, inspect};

use crate::copy::{DATABASE, Ends, copy, run, shapes};
use crate::stage::{binary, finish};

/// The SQL that `source-login` prints for a source.
async fn login_for(url: &str) -> String {
    let mut command = binary();
    command.arg("source-login").env("SOURCE_DATABASE_URL", url);
    let call = finish(command).await;
    call.expect(0);
    call.stdout.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_no_superuser_copies_everything() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(&source, "CREATE ROLE app; CREATE SCHEMA apps AUTHORIZATION app; SET ROLE app; CREATE TABLE apps.own AS SELECT 1 AS x; CREATE SEQUENCE apps.steps; RESET ROLE").await;
    run(&source, &shapes::shapes(ends.bin.major())).await;
    let superuser = Endpoint::parse(&ends.source.url()).unwrap();
    let warned = inspect(&superuser).await.unwrap();
    assert!(warned.warnings[0].contains("its login is a superuser"), "{:?}", warned.warnings);
    assert_eq!(warned.read_whole.iter().filter(|table| *table == "apps.own").count(), 1, "{:?}", warned.read_whole);

    let sql = login_for(&ends.source.url()).await;
    // The event trigger of `shapes` forbids whoever runs it every change, rights to large objects too.
    let enable = |how: &str| format!("ALTER EVENT TRIGGER no_ddl {how}");
    run(&source, &[enable("DISABLE"), sql, enable("ENABLE")].join(";\n")).await;
    run(&source, "ALTER ROLE railstage_source PASSWORD 'reads-only'").await;
    let url = format!("postgresql://railstage_source:reads-only@localhost:{}/{DATABASE}", ends.source.port());
    let login = inspect(&Endpoint::parse(&url).unwrap()).await.unwrap();
    assert_eq!((login.warnings, login.problems, login.read_whole), (vec![], vec![], vec![]));
    let before = shapes::dump(&ends.bin, &ends.source, DATABASE);
    copy(&url, &ends.target.url(), &ends.options()).await.unwrap();
    shapes::assert_equal(&before, &shapes::dump(&ends.bin, &ends.target, DATABASE), "the copy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_without_a_right_is_told_which() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(
        &source,
        "CREATE TABLE t (x int); SELECT lo_create(0), lo_create(0); CREATE ROLE reader LOGIN PASSWORD 'reads-only'",
    )
    .await;
    let url = format!("postgresql://reader:reads-only@localhost:{}/{DATABASE}", ends.source.port());
    let report = inspect(&Endpoint::parse(&url).unwrap()).await.unwrap();
    assert_eq!(report.problems, ["its login may not read 2 large objects", "its login may not read public.t"]);
}
