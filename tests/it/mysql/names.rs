//! Hostile names, tables of as many columns as there may be, and names that one server tells apart and another does not: what comes is
//! exact, and what cannot come is refused by its name before anything is made.

use std::fmt::Write as _;
use std::sync::Arc;

use backboard::mysql::{Family, MysqlHome, Server};
use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};

use super::ends::{Database, Ends, settings};
use super::same::assert_same;
use super::{copy, told};

/// As odd as a server lets names be.
const NAMES: &[&str] = &[
    "back`tick",
    "it's",
    "dou\"ble",
    "new\nline",
    "tab\tbed",
    "50%",
    "%s%d%00",
    "../../etc/passwd",
    "a.b",
    "select",
    "primary",
    " begins",
    "back\\slash",
    "semi;colon",
    "-- dash",
    "/* comment */",
    "#hash",
    "(bracket",
    "comma, `KEY",
    "naïve ☃ käse",
    "${x}",
    "@var",
    "?",
    "rs_0123456789ab_01234567_1",
    "0123456789012345678901234567890123456789012345678901234567890123",
];

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table, a column, a key, a view, a routine, a trigger and an event of each name.
fn named() -> String {
    let mut sql =
        "CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1);\nDELIMITER $$$\n".to_owned();
    for (number, name) in NAMES.iter().enumerate() {
        let short: String = name.chars().take(60).collect();
        let [own, view, parent] =
            [(*name).to_owned(), format!("v {short}"), format!("p {short}")].map(|name| quoted(&name));
        // The first InnoDB would take for the name of a database and a key, the second for that of the primary one.
        let key = if name.contains('/') || *name == "primary" { format!("key{number}") } else { own.clone() };
        for statement in [
            format!(
                "CREATE TABLE {own} ({own} int PRIMARY KEY AUTO_INCREMENT, {view} varchar(40), {parent} int, KEY {view} ({view}(9)), CONSTRAINT {key} FOREIGN KEY ({parent}) REFERENCES parents (id))"
            ),
            format!("INSERT INTO {own} ({view}, {parent}) VALUES ('a', 1), (NULL, NULL)"),
            format!("CREATE VIEW {view} AS SELECT {own} AS id, {view} FROM {own}"),
            format!("CREATE TRIGGER {own} BEFORE INSERT ON {own} FOR EACH ROW SET NEW.{view} = 'triggered'"),
            format!("CREATE FUNCTION {own}({parent} int) RETURNS int DETERMINISTIC RETURN {parent} + 1"),
            format!("CREATE PROCEDURE {own}() SELECT COUNT(*) FROM {own}"),
            format!("CREATE EVENT {own} ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM {own}"),
        ] {
            writeln!(sql, "{statement}$$$").unwrap();
        }
    }
    sql
}

