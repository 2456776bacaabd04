//! Somebody who owns objects of a source, and is no superuser there, wants ours to run code of theirs. Our sessions are a
//! superuser's unless a test says otherwise, so that whatever runs can leave a mark: a file beside the server's data.

mod logins;
mod meanwhile;
mod on_the_copy;

use backboard::postgres::Cluster;
use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};
use railstage::postgres::{Endpoint, dry_run, inspect, inspect_masking, site_urls};

use crate::copy::{Ends, run, texts};

/// `evil.strike(x)` is immutable to whoever looks, gives `x` back, and leaves the mark `x` when a superuser's session of
/// ours has called it. Mallory owns the database, and all that a test makes in his name.
const MALLORY: &str = r"
    CREATE ROLE mallory LOGIN;
    ALTER DATABASE railway OWNER TO mallory;
    SET SESSION AUTHORIZATION mallory;
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.mark(what text) RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
        BEGIN
            IF pg_catalog.current_setting('application_name') ~ '^(railstage|pg_dump)' THEN
                EXECUTE pg_catalog.format('COPY (SELECT 1) TO PROGRAM %L', 'cat > ../struck-' || what);
            END IF;
            RETURN what;
        EXCEPTION WHEN insufficient_privilege THEN
            RETURN what;
        END $$;
    CREATE FUNCTION evil.strike(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN evil.mark(what); END';
";

/// The marks that were left beside a server's data.
fn struck(cluster: &Cluster) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let names = std::fs::read_dir(cluster.folder()).unwrap().map(name);
    let mut marks: Vec<_> = names.filter(|name| name.starts_with("struck-")).collect();
    marks.sort();
    marks
}

async fn with(mallorys: &str) -> Ends {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(&source, MALLORY).await;
    run(&source, mallorys).await;
    run(&source, "RESET SESSION AUTHORIZATION").await;
    ends
}

fn masking() -> Masking {
    Masking::new(Key::random())
}

fn options(ends: &Ends) -> CopyOptions {
    CopyOptions { masking: Some(masking()), cut_bytes: 64 << 10, ..ends.options() }
}

