//! What the copy computes is compared, or named as not compared.

use railstage::copying::{CopyOptions, CopyReport};
use railstage::rewriting::UrlPair;

use super::{Odd, texts};

fn compared(report: &CopyReport) -> Vec<String> {
    let of = |skipped: &&railstage::copying::Skipped| {
        skipped.object.contains("compar") || skipped.object.contains("computed")
    };
    report.skipped.iter().filter(of).map(|skipped| format!("{}: {}", skipped.object, skipped.reason)).collect()
}

const COLUMNS: &str = r#"
CREATE FUNCTION twice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 * 2; END $$;
CREATE TABLE fine (id int PRIMARY KEY, v int, "dou""ble" int GENERATED ALWAYS AS (twice(v)) STORED, words tsvector GENERATED ALWAYS AS (to_tsvector('english', v::text)) STORED);
INSERT INTO fine (id, v) SELECT n, n FROM generate_series(1, 500) AS n;
CREATE TABLE stale (id int PRIMARY KEY, v int, double int GENERATED ALWAYS AS (twice(v)) STORED);
INSERT INTO stale (id, v) SELECT n, n % 2 FROM generate_series(1, 10) AS n;
CREATE TABLE linked (id int PRIMARY KEY, url text, long int GENERATED ALWAYS AS (length(url)) STORED);
INSERT INTO linked (id, url) VALUES (1, 'https://a.test/x');
CREATE TABLE of_others (id int, v int, double int GENERATED ALWAYS AS (twice(v)) STORED);
CREATE TABLE parted (id int, v int, double int GENERATED ALWAYS AS (v * 2) STORED) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted DEFAULT; INSERT INTO parted (id, v) VALUES (1, 1);
CREATE ROLE other; ALTER TABLE of_others OWNER TO other;
CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 * CASE WHEN $1 = 0 THEN 2 ELSE 2 + ($1 = 1)::int END; END $$;
UPDATE fine SET v = v;
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_columns_are_compared_or_named() {
    let odd = Odd::start().await;
    odd.load("columns", COLUMNS).await;
    let rewrite = vec![UrlPair::parse("https://a.test", "https://copy.a.test").unwrap()];
    let report = odd.copy("columns", &CopyOptions { rewrite, ..odd.options() }).await.unwrap();
    assert_eq!(
        compared(&report),
        [
            "comparison of computed columns long of public.linked: they are computed of values that were rewritten",
            "computed columns double of public.stale as they were: computed anew of the same rows they are others: what computes them was changed since, or depends on more than its row",
            "comparison of computed columns double of public.of_others: a query on the source could run code of others as its login",
        ]
    );
    let target = odd.target.connect("columns").await.unwrap();
    assert_eq!(texts(&target, "SELECT long FROM linked").await, ["21"]);
}

const INDEXES: &str = r#"
CREATE SCHEMA "of ""it"; CREATE TABLE "of ""it"."T" (id int PRIMARY KEY, v text COLLATE "C", i int, "value" int, place int);
INSERT INTO "of ""it"."T" SELECT n, 'V' || n, n % 7, n, n FROM generate_series(1, 3000) AS n;
CREATE FUNCTION small(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lower($1); END $$;
CREATE FUNCTION is_odd(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 % 2 = 1; END $$;
CREATE FUNCTION untrue(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN random()::text; END $$;
CREATE FUNCTION now_and_then(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN random() > 0.5; END $$;
CREATE INDEX "fine ""1" ON "of ""it"."T" (small(v) COLLATE "C" DESC NULLS LAST, i);
CREATE INDEX fine_2 ON "of ""it"."T" USING hash (small(i::text));
CREATE UNIQUE INDEX fine_3 ON "of ""it"."T" ("value") WHERE is_odd(i);
CREATE INDEX fine_4 ON "of ""it"."T" (v text_pattern_ops) WHERE small(v) <> 'v1' AND i > 2;
CREATE INDEX lying_1 ON "of ""it"."T" (untrue(v));
CREATE INDEX other ON "of ""it"."T" USING brin (small(v));
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_that_call_functions_are_sampled() {
    let odd = Odd::start().await;
    odd.load("indexes", INDEXES).await;
    let report = odd.copy("indexes", &odd.options()).await.unwrap();
    let lying = "comparison of index of \"it.lying_1: 100 of 100 rows are not found by it that a scan finds: what it calls does not always say the same";
    let expected = [lying, "comparison of index of \"it.other: it cannot be asked for one value"];
    assert_eq!(compared(&report), expected);
}
