//! Rows and tables of unusual size: long rows pass in pieces, large tables in ranges, small ones many at a time.

use std::process::Command;

use railstage::copying::{CopyOptions, Verify};
use railstage::rewriting::UrlPair;
use serde_json::Value;

use super::{Ends, PASSWORD, run, texts, told};

fn rewriting(ends: &Ends) -> CopyOptions {
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging-7.up.railway.app").unwrap()];
    CopyOptions { rewrite, ..ends.options() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_row_of_text_passes_unless_something_in_it_is_to_be_changed() {
    a_long_row(u64::MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_row_in_binary_passes_unless_something_in_it_is_to_be_changed() {
    a_long_row(0).await;
}

async fn a_long_row(binary_from_bytes: u64) {
    let ends = Ends::start().await;
    let rewriting = |ends: &Ends| CopyOptions { binary_from_bytes, ..rewriting(ends) };
    let source = ends.source().await;
    run(&source, "CREATE TABLE long (id int, body text); INSERT INTO long VALUES (1, 'short'), (2, repeat('0123456789', 2000000)), (3, 'https://shop.example.com')").await;
    let digest = "SELECT id, length(body), md5(body) FROM long ORDER BY 1";
    let sent = texts(&source, digest).await;
    ends.copy(&rewriting(&ends)).await.unwrap();
    let there = texts(&ends.target().await, digest).await;
    assert_eq!(there[..2], sent[..2]);
    assert!(there[2].starts_with("3|32|"), "{there:?}");

    run(&source, "UPDATE long SET body = body || ' https://shop.example.com/' WHERE id = 2").await;
    let told = told(ends.copy(&CopyOptions { copy_id: "run-2".to_owned(), ..rewriting(&ends) }).await);
    assert!(
        told.contains("copy table `public.long`: row `2` has 20 MB") && told.contains("rows up to 16 MiB"),
        "{told}"
    );
    assert_eq!(texts(&ends.target().await, digest).await, there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_no_server_can_write_as_text_arrive_in_binary() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    run(&source, "CREATE TABLE files (id int, file bytea); ALTER TABLE files ALTER file SET STORAGE EXTERNAL").await;
    run(
        &source,
        "INSERT INTO files VALUES (1, 'small'), (2, convert_to(repeat('0123456789', 60000000), 'UTF8')), (3, NULL)",
    )
    .await;
    let report = ends.copy(&ends.options()).await.unwrap();
    assert_eq!((report.rows, report.attempts), (3, 1));
    let digest = "SELECT id, length(file), md5(file) FROM files ORDER BY 1";
    assert_eq!(texts(&ends.target().await, digest).await, texts(&source, digest).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_in_ranges_and_many_at_once_arrive_whole() {
    let ends = Ends::with_rows().await;
    let source = ends.source().await;
    for table in 0..150 {
        run(&source, &format!("CREATE TABLE t{table} (id int PRIMARY KEY, word text); INSERT INTO t{table} SELECT i, 'word' FROM generate_series(1, {table}) AS i; CREATE INDEX ON t{table} (word)")).await;
    }
    run(&source, "DELETE FROM big WHERE id BETWEEN 5000 AND 9000; UPDATE big SET body = 'moved' WHERE id < 100").await;
    for (copy_id, verify, binary_from_bytes) in [
        ("text", Verify::Digest, u64::MAX),
        ("binary", Verify::Digest, 0),
        ("count", Verify::Count, 0),
        ("off", Verify::Off, 0),
    ] {
        let copy_id = copy_id.to_owned();
        let options = CopyOptions { copy_id, cut_bytes: 1 << 20, jobs: 3, verify, binary_from_bytes, ..ends.options() };
        let report = ends.copy(&options).await.unwrap();
        assert_eq!((report.tables, report.attempts), (152, 1));
        let digest = "SELECT count(*), sum(hashtextextended(b::text, 0)) FROM big AS b";
        assert_eq!(texts(&ends.target().await, digest).await, texts(&source, digest).await);
        let all = "SELECT count(*) FROM pg_index WHERE indrelid::regclass::text ~ '^t[0-9]+$'";
        assert_eq!(texts(&ends.target().await, all).await, ["300"]);
        assert_eq!(texts(&ends.target().await, "SELECT count(*) FROM t149").await, ["149"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_what_a_copy_would_do_and_does_nothing() {
    let ends = Ends::with_rows().await;
    let dry = |more: &[&str]| {
        let bin = ends.bin.program("pg_dump");
        Command::new(env!("CARGO_BIN_EXE_railstage"))
            .args(["copy-db", "--dry-run", "--json"])
            .args(more)
            .env_clear()
            .env("PATH", bin.parent().unwrap())
            .env("SOURCE_DATABASE_URL", ends.source.url())
            .env("TARGET_DATABASE_URL", ends.target.url())
            .output()
            .unwrap()
    };
    let done = dry(&["--max-rate", "1"]);
    let text = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(!text.contains(PASSWORD));
    let said: Value = serde_json::from_str(&text).unwrap();
    let (tables, bytes) = (&said["plan"]["tables"], said["plan"]["bytes"].as_f64().unwrap());
    assert_eq!((&tables[0]["table"], &tables[1]["table"]), (&"public.big".into(), &"public.small".into()));
    assert!((said["plan"]["estimated_seconds"].as_f64().unwrap() - bytes / 1e6).abs() < 0.01);

    let refused = dry(&["--exclude-table-data", "big"]);
    assert_eq!(refused.status.code(), Some(2));
    let said: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(said["plan"]["tables"][0]["excluded_by"], "left out by `exclude_table_data` (big)");
    assert!(said["plan"]["problems"][0].as_str().unwrap().contains("public.small"), "{said}");
    ends.assert_target_is_old().await;
}
