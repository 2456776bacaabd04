//! The built binary killed or stopped in each phase: the target is the old database or the new one, never half of it,
//! production is let go, and the next copy leaves nothing of it behind.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::proxy::{Proxy, Way, in_clear};
use super::{DATABASE, Ends, OLD, eventually, run, texts};
use crate::stage;

/// Where a copy is stopped.
struct Point {
    phase: &'static str,
    way: Way,
    /// In front of which server the copy is held.
    of_source: bool,
    words: &'static [u8],
    /// Whether the target is the new database from then on.
    is_new: bool,
    arguments: &'static [&'static str],
}

const fn point(phase: &'static str, way: Way, of_source: bool, words: &'static [u8]) -> Point {
    Point { phase, way, of_source, words, is_new: false, arguments: &[] }
}

/// A copy is held before these words reach a server, or before its answer to them comes back.
const POINTS: &[Point] = &[
    point("looking at the source", Way::ToServer, true, b"pg_control_system"),
    point("its locks held", Way::FromServer, true, b"LOCK TABLE"),
    point("its snapshot taken", Way::FromServer, true, b"pg_export_snapshot"),
    point("reading the schema", Way::FromServer, true, b"SET quote_all_identifiers"),
    point("making the new database", Way::FromServer, false, b"CREATE DATABASE"),
    point("making tables", Way::ToServer, false, b"CREATE TABLE"),
    point("reading rows", Way::FromServer, true, b"COPY \"public\""),
    point("writing rows", Way::ToServer, false, b"in the middle of the rows"),
    point("comparing rows", Way::FromServer, false, b"TO STDOUT"),
    point("setting sequences", Way::ToServer, false, b"setval"),
    point("making keys", Way::FromServer, false, b"ADD CONSTRAINT"),
    point("filling views", Way::ToServer, false, b"REFRESH MATERIALIZED VIEW"),
    point("gathering statistics", Way::FromServer, false, b"ANALYZE"),
    point("about to swap", Way::ToServer, false, b"RENAME TO"),
    Point { is_new: true, ..point("swapped, the answer lost", Way::FromServer, false, b"RENAME TO") },
    Point { is_new: true, ..point("dropping the old one", Way::ToServer, false, b"_old\" WITH") },
];

const SHOP: &str = "
    CREATE TABLE goods (id serial PRIMARY KEY, word text);
    INSERT INTO goods (word) SELECT repeat(md5(i::text), 20) FROM generate_series(1, 300) AS i;
    INSERT INTO goods (word) VALUES ('in the middle of the rows');
    INSERT INTO goods (word) SELECT repeat(md5(i::text), 20) FROM generate_series(1, 300) AS i;
    CREATE TABLE sales (good int REFERENCES goods);
    INSERT INTO sales VALUES (1), (2);
    CREATE MATERIALIZED VIEW best AS SELECT * FROM goods WHERE id < 3;";

/// A running `railstage copy-db`, held at a point.
struct Held {
    child: Child,
    _proxy: Proxy,
}

impl Held {
    async fn at(ends: &Ends, point: &Point) -> Self {
        let (mut source, mut target) = (ends.source.url(), ends.target.url());
        let (url, port) = match point.of_source {
            true => (&mut source, ends.source.port()),
            false => (&mut target, ends.target.port()),
        };
        let proxy = match point.way {
            Way::ToServer => Proxy::before(port, point.words).await,
            Way::FromServer => Proxy::after(port, point.words).await,
        };
        *url = in_clear(url, port, &proxy);
        let mut child = copy_db(&source, &target).args(point.arguments).spawn().unwrap();
        eventually(point.phase, async || proxy.held() > 0 || child.try_wait().unwrap().is_some()).await;
        assert!(child.try_wait().unwrap().is_none(), "{}: the copy ended", point.phase);
        Self { child, _proxy: proxy }
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(Duration::from_mins(1), self.child.wait()).await;
        ended.expect("a copy that got a signal ends").unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().cast_signed()), signal).unwrap();
    }
}

