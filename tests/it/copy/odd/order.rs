//! Nothing is computed before all that it may read is there: indexes, constraints and tables that call functions.

use railstage::copying::CopyOptions;

use super::Odd;
use crate::asked;
use crate::copy::{run, texts, told};

/// What is asked both ways, and how often it is so.
const ANSWERS: &[(&str, &str)] = &[
    ("SELECT count(*) FROM a_index WHERE wrapped(status) = 1", "1000"),
    ("SELECT count(*) FROM a_index WHERE ## status = 1 AND id > 0", "1000"),
    ("SELECT count(*) FROM a_index WHERE number_of(status) = 2", "2000"),
    ("SELECT count(*) FROM a_index WHERE id =# 5", "1"),
    ("SELECT count(*) FROM a_index WHERE counted(id) = 43", "1"),
    ("SELECT count(*) FROM a_index WHERE object_of(id) = 'seven'", "428"),
    ("SELECT count(*) FROM a_index WHERE rate_of(status) = 10", "1000"),
    ("SELECT count(*) FROM a_whole WHERE wrapped(status) = 2", "2000"),
    ("SELECT count(*) FROM a_generated WHERE n = 1", "666"),
    ("SELECT count(*) FROM a_filled WHERE number_of(CASE n WHEN 1 THEN 'new' END) = 1", "1000"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_calls_functions_is_computed_when_all_that_they_read_is_there() {
    let odd = Odd::start().await;
    odd.copies_equal("04a").await;
    // Slowly, so that what does not wait is made long before what it reads is there.
    odd.load_file("order").await;
    let slow = CopyOptions { jobs: 1, max_mb_per_s: Some(1.0), ..odd.options() };
    odd.copy("order", &slow).await.unwrap();
    odd.assert_equal("order").await;
    for (query, rows) in ANSWERS {
        assert_eq!(odd.answer("order", query).await, [*rows], "{query}");
    }
    let target = odd.target.connect("order").await.unwrap();
    let unproven = "SELECT conrelid::regclass || ' ' || conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1";
    let of_source = texts(&odd.source.connect("order").await.unwrap(), unproven).await;
    assert_eq!(texts(&target, unproven).await, of_source, "what is not proven on the source, and nothing else");
    let inherited = "SELECT conrelid::regclass, conname, conislocal, coninhcount, connoinherit FROM pg_constraint WHERE contype = 'c' ORDER BY conrelid::regclass::text, 2";
    let of_source = texts(&odd.source.connect("order").await.unwrap(), inherited).await;
    assert_eq!(texts(&target, inherited).await, of_source);
    let gathered = "SELECT count(*) FROM pg_stats WHERE tablename = 'a_index_wrapped'";
    assert_eq!(texts(&target, gathered).await, ["1"], "statistics of what waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_whose_rows_are_computed_from_each_other_are_refused_by_name() {
    let odd = Odd::start().await;
    let circle = "CREATE TABLE a (id int, other int); CREATE TABLE b (id int, other int);
        CREATE FUNCTION of_a(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT count(*) FROM public.a WHERE id = $1';
        CREATE FUNCTION of_b(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT count(*) FROM public.b WHERE id = $1); END';
        ALTER TABLE a ADD n int GENERATED ALWAYS AS (of_b(other)) STORED;
        ALTER TABLE b ADD n int GENERATED ALWAYS AS (of_a(other)) STORED;
        CREATE TABLE c (id int, n int GENERATED ALWAYS AS (of_a(id)) STORED)";
    odd.load("circle", circle).await;
    let told = told(odd.copy("circle", &odd.options()).await);
    assert!(told.contains("none can be filled first: `public.a`, `public.b`\n"), "{told}");
    let dry = super::printed(&odd.copy_db("circle", &["--dry-run"]).await);
    assert!(dry.contains("none can be filled first: `public.a`, `public.b`"), "{dry}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_extension_computes_from_its_own_tables_waits_for_them() {
    let server = match super::distributed("postgis") {
        Ok(server) => server,
        Err(reason) => return asked::skip(what_an_extension_computes_from_its_own_tables_waits_for_them, &reason),
    };
    let odd = Odd::between(&server, &server).await;
    odd.load_file("04b").await;
    // What only stores, or indexes by an operator class, does not wait; whatever its size, the index over it is right.
    let more = "CREATE TABLE shapes (id int PRIMARY KEY, geom geometry CHECK (ST_SRID(ST_Transform(geom, 4326)) = 4326));
        CREATE INDEX shapes_geom ON shapes USING gist (geom);
        CREATE INDEX shapes_moved ON shapes USING gist (ST_Transform(geom, 990001)) WHERE ST_X(ST_Transform(geom, 990001)) > 0;
        ALTER TABLE shapes ADD EXCLUDE USING gist (geom WITH &&);
        INSERT INTO shapes SELECT id, ST_Transform(geom, 4326) FROM plots;";
    run(&odd.source.connect("04b").await.unwrap(), more).await;
    odd.copy("04b", &odd.options()).await.unwrap();
    for query in [
        "SELECT count(*) FROM plots WHERE ST_Transform(geom, 4326) && ST_MakeEnvelope(14, 45, 15.002, 46, 4326)",
        "SELECT count(*) FROM shapes WHERE geom && ST_MakeEnvelope(14, 45, 15.002, 46, 4326)",
        "SELECT count(*) FROM shapes WHERE ST_Transform(geom, 990001) && ST_MakeEnvelope(0, 0, 500100, 9000000, 990001) AND ST_X(ST_Transform(geom, 990001)) > 0",
    ] {
        assert_ne!(odd.answer("04b", query).await, ["0"], "{query}");
    }
    let (source, target) = (odd.source.connect("04b").await.unwrap(), odd.target.connect("04b").await.unwrap());
    for query in [
        "SELECT id, geom, wgs FROM spots ORDER BY id",
        "SELECT * FROM spatial_ref_sys WHERE srid > 900913",
        "SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'shapes'::regclass ORDER BY 1",
    ] {
        assert_eq!(texts(&target, query).await, texts(&source, query).await, "{query}");
    }
}
