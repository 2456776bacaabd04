//! The odd databases whose copy is simply equal.

use super::Odd;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_nothing_said_comes_out_equal() {
    let odd = Odd::start().await;
    for name in ["xe"] {
        odd.copies_equal(name).await;
    }
}
