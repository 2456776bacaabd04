//! What will fail, or cannot come along, is found and told before anything starts.

use railstage::postgres::{Endpoint, inspect};

use super::Odd;
use crate::copy::{run, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unlogged_is_named_on_a_standby_and_the_rest_comes() {
    let mut odd = Odd::start().await;
    let sql = "CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1), (2);
        CREATE UNLOGGED TABLE cached (id int GENERATED ALWAYS AS IDENTITY, kept int REFERENCES kept, word text);
        INSERT INTO cached (kept, word) VALUES (1, 'a');
        CREATE UNLOGGED SEQUENCE numbers; SELECT nextval('numbers'); CREATE SEQUENCE others; SELECT nextval('others')";
    odd.load("standby", sql).await;
    run(&odd.source.connect("postgres").await.unwrap(), "CHECKPOINT").await;
    odd.source.crash().unwrap();
    std::fs::write(odd.source.folder().join("data/standby.signal"), "").unwrap();
    odd.source.start_again().await.unwrap();
    let is_standby = texts(&odd.source.connect("standby").await.unwrap(), "SELECT pg_is_in_recovery()").await;
    assert_eq!(is_standby, ["t"]);

    let told = inspect(&Endpoint::parse(&odd.source_url("standby")).unwrap()).await.unwrap();
    let report = odd.copy("standby", &odd.options()).await.unwrap();
    for skipped in [told.skipped, report.skipped] {
        for object in
            ["rows of public.cached", "value of sequence public.numbers", "value of sequence public.cached_id_seq"]
        {
            let found = skipped.iter().find(|skipped| skipped.object == object);
            assert!(found.is_some_and(|found| found.reason.contains("primary")), "{object}: {skipped:?}");
        }
    }
    let target = odd.target.connect("standby").await.unwrap();
    let counts = "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM cached), (SELECT last_value FROM others)";
    assert_eq!(texts(&target, counts).await, ["2|0|1"]);
}
