//! Sessions that are compressed, on real servers of each family and version.

use std::time::Duration;

use backboard::mysql::{Family, MysqlHome};
use railstage::copying::{Compress, CopyOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::copy;
use super::ends::{Ends, settings};
use super::matrix::fill;
use super::same::assert_same;
use crate::asked;

/// Rows that become much shorter, and some that cannot.
const ROWS: &str = "
    CREATE TABLE many (id int PRIMARY KEY, body text NOT NULL, KEY body (body(20)));
    INSERT INTO many WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n, REPEAT(SHA2(n, 256), 100) FROM s;
    CREATE TABLE noise (id int PRIMARY KEY, body blob); INSERT INTO noise SELECT id, RANDOM_BYTES(1000) FROM many;";

/// Has a server write down, by its own word, of each session of a login that is no administrator's whether it is compressed.
fn watch(ends: &Ends) {
    let schema = if ends.source.family() == Family::MariaDb { "information_schema" } else { "performance_schema" };
    let user = &ends.source.name;
    let seeing = format!(
        "INSERT INTO seen.sessions SELECT VARIABLE_VALUE FROM {schema}.SESSION_STATUS WHERE VARIABLE_NAME = ''COMPRESSION''"
    );
    // MySQL's tables have their names in small letters.
    let seeing =
        if schema == "performance_schema" { seeing.replace("SESSION_STATUS", "session_status") } else { seeing };
    let sql = format!(
        "CREATE DATABASE seen; CREATE TABLE seen.sessions (compression varchar(10)); GRANT INSERT ON seen.* TO {user}@'%';
         SET GLOBAL init_connect = '{seeing}'"
    );
    ends.source.sql(&sql).unwrap();
}

fn bytes_received(ends: &Ends) -> u64 {
    let told = ends.target.sql("SHOW GLOBAL STATUS LIKE 'Bytes_received'").unwrap();
    told[0].split('\t').nth(1).unwrap().parse().unwrap()
}

async fn copies_compressed(source: &MysqlHome, target: &MysqlHome) {
    let ends = Ends::alone(source, target, settings(true)).await;
    let pair = format!("{source:?} to {target:?}");
    watch(&ends);
    fill(&ends.source);
    ends.source.sql(ROWS).unwrap();
    let mut digests = Vec::new();
    for (compress, said) in [(Compress::Always, "ON"), (Compress::Never, "OFF")] {
        ends.source.sql("TRUNCATE seen.sessions").unwrap();
        let before = bytes_received(&ends);
        let options = CopyOptions { compress, copy_id: said.to_owned(), ..Ends::options() };
        let report = ends.copy(&options).await.unwrap_or_else(|error| panic!("{pair}: {error:?}"));
        let received = bytes_received(&ends) - before;
        assert_eq!(received < report.bytes / 4, compress == Compress::Always, "{pair}: {received} of {}", report.bytes);
        let seen = ends.source.sql("SELECT DISTINCT UPPER(compression) FROM seen.sessions").unwrap();
        assert_eq!(seen, [said], "{pair}");
        assert_same(&ends, &pair);
        ends.assert_nothing_is_left();
        digests.push(report.digest);
    }
    assert_eq!(digests[0], digests[1], "{pair}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_over_compressed_lines_arrives_as_it_was() {
    for family in [Family::MariaDb, Family::MySql] {
        let homes = MysqlHome::of(family).unwrap();
        let (oldest, newest) = (&homes[0], homes.last().unwrap());
        copies_compressed(oldest, newest).await;
        if asked::all() {
            copies_compressed(oldest, oldest).await;
            copies_compressed(newest, newest).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_many_megabytes_passes_compressed_too() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        let large =
            "SET GLOBAL max_allowed_packet = 1073741824; CREATE TABLE large (id int PRIMARY KEY, body longblob);
            INSERT INTO large VALUES (1, REPEAT('0123456789\\t\\n\\\\', 1000)), (3, 'x')";
        ends.source.sql(large).unwrap();
        ends.source.sql("INSERT INTO large SELECT 2, REPEAT(body, 3000) FROM large WHERE id = 1").unwrap();
        let options = CopyOptions { compress: Compress::Always, ..Ends::options() };
        let report = ends.copy(&options).await.unwrap();
        assert!(report.bytes > 39_000_000, "{}", report.bytes);
        let sql = "SELECT id, LENGTH(body), SHA2(body, 256) FROM large ORDER BY id";
        assert_eq!(ends.target.sql(sql).unwrap(), ends.source.sql(sql).unwrap());
        ends.assert_nothing_is_left();
    }
}

/// What leads to a server on the loopback as if it were far away; its port.
async fn far_from(server_port: u16) -> u16 {
    async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            tokio::time::sleep(Duration::from_millis(15)).await;
            if to.write_all(&bytes[..len]).await.is_err() {
                break;
            }
        }
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            tokio::spawn(async move {
                // Whoever closes first closes both.
                tokio::select! {
                    () = carry(from_client, to_server) => {}
                    () = carry(from_server, to_client) => {}
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_line_is_compressed_without_being_told_so() {
    let ends = Ends::newest_alone(Family::MySql).await;
    watch(&ends);
    ends.source.sql(ROWS).unwrap();
    let port = ends.source.port();
    let far = ends.source.site_url().replace(&format!(":{port}/"), &format!(":{}/", far_from(port).await));
    copy(&far, &ends.target.url(), &CopyOptions { compress: Compress::Auto, ..Ends::options() }).await.unwrap();
    // The first finds out how far it is.
    let seen = ends.source.sql("SELECT UPPER(compression) FROM seen.sessions GROUP BY compression ORDER BY 1").unwrap();
    assert_eq!(seen, ["OFF", "ON"]);
    assert_same(&ends, "from far away");
}
