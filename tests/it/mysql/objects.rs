//! What a database has beside tables: routines, views, triggers and events come too, and none of them acts by itself.

use std::time::Duration;

use super::{Ends, copy};
use backboard::mysql::Family;

const OBJECTS: &str = "
    CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, w varchar(50)); CREATE TABLE log (w varchar(50));
    CREATE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN x * 2;
    CREATE VIEW z_last AS SELECT id, twice(id) AS doubled, 'caf\u{e9}' AS word FROM t;
    CREATE VIEW a_first AS SELECT doubled, word FROM z_last;
    CREATE VIEW outside AS SELECT * FROM elsewhere.t;
    CREATE DEFINER = nosuch@'%' TRIGGER noted AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (CONCAT('DEFINER=`a`@`b` ', NEW.w));
    SET sql_mode = 'ANSI_QUOTES';
    CREATE PROCEDURE \"add\" (IN word varchar(50)) INSERT INTO \"t\" (\"w\") VALUES (word);
    SET sql_mode = '';
    CREATE EVENT ticks ON SCHEDULE EVERY 1 SECOND ENABLE COMMENT 'ENABLE' DO INSERT INTO log VALUES ('tick');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_table_comes_too_with_the_copys_own_rights_and_nothing_happens_by_itself() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source
            .sql("CREATE DATABASE IF NOT EXISTS elsewhere; CREATE TABLE IF NOT EXISTS elsewhere.t (a int)")
            .unwrap();
        ends.source.sql(OBJECTS).unwrap();
        ends.target
            .sql("CREATE VIEW old_one AS SELECT 1; CREATE EVENT old_event ON SCHEDULE EVERY 1 DAY DO SELECT 1")
            .unwrap();
        let (source, target, options) = (ends.source.url(), ends.target.url(), Ends::options());
        let report = copy(&source, &target, &options).await.unwrap();
        let told =
            |object: &str| report.skipped.iter().find(|line| line.object == object).map(|line| line.reason.as_str());
        assert!(told("definer of trigger noted").unwrap().contains("in the place of `nosuch`@`%`'s"), "{report:?}");
        assert!(told("event ticks").unwrap().contains("switched off"));
        assert!(told("view outside").unwrap().contains("does not take it"), "{report:?}");
        let there = ends.target.sql("CALL `add`('word'); SELECT * FROM a_first; SELECT * FROM log; SELECT status FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()").unwrap();
        assert_eq!(there, ["2\tcaf\u{e9}", "DEFINER=`a`@`b` word", "DISABLED"]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(ends.target.sql("SELECT COUNT(*) FROM log; SHOW TABLES LIKE 'old%'").unwrap(), ["1"]);
        // What was not made yet when a copy died is made by the same copy's next run.
        ends.target
            .sql("UPDATE railstage_copy SET pending = (SELECT p FROM (SELECT CONCAT('[{\"kind\":\"view\",\"name\":\"late\",\"mode\":\"\",\"time_zone\":null,\"charset\":\"utf8mb4\",\"collation\":\"utf8mb4_general_ci\",\"statement\":\"CREATE VIEW late AS SELECT 7 AS seven\"}]') AS p) AS x)")
            .unwrap();
        let again = copy(&source, &target, &options).await.unwrap();
        assert!(again.reused);
        assert_eq!(
            ends.target.sql("SELECT seven FROM late; SELECT COUNT(pending) FROM railstage_copy").unwrap(),
            ["7", "0"]
        );
    }
}
