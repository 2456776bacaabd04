//! URLs are rewritten on the way, and what must not be stays.

use railstage::copying::{CopyOptions, LeftUrl};
use railstage::postgres::Endpoint;
use railstage::rewriting::UrlPair;

use super::{Ends, run, texts, told};

const SITE: &str = r#"
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191) UNIQUE, option_value text);
    INSERT INTO wp_options (option_name, option_value) VALUES
        ('siteurl', 'https://shop.example.com'),
        ('widget', 'a:1:{s:3:"url";s:30:"http://shop.example.com/a?b=ü";}'),
        ('json', '{"u":"https:\/\/shop.example.com\/x","s":"s:25:\"https://shop.example.com/\";"}'),
        ('cut', 'O:3:"Foo":2:{s:1:"u";s:24:"https://shop.example.com";s:4:"'),
        ('wc_subscriptions_siteurl', 'https://shop.example.com'),
        ('lines', E'https://shop.example.com\n\t\\N \\. https://shop.example.com.au'),
        ('nothing', NULL);
    CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, guid varchar(255), post_content text, short varchar(26), tags text[]);
    INSERT INTO wp_posts (guid, post_content, short, tags) VALUES
        ('https://shop.example.com/?p=1', '<a href="//shop.example.com/x">', 'https://shop.example.com/', '{https://shop.example.com}');
    CREATE TABLE sites (domain text PRIMARY KEY, meta jsonb);
    INSERT INTO sites VALUES ('shop.example.com', '{"https://shop.example.com": "https://shop.example.com", "aa": 1}');
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_are_rewritten_where_they_may_be() {
    let ends = Ends::start().await;
    run(&ends.source().await, SITE).await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging-7.up.railway.app").unwrap()];
    let report = ends.copy(&CopyOptions { rewrite, ..ends.options() }).await.unwrap();
    let target = ends.target().await;
    let option = |name: &str| format!("SELECT option_value FROM wp_options WHERE option_name = '{name}'");
    for (name, value) in [
        ("siteurl", "https://staging-7.up.railway.app"),
        ("widget", "a:1:{s:3:\"url\";s:39:\"https://staging-7.up.railway.app/a?b=ü\";}"),
        (
            "json",
            "{\"u\":\"https:\\/\\/staging-7.up.railway.app\\/x\",\"s\":\"s:33:\\\"https://staging-7.up.railway.app/\\\";\"}",
        ),
        ("cut", "O:3:\"Foo\":2:{s:1:\"u\";s:32:\"https://staging-7.up.railway.app\";s:4:\""),
        ("wc_subscriptions_siteurl", "https://shop.example.com"),
        ("lines", "https://staging-7.up.railway.app\n\t\\N \\. https://shop.example.com.au"),
        ("nothing", "~"),
    ] {
        assert_eq!(texts(&target, &option(name)).await, [value]);
    }
    assert_eq!(
        texts(&target, "SELECT guid, post_content, short, tags FROM wp_posts").await,
        [
            "https://shop.example.com/?p=1|<a href=\"//staging-7.up.railway.app/x\">|https://shop.example.com/|{https://staging-7.up.railway.app}"
        ]
    );
    assert_eq!(
        texts(&target, "SELECT domain, meta FROM sites").await,
        ["shop.example.com|{\"aa\": 1, \"https://staging-7.up.railway.app\": \"https://staging-7.up.railway.app\"}"]
    );
    // What may refuse rewritten values is made before all else.
    let made = "SELECT relname FROM pg_class WHERE relname ~ '^wp_options' AND relkind = 'i' ORDER BY oid";
    assert_eq!(texts(&target, made).await, ["wp_options_option_name_key", "wp_options_pkey"]);
    assert_eq!((report.rewritten_values, report.malformed_values, report.overflow_left), (8, 1, 1));
    let left: Vec<_> = report.left.iter().map(LeftUrl::to_string).collect();
    assert_eq!(
        left,
        [
            "left in public.sites.domain: 1 value, part of a key",
            "left in public.wp_options.option_value `wc_subscriptions_siteurl`: 1 value, tells a plugin that this is a copy",
            "left in public.wp_posts.guid: 1 value, a guid, which is kept unless it is asked for",
            "left in public.wp_posts.short: 1 value, the rewritten value is too long for the column",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_latin1_site_is_rewritten_with_the_lengths_that_php_counts() {
    let ends = Ends::start().await;
    let admin = ends.source.connect("postgres").await.unwrap();
    run(&admin, "DROP DATABASE railway WITH (FORCE)").await;
    run(&admin, "CREATE DATABASE railway TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'").await;
    run(&ends.source().await, "CREATE TABLE t (v text); INSERT INTO t VALUES ('s:19:\"https://a.test/üü\";')").await;
    let rewrite = vec![UrlPair::parse("https://a.test", "https://b2.test").unwrap()];
    ends.copy(&CopyOptions { rewrite, ..ends.options() }).await.unwrap();
    assert_eq!(texts(&ends.target().await, "SELECT v FROM t").await, ["s:20:\"https://b2.test/üü\";"]);
}

/// The table of URLs in their spellings, with what each becomes.
#[derive(serde::Deserialize)]
struct Case {
    #[serde(rename = "in")]
    old: String,
    from: String,
    to: String,
    want: Vec<String>,
    why: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_spelling_is_rewritten_in_a_real_copy() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../fixtures/rewriting/urls.json")).unwrap();
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(&source, "CREATE TABLE spelled (id int PRIMARY KEY, old_site text, value text)").await;
    for (id, case) in (0_i32..).zip(&cases) {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&id, &case.from, &case.old];
        source.execute("INSERT INTO spelled VALUES ($1, $2, $3)", &params).await.unwrap();
    }
    let mut sites: Vec<_> = cases.iter().map(|case| (case.from.as_str(), case.to.as_str())).collect();
    sites.sort_unstable();
    sites.dedup();
    for (number, (from, to)) in sites.iter().enumerate() {
        let rewrite = vec![UrlPair::parse(from, to).unwrap()];
        let options = CopyOptions { rewrite, copy_id: format!("run-{number}"), ..ends.options() };
        ends.copy(&options).await.unwrap();
        let target = ends.target().await;
        for (id, case) in cases.iter().enumerate().filter(|(_, case)| case.from == *from) {
            let new = texts(&target, &format!("SELECT value FROM spelled WHERE id = {id}")).await;
            assert!(case.want.contains(&new[0]), "{}: {} became {}", case.why, case.old, new[0]);
        }
        drop(target);
    }
}

const NETWORK: &str = r"
    CREATE TABLE wp_site (id bigint PRIMARY KEY, domain varchar(200), path varchar(100));
    INSERT INTO wp_site VALUES (1, 'example.com', '/');
    CREATE TABLE wp_blogs (blog_id bigint PRIMARY KEY, site_id bigint, domain varchar(200), path varchar(100));
    INSERT INTO wp_blogs VALUES (1, 1, 'example.com', '/'), (2, 1, 'de.example.com', '/'), (3, 1, 'mapped.test', '/'), (4, 1, 'example.com', '/blog/');
    CREATE TABLE wp_2_options (option_id bigserial PRIMARY KEY, option_name text UNIQUE, option_value text);
    INSERT INTO wp_2_options (option_name, option_value) VALUES ('siteurl', 'https://de.example.com'), ('home', 'https://de.example.com/');
    CREATE TABLE wp_yoast_indexable (id bigint PRIMARY KEY, permalink_hash varchar(40), permalink text);
    INSERT INTO wp_yoast_indexable VALUES (1, '24:0123', 'https://de.example.com/x'), (2, '20:4567', 'https://other.test/x');
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_site_of_a_network_keeps_an_address_of_its_own() {
    let ends = Ends::start().await;
    run(&ends.source().await, NETWORK).await;
    let pairs = [
        ("https://example.com", "https://copy.test"),
        ("https://de.example.com", "https://copy.test/de"),
        ("https://mapped.test", "https://copy.test/mapped-test"),
    ];
    let rewrite = pairs.map(|(old, new)| UrlPair::parse(old, new).unwrap()).to_vec();
    ends.copy(&CopyOptions { rewrite, fail_on_left: true, ..ends.options() }).await.unwrap();
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT domain, path FROM wp_site").await, ["copy.test|/"]);
    assert_eq!(
        texts(&target, "SELECT domain, path FROM wp_blogs ORDER BY blog_id").await,
        ["copy.test|/", "copy.test|/de/", "copy.test|/mapped-test/", "copy.test|/blog/"]
    );
    assert_eq!(
        texts(&target, "SELECT option_value FROM wp_2_options ORDER BY option_id").await,
        ["https://copy.test/de", "https://copy.test/de/"]
    );
    // The plugin makes the hash of a URL anew where there is none.
    assert_eq!(
        texts(&target, "SELECT permalink, permalink_hash FROM wp_yoast_indexable ORDER BY id").await,
        ["https://copy.test/de/x|~", "https://other.test/x|20:4567"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_fails_a_copy_that_may_leave_nothing() {
    let ends = Ends::with_rows().await;
    let rows = "CREATE TABLE wp_postmeta (meta_id int PRIMARY KEY, meta_key text, meta_value text);
        INSERT INTO wp_postmeta VALUES (1, 'note', 'visit shop.example.com today'), (2, 'note', 'or shop.example.com'),
            (3, 'link', 'https:&#x2F;&#x2F;shop.example.com&#x2F;'), (4, 'mail', 'info@shop.example.com');
        CREATE TABLE wp_posts (id int PRIMARY KEY, guid text);
        INSERT INTO wp_posts VALUES (1, 'https://shop.example.com/?p=1')";
    run(&ends.source().await, rows).await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging-7.up.railway.app").unwrap()];
    let options = CopyOptions { rewrite, rewrite_guid: true, fail_on_left: true, ..ends.options() };
    let failed = told(ends.copy(&options).await);
    assert!(failed.contains("left in public.wp_postmeta.meta_value `note`: 2 values, named in a text"), "{failed}");
    assert!(!failed.contains("`mail`") && !failed.contains("`link`") && !failed.contains("guid:"), "{failed}");
    ends.assert_target_is_old().await;
    // All places are told at once, and before an index is made that could not be.
    let unique = "CREATE TABLE links (id int PRIMARY KEY, url text UNIQUE, note text);
        INSERT INTO links VALUES (1, 'http://shop.example.com/x', 'at shop.example.com'), (2, 'https://shop.example.com/x', '')";
    run(&ends.source().await, unique).await;
    let failed = told(ends.copy(&options).await);
    assert!(failed.contains("`note`: 2 values") && failed.contains("left in public.links.note: 1 value,"), "{failed}");
    assert!(!failed.contains("links_url_key") && failed.contains("hint: leave the rows out, mask"), "{failed}");
    run(&ends.source().await, "UPDATE wp_postmeta SET meta_value = '' WHERE meta_key = 'note'; DROP TABLE links").await;
    let report = ends.copy(&options).await.unwrap();
    assert_eq!(report.left.len(), 1, "{:?}", report.left);
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT guid FROM wp_posts").await, ["https://staging-7.up.railway.app/?p=1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_urls_that_become_one_are_told_before_and_fail_the_copy() {
    let ends = Ends::with_rows().await;
    let rows = r"CREATE TABLE links (id int PRIMARY KEY, url text UNIQUE);
        INSERT INTO links VALUES (1, 'http://shop.example.com/x'), (2, 'https://shop.example.com/x'), (3, 'https://shop.example.com/y')";
    let source = ends.source().await;
    run(&source, rows).await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging-7.up.railway.app").unwrap()];
    let options = CopyOptions { rewrite, search_rows_for: Some(std::time::Duration::from_mins(1)), ..ends.options() };
    let (from, to) = (Endpoint::parse(&ends.source.url()).unwrap(), Endpoint::parse(&ends.target.url()).unwrap());
    let dry = railstage::postgres::dry_run(&from, &to, &options).await.unwrap();
    let problem = "`public.links` (url): 1 row becomes like another one when URLs are rewritten, and must be unique";
    assert!(dry.problems.iter().any(|told| told.contains(problem)), "{:?}", dry.problems);
    let failed = told(ends.copy(&options).await);
    assert!(failed.contains("links_url_key") && failed.contains("where two URLs became one"), "{failed}");
    ends.assert_target_is_old().await;
    let array = r#"DROP TABLE links; CREATE TABLE wp_options (option_id int PRIMARY KEY, option_name text, option_value text);
        INSERT INTO wp_options VALUES (1, 'hits', 'a:2:{s:23:"http://shop.example.com";i:1;s:24:"https://shop.example.com";i:2;}')"#;
    run(&source, array).await;
    let dry = railstage::postgres::dry_run(&from, &to, &options).await.unwrap();
    let problem = "`public.wp_options` (option_value): in 1 value two URLs that are keys of one array become one";
    assert!(dry.problems.iter().any(|told| told.contains(problem)), "{:?}", dry.problems);
    let failed = told(ends.copy(&options).await);
    assert!(failed.contains("public.wp_options.option_value `hits`: in 1 value two URLs"), "{failed}");
    ends.assert_target_is_old().await;
}

const TYPES: &str = r#"
    CREATE EXTENSION citext; CREATE EXTENSION hstore;
    CREATE DOMAIN address AS text CHECK (VALUE ~ '^https?://');
    CREATE DOMAIN short AS varchar(26);
    CREATE TYPE place AS (url text, rank int);
    CREATE TYPE site AS ENUM ('https://shop.example.com', 'https://other.example');
    CREATE TABLE kinds (id int PRIMARY KEY, c citext UNIQUE, a address, s short, x xml, j json, b jsonb, l text[], v varchar(60)[], d address[],
        h hstore, k hstore, p place, e site, t tsvector, y bytea, n name, f char(60), g text GENERATED ALWAYS AS (lower(c::text)) STORED);
    INSERT INTO kinds VALUES (1, 'https://Shop.example.com/c', 'https://shop.example.com/a', 'https://shop.example.com/', '<a href="https://shop.example.com"/>',
        '{"https://shop.example.com" : "shop.example.com"}', '{"shop.example.com": {"https://shop.example.com/long": 1, "https://shop.example.com": 2}, "a key of some length": 3}',
        ARRAY['https://shop.example.com', 'shop.example.com', 'a:1:{i:0;s:24:"https://shop.example.com";}', 'see, https://shop.example.com/ "x"', NULL],
        '{https://shop.example.com}', '{https://shop.example.com}', 'u=>https://shop.example.com, v=>"a \"shop.example.com\""', '"https://shop.example.com"=>1',
        '("https://shop.example.com",1)', 'https://shop.example.com', '''https://shop.example.com/t'':1', 'https://shop.example.com/y', 'https://shop.example.com/n', 'https://shop.example.com/f');
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_columns_of_each_type_urls_are_rewritten_or_told() {
    let ends = Ends::start().await;
    run(&ends.source().await, TYPES).await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://stage-7.example.net").unwrap()];
    let report = ends.copy(&CopyOptions { rewrite, ..ends.options() }).await.unwrap();
    let target = ends.target().await;
    for (column, value) in [
        ("c", "https://stage-7.example.net/c"),
        ("g", "https://stage-7.example.net/c"),
        ("a", "https://stage-7.example.net/a"),
        ("x", r#"<a href="https://stage-7.example.net"/>"#),
        ("j", r#"{"https://stage-7.example.net" : "stage-7.example.net"}"#),
        (
            "b",
            r#"{"stage-7.example.net": {"https://stage-7.example.net": 2, "https://stage-7.example.net/long": 1}, "a key of some length": 3}"#,
        ),
        ("l[1]", "https://stage-7.example.net"),
        ("l[2]", "stage-7.example.net"),
        ("l[3]", r#"a:1:{i:0;s:27:"https://stage-7.example.net";}"#),
        ("l[4]", r#"see, https://stage-7.example.net/ "x""#),
        ("v", "{https://stage-7.example.net}"),
        ("h->'u'", "https://stage-7.example.net"),
        ("h->'v'", r#"a "stage-7.example.net""#),
        ("f", "https://stage-7.example.net/f"),
    ] {
        let there = texts(&target, &format!("SELECT trim(({column})::text) FROM kinds")).await;
        assert_eq!(there, [value], "{column}");
    }
    let left: Vec<_> = report.left.iter().map(|left| (left.column.as_str(), left.reason.as_str())).collect();
    let no_text = "not a text column";
    let told = [
        ("d", no_text),
        ("e", no_text),
        ("k", "a key in an hstore value"),
        ("n", no_text),
        ("p", no_text),
        ("s", "the rewritten value is too long for the column"),
        ("t", no_text),
        ("y", no_text),
    ];
    assert_eq!(left, told);
}
