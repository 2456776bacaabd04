//! Settings of a whole server that are others while rows come: they are put back, whoever dies, and not while somebody needs them.

use backboard::mysql::{Family, MysqlHome};
use railstage::copying::CopyOptions;

use super::copy;
use super::ends::{Database, Ends, settings};
use crate::copy::proxy::{Proxy, Way, through};
use crate::stage::eventually;

const ROWS: &str = "
    CREATE TABLE big (id int PRIMARY KEY, body text NOT NULL, KEY body (body(20)));
    INSERT INTO big WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 400) SELECT n, REPEAT(SHA2(n, 256), 150) FROM s;";

/// How the target's server takes rows, waits for the disk, and survives a crash.
fn now(target: &Database) -> Vec<String> {
    let redo = "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'";
    target.sql(&format!("SELECT @@GLOBAL.local_infile, @@GLOBAL.innodb_flush_log_at_trx_commit; {redo}")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_has_changed_on_the_server_is_put_back_by_the_next_one_or_by_the_last() {
    let home = MysqlHome::of(Family::MySql).unwrap().pop().unwrap();
    let mut of_target = settings(true);
    of_target.settings.push("--innodb-flush-log-at-trx-commit=1".to_owned());
    let ends = Ends::alone(&home, &home, of_target).await;
    ends.source.sql(ROWS).unwrap();
    let before = ["0\t1", "Innodb_redo_log_enabled\tON"];
    let changed = ["1\t2", "Innodb_redo_log_enabled\tOFF"];
    assert_eq!(now(&ends.target), before);
    // A copy into a server that is new dies while its rows come.
    let fresh = CopyOptions { target_is_new: true, ..Ends::options() };
    let proxy = Proxy::start(ends.target.port(), Way::ToServer, 1_000_000).await;
    let (source, target) = (ends.source.site_url(), through(&ends.target.url(), ends.target.port(), &proxy));
    let options = fresh.clone();
    let dying = tokio::spawn(async move { copy(&source, &target, &options).await });
    eventually("the rows are held", async || proxy.held() > 0 || dying.is_finished()).await;
    assert_eq!(now(&ends.target), changed);
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    drop(proxy);
    // The next one, into a server that holds something, puts back even what it would not have changed.
    ends.target.sql("CREATE TABLE old (a int)").unwrap();
    eventually("the dead one has let go", async || {
        ends.copy(&CopyOptions { attempts: 1, ..fresh.clone() }).await.is_ok()
    })
    .await;
    assert_eq!(now(&ends.target), before);
    ends.assert_nothing_is_left();
    // Of two at once the first one to be done leaves it to the other.
    let second = Database::make(ends.target.server.clone(), "second", None);
    let proxy = Proxy::start(second.port(), Way::ToServer, 1_000_000).await;
    let (source, target) = (ends.source.site_url(), through(&second.url(), second.port(), &proxy));
    let options = CopyOptions { attempts: 1, ..Ends::options() };
    let held = tokio::spawn(async move { copy(&source, &target, &options).await });
    eventually("the rows are held", async || proxy.held() > 0 || held.is_finished()).await;
    ends.copy(&CopyOptions { copy_id: "run-2".to_owned(), attempts: 1, ..Ends::options() }).await.unwrap();
    let is_on = ["1\t2", "Innodb_redo_log_enabled\tON"];
    assert_eq!(now(&ends.target), is_on);
    proxy.open();
    held.await.unwrap().unwrap();
    assert_eq!(now(&ends.target), before);
}
