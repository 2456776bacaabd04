//! Servers that crash or run out of disk in the middle of a copy, and copies that are cancelled at any moment.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use backboard::postgres::{Cluster, ClusterOptions};
use railstage::copying::CopyOptions;
use railstage::error::Exit;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::proxy::{Proxy, Way, in_clear, through};
use super::{DATABASE, Ends, OLD, eventually, run, stoppable, texts, told};
use crate::asked;

/// Less than the rows of the large table, more than all that comes before them.
const MIDDLE: usize = 3_000_000;

/// Runs a copy up to the middle of its rows, has something done to the ends, and lets it go on.
async fn meanwhile(
    ends: &mut Ends,
    of_source: bool,
    what: impl AsyncFnOnce(&mut Ends),
) -> anyhow::Result<railstage::copying::CopyReport> {
    let (mut source, mut target) = (ends.source.url(), ends.target.url());
    let (url, port, way) = match of_source {
        true => (&mut source, ends.source.port(), Way::FromServer),
        false => (&mut target, ends.target.port(), Way::ToServer),
    };
    let proxy = Proxy::start(port, way, MIDDLE).await;
    *url = through(url, port, &proxy);
    let options = ends.options();
    let copy = tokio::spawn(async move { super::copy(&source, &target, &options).await });
    eventually("the rows are held", async || proxy.held() > 0 || copy.is_finished()).await;
    assert!(!copy.is_finished(), "{:?}", copy.await);
    what(ends).await;
    proxy.open();
    copy.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_costs_an_attempt_not_the_copy() {
    for of_source in [true, false] {
        let mut ends = Ends::with_rows().await;
        let report = meanwhile(&mut ends, of_source, async |ends| {
            let server = if of_source { &mut ends.source } else { &mut ends.target };
            server.crash().unwrap();
            server.start_again().await.unwrap();
        });
        let report = report.await.unwrap();
        assert_eq!((report.attempts, report.rows), (2, 20002));
        ends.assert_source_is_let_go().await;
        let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        assert_eq!(texts(&ends.target().await, databases).await, ["postgres", DATABASE]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_for_good_ends_the_copy_in_time() {
    for of_source in [true, false] {
        let mut ends = Ends::with_rows().await;
        let result = meanwhile(&mut ends, of_source, async |ends| {
            let server = if of_source { &mut ends.source } else { &mut ends.target };
            server.crash().unwrap();
        });
        let result = result.await;
        assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
        let told = told(result);
        assert!(told.contains("connect to `localhost:"), "{told}");
        let server = if of_source { &mut ends.source } else { &mut ends.target };
        server.start_again().await.unwrap();
        assert_eq!(texts(&ends.target().await, "SELECT word FROM old").await, ["as it was"]);
        ends.assert_source_is_let_go().await;
        // What a crash of the target leaves is dropped by the next copy.
        let without_rows = CopyOptions { exclude_table_data: vec!["*".to_owned()], ..ends.options() };
        ends.copy(&without_rows).await.unwrap();
        let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        assert_eq!(texts(&ends.target().await, databases).await, ["postgres", DATABASE]);
    }
}

/// A small disk of its own; unmounted when dropped.
pub(crate) struct Disk(tempfile::TempDir);

impl Disk {
    /// Or why there can be none here: only root may mount one, in a container only with `CAP_SYS_ADMIN`.
    pub(crate) fn new(megabytes: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=711");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "railstage"]).arg(folder.path()).output();
        let mounted = mounted.map_err(|error| format!("`mount` does not start: {error}"))?;
        if mounted.status.success() {
            return Ok(Self(folder));
        }
        let said = String::from_utf8_lossy(&mounted.stderr);
        Err(format!("a small disk cannot be mounted: {}", said.lines().next().unwrap_or_default()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "unmount {}", self.path().display());
    }
}

const MORE_ROWS: &str = "INSERT INTO big SELECT i, repeat(md5(i::text), 30) FROM generate_series(20001, 120000) AS i";

async fn with_small_disk(disk: &Disk) -> Ends {
    let ends = Ends::with_rows().await;
    // Rows then need no room in the log.
    let settings = [("wal_level", "minimal"), ("max_wal_senders", "0"), ("max_wal_size", "32MB")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = ClusterOptions { parent: Some(disk.path().to_owned()), settings, ..ClusterOptions::default() };
    let target = Cluster::start(&ends.bin, options).await.unwrap();
    run(&target.connect(DATABASE).await.unwrap(), OLD).await;
    Ends { target, ..ends }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_is_told_and_the_target_goes_on() {
    let disk = match Disk::new(400) {
        Ok(disk) => disk,
        Err(reason) => return asked::skip(a_disk_that_is_full_is_told_and_the_target_goes_on, &reason),
    };
    let mut ends = with_small_disk(&disk).await;
    run(&ends.source().await, MORE_ROWS).await;
    let balloon = disk.path().join("balloon");
    let result = meanwhile(&mut ends, false, async |_| fill(&balloon, 40));
    let result = result.await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
    let told = told(result);
    assert!(told.contains("copy table `public.big`") && told.contains("SQLSTATE 53100"), "{told}");
    assert!(told.contains("hint: the target's disk is full"), "{told}");
    std::fs::remove_file(&balloon).unwrap();
    ends.assert_target_is_old().await;
    ends.assert_source_is_let_go().await;
    ends.copy(&ends.options()).await.unwrap();
    drop(ends);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_while_indexes_are_made_is_told_at_once() {
    let disk = match Disk::new(400) {
        Ok(disk) => disk,
        Err(reason) => return asked::skip(a_disk_that_is_full_while_indexes_are_made_is_told_at_once, &reason),
    };
    let mut ends = with_small_disk(&disk).await;
    // Two indexes of 28 MB over a table of a tenth of that.
    let noise = |index: u32| {
        let part = |i: u32| format!("encode(sha512((body || '{index} {i}')::bytea), 'base64')");
        format!("CREATE INDEX noise_{index} ON big (({}));", (0..16).map(part).collect::<Vec<_>>().join(" || "))
    };
    run(&ends.source().await, &format!("{}{}", noise(1), noise(2))).await;
    let balloon = disk.path().join("balloon");
    let result = meanwhile(&mut ends, false, async |_| fill(&balloon, 40)).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Outside);
    let told = told(result);
    assert!(told.contains("make index public.noise_") && told.contains("SQLSTATE 53100"), "{told}");
    assert!(told.contains("hint: the target's disk is full"), "{told}");
    std::fs::remove_file(&balloon).unwrap();
    ends.assert_target_is_old().await;
    ends.assert_source_is_let_go().await;
    drop(ends);
}

/// Fills a disk up to so many megabytes: the server's log must have room, without any the server crashes instead of
/// saying so.
pub(crate) fn fill(balloon: &Path, but_megabytes: u64) {
    let of = format!("of={}", balloon.display());
    let filled = Command::new("dd").args(["if=/dev/zero", "bs=1M", &of]).output().unwrap();
    assert!(!filled.status.success(), "the disk is full");
    let file = std::fs::File::options().write(true).open(balloon).unwrap();
    file.set_len(file.metadata().unwrap().len() - (but_megabytes << 20)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_too_small_is_found_out_before_anything_is_made() {
    let disk = match Disk::new(120) {
        Ok(disk) => disk,
        Err(reason) => return asked::skip(a_disk_that_is_too_small_is_found_out_before_anything_is_made, &reason),
    };
    let ends = with_small_disk(&disk).await;
    run(&ends.source().await, MORE_ROWS).await;
    let result = ends.copy(&ends.options()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid);
    let told = told(result);
    assert!(told.contains("the target's disk has") && told.contains("MB free, and the source has 1"), "{told}");
    ends.assert_target_is_old().await;
    let without_rows = CopyOptions { exclude_table_data: vec!["*".to_owned()], ..ends.options() };
    ends.copy(&without_rows).await.unwrap();
    drop(ends);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_cancelled_at_any_moment_leaves_the_old_target_or_the_new_one() {
    let ends = Ends::with_rows().await;
    run(
        &ends.source().await,
        "TRUNCATE big, small; INSERT INTO big SELECT i, 'body' FROM generate_series(1, 1000) AS i",
    )
    .await;
    let whole = ends.copy(&ends.options()).await.unwrap().seconds;
    let (mut chances, mut stopped) = (asked::chances(), 0);
    for i in 0..if asked::all() { 30 } else { 10 } {
        run(&ends.target().await, "DROP TABLE IF EXISTS old").await;
        run(&ends.target().await, OLD).await;
        let cancel = CancellationToken::new();
        let options = CopyOptions { copy_id: format!("cancelled {i}"), ..ends.options() };
        let (source, target) = (ends.source.url(), ends.target.url());
        let token = cancel.clone();
        let copy = tokio::spawn(async move { stoppable(&source, &target, &options, &token).await });
        tokio::time::sleep(Duration::from_secs_f64(whole * chances.random_range(0.0..1.1))).await;
        cancel.cancel();
        let result = copy.await.unwrap();
        let is_old = texts(&ends.target().await, "SELECT count(*) FROM pg_class WHERE relname = 'old'").await == ["1"];
        assert_eq!(is_old, result.is_err(), "{result:?}");
        if let Err(error) = result {
            stopped += 1;
            assert!(format!("{error:#}").contains("the copy was stopped"), "{error:#}");
        } else {
            assert_eq!(texts(&ends.target().await, "SELECT count(*) FROM big").await, ["1000"]);
        }
        ends.assert_source_is_let_go().await;
        let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        assert_eq!(texts(&ends.target().await, databases).await, ["postgres", DATABASE], "{i}");
    }
    assert!(stopped > 0, "each copy was done before it was cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_changes_on_the_target_before_the_check_is_found_and_its_table_named() {
    let ends = Ends::with_rows().await;
    let proxy = Proxy::before(ends.target.port(), b"TO STDOUT").await;
    let target = in_clear(&ends.target.url(), ends.target.port(), &proxy);
    let (source, options) = (ends.source.url(), ends.options());
    let copy = tokio::spawn(async move { super::copy(&source, &target, &options).await });
    eventually("the check is held", async || proxy.held() > 0 || copy.is_finished()).await;
    let new = texts(&ends.target().await, "SELECT datname FROM pg_database WHERE datname LIKE 'rs\\_%'").await;
    run(&ends.target.connect(&new[0]).await.unwrap(), "UPDATE small SET word = 'twa' WHERE word = 'two'").await;
    proxy.open();
    let told = told(copy.await.unwrap());
    assert!(told.contains("table `public.small`: what arrived is not what was sent"), "{told}");
    ends.assert_target_is_old().await;
}
