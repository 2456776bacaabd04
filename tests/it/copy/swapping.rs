//! The last step: the new database takes the old one's place at once, and says whose copy it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use railstage::copying::CopyOptions;
use railstage::postgres::{Endpoint, inspect_target};

use super::{Ends, eventually, run, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_call_finds_the_finished_copy() {
    let ends = Ends::with_rows().await;
    let first = ends.copy(&ends.options()).await.unwrap();
    assert!(!first.reused && first.left_behind.is_none() && first.attempts == 1);
    run(&ends.source().await, "INSERT INTO small VALUES (3, 'three')").await;
    let second = ends.copy(&ends.options()).await.unwrap();
    assert!(second.reused);
    assert_eq!((second.digest, second.rows, second.snapshot_at), (first.digest.clone(), first.rows, first.snapshot_at));
    let report = inspect_target(&Endpoint::parse(&ends.target.url()).unwrap()).await.unwrap();
    assert_eq!((report.copy_id.as_deref(), report.leftovers.len(), report.tables), (Some("run-1"), 0, 2));

    let third = ends.copy(&CopyOptions { copy_id: "run-2".to_owned(), ..ends.options() }).await.unwrap();
    assert!(!third.reused && third.digest != first.digest && third.rows == first.rows + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_on_the_old_database_do_not_hold_the_swap_up() {
    let ends = Ends::with_rows().await;
    let idle = ends.target().await;
    run(&idle, "BEGIN; SELECT * FROM old").await;
    // An application that comes back as soon as it is thrown out.
    let url = ends.target.url();
    let connected = Arc::new(AtomicUsize::new(0));
    let times = connected.clone();
    let app = tokio::spawn(async move {
        loop {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
                tokio::spawn(connection);
                times.fetch_add(1, Ordering::SeqCst);
                let _ = client.simple_query("SELECT pg_sleep(60)").await;
            }
        }
    });
    eventually("the application is connected", async || connected.load(Ordering::SeqCst) == 1).await;
    let report = ends.copy(&ends.options()).await.unwrap();
    assert_eq!((report.attempts, report.left_behind), (1, None));
    eventually("the application is back", async || connected.load(Ordering::SeqCst) > 1).await;
    app.abort();
    assert!(idle.simple_query("SELECT 1").await.is_err());
    assert_eq!(texts(&ends.target().await, "SELECT count(*) FROM big").await, ["20000"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_database_belongs_to_the_old_ones_owner() {
    let ends = Ends::with_rows().await;
    run(&ends.target().await, "CREATE ROLE keeper; ALTER DATABASE railway OWNER TO keeper").await;
    ends.copy(&ends.options()).await.unwrap();
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'railway'";
    assert_eq!(texts(&ends.target().await, owner).await, ["keeper"]);
}
