//! What fits in the source's indexes and rows as it is compressed there fits in the copy's.

use super::Odd;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_value_that_fits_the_sources_indexes_and_rows_fits_the_copys() {
    let odd = Odd::start().await;
    for name in ["05", "compression"] {
        let report = odd.copies_equal(name).await;
        assert!(report.skipped.iter().all(|skipped| !skipped.object.contains("compression")), "{:?}", report.skipped);
    }
    let answer = odd.answer("compression", "SELECT count(*) FROM filters WHERE query = query(70)").await;
    assert_eq!(answer, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_fails_for_a_values_size_is_made_once_more_by_the_other_method_and_said() {
    let odd = Odd::start().await;
    let report = odd.copies_equal("recompressed").await;
    for table in ["notes", "few"] {
        let object = format!("compression of long values in public.{table}");
        let told = report.skipped.iter().find(|skipped| skipped.object == object);
        assert!(told.is_some_and(|told| told.reason.contains("compressed by lz4")), "{table}: {:?}", report.skipped);
    }
    let of = "SELECT id FROM notes WHERE body = (SELECT body FROM notes WHERE id = 77)";
    assert_eq!(odd.answer("recompressed", of).await, ["77"]);
}
