//! Everything that a database can hold arrives equal, or is named.

use std::process::Command;

use backboard::postgres::{Cluster, PgBin};
use railstage::postgres::{Endpoint, inspect};

use super::{DATABASE, Ends, PASSWORD, eventually, run, texts};

/// What a database of a server of this version can hold.
pub(crate) fn shapes(major: u32) -> String {
    let is_for = |paragraph: &&str| match paragraph.strip_prefix("-- Since ").and_then(|rest| rest.split_once('.')) {
        Some((since, _)) => major >= since.parse().unwrap(),
        None => true,
    };
    include_str!("shapes.sql").split("\n\n").filter(is_for).collect::<Vec<_>>().join("\n\n")
}

/// What `pg_dump` says of a whole database, rows included; two equal databases have the same text.
pub(crate) fn dump(bin: &PgBin, cluster: &Cluster, database: &str) -> Vec<String> {
    let output = Command::new(bin.program("pg_dump"))
        .args(["--no-owner", "--no-privileges", "--no-security-labels", "--no-tablespaces", "--no-subscriptions"])
        // An enum's rows lie in other partitions where its OIDs are others.
        .arg("--exclude-table-data=hashed_*")
        .args(["--host=localhost", "--username=postgres", "--dbname", database])
        .args(["--port", &cluster.port().to_string()])
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    // Since 15 the schema `public` belongs to another role.
    let left_out = [
        "Name: guarded for_outsiders; Type: POLICY;",
        "Name: POLICY for_outsiders ON guarded; Type: COMMENT;",
        "Type: USER MAPPING;",
        "Name: public; Type: SCHEMA;",
    ];
    let entries = text.split("\n--\n-- ").filter(|entry| !left_out.iter().any(|heading| entry.contains(heading)));
    let is_query = |entry: &str| entry.contains(" VIEW ") && entry.contains(" AS\n");
    let entries = entries.map(|entry| if is_query(entry) { unqualified(entry) } else { entry.to_owned() });
    let lines = entries.flat_map(|entry| entry.lines().map(str::to_owned).collect::<Vec<_>>());
    let left_out = |line: &str| {
        line.is_empty()
            || ["SET default_", "-- Dumped from", "\\restrict ", "\\unrestrict "].iter().any(|s| line.starts_with(s))
    };
    lines.filter(|line| !left_out(line)).collect()
}

/// A view's query without the tables' names before its columns, which servers print or not according to their version.
fn unqualified(entry: &str) -> String {
    let words = entry.split_inclusive([' ', '(', '\n']);
    words.map(|word| word.rsplit('.').next().unwrap_or_default()).collect()
}

