//! What is refused before anything is made, and that a source is never written.

use backboard::mysql::Family;
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::{Ends, copy, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused_and_nothing_is_made() {
    let [maria, mysql] = [Ends::of(Family::MariaDb).await, Ends::of(Family::MySql).await];
    maria.target.sql("CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    let plain = CopyOptions::default();
    let (maria, mysql) = (&maria.target, &mysql.target);
    for (source, target, options, words) in [
        (maria.url(), maria.url().replace("localhost", "127.0.0.1"), &plain, "source and target are the same database"),
        (mysql.url(), mysql.site_url(), &plain, "same database"),
        (maria.url(), maria.url_of_nowhere(), &plain, "has no database `nowhere`"),
    ] {
        let told = told(copy(&source, &target, options).await);
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(maria.sql("SHOW TABLES").unwrap(), ["t"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_another_kind_are_named_and_a_login_that_may_not_make_databases_is_told() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE merged (a int) ENGINE=MERGE UNION=(); CREATE TABLE past (a int) WITH SYSTEM VERSIONING").unwrap();
    let result = ends.copy(&Ends::options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid);
    let told_tables = told(result);
    assert!(
        told_tables.contains("`merged` is kept by MRG_MyISAM") && told_tables.contains("`past` is a system versioned"),
        "{told_tables}"
    );
    ends.source.sql("DROP TABLE merged; DROP TABLE past; CREATE SEQUENCE counter; CREATE TABLE counted (a int DEFAULT NEXTVAL(counter))").unwrap();
    let told_default = told(ends.copy(&Ends::options()).await);
    assert!(told_default.contains("`counted` is made: a column takes its values from a sequence"), "{told_default}");
    ends.source.sql("DROP TABLE counted").unwrap();
    let told = told(copy(&ends.source.url(), &ends.target.site_url(), &Ends::options()).await);
    assert!(told.contains("may not make databases") && told.contains("MARIADB_ROOT_PASSWORD"), "{told}");
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_can_only_read_and_lock_is_enough_for_a_source() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source
            .sql(
                &format!("CREATE TABLE a (id int PRIMARY KEY, w varchar(9)); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO a VALUES (1, 'one');
                 CREATE USER reader@'%' IDENTIFIED BY 'canary-server-password'; GRANT SELECT, LOCK TABLES ON {}.* TO reader@'%'", ends.source.name),
            )
            .unwrap();
        let report = copy(&ends.source.url_of("reader"), &ends.target.url(), &Ends::options()).await.unwrap();
        assert_eq!((report.tables, report.rows), (2, 1));
        let unseen: Vec<_> = report.skipped.iter().map(|skipped| skipped.object.as_str()).collect();
        assert_eq!(unseen, ["triggers that there may be", "events that there may be", "views that there may be"]);
        assert_eq!(ends.target.sql("SELECT * FROM a").unwrap(), ["1\tone"]);
    }
}
