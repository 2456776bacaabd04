//! The built binary killed or stopped in each phase: the target has the old tables or the new ones, never half of them, production
//! is let go, and the next copy leaves nothing of it behind.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use backboard::mysql::Family;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::seq::SliceRandom as _;
use tokio::process::{Child, Command};

use super::Ends;
use crate::asked;
use crate::copy::proxy::{Proxy, Way, in_clear};
use crate::stage::{self, eventually};

/// So many points each signal is tried at, unless all is asked for.
const FEW: usize = 5;

/// Where a copy is stopped.
#[derive(Clone, Copy)]
struct Point {
    phase: &'static str,
    way: Way,
    /// In front of which server the copy is held.
    of_source: bool,
    words: &'static [u8],
    /// Whether the target has the new tables from then on.
    is_new: bool,
}

const fn point(phase: &'static str, way: Way, of_source: bool, words: &'static [u8]) -> Point {
    Point { phase, way, of_source, words, is_new: false }
}

const MARKING: &str = "marking the new database";

/// A copy is held before these words reach a server, or before its answer to them comes back.
const POINTS: &[Point] = &[
    point("looking at the source", Way::ToServer, true, b"information_schema.TABLES"),
    point("its locks held", Way::FromServer, true, b"LOCK TABLES"),
    point("its snapshot taken", Way::FromServer, true, b"START TRANSACTION"),
    point("reading rows", Way::FromServer, true, b"SELECT SQL_NO_CACHE"),
    point("making the new database", Way::FromServer, false, b"CREATE DATABASE"),
    point(MARKING, Way::ToServer, false, b"railstage_leftover` (setting"),
    point("making tables", Way::ToServer, false, b"CREATE TABLE `goods`"),
    point("writing rows", Way::ToServer, false, b"in the middle of the rows"),
    point("making keys", Way::FromServer, false, b"ADD KEY"),
    point("comparing rows", Way::FromServer, false, b"SELECT SQL_NO_CACHE"),
    point("making foreign keys", Way::ToServer, false, b"ADD CONSTRAINT"),
    point("about to swap", Way::ToServer, false, b"RENAME TABLE"),
    Point { is_new: true, ..point("swapped, the answer lost", Way::FromServer, false, b"RENAME TABLE") },
    Point {
        is_new: true,
        ..point("making what is no table", Way::ToServer, false, b"SET SESSION character_set_client")
    },
    Point { is_new: true, ..point("dropping the old tables", Way::ToServer, false, b"DROP DATABASE IF EXISTS `rs_") },
];

const SHOP: &str = "
    CREATE TABLE goods (id int PRIMARY KEY AUTO_INCREMENT, word text, KEY word (word(10)));
    INSERT INTO goods (word) WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 300) SELECT REPEAT(MD5(n), 20) FROM s;
    INSERT INTO goods (word) VALUES ('in the middle of the rows');
    CREATE TABLE sales (good int, CONSTRAINT sold FOREIGN KEY (good) REFERENCES goods (id)); INSERT INTO sales VALUES (1), (2);
    CREATE VIEW best AS SELECT * FROM goods WHERE id < 3;";

/// A running `railstage copy-db`, held at a point.
struct Held {
    child: Child,
    _proxy: Proxy,
}

impl Held {
    async fn at(ends: &Ends, point: &Point) -> Self {
        let (mut source, mut target) = (ends.source.site_url(), ends.target.url());
        let (url, port) = match point.of_source {
            true => (&mut source, ends.source.port()),
            false => (&mut target, ends.target.port()),
        };
        let proxy = match point.way {
            Way::ToServer => Proxy::before(port, point.words).await,
            Way::FromServer => Proxy::after(port, point.words).await,
        };
        *url = in_clear(url, port, &proxy);
        let mut child = copy_db(&source, &target).spawn().unwrap();
        eventually(point.phase, async || proxy.held() > 0 || child.try_wait().unwrap().is_some()).await;
        assert!(child.try_wait().unwrap().is_none(), "{}: the copy ended", point.phase);
        Self { child, _proxy: proxy }
    }

