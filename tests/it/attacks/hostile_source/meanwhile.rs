//! What others do on a source while it is copied.

use std::time::Duration;

use railstage::copying::{CopyOptions, CopyReport};

use super::{options, struck, with};
use crate::copy::proxy::{Proxy, Way, through};
use crate::copy::{Ends, copy, run, texts};
use crate::stage::eventually;

/// Copies, and has something done when the snapshot is taken and rows are on their way.
async fn meanwhile(ends: &Ends, options: CopyOptions, sql: &str) -> anyhow::Result<CopyReport> {
    let proxy = Proxy::start(ends.source.port(), Way::FromServer, 1_500_000).await;
    let source = through(&ends.source.url(), ends.source.port(), &proxy);
    let target = ends.target.url();
    let copying = tokio::spawn(async move { copy(&source, &target, &options).await });
    eventually("the rows are held", async || proxy.held() > 0 || copying.is_finished()).await;
    assert!(!copying.is_finished(), "{:?}", copying.await);
    let client = ends.source().await;
    run(&client, "SET SESSION AUTHORIZATION mallory").await;
    run(&client, sql).await;
    proxy.open();
    tokio::time::timeout(Duration::from_mins(1), copying).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_its_owner_makes_meanwhile_calls_nothing() {
    let rows = |n: u32| format!("AS SELECT i, repeat(md5(i::text), 30) AS body FROM generate_series(1, {n}) AS i;");
    let tables = format!("CREATE TABLE evil.first {} CREATE TABLE evil.second {}", rows(20_000), rows(10_000));
    let ends = with(&tables).await;
    // Four sessions share five ranges: those that began with the first table have not yet looked at the second's indexes.
    let index = "CREATE INDEX ON evil.second ((body || evil.strike('late')))";
    let report = meanwhile(&ends, CopyOptions { jobs: 4, ..options(&ends) }, index).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new());
    assert_eq!(report.read_whole, ["evil.first", "evil.second"]);
}

/// PostgreSQL 18 finds a sequence that was renamed; a copy of an older one begins anew.
fn attempts(ends: &Ends) -> u32 {
    if ends.bin.major() >= 18 { 1 } else { 2 }
}

/// Sequences of every state, and rows enough for the copy to be caught in the middle.
const SEQUENCES: &str = "
    CREATE SEQUENCE evil.used; SELECT nextval('evil.used'), nextval('evil.used');
    CREATE SEQUENCE evil.fresh START 7;
    CREATE SEQUENCE evil.other; SELECT setval('evil.other', 42, false);
    CREATE TABLE evil.big AS SELECT i, repeat(md5(i::text), 30) AS body FROM generate_series(1, 4000) AS i;";

const STATES: &str =
    "SELECT last_value, is_called FROM evil.used UNION ALL SELECT last_value, is_called FROM evil.fresh
                      UNION ALL SELECT last_value, is_called FROM evil.other";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_in_the_place_of_a_sequence_is_not_read() {
    let ends = with(SEQUENCES).await;
    let view = |name: &str| {
        format!(
            "ALTER SEQUENCE evil.{name} RENAME TO {name}_before;
             CREATE VIEW evil.{name} AS SELECT 1::int8 AS last_value, evil.strike('view') IS NULL AS is_called, 0::int8 AS log_cnt;"
        )
    };
    let report = meanwhile(&ends, ends.options(), &(view("used") + &view("fresh"))).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new());
    assert_eq!(report.attempts, attempts(&ends), "the copy begins anew, with the sequences where they are now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_in_the_place_of_a_sequence_is_not_read() {
    let ends = with(SEQUENCES).await;
    let table = |name: &str| {
        format!(
            "ALTER SEQUENCE evil.{name} RENAME TO {name}_before;
             CREATE TABLE evil.{name} AS SELECT 1::int8 AS last_value, true AS is_called, 0::int8 AS log_cnt;
             CREATE INDEX ON evil.{name} ((last_value::text || evil.strike('table')));"
        )
    };
    let report = meanwhile(&ends, ends.options(), &(table("used") + &table("fresh"))).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new());
    assert_eq!(report.attempts, attempts(&ends));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_of_every_state_arrive_as_they_were() {
    let ends = with(SEQUENCES).await;
    ends.copy(&ends.options()).await.unwrap();
    assert_eq!(texts(&ends.target().await, STATES).await, texts(&ends.source().await, STATES).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_another_session_runs_the_first_word_is_told() {
    let ends =
        with("CREATE TABLE evil.big AS SELECT i, repeat(md5(i::text), 30) AS body FROM generate_series(1, 4000) AS i")
            .await;
    let change = "ALTER TABLE evil.big ADD COLUMN token text DEFAULT 'canary-of-another-session'";
    let failed = meanwhile(&ends, CopyOptions { attempts: 1, ..ends.options() }, change).await;
    let told = format!("{:?}", failed.unwrap_err());
    assert!(told.contains("of the source, which waits to run `ALTER`"), "{told}");
    assert!(!told.contains("canary-of-another-session"), "{told}");
}