/// The names of all objects that are no table.
fn objects(end: &Database) -> Vec<String> {
    let of = |column: &str, table: &str, schema: &str| {
        format!(
            "SELECT '{table}', HEX({column}) FROM information_schema.{table} WHERE {schema} = DATABASE() ORDER BY 2;"
        )
    };
    let all = [
        ("TABLE_NAME", "VIEWS", "TABLE_SCHEMA"),
        ("ROUTINE_NAME", "ROUTINES", "ROUTINE_SCHEMA"),
        ("TRIGGER_NAME", "TRIGGERS", "TRIGGER_SCHEMA"),
        ("EVENT_NAME", "EVENTS", "EVENT_SCHEMA"),
    ];
    end.sql(&all.map(|(column, table, schema)| of(column, table, schema)).concat()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_things_are_called_they_come_over() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::on_one_server(family).await;
        ends.source.sql(&named()).unwrap();
        // A second time too, when all of them stand in the way.
        for copy_id in ["run-1", "run-2"] {
            let options = CopyOptions { copy_id: copy_id.to_owned(), ..Ends::options() };
            let report = copy(&ends.source.url(), &ends.target.url(), &options).await.unwrap();
            let left: Vec<_> =
                report.skipped.iter().filter(|skipped| !skipped.reason.starts_with("it is there")).collect();
            assert!(left.is_empty(), "{family:?}: {left:?}");
            assert_same(&ends, "odd names");
            assert_eq!(objects(&ends.target), objects(&ends.source), "{family:?}");
            assert_eq!(objects(&ends.target).len(), NAMES.len() * 5);
        }
        let use_all: String =
            NAMES.iter().map(|name| format!("INSERT INTO {0} () VALUES (); CALL {0}();", quoted(name))).collect();
        assert_eq!(ends.target.sql(&use_all).unwrap(), vec!["3"; NAMES.len()], "{family:?}");
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_may_be_called_anything_and_what_is_called_as_ours_is_told() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::on_one_server(family).await;
        let server = &ends.target.server;
        for name in ["we`ird \"da\\ta%2fba.se/../", "select", "rs_shop", "railstage_copy", "it's ☃"] {
            let [from, to] = ["", "'"].map(|more| format!("{name}{more}"));
            let make = format!(
                "CREATE DATABASE {0}; CREATE DATABASE {1}; CREATE TABLE {0}.t (id int PRIMARY KEY, w text); INSERT INTO {0}.t VALUES (1, 'one'); CREATE VIEW {0}.v AS SELECT * FROM {0}.t; CREATE TABLE {1}.old (a int)",
                quoted(&from),
                quoted(&to)
            );
            server.sql(&make).unwrap();
            let url = |end: &Database, name: &str| {
                let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
                format!("{}/{encoded}", end.url().rsplit_once('/').unwrap().0)
            };
            let (source, target) = (url(&ends.source, &from), url(&ends.target, &to));
            copy(&source, &target, &Ends::options())
                .await
                .unwrap_or_else(|error| panic!("{family:?} {name}: {error:#}"));
            let there = format!(
                "SELECT w FROM {0}.v; SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{1}' AND TABLE_NAME = 'old'",
                quoted(&to),
                to.replace('\\', "\\\\").replace('\'', "''")
            );
            assert_eq!(server.sql(&there).unwrap(), ["one", "0"], "{family:?} {name}");
            let drop = format!("DROP DATABASE {}; DROP DATABASE {}", quoted(&from), quoted(&to));
            server.sql(&drop).unwrap();
        }
        // The notes of a copy that is copied are not data; a table of somebody's that is called so is.
        ends.source.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE railstage_x (a int); INSERT INTO railstage_x VALUES (5)").unwrap();
        ends.copy(&Ends::options()).await.unwrap();
        assert_eq!(ends.target.sql("SELECT * FROM railstage_x").unwrap(), ["5"]);
        for name in ["railstage_copy", "railstage_leftover"] {
            ends.source.sql(&format!("CREATE TABLE {name} (own int)")).unwrap();
            let told = told(ends.copy(&CopyOptions { copy_id: name.to_owned(), ..Ends::options() }).await);
            assert!(told.contains(&format!("table `{name}` is called as one of railstage's own")), "{told}");
            ends.source.sql(&format!("DROP TABLE {name}")).unwrap();
        }
        ends.assert_nothing_is_left();
    }
}