pub(crate) fn assert_equal(here: &[String], there: &[String], what: &str) {
    for (i, (left, right)) in here.iter().zip(there).enumerate() {
        let before = &here[i.saturating_sub(4)..i];
        assert_eq!(left, right, "{what}, after {before:#?}");
    }
    assert_eq!(here.len(), there.len(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_object_arrives_equal() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    // By itself, since it cannot be in a transaction.
    run(&source, "SET allow_in_place_tablespaces = on").await;
    run(&source, "CREATE TABLESPACE elsewhere LOCATION ''").await;
    run(&source, "CREATE TABLE far_away (id int) TABLESPACE elsewhere").await;
    run(&source, &shapes(ends.bin.major())).await;
    let before = dump(&ends.bin, &ends.source, DATABASE);
    let report = ends.copy(&ends.options()).await.unwrap();
    assert_equal(&before, &dump(&ends.bin, &ends.target, DATABASE), "the copy");
    assert_equal(&before, &dump(&ends.bin, &ends.source, DATABASE), "the source afterwards");

    let target = ends.target().await;
    let lone = |sql: &'static str| async { texts(&ends.target().await, sql).await };
    assert_eq!(lone("INSERT INTO identity_always (word) VALUES ('next') RETURNING id").await, ["4"]);
    assert_eq!(lone("SELECT nextval('never_called'), nextval('called')").await, ["7|12"]);
    assert_eq!(lone("SELECT count(*) FROM no_columns").await, ["3"]);
    assert_eq!(lone("SELECT total FROM matview_on_matview").await, ["6"]);
    assert_eq!(
        lone("SELECT lo_get(4242) = decode(repeat('00ff', 300000), 'hex'), length(lo_get(4243))").await,
        ["t|0"]
    );
    assert_eq!(lone("SELECT twice FROM generated ORDER BY id").await, ["2", "4"]);
    assert_eq!(lone("SELECT count(*) FROM ONLY mother").await, ["1"]);
    assert_eq!(lone("SELECT value FROM hashed WHERE mood = 'sad'").await, ["1"]);
    assert_eq!(lone("SELECT count(*), sum(value) FROM hashed").await, ["3|6"]);
    assert_eq!(lone("SHOW search_path").await, ["\"$user\", public, \"odd \"\"schema\""]);
    assert_eq!(lone("SHOW app.greeting").await, ["it's here"]);
    let statistics = "SELECT count(*) FROM pg_statistic WHERE starelid = 'types'::regclass";
    assert_ne!(texts(&target, statistics).await, ["0"]);

    let skipped: Vec<_> = report.skipped.iter().map(|s| format!("{}: {}", s.object, s.reason)).collect();
    for expected in [
        "ownership by role outsider (1 objects): everything belongs to the login of the target",
        "rights on columns (1) granted to outsider: roles belong to a server, not to a database",
        "rights on functions (1) granted to nobody else: roles belong to a server, not to a database",
        "rights on large objects (2) granted to outsider: roles belong to a server, not to a database",
        "rights on objects to come (1) granted to outsider: roles belong to a server, not to a database",
        "security labels (1): labels belong to a provider of the server",
        "tablespace elsewhere (1 relations): the target's own tablespace holds everything",
        "subscription taken: a copy must not take part in replication",
        "policy public.guarded for_outsiders: its role `outsider` is not on the target",
        "rows of materialized view public.unfilled: it is not filled on the source either",
        "comment on the database: the copy's own note about itself stands there",
        "setting work_mem of role outsider: the role is not on the target",
        "user mapping of public to server elsewhere: it holds a login to another server",
        "rows of foreign table public.far: its rows are on another server",
    ] {
        assert!(skipped.iter().any(|s| s == expected), "{expected} is not in {skipped:#?}");
    }
    assert_eq!(report.large_objects, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_are_not_utf8_arrive_byte_for_byte() {
    let ends = Ends::start().await;
    for (encoding, value) in [("SQL_ASCII", "\\351\\377x"), ("LATIN1", "caf\\351"), ("EUC_JP", "\\244\\242")] {
        let admin = ends.source.connect("postgres").await.unwrap();
        run(&admin, &format!("DROP DATABASE {DATABASE} WITH (FORCE)")).await;
        run(&admin, &format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING {encoding} LOCALE 'C'")).await;
        let table =
            format!("CREATE TABLE t (b text); INSERT INTO t VALUES (convert_from('{value}'::bytea, '{encoding}'))");
        run(&ends.source().await, &table).await;
        ends.copy(&railstage::copying::CopyOptions { copy_id: encoding.to_owned(), ..ends.options() }).await.unwrap();
        let target = ends.target().await;
        assert_eq!(texts(&target, "SHOW server_encoding").await, [encoding]);
        let same = format!("SELECT convert_to(b, '{encoding}') = '{value}'::bytea FROM t");
        assert_eq!(texts(&target, &same).await, ["t"], "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_do_not_change_with_either_ends_settings() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(
        &source,
        "ALTER ROLE postgres SET DateStyle = 'SQL, DMY'; ALTER ROLE postgres SET IntervalStyle = 'sql_standard'",
    )
    .await;
    run(&source, "ALTER ROLE postgres SET extra_float_digits = 0; ALTER ROLE postgres SET bytea_output = 'escape'")
        .await;
    run(&source, "ALTER ROLE postgres SET TimeZone = 'Asia/Tokyo'; ALTER ROLE postgres SET statement_timeout = '1s'")
        .await;
    run(&source, "ALTER ROLE postgres SET default_transaction_isolation = 'serializable'").await;
    run(&source, "CREATE TABLE v (d date, i interval, f float8, b bytea, t timestamptz, c regclass)").await;
    run(&source, "INSERT INTO v VALUES ('2025-03-04', '-1 day -02:03:04', 0.1::float8 + 0.2, '\\x00ff5c', '2025-03-04 05:06:07+01', 'v')").await;
    run(
        &ends.target().await,
        "ALTER ROLE postgres SET DateStyle = 'ISO, MDY'; ALTER ROLE postgres SET search_path = ''",
    )
    .await;
    ends.copy(&ends.options()).await.unwrap();
    let pinned = "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET TimeZone = 'UTC'; SET search_path = ''";
    let (source, target) = (ends.source().await, ends.target().await);
    run(&source, pinned).await;
    run(&target, pinned).await;
    assert_eq!(texts(&target, "SELECT * FROM public.v").await, texts(&source, "SELECT * FROM public.v").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_is_not_written_and_let_go() {
    let ends = Ends::with_rows().await;
    let marks = "SELECT tup_inserted, tup_updated, tup_deleted, temp_files FROM pg_stat_database WHERE datname = current_database()";
    let next_id = "SELECT pg_snapshot_xmax(pg_current_snapshot())";
    let source = ends.source().await;
    run(&source, "SELECT pg_stat_force_next_flush()").await;
    let before = (texts(&source, next_id).await, texts(&source, marks).await);
    ends.copy(&ends.options()).await.unwrap();
    ends.assert_source_is_let_go().await;
    run(&source, "SELECT pg_stat_clear_snapshot()").await;
    assert_eq!(before, (texts(&source, next_id).await, texts(&source, marks).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_the_source_tells_what_is_there() {
    let ends = Ends::start().await;
    run(
        &ends.source().await,
        "CREATE TABLE site_posts (id int); CREATE TABLE site_options (option_name text, option_value text)",
    )
    .await;
    run(
        &ends.source().await,
        "INSERT INTO site_options VALUES ('siteurl', 'https://a.test/wp'), ('home', 'https://a.test')",
    )
    .await;
    run(
        &ends.source().await,
        "CREATE ROLE reader LOGIN PASSWORD 'reader-password'; CREATE TABLE hidden (); CREATE TABLE veiled (i int)",
    )
    .await;
    run(
        &ends.source().await,
        "ALTER TABLE veiled ENABLE ROW LEVEL SECURITY; GRANT SELECT ON veiled, site_posts, site_options TO reader",
    )
    .await;
    let endpoint = Endpoint::parse(&ends.source.url()).unwrap();
    let report = inspect(&endpoint).await.unwrap();
    let site = report.wordpress.unwrap();
    assert_eq!((site.table_prefix.as_str(), site.siteurl.as_deref()), ("site_", Some("https://a.test/wp")));
    assert_eq!((report.problems.len(), report.encoding.as_str(), report.tables), (0, "UTF8", 4));
    assert_eq!(railstage::postgres::site_urls(&endpoint).await.unwrap(), ["https://a.test", "https://a.test/wp"]);

    let reader = ends.source.url().replace(&format!("postgres:{PASSWORD}"), "reader:reader-password");
    let report = inspect(&Endpoint::parse(&reader).unwrap()).await.unwrap();
    assert_eq!(report.problems.len(), 2, "{:?}", report.problems);
    assert!(report.problems[0].contains("may not read public.hidden"));
    assert!(report.problems[1].contains("row-level security hides rows of public.veiled"));
    eventually("looks leave no session", async || {
        texts(&ends.source().await, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'railstage'")
            .await
            .is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_materialized_view_that_is_not_up_to_date_is_filled_anew_and_named() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(&source, "CREATE TABLE facts (v int); INSERT INTO facts VALUES (1)").await;
    run(&source, "CREATE MATERIALIZED VIEW fresh AS SELECT v FROM facts WHERE v = 1").await;
    run(&source, "CREATE MATERIALIZED VIEW stale AS SELECT v FROM facts; UPDATE facts SET v = v + 0; INSERT INTO facts VALUES (2)").await;
    let report = ends.copy(&ends.options()).await.unwrap();
    assert_eq!(texts(&ends.target().await, "SELECT v FROM stale ORDER BY v").await, ["1", "2"]);
    let skipped: Vec<_> = report.skipped.iter().map(|s| format!("{}: {}", s.object, s.reason)).collect();
    let reason = "it was filled anew, and its query gives other rows now";
    assert_eq!(skipped, [format!("rows of materialized view public.stale as they were: {reason}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_no_text_is_refused() {
    let ends = Ends::start().await;
    let admin = ends.source.connect("postgres").await.unwrap();
    run(&admin, &format!("DROP DATABASE {DATABASE} WITH (FORCE)")).await;
    run(&admin, &format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")).await;
    let make = r"DO $$ BEGIN EXECUTE 'CREATE TABLE ' || quote_ident(convert_from('caf\351'::bytea, 'SQL_ASCII')) || ' ()'; END $$";
    run(&ends.source().await, make).await;
    let told = super::told(ends.copy(&ends.options()).await);
    assert!(told.contains("a name in the source database is not UTF-8") && told.contains("22021"), "{told}");
}
