//! The servers themselves: each starts as Railway starts it, and is one that copies are tested on.

use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_that_is_unpacked_starts_as_railway_starts_it() {
    let homes = MysqlHome::all().unwrap();
    let numbers =
        |family| -> Vec<_> { homes.iter().filter(|home| home.family() == family).map(MysqlHome::number).collect() };
    assert_eq!(numbers(Family::MariaDb), [(10, 11), (11, 8)]);
    assert!(numbers(Family::MySql).last().unwrap() >= &(9, 7), "{:?}", numbers(Family::MySql));
    // The newest are started, and crash, in other tests.
    let is_tried = |home: &MysqlHome| crate::asked::all() || [(10, 11), (8, 0)].contains(&home.number());
    for home in homes.into_iter().filter(is_tried) {
        let mut server = Server::start(&home, ServerOptions::default()).await.unwrap();
        server.sql("CREATE TABLE words (word text); INSERT INTO words VALUES ('käse')").unwrap();
        if home.family() == Family::MySql {
            assert_eq!(server.sql("SELECT @@log_bin, @@performance_schema").unwrap(), ["0\t0"]);
        }
        assert_eq!(server.sql("SELECT count(*) FROM mysql.user WHERE user = ''").unwrap(), ["0"], "{home:?}");
        // Nothing is flushed on its own, so what a crash leaves is what was flushed.
        server.sql("FLUSH TABLES").unwrap();
        server.crash().unwrap();
        server.start_again().unwrap();
        assert_eq!(server.sql("SHOW TABLES").unwrap(), ["words"], "{}", server.log());
    }
}
