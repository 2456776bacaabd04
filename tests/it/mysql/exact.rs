//! What arrives is what was there, to the last bit: every type, every byte, every character set, and how the tables are made.

use backboard::mysql::{Family, Server};
use railstage::copying::CopyOptions;
use railstage::rewriting::UrlPair;

use super::{Ends, pairs};

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

/// Everything in a database, in the server's own words, whatever bytes it has.
fn all(server: &Server) -> Vec<String> {
    let kinds = "SELECT id, f+0e0, d, n, HEX(b), t, y, ts, dt, da, z, e+0, s+0, HEX(c), HEX(v), HEX(l), HEX(j), HEX(u), HEX(bi), HEX(vb),
                        HEX(bl), HEX(g), js, kept, virt, `odd``name, \"(` FROM kinds ORDER BY id;";
    let others = "SELECT a, HEX(b) FROM no_key ORDER BY 1; SELECT * FROM parts ORDER BY id; SELECT * FROM old_engine; SELECT * FROM parents;
                  SELECT * FROM children ORDER BY id; SELECT * FROM empty_one; SELECT * FROM `wei``rd ta\"ble`;";
    server.sql(&format!("SET time_zone = '+00:00'; {kinds}{others}")).unwrap()
}

/// How the tables are made, a line each part, in no order: keys that come later stand later.
fn made(server: &Server) -> Vec<String> {
    let names = server.sql("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'railway' AND TABLE_NAME <> 'railstage_copy'");
    let show = |name: &String| format!("SHOW CREATE TABLE `{}`;", name.replace('`', "``"));
    let shown = server.sql(&names.unwrap().iter().map(show).collect::<String>()).unwrap();
    let mut lines: Vec<_> =
        shown.iter().flat_map(|line| line.split("\\n")).map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}

fn fill(server: &Server) {
    let bytes: String = (0..=255).map(|byte| format!("{byte:02X}")).collect();
    server.sql(&KINDS.replace("ALL_BYTES", &bytes)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_is_what_was_there_between_all_servers() {
    for (source, target) in pairs() {
        let pair = format!("{:?} {} to {}", source.family(), source.version(), target.version());
        let ends = Ends::start(&source, &target).await;
        fill(&ends.source);
        let report = ends.copy(&Ends::options()).await.unwrap_or_else(|error| panic!("{pair}: {error:?}"));
        assert_eq!((report.tables, report.rows, report.attempts), (8, 15, 1), "{pair}");
        for (there, here) in all(&ends.target).iter().zip(all(&ends.source)) {
            assert_eq!(*there, here, "{pair}");
        }
        if source.version() == target.version() {
            assert_eq!(made(&ends.target), made(&ends.source), "{pair}");
        }
        let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.object.as_str()).collect();
        assert_eq!(skipped, ["snapshot of table railway.old_engine"], "{pair}");
        ends.target.sql("INSERT INTO empty_one (w) VALUES (1); DELETE FROM parents").unwrap();
        assert_eq!(
            ends.target.sql("SELECT id FROM empty_one; SELECT COUNT(*) FROM children").unwrap(),
            ["77", "1"],
            "{pair}"
        );
        ends.assert_nothing_is_left();
        // Over a copy, whose foreign keys and note make way.
        let second = CopyOptions { copy_id: "run-2".to_owned(), ..Ends::options() };
        let report = ends.copy(&second).await.unwrap_or_else(|error| panic!("{pair}: {error:?}"));
        assert_eq!(all(&ends.target), all(&ends.source), "{pair}");
        ends.assert_nothing_is_left();
        // The same copy is not made again.
        let again = ends.copy(&second).await.unwrap();
        assert!(again.reused && again.digest == report.digest);
    }
}

const SITE: &str = "
    CREATE TABLE wp_options (option_id int PRIMARY KEY, option_name varchar(64) UNIQUE, option_value longtext) CHARACTER SET utf8mb4;
    INSERT INTO wp_options VALUES (1, 'siteurl', 'https://shop.example.com'),
      (2, 'widget', 'a:1:{s:4:\"text\";s:36:\"see https://shop.example.com/caf\u{e9}!!\";}');
    CREATE TABLE wp_old (id int PRIMARY KEY, body text CHARACTER SET latin1, short tinytext, fl float, js json);
    INSERT INTO wp_old VALUES (1, 'caf\u{e9} https://shop.example.com/a', CONCAT(REPEAT('x', 228), ' https://shop.example.com/'), 16777216,
      '{\"u\": \"https://shop.example.com/\", \"aa\": 1}');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_are_rewritten_in_values_of_whatever_character_set_and_what_is_too_long_is_left() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::newest(family).await;
        ends.source.sql(SITE).unwrap();
        let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.net").unwrap()];
        let report = ends.copy(&CopyOptions { rewrite, ..Ends::options() }).await.unwrap();
        assert_eq!((report.rewritten_values, report.overflow_left), (4, 1), "{report:?}");
        let there = ends
            .target
            .sql("SELECT option_value FROM wp_options ORDER BY 1 DESC; SELECT body, fl+0e0, js FROM wp_old")
            .unwrap();
        assert_eq!(there[0], "https://staging.example.net");
        assert_eq!(there[1], "a:1:{s:4:\"text\";s:39:\"see https://staging.example.net/caf\u{e9}!!\";}");
        let json = "{\"u\": \"https://staging.example.net/\", \"aa\": 1}";
        assert_eq!(there[2], format!("caf\u{e9} https://staging.example.net/a\t16777216\t{json}"));
        assert_eq!(
            ends.target.sql("SELECT HEX(LEFT(CONVERT(body USING latin1), 4)) FROM wp_old").unwrap(),
            ["636166E9"]
        );
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_many_megabytes_passes_in_pieces() {
    let ends = Ends::newest(Family::MariaDb).await;
    ends.source
        .sql(
            "SET GLOBAL max_allowed_packet = 1073741824; CREATE TABLE large (id int PRIMARY KEY, body longblob);
             INSERT INTO large VALUES (1, REPEAT('0123456789\\t\\n\\\\', 1000)), (3, 'x')",
        )
        .unwrap();
    ends.source.sql("INSERT INTO large SELECT 2, REPEAT(body, 3000) FROM large WHERE id = 1").unwrap();
    let report = ends.copy(&Ends::options()).await.unwrap();
    assert!(report.bytes > 39_000_000, "{}", report.bytes);
    let sql = "SELECT id, LENGTH(body), SHA2(body, 256) FROM large ORDER BY id";
    assert_eq!(ends.target.sql(sql).unwrap(), ends.source.sql(sql).unwrap());
    // What would have to be changed must be held.
    ends.source.sql("UPDATE large SET body = CONCAT(body, 'https://shop.example.com/') WHERE id = 2").unwrap();
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.net").unwrap()];
    let told = super::told(ends.copy(&CopyOptions { rewrite, copy_id: "run-2".to_owned(), ..Ends::options() }).await);
    assert!(told.contains("copy table `railway.large`: a row has more than 16 MiB"), "{told}");
    assert_eq!(ends.target.sql(sql).unwrap().len(), 3);
    ends.assert_nothing_is_left();
}
