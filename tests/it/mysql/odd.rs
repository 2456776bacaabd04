//! Odd tables and odd values: a copy of each is what was there, computed columns, keys, next numbers and definitions too.

use backboard::mysql::Family;
use railstage::copying::CopyOptions;
use railstage::rewriting::UrlPair;

use super::Ends;
use super::ends::Database;
use super::same::assert_same;

/// Everything that the server of a database has.
fn fill(database: &Database) {
    let number = database.server.home().number();
    let files: &[&str] = match (database.family(), number) {
        (Family::MariaDb, (11, 7..) | (12.., _)) => &["odd", "mariadb", "mariadb11"],
        (Family::MariaDb, _) => &["odd", "mariadb"],
        (Family::MySql, (9.., _)) => &["odd", "mysql", "mysql9"],
        (Family::MySql, _) => &["odd", "mysql"],
    };
    for file in files {
        let path = format!("{}/tests/fixtures/mysql/{file}.sql", env!("CARGO_MANIFEST_DIR"));
        let sql = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        database.sql(&sql).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    database.sql(&charsets(database)).unwrap();
}

/// A table for each character set of the server, with every byte where a byte is a character, and with words where it is not.
fn charsets(database: &Database) -> String {
    let sql = "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS ORDER BY 1";
    let mut script = "SET sql_mode = '';".to_owned();
    let bytes: String = (0..=255).map(|byte| format!("{byte:02X}")).collect();
    for line in database.sql(sql).unwrap() {
        let (name, max) = line.split_once('\t').unwrap();
        script += &format!(
            "CREATE TABLE in_{name} (id int PRIMARY KEY, v varchar(300), t text, c char(20), e enum('a', 'b'), KEY v (v(20))) CHARACTER SET {name};
             INSERT INTO in_{name} VALUES (1, 'plain', 'caf\u{e9} \u{8868}\u{793a} \u{439}', 'https://shop.example.com/', 'a');"
        );
        if max == "1" && name != "binary" {
            script +=
                &format!("INSERT IGNORE INTO in_{name} VALUES (2, _{name} X'{bytes}', _{name} X'{bytes}', '', 'b');");
        }
    }
    script
}

async fn comes_over(ends: &Ends, what: &str) {
    fill(&ends.source);
    let report = ends.copy(&Ends::options()).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
    assert_same(ends, what);
    let count = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
    assert_eq!(ends.source.sql(count).unwrap(), [report.tables.to_string()], "{what}");
    let next = |end: &Database| {
        end.sql("INSERT INTO numbers (f) VALUES (1); SELECT LAST_INSERT_ID(); INSERT INTO no_rows (w) VALUES (1); SELECT LAST_INSERT_ID()").unwrap()
    };
    assert_eq!(next(&ends.target), next(&ends.source), "{what}");
    ends.assert_nothing_is_left();
    // And once more with all rows looked into, but for bytes that mean nothing in their character set: they cannot be.
    let charsets = "SELECT CONCAT('DELETE FROM in_', CHARACTER_SET_NAME, ' WHERE id = 2;') FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'latin1'";
    ends.source.sql(&ends.source.sql(charsets).unwrap().concat()).unwrap();
    let rewrite = vec![UrlPair::parse("https://other.example.com", "https://staging.example.net").unwrap()];
    let options = CopyOptions { copy_id: "run-2".to_owned(), rewrite, ..Ends::options() };
    ends.copy(&options).await.unwrap_or_else(|error| panic!("{what}, looked into: {error:#}"));
    assert_same(ends, what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_tables_come_over_as_they_are() {
    let ends =
        [Ends::of(Family::MariaDb).await, Ends::on_one_server(Family::MariaDb).await, Ends::of(Family::MySql).await];
    let [maria, same_maria, mysql] = &ends;
    comes_over(maria, "MariaDB, to a newer one").await;
    comes_over(same_maria, "MariaDB").await;
    comes_over(mysql, "MySQL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_kept_elsewhere_is_made_where_the_target_keeps_its_own() {
    let (maria, mysql) = (Ends::of(Family::MariaDb).await, Ends::of(Family::MySql).await);
    let folder = maria.source.server.folder().display().to_string();
    let table = "CREATE TABLE apart (id int PRIMARY KEY)";
    maria.source.sql(&format!("{table} DATA DIRECTORY = '{folder}'; INSERT INTO apart VALUES (1)")).unwrap();
    mysql.source.sql(&format!("CREATE TABLESPACE shared_file ADD DATAFILE 'shared_file.ibd'; {table} TABLESPACE shared_file; INSERT INTO apart VALUES (1)")).unwrap();
    for ends in [maria, mysql] {
        let report = ends.copy(&Ends::options()).await.unwrap();
        assert!(report.skipped.iter().any(|skipped| skipped.object == "folder of table apart"), "{report:?}");
        assert_eq!(ends.target.sql("SELECT * FROM apart").unwrap(), ["1"]);
        ends.assert_nothing_is_left();
    }
    let ends = Ends::of(Family::MySql).await;
    ends.source.sql("CREATE TABLE of_nothing (a int AS (1))").unwrap();
    let told = super::told(ends.copy(&Ends::options()).await);
    assert!(told.contains("table `of_nothing` has no column that is not computed"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_count_on_from_where_they_were() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source
        .sql(
            "CREATE SEQUENCE plain; CREATE SEQUENCE `o``dd` START WITH -5 INCREMENT BY -7 MINVALUE -100 MAXVALUE 0 CACHE 3 CYCLE;
             SELECT NEXTVAL(plain), NEXTVAL(`o``dd`); CREATE TABLE t (id int PRIMARY KEY)",
        )
        .unwrap();
    let of = |sequence: &str| {
        format!(
            "SELECT next_not_cached_value, minimum_value, maximum_value, increment, cache_size, cycle_option FROM {sequence};"
        )
    };
    let state = of("plain") + &of("`o``dd`");
    for copy_id in ["run-1", "run-2"] {
        ends.copy(&CopyOptions { copy_id: copy_id.to_owned(), ..Ends::options() }).await.unwrap();
        assert_eq!(ends.target.sql(&state).unwrap(), ends.source.sql(&state).unwrap());
        assert_eq!(ends.target.sql("SELECT NEXTVAL(plain)").unwrap(), ["1001"]);
        ends.assert_nothing_is_left();
    }
}
