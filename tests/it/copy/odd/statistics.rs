//! Statistics objects, and statistics of what others are parts of.

use super::{Odd, texts};

const KIN: &str = r#"
CREATE SCHEMA "odd ""one"; CREATE FUNCTION first_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, 1)';
CREATE TABLE "odd ""one"."T" (id int PRIMARY KEY, a text, b text);
INSERT INTO "odd ""one"."T" SELECT n, 'x' || n % 10, 'y' || n % 5 FROM generate_series(1, 2000) AS n;
CREATE STATISTICS "odd ""one"."S ""1" (ndistinct, dependencies, mcv) ON a, b, public.first_of(a) FROM "odd ""one"."T";
ALTER STATISTICS "odd ""one"."S ""1" SET STATISTICS 50;
CREATE STATISTICS of_expression ON (lower(a)) FROM "odd ""one"."T";
CREATE TABLE parted (id int, a int, b int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE parted_1_1 PARTITION OF parted_1 DEFAULT;
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT n, n % 10, n % 5 FROM generate_series(1, 2000) AS n;
CREATE STATISTICS of_parted ON a, b FROM parted; CREATE STATISTICS of_middle ON a, b FROM parted_1; CREATE STATISTICS of_leaf ON a, b FROM parted_2;
CREATE TABLE mother (a int, b int); CREATE TABLE daughter () INHERITS (mother);
INSERT INTO daughter SELECT n % 10, n % 5 FROM generate_series(1, 2000) AS n;
CREATE STATISTICS of_mother ON a, b FROM mother; CREATE STATISTICS of_daughter ON a, b FROM daughter;
CREATE MATERIALIZED VIEW seen AS SELECT * FROM parted; CREATE STATISTICS of_view ON a, b FROM seen;
ANALYZE;
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_objects_have_statistics() {
    let odd = Odd::start().await;
    odd.copies_equal("xg").await;
    odd.load("kin", KIN).await;
    odd.copy("kin", &odd.options()).await.unwrap();
    odd.assert_equal("kin").await;
    let (source, target) = (odd.source.connect("kin").await.unwrap(), odd.target.connect("kin").await.unwrap());
    for of in [
        "SELECT stxname, stxstattarget, stxdinherit, stxdndistinct, stxddependencies FROM pg_statistic_ext
           JOIN pg_statistic_ext_data ON stxoid = pg_statistic_ext.oid ORDER BY 1, 3",
        "SELECT starelid::regclass::text, staattnum, stainherit, stanullfrac, stadistinct FROM pg_statistic
          WHERE starelid >= 16384 AND starelid <> ALL (SELECT reltoastrelid FROM pg_class) ORDER BY 1, 2, 3",
    ] {
        assert_eq!(texts(&source, of).await, texts(&target, of).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_that_cannot_be_gathered_are_named() {
    let odd = Odd::start().await;
    let made = "
        CREATE TABLE t (id int, a int); INSERT INTO t SELECT n, 1 FROM generate_series(1, 100) AS n;
        CREATE FUNCTION raising(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'canary of a row'; END $$;
        CREATE STATISTICS s ON (raising(a)), id FROM t; CREATE TABLE other (a int, b int); INSERT INTO other SELECT n, n FROM generate_series(1, 100) AS n;
        CREATE STATISTICS fine ON a, b FROM other;";
    odd.load("raising", made).await;
    let report = odd.copy("raising", &odd.options()).await.unwrap();
    let named: Vec<_> = report.skipped.iter().filter(|skipped| skipped.object == "statistics of public.t").collect();
    assert_eq!(named.len(), 1, "{:#?}", report.skipped);
    let target = odd.target.connect("raising").await.unwrap();
    let there = "SELECT stxname FROM pg_statistic_ext JOIN pg_statistic_ext_data ON stxoid = pg_statistic_ext.oid";
    assert_eq!(texts(&target, there).await, ["fine"]);
}
