//! Every type, every byte, every character set and how tables are made, from each server to itself and to every newer one of its family;
//! unless all is asked for, only between those that all tests share. What is no such pair is refused.

use std::sync::Arc;

use backboard::mysql::{Family, MysqlHome, Server};
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::ends::{Database, settings};
use super::same::assert_same;
use super::{Ends, copy, told};
use crate::asked;

const KINDS: &str = "
    SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
    CREATE TABLE kinds (
      id bigint unsigned NOT NULL AUTO_INCREMENT, f float, d double, n decimal(65,30), b bit(10), t time(6), y year,
      ts timestamp(6) NULL DEFAULT NULL, dt datetime(6), da date, z int(5) zerofill, e enum('a','b'), s set('x','y'),
      c char(10), v varchar(50), l varchar(50) CHARACTER SET latin1, j varchar(20) CHARACTER SET sjis,
      u varchar(20) CHARACTER SET utf16, bi binary(5), vb varbinary(300), bl longblob, g geometry, js json,
      kept int GENERATED ALWAYS AS (z + 1) STORED, virt int GENERATED ALWAYS AS (z * 2) VIRTUAL,
      `odd``name, \"(` int DEFAULT 7,
      PRIMARY KEY (id), UNIQUE KEY v (v), KEY by_date (da, dt), KEY l (l(10)), FULLTEXT KEY words (c), KEY kept (kept)
    ) COMMENT 'it''s, (a) KEY';
    INSERT INTO kinds (id, f, d, n, b, t, y, ts, dt, da, z, e, s, c, v, l, j, u, bi, vb, bl, g, js) VALUES
      (0, 16777216, 1e308, 12345678901234567890123456789012345.123456789012345678901234567891, b'1101010101', '-838:59:59', 0,
       '2026-10-25 00:30:00.123456', '2020-02-31 12:00:00.000001', '2020-02-31', 42, 'a', 'x,y', '  pad', 'plain', 'caf\u{e9}',
       '\u{8868}\u{793a}', '\u{1f600}', 'ab', 'vb', 'blob', ST_GeomFromText('POINT(1 2)'), '{\"b\": 1, \"aa\": [1.5, \"\u{fc}\"]}'),
      (1, 1.17549435e-38, -0.1, -0.000000000000000000000000000001, b'0', '00:00:00.000001', 2155, NULL, '0000-00-00', '0000-00-00', 0,
       'b', '', '', '\\\\N', '\\\\', '\\\\', '', '', '', '', NULL, '[]'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (3, 0.1, 0.1, 0, b'1', '12:00', 1999, '1970-01-01 00:00:01', '1000-01-01', '2020-00-10', 99999, 'a', 'y', 'a\\tb', 'tab\\tnew\\nline\\0nul\\rcr\\Zsub',
       'NULL', 'NULL', 'NULL', 'a\\0b', '\\\\', 'NULL', ST_GeomFromText('LINESTRING(0 0,1 1)'), 'null');
    SET @all = '';
    UPDATE kinds SET vb = UNHEX('ALL_BYTES'), bl = UNHEX('ALL_BYTES') WHERE id = 0;
    CREATE TABLE no_key (a int, b text); INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
    CREATE TABLE parts (id int NOT NULL, w varchar(10), PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 3;
    INSERT INTO parts VALUES (1, 'a'), (2, 'b'), (3, 'c');
    CREATE TABLE old_engine (id int PRIMARY KEY, w text) ENGINE=MyISAM; INSERT INTO old_engine VALUES (1, 'myisam');
    CREATE TABLE parents (id int PRIMARY KEY, w varchar(10) UNIQUE);
    CREATE TABLE children (id int PRIMARY KEY, parent int, CONSTRAINT belongs FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE);
    INSERT INTO parents VALUES (1, 'p'); INSERT INTO children VALUES (10, 1), (11, NULL);
    CREATE TABLE empty_one (id int PRIMARY KEY AUTO_INCREMENT, w int) AUTO_INCREMENT = 77;
    CREATE TABLE `wei``rd ta\"ble` (`select` int PRIMARY KEY); INSERT INTO `wei``rd ta\"ble` VALUES (5);";

pub(super) fn fill(database: &Database) {
    let bytes: String = (0..=255).map(|byte| format!("{byte:02X}")).collect();
    database.sql(&KINDS.replace("ALL_BYTES", &bytes)).unwrap();
}

/// Copies them all, and over that copy a second time.
async fn copies_exactly(ends: &Ends) {
    let pair = format!("{:?} {} to {}", ends.source.family(), ends.source.version(), ends.target.version());
    fill(&ends.source);
    let report = ends.copy(&Ends::options()).await.unwrap_or_else(|error| panic!("{pair}: {error:?}"));
    assert_eq!((report.tables, report.rows, report.attempts), (8, 15, 1), "{pair}");
    assert_same(ends, &pair);
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.object.as_str()).collect();
    assert_eq!(skipped, [format!("snapshot of table {}.old_engine", ends.source.name)], "{pair}");
    ends.target.sql("INSERT INTO empty_one (w) VALUES (1); DELETE FROM parents").unwrap();
    let there = ends.target.sql("SELECT id FROM empty_one; SELECT COUNT(*) FROM children").unwrap();
    assert_eq!(there, ["77", "1"], "{pair}");
    ends.assert_nothing_is_left();
    // Over a copy, whose foreign keys and note make way.
    let second = CopyOptions { copy_id: "run-2".to_owned(), ..Ends::options() };
    let report = ends.copy(&second).await.unwrap_or_else(|error| panic!("{pair}: {error:?}"));
    assert_same(ends, &pair);
    ends.assert_nothing_is_left();
    // The same copy is not made again.
    let again = ends.copy(&second).await.unwrap();
    assert!(again.reused && again.digest == report.digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_is_what_was_there() {
    let ends =
        [Ends::of(Family::MariaDb).await, Ends::on_one_server(Family::MariaDb).await, Ends::of(Family::MySql).await];
    let [maria, same_maria, mysql] = &ends;
    tokio::join!(copies_exactly(maria), copies_exactly(same_maria), copies_exactly(mysql));
}

/// What may be copied into what: the same family, the same version or a newer one.
fn is_pair(source: &MysqlHome, target: &MysqlHome) -> bool {
    source.family() == target.family() && source.number() <= target.number()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_is_copied_into_every_newer_one_and_into_none_else() {
    let mut servers = Vec::new();
    if asked::all() {
        for home in MysqlHome::all().unwrap() {
            servers.push(Arc::new(Server::start(&home, settings(true)).await.unwrap()));
        }
    } else {
        // What is copied between these is tried anyway; here it is what is not.
        let [maria, mysql] = [Ends::of(Family::MariaDb).await, Ends::of(Family::MySql).await];
        servers.extend([maria.source.server, maria.target.server, mysql.target.server]);
    }
    let mut refused = 0;
    for (here, source) in servers.iter().enumerate() {
        for (there, target) in servers.iter().enumerate() {
            let pair = format!("{:?} to {:?}", source.home(), target.home());
            let make = |server: &Arc<Server>, end: &str| {
                Database::make(server.clone(), &format!("pair{here}{there}{end}"), None)
            };
            let fits = is_pair(source.home(), target.home());
            if fits && !asked::all() {
                continue;
            }
            let ends = Ends { source: make(source, "from"), target: make(target, "to") };
            if fits {
                copies_exactly(&ends).await;
                continue;
            }
            let result = copy(&ends.source.site_url(), &ends.target.url(), &Ends::options()).await;
            assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid, "{pair}");
            let (told, is_cross) = (told(result), source.home().family() != target.home().family());
            let words =
                if is_cross { "which share neither collations nor types" } else { "is older than the source's" };
            assert!(told.contains(words), "{pair}: {told}");
            ends.assert_nothing_is_left();
            refused += 1;
        }
    }
    assert!(refused >= 5, "{refused}");
}
