//! Extensions that are bound to a database's name, and what was changed about members of extensions.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use backboard::postgres::{ClusterOptions, PgBin};
use railstage::postgres::{Endpoint, dry_run, inspect};
use tempfile::TempDir;

use super::Odd;
use crate::asked;
use crate::copy::{run, texts};

fn with_cron(database: Option<&str>) -> ClusterOptions {
    let settings = database.map(|database| {
        vec![
            ("shared_preload_libraries".to_owned(), "pg_cron".to_owned()),
            ("cron.database_name".to_owned(), database.to_owned()),
        ]
    });
    ClusterOptions { settings: settings.unwrap_or_default(), ..ClusterOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_pg_cron_come_inactive_and_are_named() {
    let debian = match super::distributed("pg_cron") {
        Ok(server) => server,
        Err(reason) => return asked::skip(jobs_of_pg_cron_come_inactive_and_are_named, &reason),
    };
    let mut odd = Odd::of(&debian, with_cron(Some("08")), &debian, with_cron(Some("08"))).await;
    odd.bin = PgBin::find().unwrap();
    odd.load_file("08").await;
    run(&odd.source.connect("08").await.unwrap(), "SELECT cron.schedule('* * * * *', 'SELECT 1'); UPDATE cron.job SET active = false WHERE jobid = 2; SELECT cron.schedule('0 1 * * *', 'SELECT 2')").await;
    let told = |skipped: &[railstage::copying::Skipped]| {
        let jobs = skipped.iter().filter(|skipped| skipped.object.starts_with("activity of job"));
        jobs.map(|skipped| skipped.object.clone()).collect::<Vec<_>>()
    };
    let jobs = ["activity of job 1 (send) of cron.job", "activity of job 3 of cron.job"];
    let [source, target] = [odd.source_url("08"), odd.target_url("08")].map(|url| Endpoint::parse(&url).unwrap());
    let plan = dry_run(&source, &target, &odd.options()).await.unwrap();
    assert_eq!(
        (plan.problems.as_slice(), told(&plan.source.skipped).as_slice()),
        (&[] as &[String], jobs.map(str::to_owned).as_slice())
    );
    for _ in 0..2 {
        let report = odd.copy("08", &odd.options()).await.unwrap();
        assert_eq!(told(&report.skipped), jobs);
        let client = odd.target.connect("08").await.unwrap();
        let there = "SELECT jobid, schedule, command, database, active, jobname FROM cron.job ORDER BY 1";
        assert_eq!(
            texts(&client, there).await,
            [
                "1|* * * * *|INSERT INTO sendings DEFAULT VALUES|08|f|send",
                "2|* * * * *|SELECT 1|08|f|~",
                "3|0 1 * * *|SELECT 2|08|f|~"
            ]
        );
        let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        assert_eq!(texts(&client, databases).await, ["08", "postgres", "railway"]);
    }
    run(&odd.target.connect("postgres").await.unwrap(), "CREATE DATABASE contrib_regression").await;
    let problems = dry_run(&source, &target, &odd.options()).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [one] if one.contains("contrib_regression")), "{problems:?}");

    for (settings, words) in
        [(None, "has not loaded it"), (Some("other"), "in the database `other` of the target's server only")]
    {
        let target = backboard::postgres::Cluster::start(&debian, with_cron(settings)).await.unwrap();
        run(&target.connect("postgres").await.unwrap(), "CREATE DATABASE \"08\"").await;
        let url = target.url().replace("/railway", "/08");
        let problems = dry_run(&source, &Endpoint::parse(&url).unwrap(), &odd.options()).await.unwrap().problems;
        assert!(matches!(problems.as_slice(), [one] if one.contains(words)), "{problems:?}");
        let error = crate::copy::copy(&odd.source_url("08"), &url, &odd.options()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_about_members_of_extensions_is_carried_or_named() {
    let odd = Odd::start().await;
    odd.copies_equal("10").await;
    assert_eq!(odd.answer("10", "SELECT id FROM places WHERE unaccent(name) = 'Zurich'").await, ["1"]);
    odd.load(
        "members",
        "CREATE SCHEMA tools; CREATE EXTENSION unaccent SCHEMA tools; CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;
         ALTER FUNCTION tools.unaccent(regdictionary, text) IMMUTABLE PARALLEL UNSAFE COST 7;
         ALTER FUNCTION similarity(text, text) SET search_path = public;
         ALTER FUNCTION hstore(text, text) SECURITY DEFINER;
         CREATE OR REPLACE FUNCTION citext_hash(citext) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 7';
         ALTER OPERATOR % (text, text) SET (RESTRICT = eqsel);
         CREATE TABLE words (word text, plain text GENERATED ALWAYS AS (tools.unaccent('tools.unaccent', word)) STORED);
         INSERT INTO words (word) VALUES ('Zürich')",
    )
    .await;
    let report = odd.copy("members", &odd.options()).await.unwrap();
    let functions = "SELECT p.oid::regprocedure, provolatile, proparallel, procost, proconfig, prosecdef, prosrc, d.deptype
                       FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e' ORDER BY p.oid::regprocedure::text COLLATE \"C\"";
    let (source, target) = (odd.source.connect("members").await.unwrap(), odd.target.connect("members").await.unwrap());
    let (here, there) = (texts(&source, functions).await, texts(&target, functions).await);
    assert!(here == there, "{:?}", here.iter().zip(&there).find(|(here, there)| here != there));
    assert_eq!(texts(&target, "SELECT plain FROM words").await, ["Zurich"]);
    let named = report.skipped.iter().filter(|skipped| skipped.object.starts_with("changes to"));
    let named: Vec<_> = named.map(|skipped| skipped.object.as_str()).collect();
    assert_eq!(named, ["changes to operator public.% (text, text) of extension pg_trgm"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_that_keeps_rows_in_a_way_of_its_own_is_refused_by_name() {
    let (_folder, options) = settings_with(&[("timescaledb", ""), ("ours", "")]);
    let bin = PgBin::find().unwrap();
    let odd = Odd::of(&bin, options.clone(), &bin, options).await;
    odd.load("hyper", "CREATE EXTENSION timescaledb; CREATE EXTENSION ours").await;
    let told = inspect(&Endpoint::parse(&odd.source_url("hyper")).unwrap()).await.unwrap();
    assert!(
        matches!(told.problems.as_slice(), [one] if one.contains("`timescaledb`") && one.contains("leave it out")),
        "{told:?}"
    );
    let error = odd.copy("hyper", &odd.options()).await.unwrap_err();
    assert!(error.to_string().contains("`timescaledb`"), "{error:#}");
}

/// Options of a server that has these extensions, each with its script; they are there as long as the folder.
fn settings_with(extensions: &[(&str, &str)]) -> (TempDir, ClusterOptions) {
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
    let path = folder.path().join("extension");
    std::fs::create_dir(&path).unwrap();
    for (name, script) in extensions {
        std::fs::write(path.join(format!("{name}.control")), "default_version = '1'").unwrap();
        std::fs::write(path.join(format!("{name}--1.sql")), script).unwrap();
    }
    let search = format!("{}:$system", folder.path().display());
    let settings = vec![("extension_control_path".to_owned(), search)];
    (folder, ClusterOptions { settings, ..ClusterOptions::default() })
}

const OURS: &str = "
    CREATE TABLE rates (code text PRIMARY KEY, rate int, own boolean DEFAULT false);
    INSERT INTO rates VALUES ('a', 1), ('b', 2); SELECT pg_catalog.pg_extension_config_dump('rates', 'WHERE own');
    CREATE TYPE mood AS ENUM ('fine');";

const CHANGES: &str = "
    CREATE EXTENSION ours;
    INSERT INTO rates VALUES ('c', 3, true); ALTER TABLE rates ADD COLUMN note text NOT NULL DEFAULT 'none';
    UPDATE rates SET note = 'mine' WHERE own; CREATE INDEX rates_rate ON rates (rate);
    ALTER TABLE rates ADD CONSTRAINT rates_positive CHECK (rate > 0);
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER rates_noted BEFORE UPDATE ON rates FOR EACH ROW EXECUTE FUNCTION noted();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_added_to_tables_of_extensions_comes_and_their_own_rows_are_named_where_they_changed() {
    let (_folder, options) = settings_with(&[("ours", OURS)]);
    let bin = PgBin::find().unwrap();
    let odd = Odd::of(&bin, options.clone(), &bin, options).await;
    odd.load("added", CHANGES).await;
    let report = odd.copy("added", &odd.options()).await.unwrap();
    let objects = |skipped: Vec<railstage::copying::Skipped>| {
        let of_ours =
            skipped.into_iter().filter(|skipped| skipped.object.contains("rates") || skipped.object.contains("mood"));
        of_ours.map(|skipped| skipped.object).collect::<Vec<_>>()
    };
    assert_eq!(objects(report.skipped), Vec::<String>::new());
    let (source, target) = (odd.source.connect("added").await.unwrap(), odd.target.connect("added").await.unwrap());
    for sql in [
        "SELECT r::text FROM rates AS r ORDER BY code",
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'rates' ORDER BY 1",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'rates'::regclass",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'rates'::regclass ORDER BY 1",
    ] {
        assert_eq!(texts(&source, sql).await, texts(&target, sql).await, "{sql}");
    }

    run(&source, "UPDATE rates SET rate = 7 WHERE code = 'a'; ALTER TYPE mood ADD VALUE 'bad'; DROP INDEX rates_rate")
        .await;
    let report = odd.copy("added", &odd.options()).await.unwrap();
    assert_eq!(
        objects(report.skipped),
        ["changes to rows of public.rates that an extension made", "changes to type public.mood of extension ours"]
    );
}
