//! What is refused before anything is made, and that a source is never written.

use backboard::mysql::{Family, MysqlHome};
use railstage::copying::CopyOptions;
use railstage::error::Exit;
use railstage::masking::{Key, Masking};

use super::{Ends, copy, newest, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused_and_nothing_is_made() {
    let [maria, mysql] = [newest(Family::MariaDb).await, newest(Family::MySql).await];
    maria.sql("CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    let older = MysqlHome::of(Family::MariaDb).unwrap().remove(0);
    let older = backboard::mysql::Server::start(&older, backboard::mysql::ServerOptions::default()).await.unwrap();
    let masked = CopyOptions { masking: Some(Masking::new(Key::random())), ..CopyOptions::default() };
    let plain = CopyOptions::default();
    let weak = older.url() + "?sslmode=prefer";
    for (source, target, options, words) in [
        (maria.url(), mysql.url(), &plain, "the source is a MariaDB server and the target a MySQL server"),
        (maria.url(), weak, &plain, "is older than the source's"),
        (maria.url(), maria.url().replace("localhost", "127.0.0.1"), &plain, "source and target are the same database"),
        (mysql.url(), mysql.url_of("railway"), &plain, "same database"),
        (maria.url(), maria.url().replace("/railway", "/nowhere"), &plain, "has no database `nowhere`"),
        (mysql.url(), mysql.url(), &masked, "cannot be masked yet"),
    ] {
        let told = told(copy(&source, &target, options).await);
        assert!(told.contains(words), "{told}");
    }
    for server in [&maria, &mysql, &older] {
        let databases = server.sql("SHOW DATABASES LIKE 'rs\\_%'").unwrap();
        assert!(databases.is_empty(), "{databases:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_another_kind_are_named_and_a_login_that_may_not_make_databases_is_told() {
    let ends = Ends::newest(Family::MariaDb).await;
    ends.source.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE SEQUENCE counter; CREATE TABLE past (a int) WITH SYSTEM VERSIONING").unwrap();
    let result = ends.copy(&Ends::options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid);
    let told_tables = told(result);
    assert!(
        told_tables.contains("`counter` is a sequence") && told_tables.contains("`past` is a system versioned"),
        "{told_tables}"
    );
    ends.source.sql("DROP SEQUENCE counter; DROP TABLE past").unwrap();
    let told = told(copy(&ends.source.url(), &ends.target.url_of("railway"), &Ends::options()).await);
    assert!(told.contains("may not make databases") && told.contains("MARIADB_ROOT_PASSWORD"), "{told}");
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_can_only_read_and_lock_is_enough_for_a_source() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::newest(family).await;
        ends.source
            .sql(
                "CREATE TABLE a (id int PRIMARY KEY, w varchar(9)); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO a VALUES (1, 'one');
                 CREATE USER reader@'%' IDENTIFIED BY 'canary-server-password'; GRANT SELECT, LOCK TABLES ON railway.* TO reader@'%'",
            )
            .unwrap();
        let report = copy(&ends.source.url_of("reader"), &ends.target.url(), &Ends::options()).await.unwrap();
        assert_eq!((report.tables, report.rows), (2, 1));
        let unseen: Vec<_> = report.skipped.iter().map(|skipped| skipped.object.as_str()).collect();
        assert_eq!(unseen, ["triggers that there may be", "events that there may be", "views that there may be"]);
        assert_eq!(ends.target.sql("SELECT * FROM a").unwrap(), ["1\tone"]);
    }
}