    async fn ended_by(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().unwrap().cast_signed()), signal).unwrap();
        let ended = tokio::time::timeout(Duration::from_mins(1), self.child.wait()).await;
        ended.expect("a copy that got a signal ends").unwrap()
    }
}

fn copy_db(source: &str, target: &str) -> Command {
    let mut command = stage::binary();
    command
        .args(["copy-db", "--compress", "never"])
        .env("SOURCE_DATABASE_URL", source)
        .env("TARGET_DATABASE_URL", target);
    command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command
}

impl Ends {
    /// Gives the target its old tables again.
    fn renew(&self) {
        for name in self.leftovers() {
            self.target.sql(&format!("DROP DATABASE {name}")).unwrap();
        }
        self.target.sql(&format!("DROP DATABASE {0}; CREATE DATABASE {0}", self.target.name)).unwrap();
        self.target.sql("CREATE TABLE old (word text); INSERT INTO old VALUES ('as it was')").unwrap();
    }

    /// What the target's tables are: the old one, or all of the new ones.
    fn is_new(&self) -> bool {
        let tables = self.target.sql("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'").unwrap();
        if tables == ["old\tBASE TABLE"] {
            assert_eq!(self.target.sql("SELECT word FROM old").unwrap(), ["as it was"]);
            return false;
        }
        let whole = "SELECT (SELECT COUNT(*) FROM goods), (SELECT COUNT(*) FROM sales),
            (SELECT COUNT(*) FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME IN ('goods', 'sales'))";
        assert_eq!(self.target.sql(whole).unwrap(), ["301\t2\t2"], "{tables:?}");
        true
    }

    async fn assert_source_is_let_go(&self) {
        let sql = format!("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{}'", self.source.name);
        eventually("sessions on the source end", async || self.source.sql(&sql).unwrap().is_empty()).await;
    }
}

/// The points at which a signal is tried.
fn points() -> Vec<Point> {
    let mut points = POINTS.to_vec();
    points.shuffle(&mut asked::chances());
    points.truncate(if asked::all() { POINTS.len() } else { FEW });
    points
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_killed_in_any_phase_is_cleaned_up_by_the_next() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source.sql(SHOP).unwrap();
    for point in points() {
        ends.renew();
        let mut held = Held::at(&ends, &point).await;
        held.ended_by(Signal::SIGKILL).await;
        drop(held);
        ends.assert_source_is_let_go().await;
        assert_eq!(ends.is_new(), point.is_new, "{}", point.phase);
        let status = copy_db(&ends.source.site_url(), &ends.target.url()).status().await.unwrap();
        assert!(status.success(), "{}: the next copy ended with {status}", point.phase);
        assert!(ends.is_new() && ends.target.sql("SELECT id FROM best").unwrap().len() == 2, "{}", point.phase);
        assert!(ends.leftovers().is_empty(), "{}", point.phase);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_told_to_stop_in_any_phase_cleans_up_itself() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source.sql(SHOP).unwrap();
    for point in points() {
        ends.renew();
        let mut held = Held::at(&ends, &point).await;
        let began = Instant::now();
        let status = held.ended_by(Signal::SIGTERM).await;
        drop(held);
        // Once the swap is made, the copy is; what belongs to it is held here, and its line is lost with it.
        let code = status.code();
        assert!(code == Some(143) || point.is_new && matches!(code, Some(0 | 4)), "{}: {status}", point.phase);
        assert!(began.elapsed() < Duration::from_secs(15), "{}: {:?}", point.phase, began.elapsed());
        ends.assert_source_is_let_go().await;
        assert_eq!(ends.is_new(), point.is_new, "{}", point.phase);
        // Old tables that are dropped too slowly are the next copy's to drop, and so is what has no mark yet over a line that is held.
        assert!(point.is_new || point.phase == MARKING || ends.leftovers().is_empty(), "{}", point.phase);
        if !ends.leftovers().is_empty() {
            assert!(copy_db(&ends.source.site_url(), &ends.target.url()).status().await.unwrap().success());
            assert!(ends.leftovers().is_empty(), "{}", point.phase);
        }
    }
}
