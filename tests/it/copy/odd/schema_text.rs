//! What stands in the schema and in no row: production's hosts and people's addresses are named there, or rewritten.

use std::collections::BTreeMap;

use railstage::copying::{CopyOptions, CopyReport};
use railstage::masking::{Key, Masking};
use railstage::rewriting::UrlPair;

use super::Odd;
use crate::copy::texts;

const SAYS: &str = "
    CREATE FOREIGN DATA WRAPPER elsewhere;
    CREATE SERVER warehouse FOREIGN DATA WRAPPER elsewhere OPTIONS (host 'db.shop.example.com', dbname 'x');
    CREATE TYPE place AS ENUM ('https://shop.example.com/a', 'b');
    CREATE DOMAIN link AS text DEFAULT 'https://shop.example.com/d' CHECK (VALUE LIKE 'http%');
    CREATE TABLE pages (id int PRIMARY KEY, url text DEFAULT 'https://shop.example.com/it''s', place place DEFAULT 'b',
                        owner text DEFAULT 'ann@people.example.net', CHECK (url LIKE 'https://shop.example.com/%'));
    INSERT INTO pages VALUES (1, 'https://shop.example.com/1');
    CREATE INDEX pages_ours ON pages (id) WHERE url LIKE 'https://shop.example.com/%';
    CREATE TABLE hosts (host text) PARTITION BY LIST (host);
    CREATE TABLE hosts_shop PARTITION OF hosts FOR VALUES IN ('shop.example.com');
    CREATE FUNCTION link_of(int) RETURNS text LANGUAGE sql AS 'SELECT ''https://shop.example.com/'' || $1';
    CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
        -- asked for by bob@people.example.net
        PERFORM 'mailto:ann@people.example.net', $q$https://shop.example.com/q$q$; RETURN NEW; END$$;
    CREATE TRIGGER pages_told BEFORE INSERT ON pages FOR EACH ROW WHEN (NEW.owner <> 'ann@people.example.net') EXECUTE FUNCTION told('https://shop.example.com/t');
    CREATE VIEW linked AS SELECT 'https://shop.example.com/v' || id AS link FROM pages;
    CREATE POLICY mine ON pages USING (owner = 'ann@people.example.net');
    COMMENT ON TABLE pages IS 'See https://shop.example.com/wiki, or ask ann@people.example.net';
    CREATE TABLE quiet (id int DEFAULT 1, word text DEFAULT 'example.com');";

fn options(odd: &Odd, rewrite_schema: bool) -> CopyOptions {
    CopyOptions {
        rewrite: vec![UrlPair::parse("https://shop.example.com", "https://copy.example.org").unwrap()],
        rewrite_schema,
        masking: rewrite_schema.then(|| Masking::new(Key::random())),
        ..odd.options()
    }
}

fn told(report: &CopyReport) -> BTreeMap<&str, (u64, u64, u64)> {
    report
        .schema_texts
        .iter()
        .map(|text| (text.object.as_str(), (text.hosts, text.addresses, text.rewritten)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_and_addresses_in_the_schema_are_named_and_plain_literals_rewritten_where_that_is_asked_for() {
    let odd = Odd::start().await;
    odd.load("says", SAYS).await;
    // As it is: the rows do not fit the CHECK any more, since they are rewritten and it is not.
    let kept = CopyOptions { rewrite: Vec::new(), ..options(&odd, false) };
    let report = odd.copy("says", &kept).await.unwrap();
    odd.assert_equal("says").await;
    assert!(
        told(&report).iter().all(|(_, (hosts, addresses, _))| *hosts == 0 && *addresses > 0),
        "{:?}",
        told(&report)
    );

    let report = odd.copy("says", &options(&odd, true)).await.unwrap();
    let target = odd.target.connect("says").await.unwrap();
    let told = told(&report);
    let left: BTreeMap<_, _> = told.iter().filter(|(_, (hosts, addresses, _))| hosts + addresses > 0).collect();
    assert_eq!(
        left.keys().map(|object| **object).collect::<Vec<_>>(),
        ["function public.told()", "server warehouse", "table attach public.hosts_shop", "type public.place"]
    );
    assert_eq!((told["function public.told()"], told["server warehouse"]), ((1, 1, 1), (1, 0, 0)));
    assert!(!told.contains_key("table public.quiet"));
    let says = "SELECT string_agg(def, ' ') FROM (
        SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname IN ('link_of') UNION ALL SELECT pg_get_viewdef('linked'::regclass)
        UNION ALL SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
        UNION ALL SELECT pg_get_indexdef('pages_ours'::regclass) UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger
        UNION ALL SELECT typdefault FROM pg_type WHERE typname = 'link' UNION ALL SELECT obj_description('pages'::regclass)
        UNION ALL SELECT pg_get_expr(polqual, polrelid) FROM pg_policy) AS x(def)";
    let says = texts(&target, says).await.remove(0);
    assert!(!says.contains("shop.example.com") && !says.contains("people.example.net"), "{says}");
    assert!(says.contains("https://copy.example.org/it''s") && says.contains("@example.invalid"), "{says}");
    assert_eq!(
        texts(&target, "SELECT url, (SELECT link FROM linked) FROM pages").await,
        ["https://copy.example.org/1|https://copy.example.org/v1"]
    );
    let summary = report.summary();
    assert!(
        summary.contains("in the schema, server warehouse: 1 host of") && !summary.contains("people.example.net"),
        "{summary}"
    );
}
