//! One moment of the source: all sessions see the same, whoever writes meanwhile, and nobody waits for us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backboard::mysql::Family;
use railstage::copying::{CopyOptions, SnapshotBy};

use super::{Ends, copy, told};
use crate::asked;

const TWO: &str = "CREATE TABLE a (id int PRIMARY KEY AUTO_INCREMENT, n int); CREATE TABLE b (id int PRIMARY KEY AUTO_INCREMENT, n int)";

/// Copies while two others write to both tables.
async fn copy_while_both_are_written(family: Family) {
    let ends = Ends::of(family).await;
    ends.source.sql(TWO).unwrap();
    ends.source
        .sql("DELIMITER //\nCREATE PROCEDURE write_both() BEGIN WHILE 1 DO START TRANSACTION; INSERT INTO a (n) VALUES (1); INSERT INTO b (n) VALUES (1); COMMIT; END WHILE; END//\n")
        .unwrap();
    let (source, is_done) = (Arc::new(ends.source), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (source, is_done) = (source.clone(), is_done.clone());
            // It ends when it is killed.
            std::thread::spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    source.sql("CALL write_both()").ok();
                }
            })
        })
        .collect();
    for round in 0..if asked::all() { 10 } else { 3 } {
        let options = CopyOptions { copy_id: format!("run {round}"), ..Ends::options() };
        let report = copy(&source.site_url(), &ends.target.url(), &options).await.unwrap();
        let counts = ends.target.sql("SELECT COUNT(*) FROM a; SELECT COUNT(*) FROM b").unwrap();
        assert_eq!(counts[0], counts[1], "{family:?} in round {round}");
        assert!(report.skipped.iter().any(|skipped| skipped.object.ends_with("procedure write_both")), "{report:?}");
    }
    is_done.store(true, Ordering::Relaxed);
    let kill = "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
    let deadline = Instant::now() + Duration::from_secs(20);
    while writers.iter().any(|writer| !writer.is_finished()) {
        assert!(Instant::now() < deadline, "the writers do not end");
        for line in source.sql(kill).unwrap() {
            source.sql(&line).ok();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tables_are_of_one_moment_although_somebody_writes_both() {
    copy_while_both_are_written(Family::MariaDb).await;
    copy_while_both_are_written(Family::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_wait_no_longer_than_they_may_for_whom_is_in_the_middle_of_writing() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source.sql(&format!("{TWO}; INSERT INTO a (n) VALUES (1)")).unwrap();
    let source = Arc::new(ends.source);
    let in_the_middle = source.clone();
    let writer = std::thread::spawn(move || in_the_middle.sql("BEGIN; UPDATE a SET n = 2; SELECT SLEEP(60); COMMIT"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (from, to) = (source.site_url(), ends.target.url());
    let copying = tokio::spawn(async move { copy(&from, &to, &Ends::options()).await });
    let mut longest = Duration::ZERO;
    while !copying.is_finished() {
        let began = Instant::now();
        source.sql("UPDATE b SET n = 3").unwrap();
        longest = longest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // One session has read alone, before the one in the middle was done.
    let report = copying.await.unwrap().unwrap();
    assert!(!writer.is_finished(), "the copy has waited");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    let snapshot = report.snapshot.unwrap();
    assert_eq!((report.rows, snapshot.by, snapshot.sessions), (1, SnapshotBy::OneSession, 1));
    assert!((500..2500).contains(&snapshot.writers_held_ms), "{snapshot:?}");
    let none = CopyOptions { copy_id: "run-2".to_owned(), max_write_pause: Duration::ZERO, ..Ends::options() };
    let snapshot = copy(&source.site_url(), &ends.target.url(), &none).await.unwrap().snapshot.unwrap();
    assert_eq!((snapshot.by, snapshot.writers_held_ms), (SnapshotBy::OneSession, 0));
    let kill = "SELECT CONCAT('KILL ', ID) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'SELECT SLEEP%'";
    source.sql(&source.sql(kill).unwrap()[0]).unwrap();
    writer.join().unwrap().unwrap_err();
    assert_eq!(ends.target.sql("SELECT n FROM a").unwrap(), ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_held_too_long_is_given_up() {
    let ends = Ends::of(Family::MySql).await;
    ends.source.sql(&format!("{TWO}; INSERT INTO a (n) VALUES (1)")).unwrap();
    let options = CopyOptions { snapshot_max_age: Duration::ZERO, ..Ends::options() };
    let told = told(ends.copy(&options).await);
    assert!(told.contains("the source's snapshot was held for 0 min, the most that is allowed"), "{told}");
    ends.assert_nothing_is_left();
}