/// Everything that looks at a source or copies it.
async fn assert_nothing_runs(ends: &Ends) {
    let (source, target) = (Endpoint::parse(&ends.source.url()).unwrap(), Endpoint::parse(&ends.target.url()).unwrap());
    inspect(&source).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new(), "by a look");
    inspect_masking(&source, &[], &masking()).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new(), "by trying the masking");
    site_urls(&source).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new(), "by looking for sites");
    dry_run(&source, &target, &options(ends)).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new(), "by a dry run");
    ends.copy(&options(ends)).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new(), "by a copy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_is_left_by_a_superuser_who_calls() {
    let ends = with("").await;
    let source = ends.source().await;
    run(&source, "SET application_name = 'railstage'; SELECT evil.strike('proof')").await;
    assert_eq!(struck(&ends.source), ["struck-proof"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cast_of_a_type_that_is_called_like_one_of_ours_is_not_called() {
    let ends = with(r"
        CREATE TYPE evil.varchar AS (word text);
        CREATE FUNCTION evil.shown(evil.varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN evil.strike('cast'); END $$;
        CREATE CAST (evil.varchar AS text) WITH FUNCTION evil.shown(evil.varchar) AS IMPLICIT;
        CREATE TABLE evil.cast_me (email evil.varchar, list evil.varchar[]);
        INSERT INTO evil.cast_me VALUES (ROW('a'), ARRAY[ROW('b')::evil.varchar]);")
    .await;
    assert_nothing_runs(&ends).await;
    assert_eq!(texts(&ends.target().await, "SELECT (email).word FROM evil.cast_me").await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_called_like_wordpresss_get_no_cast_called() {
    let ends = with(r#"
        CREATE TYPE evil.varchar AS (word text);
        CREATE FUNCTION evil.shown(evil.varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN evil.strike('cast'); END $$;
        CREATE CAST (evil.varchar AS text) WITH FUNCTION evil.shown(evil.varchar) AS IMPLICIT;
        CREATE TABLE public.wp_options (option_id int, option_name evil.varchar, option_value evil.varchar);
        CREATE TABLE public.wp_posts ("ID" int);
        CREATE TABLE public.wp_users ("ID" evil.varchar, user_login evil.varchar, user_pass text, user_email evil.varchar);
        CREATE TABLE public.wp_usermeta (user_id evil.varchar, meta_key evil.varchar, meta_value evil.varchar);
        INSERT INTO wp_options VALUES (1, ROW('siteurl'), ROW('b'));
        INSERT INTO wp_users VALUES (ROW('1'), ROW('a'), 'x', ROW('a@b.example'));
        INSERT INTO wp_usermeta VALUES (ROW('1'), ROW('wp_capabilities'), ROW('b'));"#)
    .await;
    let source = Endpoint::parse(&ends.source.url()).unwrap();
    inspect(&source).await.unwrap();
    site_urls(&source).await.unwrap();
    // No mask is for a type of somebody's own, whatever it is called.
    let refused = inspect_masking(&source, &[], &masking()).await.unwrap_err().to_string();
    assert!(refused.contains("is of type varchar, for which `login` cannot be used"), "{refused}");
    let refused = ends.copy(&options(&ends)).await.unwrap_err().to_string();
    assert!(refused.contains("is of type varchar, for which `login` cannot be used"), "{refused}");
    ends.copy(&ends.options()).await.unwrap();
    assert_eq!(struck(&ends.source), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_a_materialized_view_is_not_cast() {
    let ends = with(r"
        CREATE MATERIALIZED VIEW evil.seen AS SELECT 1 AS x;
        CREATE FUNCTION evil.shown(evil.seen) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN evil.strike('row'); END $$;
        CREATE CAST (evil.seen AS text) WITH FUNCTION evil.shown(evil.seen) AS IMPLICIT;
        CREATE MATERIALIZED VIEW evil.indexed AS SELECT 1 AS x;
        CREATE INDEX ON evil.indexed ((x::text || evil.strike('view-index')));")
    .await;
    assert_nothing_runs(&ends).await;
    assert_eq!(texts(&ends.target().await, "SELECT x FROM evil.seen").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_databases_own_search_path_leads_to_is_not_found() {
    let shadows: String = ["text", "name", "\"char\"", "oid", "int4", "int8", "bool"]
        .iter()
        .map(|of| {
            format!(
                "CREATE FUNCTION evil.is_equal({of}, {of}) RETURNS bool LANGUAGE plpgsql AS
                     $$ BEGIN PERFORM evil.strike('operator'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
                 CREATE OPERATOR evil.= (LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = evil.is_equal);"
            )
        })
        .collect();
    let more = "
        CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN PERFORM evil.strike('function'); RETURN pg_catalog.current_setting($1); END $$;
        CREATE TABLE public.plain (id int PRIMARY KEY, word text);
        INSERT INTO public.plain VALUES (1, 'a');
        CREATE SEQUENCE public.counted;
        ALTER DATABASE railway SET search_path = evil, pg_catalog, public;";
    let ends = with(&(shadows + more)).await;
    assert_nothing_runs(&ends).await;
    assert_eq!(texts(&ends.target().await, "SHOW search_path").await, ["evil, pg_catalog, public"]);
}

/// Rows enough that the table is cut, with all by which a plan calls code.
const PLANNED: &str = "
    CREATE TABLE evil.planned (id int, word text, CHECK (id IS DISTINCT FROM length(evil.strike('check')) * -1));
    INSERT INTO evil.planned SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 3000) AS i;
    CREATE INDEX ON evil.planned ((word || evil.strike('index')));
    CREATE INDEX ON evil.planned (id) WHERE id > length(evil.strike('predicate'));
    CREATE STATISTICS evil.numbers ON (word || evil.strike('statistics')), id FROM evil.planned;
    CREATE TABLE public.wp_options (option_id int, option_name text, option_value text);
    CREATE TABLE public.wp_posts (\"ID\" int);
    CREATE TABLE public.wp_users (\"ID\" int, user_login text, user_pass text, user_email text);
    CREATE TABLE public.wp_usermeta (user_id int, meta_key text, meta_value text);
    CREATE TABLE public.wp_actionscheduler_logs (log_id int, message text);
    INSERT INTO public.wp_options VALUES (1, 'siteurl', 'https://shop.example.com'), (2, 'home', 'https://shop.example.com');
    INSERT INTO public.wp_users VALUES (1, 'owner', 'hash', 'owner@people.example.net'), (2, 'ann', 'hash', 'ann@people.example.net');
    INSERT INTO public.wp_usermeta VALUES (1, 'wp_capabilities', 'a:1:{s:13:\"administrator\";b:1;}');
    CREATE INDEX ON public.wp_options ((option_name || evil.strike('options')));
    CREATE INDEX ON public.wp_users ((user_login || evil.strike('users')));
    CREATE INDEX ON public.wp_usermeta ((meta_key || evil.strike('usermeta')));
    CREATE INDEX ON public.wp_actionscheduler_logs ((message || evil.strike('emptied')));
    CREATE TYPE evil.mood AS ENUM ('good', 'bad');
    CREATE TABLE evil.parted (mood evil.mood, word text) PARTITION BY HASH (mood);
    CREATE TABLE evil.part_0 PARTITION OF evil.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE evil.part_1 PARTITION OF evil.parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO evil.parted VALUES ('good', 'a'), ('bad', 'b');
    CREATE INDEX ON evil.parted ((word || evil.strike('partition')));";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_calls_no_function_of_an_index_a_check_or_a_statistic() {
    let ends = with(PLANNED).await;
    assert_nothing_runs(&ends).await;
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT count(*) FROM evil.planned").await, ["3000"]);
    assert_eq!(texts(&target, "SELECT count(*) FROM evil.parted").await, ["2"]);
    // What decides who keeps a login is read all the same.
    let kept = "SELECT user_login FROM wp_users WHERE \"ID\" = 1";
    assert_eq!(texts(&target, kept).await, ["owner"]);
    assert_eq!(texts(&target, "SELECT count(*) FROM wp_users WHERE user_login = 'ann'").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_on_logins_is_left_out() {
    let ends = Ends::start().await;
    if ends.bin.major() < 17 {
        return;
    }
    let source = ends.source().await;
    run(&source, MALLORY).await;
    run(
        &source,
        "RESET SESSION AUTHORIZATION;
         CREATE FUNCTION evil.logs_in() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.mark('login'); END $$;
         CREATE EVENT TRIGGER logs_in ON login EXECUTE FUNCTION evil.logs_in();
         ALTER EVENT TRIGGER logs_in ENABLE ALWAYS;",
    )
    .await;
    assert_nothing_runs(&ends).await;
    assert_eq!(struck(&ends.target), Vec::<String>::new());
}