/// As many columns as a table of `InnoDB` may have, of which some are people's.
fn wide() -> String {
    let numbers = (0..916).map(|i| format!("n{i} tinyint"));
    let words = (0..80).map(|i| format!("w{i} varchar(10)"));
    let people = (0..10).flat_map(|i| [format!("email_{i} text"), format!("note_{i} text")]);
    let columns: Vec<_> = numbers.chain(words).chain(people).collect();
    let row = |id: usize| {
        let numbers = (0..916).map(|i| (i * id % 100).to_string());
        let words = (0..80).map(|i| format!("'w{}'", i * id));
        let people = (0..10).flat_map(|i| {
            [format!("'ottokar{id}.{i}@quendel.example'"), "'He calls back, says Ottokar Quendel'".to_owned()]
        });
        format!("({id}, {})", numbers.chain(words).chain(people).collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<_> = (1..=40).map(row).collect();
    format!(
        "CREATE TABLE wide (id int PRIMARY KEY, {}) CHARACTER SET utf8mb4; INSERT INTO wide VALUES {}",
        columns.join(", "),
        rows.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_a_thousand_columns_is_copied_and_masked() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(&wide()).unwrap();
        let count =
            "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'wide'";
        assert_eq!(ends.source.sql(count).unwrap(), ["1017"]);
        ends.copy(&Ends::options()).await.unwrap();
        assert_same(&ends, "a wide table");
        let options =
            CopyOptions { copy_id: "run-2".to_owned(), masking: Some(Masking::new(Key::random())), ..Ends::options() };
        let report = ends.copy(&options).await.unwrap();
        let people: Vec<_> = (0..10).map(|i| format!("email_{i}")).collect();
        let left = format!("SELECT COUNT(*) FROM wide WHERE CONCAT_WS(' ', {}) LIKE '%quendel%'", people.join(", "));
        assert_eq!(ends.target.sql(&left).unwrap(), ["0"], "{family:?}: {report:?}");
        let numbers = "SELECT SUM(n1 + n915), COUNT(DISTINCT email_3) FROM wide";
        assert_eq!(ends.target.sql(numbers).unwrap(), ends.source.sql(numbers).unwrap());
        ends.assert_nothing_is_left();
    }
}

/// MySQL keeps the setting that its data were made with, so these are MariaDB's; how both are asked is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_tell_names_apart_in_two_ways_are_refused_and_two_that_do_not_agree() {
    let home = MysqlHome::of(Family::MariaDb).unwrap().remove(0);
    let of_small = || {
        let mut options = settings(false);
        options.settings.push("--lower-case-table-names=1".to_owned());
        options
    };
    let starting = (Server::start(&home, settings(false)), Server::start(&home, of_small()));
    let (large, small) = tokio::try_join!(starting.0, starting.1).unwrap();
    let (large, small) = (Arc::new(large), Arc::new(small));
    let made = |server: &Arc<Server>, name: &str| Database::make(server.clone(), name, None);
    let ends = Ends { source: made(&large, "shop"), target: made(&small, "shop") };
    ends.source.sql("CREATE TABLE Users (a int); CREATE TABLE users (a int); INSERT INTO Users VALUES (1)").unwrap();
    ends.target.sql("CREATE TABLE old (a int)").unwrap();
    let words = "`lower_case_table_names` is 0 on the source and 1 on the target";
    let told_of = told(ends.copy(&Ends::options()).await);
    assert!(told_of.contains(words), "{told_of}");
    assert_eq!(ends.target.sql("SHOW TABLES").unwrap(), ["old"]);
    ends.assert_nothing_is_left();
    let swapped = told(copy(&ends.target.site_url(), &ends.source.url(), &Ends::options()).await);
    assert!(swapped.contains("is 1 on the source and 0 on the target"), "{swapped}");
    let both = Ends { source: made(&small, "other"), target: ends.target };
    both.source
        .sql("CREATE TABLE MixedCase (Id int PRIMARY KEY, p int, CONSTRAINT F FOREIGN KEY (p) REFERENCES MIXEDCASE (ID)); INSERT INTO mixedcase VALUES (1, 1); CREATE VIEW SeeN AS SELECT * FROM MixedCase")
        .unwrap();
    both.copy(&CopyOptions { masking: Some(Masking::new(Key::random())), ..Ends::options() }).await.unwrap();
    assert_same(&both, "small letters");
    assert_eq!(both.target.sql("SELECT * FROM seen").unwrap(), ["1\t1"]);
    both.assert_nothing_is_left();
}
