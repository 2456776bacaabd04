//! Work that takes the source long: a server at work is not a dead one, and no read is faster than is allowed.

use std::time::{Duration, Instant};

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};

use super::Odd;
use crate::asked;
use crate::copy::texts;

/// A view that takes long to be read: it is small on disk, and as many megabytes of text.
fn reports(megabytes: u32) -> String {
    format!(
        "CREATE TABLE days (id int PRIMARY KEY);
         INSERT INTO days SELECT generate_series(1, {megabytes});
         CREATE MATERIALIZED VIEW reports AS SELECT id, repeat(md5(id::text), 32768) AS report FROM days;"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_takes_long_to_be_read_is_compared_and_its_server_is_not_called_dead() {
    let odd = Odd::start().await;
    let megabytes = if asked::all() { 10_000 } else { 400 };
    odd.load("reports", &reports(megabytes)).await;
    let options = CopyOptions { stall: Duration::from_secs(1), ..odd.options() };
    let report = odd.copy("reports", &options).await.unwrap();
    assert_eq!(report.attempts, 1);
    let rows = "SELECT count(*), sum(length(report)) FROM reports";
    let (source, target) = (odd.source.connect("reports").await.unwrap(), odd.target.connect("reports").await.unwrap());
    assert_eq!(texts(&source, rows).await, texts(&target, rows).await);
    let not_compared: Vec<_> = report.skipped.iter().map(|skipped| skipped.object.as_str()).collect();
    assert!(not_compared.is_empty() || asked::all(), "{not_compared:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rate_holds_for_what_is_read_beside_the_rows_too() {
    let odd = Odd::start().await;
    let noise = "SELECT i AS id, (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 60) AS j) AS noise
                   FROM generate_series(1, 1500) AS i";
    odd.load("view", &format!("CREATE MATERIALIZED VIEW kept AS {noise};")).await;
    let meta = "CREATE TABLE wp_users (\"ID\" int, user_login text, user_pass text, user_email text, user_nicename text, display_name text);
         CREATE TABLE wp_options (option_id int, option_name text, option_value text);";
    odd.load("meta", &format!("{meta} CREATE TABLE wp_usermeta AS SELECT id AS umeta_id, id AS user_id, 'note' AS meta_key, noise AS meta_value FROM ({noise}) AS n;")).await;
    for (name, masking, least) in [("view", None, 2.0), ("meta", Some(Masking::new(Key::random())), 4.0)] {
        let options = CopyOptions { masking, max_mb_per_s: Some(1.0), ..odd.options() };
        let began = Instant::now();
        odd.copy(name, &options).await.unwrap();
        assert!(began.elapsed().as_secs_f64() > least, "{name}: {:?}", began.elapsed());
    }
}
