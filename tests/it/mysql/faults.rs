//! Lines that are cut, servers that crash, tables that are changed in the middle of a copy.

use std::time::Duration;

use backboard::mysql::{Family, Server};
use railstage::copying::{CopyOptions, CopyReport};
use railstage::error::Exit;
use tokio_util::sync::CancellationToken;

use super::{Ends, copy, stoppable, told};
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
        let ends = Self::of(family).await;
        ends.source.sql(ROWS).unwrap();
        ends.target.sql(OLD).unwrap();
        ends
    }

    async fn with_rows_alone(family: Family) -> Self {
        let ends = Self::newest_alone(family).await;
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
    async fn meanwhile(
        &mut self,
        of_source: bool,
        options: CopyOptions,
        what: impl FnOnce(&mut Server),
    ) -> anyhow::Result<CopyReport> {
        let (mut source, mut target) = (self.source.site_url(), self.target.url());
        let (url, port, way) = match of_source {
            true => (&mut source, self.source.port(), Way::FromServer),
            false => (&mut target, self.target.port(), Way::ToServer),
        };
        let proxy = Proxy::start(port, way, MIDDLE).await;
        *url = through(url, port, &proxy);
        let copying = tokio::spawn(async move { copy(&source, &target, &options).await });
        eventually("the rows are held", async || proxy.held() > 0 || copying.is_finished()).await;
        assert!(!copying.is_finished(), "{:?}", copying.await);
        tokio::task::block_in_place(|| what(if of_source { &mut self.source } else { &mut self.target }.own_server()));
        proxy.open();
        copying.await.unwrap()
    }
}