fn copy_db(source: &str, target: &str) -> Command {
    let mut command = stage::binary();
    command.arg("copy-db").env("SOURCE_DATABASE_URL", source).env("TARGET_DATABASE_URL", target);
    command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command
}

async fn shop() -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, SHOP).await;
    ends
}

/// Gives the target its old database again.
async fn renew(ends: &Ends) {
    let admin = ends.target.connect("postgres").await.unwrap();
    for name in leftovers(ends).await.iter().map(String::as_str).chain([DATABASE]) {
        run(&admin, &format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await;
    }
    run(&admin, &format!("CREATE DATABASE {DATABASE}")).await;
    run(&ends.target().await, OLD).await;
}

/// What the target's database is: the old one, or all of the new one.
async fn is_new(ends: &Ends) -> bool {
    let target = ends.target().await;
    if texts(&target, "SELECT count(*) FROM pg_class WHERE relname = 'old'").await == ["1"] {
        assert_eq!(texts(&target, "SELECT word FROM old").await, ["as it was"]);
        assert_eq!(texts(&target, "SELECT count(*) FROM pg_class WHERE relname = 'goods'").await, ["0"]);
        return false;
    }
    let whole = "SELECT (SELECT count(*) FROM goods), (SELECT count(*) FROM sales), (SELECT count(*) FROM best),
        (SELECT count(*) FROM pg_constraint WHERE conrelid IN ('goods'::regclass, 'sales'::regclass) AND contype IN ('p', 'f')),
        (SELECT last_value FROM goods_id_seq)";
    assert_eq!(texts(&target, whole).await, ["601|2|2|2|601"]);
    true
}

/// Whether a database of ours is left on the target's server.
async fn leftovers(ends: &Ends) -> Vec<String> {
    let admin = ends.target.connect("postgres").await.unwrap();
    texts(&admin, "SELECT datname FROM pg_database WHERE datname LIKE 'rs\\_%'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_killed_in_any_phase_is_cleaned_up_by_the_next() {
    let ends = shop().await;
    for point in POINTS {
        renew(&ends).await;
        let mut held = Held::at(&ends, point).await;
        held.signal(Signal::SIGKILL);
        held.ended().await;
        drop(held);
        ends.assert_source_is_let_go().await;
        assert_eq!(is_new(&ends).await, point.is_new, "{}", point.phase);
        let status = copy_db(&ends.source.url(), &ends.target.url()).status().await.unwrap();
        assert!(status.success(), "{}: the next copy ended with {status}", point.phase);
        assert!(is_new(&ends).await, "{}", point.phase);
        assert!(leftovers(&ends).await.is_empty(), "{}", point.phase);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_told_to_stop_in_any_phase_cleans_up_itself() {
    let ends = shop().await;
    for point in POINTS {
        renew(&ends).await;
        let mut held = Held::at(&ends, point).await;
        let began = Instant::now();
        held.signal(Signal::SIGTERM);
        let status = held.ended().await;
        // Once the swap is made, the copy is.
        assert_eq!(status.code(), Some(if point.is_new { 0 } else { 143 }), "{}", point.phase);
        assert!(began.elapsed() < Duration::from_secs(9), "{}: {:?}", point.phase, began.elapsed());
        drop(held);
        ends.assert_source_is_let_go().await;
        assert_eq!(is_new(&ends).await, point.is_new, "{}", point.phase);
        // An old database that is dropped too slowly is the next copy's to drop.
        assert!(point.is_new || leftovers(&ends).await.is_empty(), "{}", point.phase);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_hears_ctrl_c() {
    let ends = shop().await;
    renew(&ends).await;
    let point = Point { arguments: &["--dry-run"], ..point("looking", Way::FromServer, true, b"pg_database_size") };
    let mut held = Held::at(&ends, &point).await;
    let began = Instant::now();
    held.signal(Signal::SIGINT);
    assert_eq!(held.ended().await.code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
