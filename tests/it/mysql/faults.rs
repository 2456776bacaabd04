//! Lines that are cut, servers that crash, tables that are changed in the middle of a copy.

use backboard::mysql::{Family, Server};
use railstage::copying::CopyReport;
use railstage::error::Exit;

use super::{Ends, copy, told};
use crate::copy::proxy::{Proxy, Way, in_clear, through};
use crate::stage::eventually;

/// Less than the rows of the large table, more than all that comes before them.
const MIDDLE: usize = 3_000_000;

const ROWS: &str = "
    CREATE TABLE big (id int PRIMARY KEY, body text NOT NULL, KEY body (body(20)));
    INSERT INTO big WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n, REPEAT(SHA2(n, 256), 150) FROM s;
    CREATE TABLE small (id int PRIMARY KEY, word text); INSERT INTO small VALUES (1, 'one'), (2, 'two');";
const OLD: &str = "CREATE TABLE old (word text); INSERT INTO old VALUES ('as it was')";

impl Ends {
    async fn with_rows(family: Family) -> Self {
        let ends = Self::newest(family).await;
        ends.source.sql(ROWS).unwrap();
        ends.target.sql(OLD).unwrap();
        ends
    }

    fn assert_target_is_old(&self) {
        assert_eq!(self.target.sql("SHOW TABLES; SELECT word FROM old").unwrap(), ["old", "as it was"]);
    }

    fn assert_target_is_new(&self) {
        let sum = "SELECT COUNT(*), SUM(CRC32(body)) FROM big; SELECT word FROM small ORDER BY id";
        assert_eq!(self.target.sql(sum).unwrap(), self.source.sql(sum).unwrap());
    }

    /// Runs a copy up to the middle of its rows, has something done to one end, and lets it go on.
    async fn meanwhile(&mut self, of_source: bool, what: impl FnOnce(&mut Server)) -> anyhow::Result<CopyReport> {
        let (mut source, mut target) = (self.source.url_of("railway"), self.target.url());
        let (url, port, way) = match of_source {
            true => (&mut source, self.source.port(), Way::FromServer),
            false => (&mut target, self.target.port(), Way::ToServer),
        };
        let proxy = Proxy::start(port, way, MIDDLE).await;
        *url = through(url, port, &proxy);
        let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
        eventually("the rows are held", async || proxy.held() > 0 || copying.is_finished()).await;
        assert!(!copying.is_finished(), "{:?}", copying.await);
        tokio::task::block_in_place(|| what(if of_source { &mut self.source } else { &mut self.target }));
        proxy.open();
        copying.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_costs_an_attempt_not_the_copy() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::with_rows(family).await;
        for (number, of_source) in [true, false].into_iter().enumerate() {
            let (mut source, mut target) = (ends.source.url_of("railway"), ends.target.url());
            let (url, port, way) = match of_source {
                true => (&mut source, ends.source.port(), Way::FromServer),
                false => (&mut target, ends.target.port(), Way::ToServer),
            };
            let proxy = Proxy::cutting(port, way, MIDDLE, 1).await;
            *url = through(url, port, &proxy);
            let options = railstage::copying::CopyOptions { copy_id: format!("run {number}"), ..Ends::options() };
            let report = copy(&source, &target, &options).await.unwrap();
            assert_eq!((report.attempts, report.rows), (2, 1002));
            ends.assert_target_is_new();
            ends.assert_nothing_is_left();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_costs_an_attempt_not_the_copy() {
    for of_source in [true, false] {
        let mut ends = Ends::with_rows(Family::MariaDb).await;
        let report = ends.meanwhile(of_source, |server| {
            server.crash().unwrap();
            server.start_again().unwrap();
        });
        // How long the server takes to come back decides how many it is.
        assert!(report.await.unwrap().attempts > 1);
        ends.assert_target_is_new();
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_for_good_ends_the_copy_and_the_next_one_tidies_up() {
    for of_source in [true, false] {
        let mut ends = Ends::with_rows(Family::MySql).await;
        let result = ends.meanwhile(of_source, |server| server.crash().unwrap()).await;
        assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
        let told = told(result);
        assert!(told.contains("connect to `localhost:"), "{told}");
        if of_source { &mut ends.source } else { &mut ends.target }.start_again().unwrap();
        ends.assert_target_is_old();
        ends.copy(&Ends::options()).await.unwrap();
        ends.assert_target_is_new();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_changes_on_the_target_before_the_check_is_found_and_its_table_named() {
    let ends = Ends::with_rows(Family::MariaDb).await;
    // What is read of the target in this way is read to be compared.
    let proxy = Proxy::before(ends.target.port(), b"SELECT SQL_NO_CACHE `id`, `word`").await;
    let (source, target) = (ends.source.url_of("railway"), in_clear(&ends.target.url(), ends.target.port(), &proxy));
    let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the check is held", async || proxy.held() > 0 || copying.is_finished()).await;
    let new = ends.target.sql("SHOW DATABASES LIKE 'rs\\_%'").unwrap();
    ends.target.sql(&format!("UPDATE {}.small SET word = 'twa' WHERE word = 'two'", new[0])).unwrap();
    proxy.open();
    let told = told(copying.await.unwrap());
    assert!(told.contains("table `railway.small`: what arrived is not what was sent"), "{told}");
    ends.assert_target_is_old();
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_changed_on_the_source_before_it_is_read_costs_an_attempt() {
    let ends = Ends::with_rows(Family::MariaDb).await;
    let proxy = Proxy::before(ends.source.port(), b"SELECT SQL_NO_CACHE `id`, `word`").await;
    let (source, target) = (in_clear(&ends.source.url_of("railway"), ends.source.port(), &proxy), ends.target.url());
    let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the read is held", async || proxy.held() > 0 || copying.is_finished()).await;
    // Nobody waits for it, since nothing is held that is not being read.
    ends.source.sql("SET lock_wait_timeout = 3; ALTER TABLE small ADD more int DEFAULT 5, ALGORITHM = COPY").unwrap();
    proxy.open();
    assert_eq!(copying.await.unwrap().unwrap().attempts, 2);
    assert_eq!(ends.target.sql("SELECT * FROM small ORDER BY id").unwrap(), ["1\tone\t5", "2\ttwo\t5"]);
    ends.assert_nothing_is_left();
}
