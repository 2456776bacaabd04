//! What a killed copy leaves on the target's server, what only looks like it, and whose a finished copy is.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};
use railstage::rewriting::UrlPair;

use super::super::proxy::{Proxy, in_clear};
use super::super::{Ends, copy, eventually, run, texts};
use super::Odd;

const PEOPLE: &str = "CREATE TABLE people (id int PRIMARY KEY, note text);
    INSERT INTO people VALUES (1, 'https://shop.example.com/'), (2, 'write to quill@example.com');";

/// All databases that are called as ours are.
async fn called_like_ours(ends: &Odd) -> Vec<String> {
    let admin = ends.target.connect("postgres").await.unwrap();
    texts(&admin, "SELECT datname FROM pg_database WHERE datname LIKE 'rs\\_%' ORDER BY 1").await
}

/// The name of a database of this copy.
async fn name_of(odd: &Odd, database: &str, copy_id: &str, end: &str) -> String {
    let admin = odd.target.connect("postgres").await.unwrap();
    let sql = format!(
        "SELECT 'rs_' || left(encode(sha256('{database}'), 'hex'), 12) || '_' || left(encode(sha256('{copy_id}'), 'hex'), 8) || '_{end}'"
    );
    texts(&admin, &sql).await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_only_called_like_ours_stays() {
    let odd = Odd::start().await;
    odd.load("shop", PEOPLE).await;
    let admin = odd.target.connect("postgres").await.unwrap();
    let mut strangers = Vec::new();
    for (copy_id, end) in [("run-1", "1"), ("run-1", "old"), ("another", "1"), ("another", "old")] {
        let name = name_of(&odd, "shop", copy_id, end).await;
        run(&admin, &format!("CREATE DATABASE \"{name}\"")).await;
        strangers.push(name);
    }
    // An old database is never known by its name alone; of the others one that holds nothing is nobody's loss.
    for name in strangers.iter().filter(|name| !name.ends_with("_old")) {
        run(&odd.target.connect(name).await.unwrap(), "CREATE TABLE theirs ()").await;
    }
    strangers.sort();
    for copy_id in ["run-1", "run-2"] {
        let options = CopyOptions { copy_id: copy_id.to_owned(), ..odd.options() };
        let report = odd.copy("shop", &options).await.unwrap();
        assert!(!report.reused && report.left_behind.is_none());
        assert_eq!(called_like_ours(&odd).await, strangers);
    }
    odd.assert_equal("shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_complete_when_it_was_killed_leaves_nothing_to_the_next_call() {
    let odd = Odd::start().await;
    odd.load("shop", PEOPLE).await;
    let options = CopyOptions { copy_id: "run-1".to_owned(), ..odd.options() };
    let proxy = Proxy::before(odd.target.port(), b"_old\" WITH").await;
    let target = in_clear(&odd.target_url("shop"), odd.target.port(), &proxy);
    let source = odd.source_url("shop");
    tokio::select! {
        ended = copy(&source, &target, &options) => panic!("the copy ended: {ended:?}"),
        () = eventually("the old database is being dropped", async || proxy.held() > 0) => {}
    }
    drop(proxy);
    assert_eq!(called_like_ours(&odd).await, [name_of(&odd, "shop", "run-1", "old").await]);
    let report = odd.copy("shop", &options).await.unwrap();
    assert!(report.reused);
    assert!(called_like_ours(&odd).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_copy_answers_only_who_asks_for_the_same() {
    let odd = Odd::start().await;
    odd.load("shop", PEOPLE).await;
    let asked = CopyOptions { copy_id: "run-1".to_owned(), ..odd.options() };
    let masking = Masking::new(Key::random());
    let url = UrlPair::parse("https://shop.example.com", "https://staging.example.com").unwrap();
    let wishes = [
        asked.clone(),
        CopyOptions { rewrite: vec![url], ..asked.clone() },
        CopyOptions { exclude_table_data: vec!["people".to_owned()], ..asked.clone() },
        CopyOptions { masking: Some(masking), ..asked.clone() },
    ];
    for wish in wishes {
        assert!(!odd.copy("shop", &wish).await.unwrap().reused);
        let more = CopyOptions { jobs: 1, attempts: 1, ..wish };
        assert!(odd.copy("shop", &more).await.unwrap().reused);
    }
}

/// The session that renames waits for a lock that somebody holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_that_waits_for_others_is_given_up_when_nobody_waits_for_it() {
    let ends = Ends::start().await;
    run(&ends.source().await, PEOPLE).await;
    let mut blocker = ends.target.connect("postgres").await.unwrap();
    let transaction = blocker.transaction().await.unwrap();
    transaction.batch_execute("COMMENT ON DATABASE railway IS 'mine'").await.unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let (source, target, options) = (ends.source.url(), ends.target.url(), ends.options());
    let copying = super::super::stoppable(&source, &target, &options, &cancel);
    let stopping = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%RENAME TO%' AND wait_event_type = 'Lock'";
        let admin = ends.target.connect("postgres").await.unwrap();
        eventually("the swap waits", async || texts(&admin, waiting).await == ["1"]).await;
        cancel.cancel();
        std::time::Instant::now()
    };
    let (copied, stopped) = tokio::join!(copying, stopping);
    assert!(stopped.elapsed() < std::time::Duration::from_secs(4));
    assert!(copied.unwrap_err().to_string().contains("the copy was stopped; the target is as it was"));
    drop(transaction);
    assert!(
        texts(&ends.target().await, "SELECT datname FROM pg_database WHERE datname LIKE 'rs\\_%'").await.is_empty()
    );
}
