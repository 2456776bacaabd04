//! The first index that fails ends the copy at once, leaves the target as it was, and is told with the way past it.

use std::time::{Duration, Instant};

use railstage::copying::CopyOptions;
use railstage::error::Exit;
use railstage::rewriting::UrlPair;

use super::Odd;
use crate::copy::{run, texts, told};

/// A table that is read back and indexed by several sessions at a time.
const LARGE: &str = "CREATE TABLE pages (id int PRIMARY KEY, url text, other text, body text);
    INSERT INTO pages SELECT i, 'https://shop.example.com/' || i, 'https://shop.example.com/' || i, repeat(md5(i::text), 20) FROM generate_series(1, 4000) AS i;";

/// Copies what must fail long before all is copied, and checks that the target is as it was.
async fn fails_at_once(odd: &Odd, name: &str, options: &CopyOptions) -> String {
    run(&odd.target.connect(name).await.unwrap(), "CREATE TABLE old AS SELECT 'as it was' AS word").await;
    let began = Instant::now();
    let copied = tokio::time::timeout(Duration::from_mins(2), odd.copy(name, options)).await;
    let copied = copied.unwrap_or_else(|_| panic!("{name}: the copy waits for ever"));
    assert_eq!(Exit::of(copied.as_ref().unwrap_err()), Exit::Outside);
    assert!(began.elapsed() < Duration::from_secs(45), "{name}: told after {:?}", began.elapsed());
    assert_eq!(texts(&odd.target.connect(name).await.unwrap(), "SELECT word FROM old").await, ["as it was"]);
    told(copied)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_indexes_of_a_large_table_that_fail_end_the_copy_at_once() {
    let odd = Odd::start().await;
    let raising = "CREATE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
            BEGIN IF current_database() <> 'raising' THEN RAISE 'not here' USING DETAIL = $1; END IF; RETURN $1; END $$;
        CREATE INDEX first ON pages (fails(url)); CREATE INDEX second ON pages (fails(other));";
    odd.load("raising", &format!("{LARGE}{raising}")).await;
    let told = fails_at_once(&odd, "raising", &odd.options()).await;
    assert!(told.contains("not here") && !told.contains("shop.example.com"), "{told}");
    assert!(told.contains("hint: a function that it calls fails in the copy"), "{told}");

    // Two rows are one when the source's URL becomes the copy's; the other table would take a minute and a half.
    let alike = "INSERT INTO pages VALUES (0, 'https://staging.example.com/1', 'https://staging.example.com/2');
        CREATE UNIQUE INDEX first ON pages (url); CREATE UNIQUE INDEX second ON pages (other);
        CREATE TABLE slow AS SELECT i AS id, repeat(md5(i::text), 30) AS body FROM generate_series(1, 90000) AS i;";
    odd.load("alike", &format!("{LARGE}{alike}")).await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.com").unwrap()];
    let options = CopyOptions { rewrite, max_mb_per_s: Some(1.0), ..odd.options() };
    let told = fails_at_once(&odd, "alike", &options).await;
    assert!(told.contains("SQLSTATE 23505") && told.contains("hint: rows are alike that must not be"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_is_told_with_the_way_past_it() {
    let odd = Odd::start().await;
    let broken = "CREATE TABLE people (id int PRIMARY KEY); INSERT INTO people VALUES (1);
        CREATE TABLE visits (id int PRIMARY KEY, person int REFERENCES people);
        SET session_replication_role = replica; INSERT INTO visits VALUES (1, 7);";
    odd.load("broken_key", broken).await;
    let told = fails_at_once(&odd, "broken_key", &odd.options()).await;
    assert!(told.contains("visits_person_fkey") && told.contains("SQLSTATE 23503"), "{told}");
    assert!(told.contains("--exclude-table-data") && told.contains("both sides of the key"), "{told}");
    let past = CopyOptions { exclude_table_data: vec!["visits".to_owned()], ..odd.options() };
    odd.copy("broken_key", &past).await.unwrap();
}
