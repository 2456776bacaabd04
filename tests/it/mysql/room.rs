//! A target's server whose disk is full, and one into which ten copies come at once.

use backboard::mysql::{Family, MysqlHome, ServerOptions};
use futures_util::future::join_all;
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::ends::{Database, Ends, settings};
use super::{copy, told};
use crate::asked;
use crate::copy::proxy::{Proxy, Way, through};
use crate::copy::servers::{Disk, fill};
use crate::stage::eventually;

/// More than there will be room for.
const ROWS: &str = "
    SET SESSION cte_max_recursion_depth = 100000;
    CREATE TABLE big (id int PRIMARY KEY, body text NOT NULL, KEY body (body(20)));
    INSERT INTO big WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 8000) SELECT n, REPEAT(SHA2(n, 256), 150) FROM s;";

async fn disk_is_full(family: Family, disk: &Disk) {
    let home = MysqlHome::of(family).unwrap().pop().unwrap();
    let options = ServerOptions { parent: Some(disk.path().to_owned()), ..settings(true) };
    let ends = Ends::alone(&home, &home, options).await;
    let rows = if family == Family::MySql {
        ROWS.to_owned()
    } else {
        ROWS.replace("cte_max_recursion_depth", "max_recursive_iterations")
    };
    ends.source.sql(&rows).unwrap();
    ends.target.sql("CREATE TABLE old (word text); INSERT INTO old VALUES ('as it was')").unwrap();
    let proxy = Proxy::start(ends.target.port(), Way::ToServer, 1_000_000).await;
    let (source, target) = (ends.source.site_url(), through(&ends.target.url(), ends.target.port(), &proxy));
    let copying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the rows are held", async || proxy.held() > 0 || copying.is_finished()).await;
    let balloon = disk.path().join("balloon");
    fill(&balloon, 25);
    proxy.open();
    let result = copying.await.unwrap();
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside, "{result:?}");
    let told = told(result);
    assert!(told.contains("copy table `shop.big`") && told.contains("hint: the target's disk is full"), "{told}");
    assert_eq!(ends.target.sql("SHOW TABLES; SELECT word FROM old").unwrap(), ["old", "as it was"]);
    std::fs::remove_file(&balloon).unwrap();
    ends.copy(&Ends::options()).await.unwrap();
    let sum = "SELECT COUNT(*), SUM(CRC32(body)) FROM big";
    assert_eq!(ends.target.sql(sum).unwrap(), ends.source.sql(sum).unwrap());
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_is_told_and_the_old_tables_stand() {
    for family in [Family::MariaDb, Family::MySql] {
        match Disk::new(700) {
            Ok(disk) => disk_is_full(family, &disk).await,
            Err(reason) => return asked::skip(a_disk_that_is_full_is_told_and_the_old_tables_stand, &reason),
        }
    }
}

const SHOP: &str = "
    CREATE TABLE goods (id int PRIMARY KEY AUTO_INCREMENT, word text, KEY word (word(10)));
    INSERT INTO goods (word) WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 900) SELECT REPEAT(SHA2(n, 256), 20) FROM s;
    CREATE TABLE sales (id int PRIMARY KEY, good int, CONSTRAINT sold FOREIGN KEY (good) REFERENCES goods (id)); INSERT INTO sales SELECT id, id FROM goods;
    CREATE VIEW best AS SELECT * FROM goods WHERE id < 3;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_copies_at_once_into_one_server_are_each_exact() {
    for family in [Family::MariaDb, Family::MySql] {
        // Of MySQL with the settings that each of them lends and none may take from another.
        let ends = Ends::newest_alone(family).await;
        ends.source.sql(SHOP).unwrap();
        let targets: Vec<_> =
            (0..10).map(|number| Database::make(ends.target.server.clone(), &format!("copy{number}"), None)).collect();
        let copies = targets.iter().map(|target| {
            let (source, target) = (ends.source.site_url(), target.url());
            tokio::spawn(async move { copy(&source, &target, &CopyOptions { attempts: 1, ..Ends::options() }).await })
        });
        let copies: Vec<_> = copies.collect();
        let sums = "SELECT COUNT(*), SUM(CRC32(word)) FROM goods; SELECT COUNT(*), SUM(good) FROM sales; SELECT COUNT(*) FROM best";
        let wanted = ends.source.sql(sums).unwrap();
        for (copied, target) in join_all(copies).await.into_iter().zip(targets) {
            copied.unwrap().unwrap_or_else(|error| panic!("{family:?} {}: {error:#}", target.name));
            assert_eq!(target.sql(sums).unwrap(), wanted, "{family:?} {}", target.name);
        }
        assert_eq!(ends.target.sql("SHOW DATABASES LIKE 'rs\\\\_%'").unwrap(), [""; 0]);
        ends.assert_nothing_is_left();
    }
}
