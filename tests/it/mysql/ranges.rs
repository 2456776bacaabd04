//! Large tables in ranges and small ones many at a time: each row comes once, wherever a table is cut.

use backboard::mysql::Family;
use railstage::copying::{CopyOptions, SnapshotBy};

use super::copy;
use super::ends::{Database, Ends};

/// Numbers with gaps, below zero, to the ends of their types; two columns in a key; and many small tables.
const LARGE: &str = "
    SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', SESSION cte_max_recursion_depth = 100000, SESSION max_recursive_iterations = 100000;
    CREATE TABLE n (i int PRIMARY KEY);
    INSERT INTO n WITH RECURSIVE s AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 5999) SELECT i FROM s;
    CREATE TABLE even (id bigint PRIMARY KEY, body varchar(200), KEY body (body(8)));
    INSERT INTO even SELECT i - 3000, REPEAT(SHA2(i, 256), 3) FROM n;
    CREATE TABLE gaps (id bigint unsigned PRIMARY KEY, body varchar(200), UNIQUE KEY body (body));
    INSERT INTO gaps SELECT i, CONCAT(i, REPEAT(SHA2(i, 256), 2)) FROM n WHERE i < 2000;
    INSERT INTO gaps SELECT 18446744073709551615 - i, CONCAT('end ', i, REPEAT(SHA2(i, 256), 2)) FROM n WHERE i < 2000;
    CREATE TABLE counted (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, body varchar(200));
    INSERT INTO counted SELECT i, REPEAT(SHA2(i, 256), 3) FROM n;
    CREATE TABLE pairs (a smallint, b int, body varchar(200), PRIMARY KEY (a, b));
    INSERT INTO pairs SELECT i % 7, i, REPEAT(SHA2(i, 256), 3) FROM n;
    CREATE TABLE words (w varchar(64) PRIMARY KEY, body varchar(200));
    INSERT INTO words SELECT SHA2(i, 256), REPEAT('x', 200) FROM n;
    CREATE TABLE skewed (id bigint PRIMARY KEY, body varchar(200));
    INSERT INTO skewed SELECT i, REPEAT(SHA2(i, 256), 3) FROM n WHERE i < 5990; INSERT INTO skewed SELECT 9000000000000000000 + i, 'far' FROM n WHERE i < 10;
    ANALYZE TABLE even, gaps, counted, pairs, words, skewed;";
const COLUMNS: [(&str, &str); 7] = [
    ("n", "i"),
    ("even", "id, body"),
    ("gaps", "id, body"),
    ("counted", "id, body"),
    ("pairs", "a, b, body"),
    ("words", "w, body"),
    ("skewed", "id, body"),
];

fn sums(database: &Database) -> Vec<String> {
    let sum = |(name, columns): &(&str, &str)| {
        format!(
            "SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', {columns}))), BIT_XOR(CRC32(CONCAT_WS(';', {columns}))) FROM {name};"
        )
    };
    database.sql(&COLUMNS.iter().map(sum).collect::<String>()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_comes_once_wherever_its_table_is_cut() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        let small: String = (0..150)
            .map(|i| format!("CREATE TABLE small{i} (id int PRIMARY KEY, w varchar(20), KEY w (w)); INSERT INTO small{i} VALUES (1, 'a\\tb'), (2, NULL);"))
            .collect();
        let large = match family {
            Family::MariaDb => LARGE.replace("SESSION cte_max_recursion_depth = 100000, ", ""),
            Family::MySql => LARGE.replace(", SESSION max_recursive_iterations = 100000", ""),
        };
        ends.source.sql(&format!("{large}{small}")).unwrap();
        let options = CopyOptions { cut_bytes: 100_000, jobs: 3, ..Ends::options() };
        let report = copy(&ends.source.url(), &ends.target.url(), &options).await.unwrap();
        assert_eq!((report.tables, report.rows, report.attempts), (157, 6000 * 6 + 4000 + 300, 1), "{family:?}");
        assert_eq!(sums(&ends.target), sums(&ends.source));
        let keys = "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SEQ_IN_INDEX FROM information_schema.STATISTICS
                     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'railstage_copy' ORDER BY 1, 2, 4";
        assert_eq!(ends.target.sql(keys).unwrap(), ends.source.sql(keys).unwrap());
        ends.assert_nothing_is_left();
        let snapshot = report.snapshot.unwrap();
        assert_eq!((snapshot.by == SnapshotBy::OneSession, snapshot.sessions), (false, 3));
        // Other tests write to the server, or else nobody is held where it gives its word.
        assert!(family == Family::MariaDb || snapshot.by == SnapshotBy::WritersHeld, "{snapshot:?}");
        assert!(snapshot.writers_held_ms <= 500, "{snapshot:?}");
    }
}
