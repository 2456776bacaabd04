//! Lines that break or fall silent at any point: a copy gets past it, or ends in time with the old target untouched.

use std::time::Duration;

use railstage::copying::CopyOptions;
use railstage::error::Exit;
use tokio_util::sync::CancellationToken;

use super::proxy::{Proxy, Way, in_clear, through};
use super::{Ends, run, stoppable, texts, told};

/// How many bytes a line carries before it breaks: from within the login to the middle of the rows, if rows go that way.
const BYTES: &[usize] = &[0, 50, 700, 3_000, 9_000, 40_000, 300_000, 3_000_000];

/// The source's or the target's URL through a proxy.
fn urls(ends: &Ends, of_source: bool, proxy: &Proxy) -> (String, String) {
    let (source, target) = (ends.source.url(), ends.target.url());
    match of_source {
        true => (through(&source, ends.source.port(), proxy), target),
        false => (source, through(&target, ends.target.port(), proxy)),
    }
}

fn port(ends: &Ends, of_source: bool) -> u16 {
    if of_source { ends.source.port() } else { ends.target.port() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_once_costs_an_attempt_not_the_copy() {
    let (down, up) = (Way::FromServer, Way::ToServer);
    // Little is said to the source, and not much more by the target.
    tokio::join!(cuts(true, down, 8), cuts(true, up, 5), cuts(false, down, 8), cuts(false, up, 8));
}

async fn cuts(of_source: bool, way: Way, points: usize) {
    let ends = Ends::with_rows().await;
    for bytes in &BYTES[..points] {
        let proxy = Proxy::cutting(port(&ends, of_source), way, *bytes, 1).await;
        let (source, target) = urls(&ends, of_source, &proxy);
        let what = format!("of source {of_source}, to server {}, cut after {bytes} bytes", way == Way::ToServer);
        let options = CopyOptions { copy_id: bytes.to_string(), ..ends.options() };
        let report = super::copy(&source, &target, &options).await;
        let report = report.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        assert_eq!(report.rows, 20002, "{what}");
        assert_eq!(report.attempts, 2, "{what}");
        assert!(!report.reused, "{what}");
    }
    ends.assert_source_is_let_go().await;
    let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
    assert_eq!(texts(&ends.target().await, databases).await, ["postgres", super::DATABASE]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_always_cut_fails_and_leaves_all_as_it_was() {
    let ends = Ends::with_rows().await;
    for of_source in [true, false] {
        let proxy = Proxy::cutting(port(&ends, of_source), Way::ToServer, 9_000, usize::MAX).await;
        let (source, target) = urls(&ends, of_source, &proxy);
        let error = super::copy(&source, &target, &ends.options()).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Outside, "{error:#}");
        ends.assert_source_is_let_go().await;
        assert_eq!(texts(&ends.target().await, "SELECT word FROM old").await, ["as it was"]);
        // Not even the half-built database could be dropped over such a line: the next copy drops it.
        ends.copy(&CopyOptions { exclude_table_data: vec!["*".to_owned()], ..ends.options() }).await.unwrap();
        run(&ends.target().await, &format!("DROP TABLE small, big; {}", super::OLD)).await;
        run(&ends.target.connect("postgres").await.unwrap(), "COMMENT ON DATABASE railway IS NULL").await;
        ends.assert_target_is_old().await;
    }
}

/// Every point at which a copy waits for an answer.
const WORDS: &[(bool, &[u8])] = &[
    (true, b"pg_control_system"),
    (true, b"pg_extension"),
    (true, b"LOCK TABLE"),
    (true, b"SET quote_all_identifiers"),
    (true, b"pg_export_snapshot"),
    (true, b"pg_partitioned_table"),
    (true, b"pg_policy"),
    (true, b"TO STDOUT"),
    (true, b"last_value"),
    (false, b"pg_try_advisory_lock"),
    (false, b"pg_available_extensions"),
    (false, b"CREATE DATABASE"),
    (false, b"CREATE TABLE"),
    (false, b"FROM STDIN"),
    (false, b"TO STDOUT"),
    (false, b"setval"),
    (false, b"ADD CONSTRAINT"),
    (false, b"ANALYZE"),
    (false, b"RENAME TO"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_falls_silent_at_any_point_is_noticed() {
    tokio::join!(silences(true), silences(false));
}

async fn silences(of_source: bool) {
    let ends = Ends::with_rows().await;
    run(&ends.source().await, "CREATE SEQUENCE numbers").await;
    let options = CopyOptions { stall: Duration::from_secs(2), attempts: 1, copy_id: String::new(), ..ends.options() };
    for (_, words) in WORDS.iter().filter(|(of, _)| *of == of_source) {
        let what = format!("{} of {}", String::from_utf8_lossy(words), if of_source { "source" } else { "target" });
        let proxy = Proxy::after(port(&ends, of_source), words).await;
        let (mut source, mut target) = (ends.source.url(), ends.target.url());
        match of_source {
            true => source = in_clear(&source, ends.source.port(), &proxy),
            false => target = in_clear(&target, ends.target.port(), &proxy),
        }
        let token = CancellationToken::new();
        let copying = tokio::time::timeout(Duration::from_mins(1), stoppable(&source, &target, &options, &token));
        let result = copying.await.unwrap_or_else(|_| panic!("{what}: the silence was not noticed"));
        assert!(result.is_err(), "{what}: the copy succeeded");
        let told = told(result);
        assert!(told.contains("no answer within 2 s") || told.contains(" for 2 s"), "{what}: {told}");
        drop(proxy);
        ends.assert_source_is_let_go().await;
    }
}
