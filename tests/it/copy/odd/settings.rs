//! What the target computes, it computes under the settings of the source's own sessions.

use backboard::postgres::{ClusterOptions, PgBin};
use railstage::copying::CopyReport;

use super::{Odd, printed, texts};
use crate::copy::run;

/// The statement that sets a name to a value.
type Setting = fn(&str, &str) -> String;

fn named(report: &CopyReport) -> Vec<String> {
    report.skipped.iter().map(|skipped| format!("{}: {}", skipped.object, skipped.reason)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_computed_under_the_databases_settings_is_computed_alike() {
    let odd = Odd::start().await;
    for name in ["01a", "01b", "02a", "02b", "02c", "02d"] {
        odd.copies_equal(name).await;
    }
    let days = "SELECT count(*) FROM visits WHERE day_of(seen) = '2025-06-02'";
    assert_eq!(odd.answer("01a", days).await, ["24"]);
    assert_eq!(odd.answer("01b", "SELECT id FROM prices WHERE gross(net) = 119").await, ["100"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_login_and_of_everybody_govern_the_copy() {
    let odd = Odd::start().await;
    let report = odd.copies_equal("xb").await;
    assert_eq!(named(&report), [""; 0]);
    let target = odd.target.connect("xb").await.unwrap();
    assert_eq!(texts(&target, "SELECT name FROM users").await, ["x"]);
    assert_eq!(texts(&target, "SHOW timezone").await, ["Europe/Berlin"]);
}

/// Names in the site's own path that are spelled like PostgreSQL's, which a dump does not spell out.
const SHADOWING: &str = "
    CREATE SCHEMA app;
    ALTER DATABASE railway SET search_path = app, pg_catalog;
    CREATE TYPE app.mood AS ENUM ('a', 'b');
    CREATE TABLE app.t (id int PRIMARY KEY, m app.mood, x int, y int, word text);
    INSERT INTO app.t SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END::app.mood, i, NULL, 'W' || i FROM generate_series(1, 100) AS i;
    CREATE INDEX t_a ON app.t (id) WHERE m = 'a';
    CREATE INDEX t_nonnulls ON app.t (num_nonnulls(x, y));
    CREATE INDEX t_lower ON app.t (lower(word));
    CREATE VIEW app.v AS SELECT id, m = 'a' AS is_a, lower(word) AS word FROM app.t GROUP BY id;
    CREATE STATISTICS app.s ON (lower(word)), x FROM app.t;
    ALTER TABLE app.t ADD CONSTRAINT short CHECK (lower(word) <> 'x') NOT VALID;
    ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON app.t USING (lower(word) = 'w1');
    CREATE FUNCTION app.noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER noted BEFORE UPDATE ON app.t FOR EACH ROW WHEN (lower(NEW.word) = 'w1') EXECUTE FUNCTION app.noted();
    CREATE FUNCTION app.mood_eq(app.mood, app.mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE OPERATOR app.= (LEFTARG = app.mood, RIGHTARG = app.mood, FUNCTION = app.mood_eq);
    CREATE FUNCTION app.num_nonnulls(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 99';
    CREATE FUNCTION app.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'shadow'$$;
    CREATE FUNCTION app.shadowed(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower($1); END';
    SET search_path = app, pg_catalog;
    CREATE INDEX t_shadowed ON app.t (app.shadowed(word));
    ANALYZE app.t;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sites_search_path_decides_what_functions_find_and_not_what_a_dump_means() {
    let bins = PgBin::all().unwrap();
    let bin = |major| bins.iter().find(|bin| bin.major() == major).unwrap();
    for major in [15, 18] {
        let odd = Odd::between(bin(major), bin(major)).await;
        odd.load("shadowing", SHADOWING).await;
        odd.copy("shadowing", &odd.options()).await.unwrap();
        odd.assert_equal("shadowing").await;
        let lowered = "SELECT count(*) FROM app.t WHERE pg_catalog.lower(word) = 'w1'";
        assert_eq!(odd.answer("shadowing", lowered).await, ["1"]);
        let counted = "SELECT count(*) FROM app.t WHERE pg_catalog.num_nonnulls(x, y) = 1";
        assert_eq!(odd.answer("shadowing", counted).await, ["100"]);
        // Since 17 an index is computed under a safe path, on the source as well, and differs from what a scan computes.
        if major < 17 {
            let shadowed = "SELECT count(*) FROM app.t WHERE app.shadowed(word) = 'shadow'";
            assert_eq!(odd.answer("shadowing", shadowed).await, ["100"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_source_cannot_decide_is_named() {
    let odd = Odd::start().await;
    let tenants = "CREATE FUNCTION home() RETURNS text LANGUAGE sql STABLE AS $$SELECT pg_catalog.current_database()::text$$;
        CREATE FUNCTION tag(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT public.home() || ':' || $1 || current_setting('app.vat', true)$$;
        CREATE TABLE tenants (id int PRIMARY KEY, k text, full_key text GENERATED ALWAYS AS (tag(k)) STORED);
        INSERT INTO tenants (id, k) VALUES (1, 'a');
        CREATE INDEX tenants_tag ON tenants (tag(k));";
    odd.load("tenants", tenants).await;
    run(&odd.target.connect("postgres").await.unwrap(), "ALTER ROLE postgres SET app.vat = '7'").await;
    let report = odd.copy("tenants", &odd.options()).await.unwrap();
    let named = named(&report).join("\n");
    for words in [
        "values of index public.tenants_tag: `public.tag(text)` asks for the database's name, which is another one while the copy is made: REINDEX INDEX public.tenants_tag in the copy",
        "values of column public.tenants.full_key: `public.tag(text)` asks for the database's name",
        "setting app.vat of the target: the target's sessions have it and the source's do not",
    ] {
        assert!(named.contains(words), "{words} is not in {named}");
    }
}

/// All that a setting can decide of what is computed, each by a function that says it is immutable.
const COMPUTED: &str = r#"
CREATE SCHEMA words;
CREATE TEXT SEARCH CONFIGURATION words.site (COPY = german);
CREATE TYPE words.mood AS ENUM ('sad', 'happy');
CREATE FUNCTION words.shown(d date, i interval, f float8, b bytea, t timestamptz, m money, x text, mood words.mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN concat_ws('|', d, i, f, b, t, m, to_tsvector(x), xmlelement(name x, b), to_char(t, 'TMMonth'), quote_ident(x), mood,
                     'a\nb', current_setting('app.region', true), current_setting('server.region', true), '03.04.2025'::date);
END $$;
CREATE FUNCTION words.nick(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '~' || $1 $$;
CREATE FUNCTION words.bare(x text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN nick(x); END $$;
CREATE TABLE shown (
    id int PRIMARY KEY, d date, i interval, f float8, b bytea, t timestamptz, m money, x text, mood words.mood, tz timetz, r tstzrange, c regclass,
    shown text GENERATED ALWAYS AS (words.shown(d, i, f, b, t, m, x, mood)) STORED,
    bare text GENERATED ALWAYS AS (words.bare(x)) STORED,
    CHECK (words.shown(d, i, f, b, t, m, x, mood) LIKE '%|eu|%|03/04/2025'));
INSERT INTO shown (id, d, i, f, b, t, m, x, mood, tz, r, c) VALUES
    (1, '2025-03-04', '-1 day -02:03:04', 0.1::float8 + 0.2, decode('00ff5c', 'hex'), '2025-03-04 23:06:07+01', 1234.56, 'die Häuser', 'sad', '04:05:06+01:30:15', '["2025-01-01 00:00:00+00","infinity")', 'shown'),
    (2, '0044-03-15 BC', '-1 mons +2 days 03:00:00', 'NaN', '', '0099-03-04 05:06:07 BC', -0.05, 'Select', 'happy', '00:00:00-15', 'empty', 'pg_class'),
    (3, '10000-01-02', '-1 years -2 mons', '-Infinity', decode('5c5c', 'hex'), '1890-01-01 00:00:00+00:53:28', 0, 'a"b', NULL, NULL, NULL, NULL),
    (4, 'infinity', '1 day -00:00:01', 1e-300, NULL, '-infinity', NULL, '', NULL, NULL, NULL, NULL);
CREATE UNIQUE INDEX shown_shown ON shown (words.shown(d, i, f, b, t, m, x, mood));
CREATE MATERIALIZED VIEW all_shown AS SELECT id, words.shown(d, i, f, b, t, m, x, mood), t::text AS t, m::text AS m FROM shown;
"#;

const OWN: &[(&str, &str)] = &[
    ("DateStyle", "'SQL, DMY'"),
    ("IntervalStyle", "sql_standard"),
    ("TimeZone", "'America/New_York'"),
    ("extra_float_digits", "0"),
    ("bytea_output", "escape"),
    ("xmlbinary", "hex"),
    ("quote_all_identifiers", "on"),
    ("standard_conforming_strings", "off"),
    ("escape_string_warning", "off"),
    ("default_text_search_config", "'words.site'"),
    ("search_path", "words, public"),
    ("app.region", "'eu'"),
];

/// `COMPUTED` in a session with these settings, which stand where `set` puts them.
fn computed(set: impl Fn(&str, &str) -> String) -> String {
    let (mut now, mut lasting) = (String::new(), String::new());
    for (name, value) in OWN {
        lasting.push_str(&format!("{};\n", set(name, value)));
        now.push_str(&format!("SET {name} = {value};\n"));
    }
    let (first, rest) = COMPUTED.split_once("CREATE TYPE").unwrap();
    format!("{first}{lasting}{now}CREATE TYPE{rest}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_setting_that_decides_a_text_is_lost_wherever_it_is_set() {
    let bin = PgBin::find().unwrap();
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let server =
        vec![setting("server.region", "from the file"), setting("lc_monetary", "C.utf8"), setting("lc_time", "C.utf8")];
    let options = ClusterOptions { settings: server, ..ClusterOptions::default() };
    let odd = Odd::of(&bin, options, &bin, ClusterOptions::default()).await;
    let places: [(&str, Setting); 3] = [
        ("database", |name, value| format!("ALTER DATABASE railway SET {name} = {value}")),
        ("both", |name, value| format!("ALTER ROLE postgres IN DATABASE railway SET {name} = {value}")),
        ("login", |name, value| format!("ALTER ROLE postgres SET {name} = {value}")),
    ];
    for (name, place) in places {
        odd.load(name, &computed(place)).await;
        let report = odd.copy(name, &odd.options()).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        odd.assert_equal(name).await;
        let source = odd.source.connect(name).await.unwrap();
        let target = odd.target.connect(name).await.unwrap();
        for setting in OWN.iter().map(|(name, _)| *name).chain(["server.region", "lc_monetary", "lc_time"]) {
            let show = format!("SHOW {setting}");
            assert_eq!(texts(&source, &show).await, texts(&target, &show).await, "{name}: {setting}");
        }
        let settings: Vec<_> = named(&report).into_iter().filter(|named| named.starts_with("setting")).collect();
        assert_eq!(settings, [""; 0], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_harm_a_copy_does_not_reach_it_however_it_is_spelled() {
    let odd = Odd::start().await;
    let settings = "
        CREATE ROLE nobody; CREATE ROLE outsider; CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v <> '')); INSERT INTO t VALUES (1, 'a');
        ALTER DATABASE railway SET \"Session_Replication_ROLE\" = replica; ALTER DATABASE railway SET statement_timeout = '5s';
        ALTER DATABASE railway SET default_transaction_read_only = on; ALTER DATABASE railway SET \"SESSION_preload_libraries\" = 'plpgsql';
        ALTER DATABASE railway SET \"Dynamic_Library_Path\" = '$libdir:/nowhere';
        ALTER DATABASE railway SET lock_timeout = 1; ALTER DATABASE railway SET log_statement = 'all'; ALTER DATABASE railway SET work_mem = '64kB';
        ALTER DATABASE railway SET idle_in_transaction_session_timeout = 1; ALTER DATABASE railway SET xmloption = document;
        ALTER DATABASE railway SET array_nulls = off; ALTER DATABASE railway SET app.token = 'canary-of-a-setting, \"twice\"';
        ALTER DATABASE railway SET canary.unknown = 'canary-of-another'; ALTER ROLE outsider SET app.token = 'canary-of-a-role';
        ALTER ROLE outsider IN DATABASE railway SET app.token = 'canary-of-a-role'; ALTER ROLE postgres IN DATABASE railway SET \"ROLE\" = 'nobody';
        ALTER DATABASE railway SET default_tablespace = 'pg_default'; ALTER DATABASE railway SET default_text_search_config = 'canary.nowhere';";
    odd.load("harm", settings).await;
    // A login whose sessions are nobody's can read nothing; its URL says who it is.
    let source = format!("{}?options=-c%20role%3Dnone", odd.source_url("harm"));
    let report = super::copy(&source, &odd.target_url("harm"), &odd.options()).await.unwrap();
    let never = "it names libraries of the source's server";
    for expected in [
        format!("setting session_preload_libraries of the site's sessions: {never}"),
        format!("setting dynamic_library_path of the site's sessions: {never}"),
        "setting default_tablespace of the site's sessions: the target's own tablespace holds everything".to_owned(),
        "setting app.token of role outsider: roles belong to a server, not to a database".to_owned(),
        "setting app.token of role outsider: the role is not on the target".to_owned(),
        "setting default_text_search_config while the copy was computed: the target's server does not take its value".to_owned(),
        "setting xmloption while the copy was made: its rows and schema were read with `content`; computed values may depend on it".to_owned(),
        "setting array_nulls while the copy was made: its rows and schema were read with `on`; computed values may depend on it".to_owned(),
    ] {
        assert!(named(&report).contains(&expected), "{expected} is not in {:#?}", named(&report));
    }
    let printed = printed(&odd.copy_db("harm", &["--dry-run"]).await);
    assert!(!format!("{report:?}{}{printed}", report.summary()).contains("canary-of"), "{printed}");
    let there = odd.target.connect("postgres").await.unwrap();
    let carried = "SELECT split_part(pair, '=', 1) FROM pg_db_role_setting JOIN pg_database AS d ON d.oid = setdatabase, unnest(setconfig) AS pair
                    WHERE datname = 'harm' AND setrole = 0 ORDER BY 1";
    let expected = "app.token array_nulls canary.unknown default_text_search_config default_transaction_read_only
        idle_in_transaction_session_timeout lock_timeout log_statement session_replication_role statement_timeout work_mem xmloption";
    assert_eq!(texts(&there, carried).await, expected.split_whitespace().collect::<Vec<_>>());
    let value = "SELECT pair FROM pg_db_role_setting, unnest(setconfig) AS pair WHERE pair LIKE 'app.token%'";
    assert_eq!(texts(&there, value).await, ["app.token=canary-of-a-setting, \"twice\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_only_reads_copies_under_the_settings_of_the_one_that_wrote() {
    let odd = Odd::start().await;
    let site = "
        CREATE ROLE \"the Site\" LOGIN PASSWORD 'canary-site'; CREATE ROLE reader LOGIN PASSWORD 'canary-reader'; GRANT pg_read_all_data TO reader;
        ALTER ROLE \"the Site\" SET timezone = 'Europe/Berlin'; ALTER ROLE reader SET timezone = 'Asia/Tokyo'; ALTER ROLE reader SET app.of = 'reader'; ALTER ROLE reader SET IntervalStyle = 'iso_8601';
        ALTER DATABASE railway OWNER TO \"the Site\"; CREATE SCHEMA \"the Site\" AUTHORIZATION \"the Site\";
        SET SESSION AUTHORIZATION \"the Site\"; SET timezone = 'Europe/Berlin';
        CREATE FUNCTION day_of(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT $1::date';
        CREATE TABLE visits (id int, seen timestamptz, day date GENERATED ALWAYS AS (day_of(seen)) STORED);
        INSERT INTO visits (id, seen) SELECT n, '2025-06-01 00:30'::timestamptz + n * interval '1 hour' FROM generate_series(0, 50) AS n;";
    odd.load("site", site).await;
    for (login, copy_id) in [("reader:canary-reader", "1"), ("the%20Site:canary-site", "2")] {
        let source = odd.source_url("site").replace(&format!("postgres:{}", super::super::PASSWORD), login);
        let options = railstage::copying::CopyOptions { copy_id: copy_id.to_owned(), ..odd.options() };
        let report = super::copy(&source, &odd.target_url("site"), &options).await.unwrap();
        let (source, target) = (odd.source.connect("site").await.unwrap(), odd.target.connect("site").await.unwrap());
        let days = "SELECT id, day FROM \"the Site\".visits ORDER BY id";
        assert_eq!(texts(&source, days).await, texts(&target, days).await);
        assert_eq!(texts(&target, "SHOW timezone").await, ["Europe/Berlin"]);
        assert_eq!(
            texts(&target, "SELECT current_setting('app.of', true), count(*) FROM visits").await,
            ["~|51"],
            "its schema is in the path"
        );
        let expected = "setting TimeZone of role reader: roles belong to a server, not to a database";
        assert!(named(&report).iter().any(|named| named == expected), "{:#?}", named(&report));
        let hidden =
            "setting IntervalStyle of the source's server: the login that reads has one of its own, which hides it";
        let is_hidden = named(&report).iter().any(|named| named.starts_with(hidden));
        assert_eq!(is_hidden, login.starts_with("reader"), "{:#?}", named(&report));
    }
}