/// Cuts a line in the middle of the rows, once.
async fn cut(family: Family, of_source: bool) {
    let ends = Ends::with_rows(family).await;
    let (mut source, mut target) = (ends.source.site_url(), ends.target.url());
    let (url, port, way) = match of_source {
        true => (&mut source, ends.source.port(), Way::FromServer),
        false => (&mut target, ends.target.port(), Way::ToServer),
    };
    let proxy = Proxy::cutting(port, way, MIDDLE, 1).await;
    *url = through(url, port, &proxy);
    let report = copy(&source, &target, &Ends::options()).await.unwrap();
    assert_eq!((report.attempts, report.rows), (2, 1002));
    ends.assert_target_is_new();
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_costs_an_attempt_not_the_copy() {
    use Family::{MariaDb, MySql};
    tokio::join!(cut(MariaDb, true), cut(MariaDb, false), cut(MySql, true), cut(MySql, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_costs_an_attempt_not_the_copy() {
    let mut ends = Ends::with_rows_alone(Family::MariaDb).await;
    for of_source in [true, false] {
        let options = CopyOptions { copy_id: format!("of source: {of_source}"), ..Ends::options() };
        let report = ends.meanwhile(of_source, options, |server| {
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
    let mut ends = Ends::with_rows_alone(Family::MySql).await;
    for of_source in [true, false] {
        let options = CopyOptions { attempts: 2, ..Ends::options() };
        let result = ends.meanwhile(of_source, options, |server| server.crash().unwrap()).await;
        assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
        let told = told(result);
        assert!(told.contains("connect to `localhost:"), "{told}");
        if of_source { &mut ends.source } else { &mut ends.target }.own_server().start_again().unwrap();
        ends.assert_target_is_old();
    }
    // One that follows another server is not written, whatever this login may do.
    ends.target.sql("SET GLOBAL read_only = ON").unwrap();
    let read_only = told(ends.copy(&Ends::options()).await);
    assert!(read_only.contains("the target is read-only: it follows another server"), "{read_only}");
    ends.target.sql("SET GLOBAL read_only = OFF").unwrap();
    ends.copy(&Ends::options()).await.unwrap();
    ends.assert_target_is_new();
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_changes_on_the_target_before_the_check_is_found_and_its_table_named() {
    let ends = Ends::with_rows(Family::MariaDb).await;
    // What is read of the target in this way is read to be compared.
    let proxy = Proxy::before(ends.target.port(), b"SELECT SQL_NO_CACHE `id`, `word`").await;
    let (source, target) = (ends.source.site_url(), in_clear(&ends.target.url(), ends.target.port(), &proxy));
    let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the check is held", async || proxy.held() > 0 || copying.is_finished()).await;
    let new = ends.leftovers();
    ends.target.sql(&format!("UPDATE {}.small SET word = 'twa' WHERE word = 'two'", new[0])).unwrap();
    proxy.open();
    let told = told(copying.await.unwrap());
    let words = format!("table `{}.small`: what arrived is not what was sent", ends.source.name);
    assert!(told.contains(&words), "{told}");
    ends.assert_target_is_old();
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_changed_on_the_source_before_it_is_read_costs_an_attempt() {
    let ends = Ends::with_rows(Family::MariaDb).await;
    let proxy = Proxy::before(ends.source.port(), b"SELECT SQL_NO_CACHE `id`, `word`").await;
    let (source, target) = (in_clear(&ends.source.site_url(), ends.source.port(), &proxy), ends.target.url());
    let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the read is held", async || proxy.held() > 0 || copying.is_finished()).await;
    // Nobody waits for it, since nothing is held that is not being read.
    ends.source.sql("SET lock_wait_timeout = 3; ALTER TABLE small ADD more int DEFAULT 5, ALGORITHM = COPY").unwrap();
    proxy.open();
    assert_eq!(copying.await.unwrap().unwrap().attempts, 2);
    assert_eq!(ends.target.sql("SELECT * FROM small ORDER BY id").unwrap(), ["1\tone\t5", "2\ttwo\t5"]);
    ends.assert_nothing_is_left();
}

/// Holds a copy in the middle of its rows, so that `what` can be done to it.
async fn held(
    family: Family,
    of_source: bool,
    options: CopyOptions,
    what: impl AsyncFnOnce(&Ends, &Proxy, &CancellationToken),
) -> (Ends, anyhow::Result<CopyReport>) {
    let ends = Ends::with_rows(family).await;
    let (mut source, mut target) = (ends.source.site_url(), ends.target.url());
    let (url, port, way) = match of_source {
        true => (&mut source, ends.source.port(), Way::FromServer),
        false => (&mut target, ends.target.port(), Way::ToServer),
    };
    let proxy = Proxy::start(port, way, MIDDLE).await;
    *url = through(url, port, &proxy);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let copying = tokio::spawn(async move { stoppable(&source, &target, &options, &token).await });
    eventually("the rows are held", async || proxy.held() > 0 || copying.is_finished()).await;
    assert!(!copying.is_finished(), "{:?}", copying.await);
    what(&ends, &proxy, &cancel).await;
    (ends, copying.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_ended_costs_an_attempt_and_a_second_copy_waits_its_turn_and_is_refused() {
    let ended = async |family, of_source| {
        let ends_it = async |ends: &Ends, proxy: &Proxy, _: &CancellationToken| {
            let end = if of_source { &ends.source } else { &ends.target };
            let like = if of_source { "%" } else { "LOAD DATA%big%" };
            let sql = format!(
                "SELECT CONCAT('KILL ', ID) FROM information_schema.PROCESSLIST WHERE COALESCE(INFO, '') LIKE '{like}' AND USER LIKE '{}%'",
                end.name
            );
            let kills = end.sql(&sql).unwrap();
            assert!(!kills.is_empty());
            end.sql(&kills.join(";")).unwrap();
            proxy.open();
        };
        let (ends, result) = held(family, of_source, Ends::options(), ends_it).await;
        let report = result.unwrap();
        assert_eq!((report.attempts, report.rows), (2, 1002));
        ends.assert_target_is_new();
        ends.assert_nothing_is_left();
    };
    let second = async {
        let begins = async |ends: &Ends, proxy: &Proxy, _: &CancellationToken| {
            let other = CopyOptions { copy_id: "another".to_owned(), attempts: 1, ..Ends::options() };
            let told = told(ends.copy(&other).await);
            assert!(told.contains(&format!("another copy into `{}` is under way", ends.target.name)), "{told}");
            proxy.open();
        };
        let options = CopyOptions { stall: Duration::from_mins(2), ..Ends::options() };
        let (ends, result) = held(Family::MariaDb, true, options, begins).await;
        assert_eq!(result.unwrap().attempts, 1);
        ends.assert_target_is_new();
        ends.assert_nothing_is_left();
    };
    tokio::join!(ended(Family::MariaDb, true), ended(Family::MySql, false), second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_behind_which_there_are_two_servers_is_refused() {
    let ends = Ends::of(Family::MySql).await;
    for end in [&ends.source, &ends.target] {
        end.sql("CREATE TABLE a (id int); CREATE TABLE b (id int)").unwrap();
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports = [ends.source.port(), ends.target.port()];
    let sharing = tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { break };
            let Ok(mut server) = tokio::net::TcpStream::connect(("127.0.0.1", ports[number % 2])).await else { break };
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let source = ends.source.site_url().replace(&ends.source.port().to_string(), &port.to_string());
    let told = told(copy(&source, &ends.target.url(), &CopyOptions { attempts: 1, ..Ends::options() }).await);
    assert!(told.contains("two sessions have reached two servers"), "{told}");
    ends.assert_nothing_is_left();
    sharing.abort();
}
