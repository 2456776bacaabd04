//! Values that are longer than `max_allowed_packet` of either end: they come over as they are, or are refused by table and key before
//! anything is made, and what the target's server was told meanwhile is put back.

use backboard::mysql::{Family, MysqlHome, ServerOptions};
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::ends::{Database, Ends, settings};
use super::{copy, told};
use crate::copy::proxy::{Proxy, Way, through};
use crate::stage::eventually;

const LESS: u64 = 16 << 20;

/// A value of 20 MiB of JSON, and one of text in each of three character sets.
const ROWS: &str = "
    CREATE TABLE docs (id int PRIMARY KEY, j json, l longtext CHARACTER SET latin1, o longtext CHARACTER SET latin2, u longtext CHARACTER SET utf8mb4);
    INSERT INTO docs VALUES (1, '{}', 'a', 'b', 'c'),
      (7, CONCAT('[\"', REPEAT('y', 20971520), '\"]'), REPEAT(X'E9', 20971520), REPEAT(X'E9', 20971520), REPEAT('z', 20971520));
    ANALYZE TABLE docs;";

/// The newest servers of MySQL, the target with a limit of 16 MiB.
async fn ends(more: &[&str]) -> Ends {
    let home = MysqlHome::of(Family::MySql).unwrap().pop().unwrap();
    let mut of_target: ServerOptions = settings(true);
    of_target.settings.push(format!("--max-allowed-packet={LESS}"));
    of_target.settings.extend(more.iter().map(|&setting| setting.to_owned()));
    let ends = Ends::alone(&home, &home, of_target).await;
    ends.source.sql("SET GLOBAL max_allowed_packet = 67108864").unwrap();
    ends.source.sql(ROWS).unwrap();
    ends
}

fn limit(end: &Database) -> u64 {
    end.sql("SELECT @@GLOBAL.max_allowed_packet").unwrap()[0].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_longer_than_the_target_takes_come_over_and_its_limit_is_put_back() {
    let ends = ends(&[]).await;
    // One dies while its rows come.
    let proxy = Proxy::start(ends.target.port(), Way::ToServer, 1_000_000).await;
    let (source, target) = (ends.source.site_url(), through(&ends.target.url(), ends.target.port(), &proxy));
    let dying = tokio::spawn(async move { copy(&source, &target, &Ends::options()).await });
    eventually("the rows are held", async || proxy.held() > 0 || dying.is_finished()).await;
    assert_eq!(limit(&ends.target), 1 << 30);
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    drop(proxy);
    let options = CopyOptions { attempts: 1, ..Ends::options() };
    eventually("the dead one has let go", async || ends.copy(&options).await.is_ok()).await;
    assert_eq!(limit(&ends.target), LESS);
    // As the server has them: what the client prints of such a value it would have to hold.
    let sums = "SET SESSION character_set_connection = utf8mb4; SELECT id, JSON_STORAGE_SIZE(j), SHA2(CAST(l AS BINARY), 256), SHA2(CAST(o AS BINARY), 256), SHA2(CAST(u AS BINARY), 256) FROM docs ORDER BY id";
    for end in [&ends.source, &ends.target] {
        end.sql("SET GLOBAL max_allowed_packet = 67108864").unwrap();
    }
    assert_eq!(ends.target.sql(sums).unwrap(), ends.source.sql(sums).unwrap());
    let same = "SELECT SHA2(j, 256) FROM docs ORDER BY id";
    assert_eq!(ends.target.sql(same).unwrap(), ends.source.sql(same).unwrap());
    ends.target.sql(&format!("SET GLOBAL max_allowed_packet = {LESS}")).unwrap();
    ends.assert_nothing_is_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_an_end_does_not_let_through_is_refused_by_table_and_key_before_rows_come() {
    let ends = ends(&["--local-infile=ON"]).await;
    ends.target.sql("CREATE TABLE old (a int); INSERT INTO old VALUES (5)").unwrap();
    // May do all but change the server.
    ends.target
        .sql("CREATE USER maker@'%' IDENTIFIED BY 'canary-server-password'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, LOCK TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, PROCESS ON *.* TO maker@'%'; GRANT SESSION_VARIABLES_ADMIN ON *.* TO maker@'%'")
        .unwrap();
    let maker = ends.target.url_of("maker");
    let result = copy(&ends.source.site_url(), &maker, &Ends::options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid, "{result:?}");
    let told_target = told(result);
    let words =
        "table `shop.docs`: row `7` has JSON in `j` that the target does not take: its `max_allowed_packet` is 16 MiB";
    assert!(told_target.contains(words) && told_target.contains("the target's `root`"), "{told_target}");
    // Nor does a source give what is longer than its own.
    ends.source.sql(&format!("SET GLOBAL max_allowed_packet = {LESS}")).unwrap();
    let result = ends.copy(&Ends::options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid, "{result:?}");
    let told_source = told(result);
    assert!(told_source.contains("row `7` has JSON in `j` that the source does not give"), "{told_source}");
    assert_eq!(limit(&ends.target), LESS);
    assert_eq!(ends.target.sql("SHOW TABLES; SELECT * FROM old").unwrap(), ["old", "5"]);
    // What stays behind needs no room.
    let without = CopyOptions { exclude_table_data: vec!["docs".to_owned()], ..Ends::options() };
    copy(&ends.source.site_url(), &maker, &without).await.unwrap();
    assert_eq!(ends.target.sql("SELECT COUNT(*) FROM docs").unwrap(), ["0"]);
}
