//! URLs are rewritten on the way, and what must not be stays.

use railstage::copying::CopyOptions;
use railstage::rewriting::UrlPair;

use super::{Ends, run, texts};

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
            "https://shop.example.com/?p=1|<a href=\"//staging-7.up.railway.app/x\">|https://shop.example.com/|{https://shop.example.com}"
        ]
    );
    assert_eq!(
        texts(&target, "SELECT domain, meta FROM sites").await,
        ["shop.example.com|{\"aa\": 1, \"https://shop.example.com\": \"https://staging-7.up.railway.app\"}"]
    );
    assert_eq!((report.rewritten_values, report.malformed_values, report.overflow_left), (7, 1, 1));
    let left: Vec<_> =
        report.left.iter().map(|left| format!("{} {}: {}", left.column, left.values, left.reason)).collect();
    assert_eq!(
        left,
        [
            "public.sites.domain 1: part of a key",
            "public.wp_options.option_value 1: tells a plugin that this is a copy",
            "public.wp_posts.guid 1: never rewritten",
            "public.wp_posts.short 1: the rewritten value is too long for the column",
            "public.wp_posts.tags 1: not a text column",
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
