//! A failure in the middle: the old target stays, production is let go, and nothing half-built is left.

use std::time::{Duration, Instant};

use railstage::copying::{CopyOptions, CopyReport};
use railstage::error::Exit;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::proxy::{Forger, Proxy, Way, through};
use super::{Ends, eventually, run, stoppable, texts, told};

/// More than the answers to all catalog queries of a session, `pg_dump`'s too; less than the rows of the large table.
const MIDDLE: usize = 3_000_000;

/// A copy that is held in the middle of its rows.
struct Held {
    ends: Ends,
    proxy: Proxy,
    cancel: CancellationToken,
    copy: JoinHandle<anyhow::Result<CopyReport>>,
}

/// Starts a copy whose rows stop on the way from the source, or on the way to the target.
async fn held(way: Way, stall: Duration) -> Held {
    let ends = Ends::with_rows().await;
    let (mut source, mut target) = (ends.source.url(), ends.target.url());
    let (url, port) = match way {
        Way::FromServer => (&mut source, ends.source.port()),
        Way::ToServer => (&mut target, ends.target.port()),
    };
    let proxy = Proxy::start(port, way, MIDDLE).await;
    *url = through(url, port, &proxy);
    let (options, cancel) = (CopyOptions { stall, ..ends.options() }, CancellationToken::new());
    let token = cancel.clone();
    let copy = tokio::spawn(async move { stoppable(&source, &target, &options, &token).await });
    eventually("the rows are held", async || proxy.held() > 0 || copy.is_finished()).await;
    assert!(!copy.is_finished(), "{:?}", copy.await);
    Held { ends, proxy, cancel, copy }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_copy_is_gone_within_seconds() {
    let held = held(Way::FromServer, LONG).await;
    let began = Instant::now();
    held.cancel.cancel();
    let told = told(held.copy.await.unwrap());
    assert!(told.contains("the copy was stopped"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(5));
    held.ends.assert_target_is_old().await;
    held.ends.assert_source_is_let_go().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_is_noticed_and_told_after_the_last_attempt() {
    let stalls = async |way| {
        let held = held(way, Duration::from_secs(3)).await;
        let result = held.copy.await.unwrap();
        assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
        let told = told(result);
        assert!(told.contains("copy table `public.big`") && told.contains("no byte came or went for 3 s"), "{told}");
        held.ends.assert_target_is_old().await;
        held.ends.assert_source_is_let_go().await;
    };
    tokio::join!(stalls(Way::FromServer), stalls(Way::ToServer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_ended_costs_an_attempt_not_the_copy() {
    let ended = async |way| {
        let held = held(way, LONG).await;
        let server = if way == Way::FromServer { held.ends.source().await } else { held.ends.target().await };
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'railstage' AND query LIKE '%COPY%'";
        assert!(!texts(&server, end).await.is_empty());
        held.proxy.open();
        let report = held.copy.await.unwrap().unwrap();
        assert_eq!((report.attempts, report.rows), (2, 20002));
        held.ends.assert_source_is_let_go().await;
        let databases = "SELECT count(*) FROM pg_database WHERE NOT datistemplate";
        assert_eq!(texts(&held.ends.target().await, databases).await, ["2"]);
    };
    tokio::join!(ended(Way::FromServer), ended(Way::ToServer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_table_on_the_source_goes_first() {
    let held = held(Way::FromServer, LONG).await;
    let change = held.ends.source().await;
    let began = Instant::now();
    run(&change, "ALTER TABLE small ADD COLUMN added int").await;
    assert!(began.elapsed() < Duration::from_secs(15));
    held.proxy.open();
    let report = held.copy.await.unwrap().unwrap();
    assert_eq!(report.attempts, 2);
    assert_eq!(texts(&held.ends.target().await, "SELECT count(added), count(*) FROM small").await, ["0|2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_succeed_is_tried_once_and_names_the_object() {
    let ends = Ends::with_rows().await;
    // A function that is not what it was when the rows came: no attempt can prove them.
    run(&ends.source().await, "CREATE FUNCTION fine(int) RETURNS bool LANGUAGE sql AS 'SELECT true'").await;
    run(&ends.source().await, "ALTER TABLE small ADD CONSTRAINT fine CHECK (fine(id))").await;
    run(&ends.source().await, "CREATE OR REPLACE FUNCTION fine(int) RETURNS bool LANGUAGE sql AS 'SELECT false'").await;
    let result = ends.copy(&ends.options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
    let told = told(result);
    assert!(
        told.contains("make check constraint public.small fine on the target") && told.contains("SQLSTATE 23514"),
        "{told}"
    );
    ends.assert_target_is_old().await;
    ends.assert_source_is_let_go().await;

    run(&ends.source().await, "ALTER TABLE small DROP CONSTRAINT fine; CREATE TABLE twice (id int)").await;
    run(
        &ends.source().await,
        "INSERT INTO twice VALUES (1), (1); CREATE FUNCTION one(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
    )
    .await;
    run(&ends.source().await, "SET enable_seqscan = off; CREATE UNIQUE INDEX ones ON twice (one(id)) WHERE id > 1")
        .await;
    run(&ends.source().await, "UPDATE pg_index SET indpred = NULL WHERE indexrelid = 'ones'::regclass").await;
    let told = super::told(ends.copy(&ends.options()).await);
    assert!(told.contains("make index public.ones on the target") && told.contains("SQLSTATE 23505"), "{told}");
    ends.assert_target_is_old().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_changes_on_the_way_is_found_and_its_table_named() {
    let ends = Ends::with_rows().await;
    run(&ends.source().await, "CREATE TABLE prices (price text); INSERT INTO prices VALUES ('price 1000')").await;
    let forger = Forger::start(ends.target.port(), b"price 1000", b"price 1001").await;
    let target = ends.target.url().replace(&format!(":{}/", ends.target.port()), &format!(":{}/", forger.port));
    let told = told(super::copy(&ends.source.url(), &format!("{target}?sslmode=disable"), &ends.options()).await);
    assert!(told.contains("table `public.prices`: what arrived is not what was sent: 1 rows"), "{told}");
    ends.assert_target_is_old().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_copy_left_is_dropped_by_the_next() {
    let held = held(Way::FromServer, LONG).await;
    // What a worker that is killed does: it says goodbye to nobody.
    held.copy.abort();
    let half_built = "SELECT count(*) FROM pg_database WHERE datname LIKE 'rs\\_%'";
    assert!(held.copy.await.is_err_and(|ended| ended.is_cancelled()));
    assert_eq!(texts(&held.ends.target().await, half_built).await, ["1"]);
    assert_eq!(texts(&held.ends.target().await, "SELECT word FROM old").await, ["as it was"]);
    held.ends.assert_source_is_let_go().await;
    held.ends.copy(&held.ends.options()).await.unwrap();
    assert_eq!(texts(&held.ends.target().await, half_built).await, ["0"]);
}
