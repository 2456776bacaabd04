//! The new tables take the old ones' places all at once, whoever is in them; what fails or is stopped leaves the old ones.

use std::time::Duration;

use backboard::mysql::Family;
use railstage::copying::CopyOptions;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::{Ends, told};
use crate::asked;

const NEW: &str = "CREATE TABLE shared (id int PRIMARY KEY, w varchar(20)); INSERT INTO shared VALUES (1, 'new');
                   CREATE TABLE added (id int PRIMARY KEY); CREATE TABLE big (id int PRIMARY KEY, body text);
                   INSERT INTO big SELECT seq.n, REPEAT('x', 500) FROM (WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 900) SELECT n FROM s) AS seq";
const OLD: &str = "CREATE TABLE shared (id int PRIMARY KEY, w varchar(20)); INSERT INTO shared VALUES (1, 'old');
                   CREATE TABLE gone (id int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM gone;
                   CREATE TRIGGER before_shared BEFORE INSERT ON shared FOR EACH ROW SET NEW.w = 'by trigger'";

fn tables(ends: &Ends) -> Vec<String> {
    ends.target.sql("SHOW TABLES").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_tables_take_the_old_ones_places_whoever_is_in_them() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(NEW).unwrap();
        ends.target.sql(OLD).unwrap();
        let held = std::thread::scope(|scope| {
            // In a transaction that has read a table, and holds it.
            let holder = scope.spawn(|| ends.target.sql("BEGIN; SELECT * FROM shared; DO SLEEP(60); COMMIT"));
            let copied = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    ends.copy(&Ends::options()).await
                })
            });
            copied.unwrap();
            holder.join().unwrap()
        });
        assert!(held.is_err(), "its session was ended");
        assert_eq!(tables(&ends), ["added", "big", "railstage_copy", "shared"]);
        assert_eq!(
            ends.target
                .sql("SELECT w FROM shared; INSERT INTO shared VALUES (2, 'x'); SELECT w FROM shared WHERE id = 2")
                .unwrap(),
            ["new", "x"]
        );
        ends.assert_nothing_is_left();
        // And again, over a copy.
        ends.source.sql("UPDATE shared SET w = 'newer'").unwrap();
        ends.copy(&CopyOptions { copy_id: "run-2".to_owned(), ..Ends::options() }).await.unwrap();
        assert_eq!(ends.target.sql("SELECT w FROM shared").unwrap(), ["newer"]);
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_stopped_at_any_moment_leaves_the_old_tables_or_the_new_ones() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source.sql(NEW).unwrap();
    ends.target.sql(OLD).unwrap();
    let whole = ends.copy(&Ends::options()).await.unwrap().seconds;
    let (mut chances, mut stopped) = (asked::chances(), 0);
    for round in 0..if asked::all() { 30 } else { 8 } {
        ends.target.sql(&format!("DROP DATABASE {0}; CREATE DATABASE {0}", ends.target.name)).unwrap();
        ends.target.sql(OLD).unwrap();
        let cancel = CancellationToken::new();
        let options = CopyOptions { copy_id: format!("stopped {round}"), ..Ends::options() };
        let wait = Duration::from_secs_f64(whole * chances.random_range(0.0..1.1));
        let stopping = async {
            tokio::time::sleep(wait).await;
            cancel.cancel();
        };
        let (result, ()) = tokio::join!(ends.stoppable(&options, &cancel), stopping);
        let is_old = tables(&ends).contains(&"gone".to_owned());
        assert_eq!(is_old, result.is_err(), "{result:?}");
        if is_old {
            stopped += 1;
            assert!(told(result).contains("the copy was stopped"));
            ends.target.sql("INSERT INTO shared VALUES (2, 'x')").unwrap();
            assert_eq!(ends.target.sql("SELECT w FROM shared ORDER BY id").unwrap(), ["old", "by trigger"]);
            assert!(tables(&ends).contains(&"seen".to_owned()));
        }
        crate::stage::eventually("nothing is left", async || ends.leftovers().is_empty()).await;
    }
    assert!(stopped > 0, "each copy was done before it was stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_copy_has_left_is_dropped_by_the_next_and_what_is_only_called_so_is_not() {
    let ends = Ends::of(Family::MySql).await;
    ends.source.sql(NEW).unwrap();
    ends.target.sql(OLD).unwrap();
    // The name that every database of ours for this target begins with.
    let (prefix, name) = (ends.prefix(), &ends.target.name);
    ends.target
        .sql(&format!(
            "CREATE DATABASE {prefix}_0123abcd_1; CREATE DATABASE {prefix}_0123abcd_2; CREATE TABLE {prefix}_0123abcd_2.t (a int);
             CREATE DATABASE {prefix}_0123abcd_3; CREATE TABLE {prefix}_0123abcd_3.t (a int);
             CREATE TABLE {prefix}_0123abcd_3.railstage_leftover (nothing int) COMMENT = 'railstage leftover: of a copy into `{name}`, whose next copy drops it'"
        ))
        .unwrap();
    ends.copy(&Ends::options()).await.unwrap();
    assert_eq!(ends.leftovers(), [format!("{prefix}_0123abcd_2")]);
}
