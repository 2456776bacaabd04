//! The copying of one volume: list both, send what differs, and list again until nothing does.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};
use futures_util::future::try_join_all;

use super::attempts::retried;
use super::batches::{self, Work, is_large};
use super::container::{NAMES_AT_ONCE, Place};
use super::difference::{Difference, Sent, Wanted, has_time};
use super::listing::{self, Entry, Kind};
use super::needs::{ensure_room, tools};
use super::options::{FilesOptions, OwnFiles};
use super::own;
use super::path::{self, Path, shown};
use super::report::{self, FilesReport};
use super::sending::{Sending, digests};
use crate::error::{Exit, Failure};

/// How many batches are under way at a time: a server of SSH takes ten sessions on a connection, unless it is told otherwise.
const WORKERS: usize = 8;
/// How often the volumes are listed: a file that changes faster than that is told.
const PASSES: usize = 4;

/// Brings what is wanted of `source` into `target`, exactly, and takes away what else is there.
///
/// # Errors
/// [`Exit::Failed`] for what cannot be read or written, and for what is not there as it was sent; [`Exit::Outside`] when the line does not hold.
pub(crate) async fn copy(source: &Place, target: &Place, options: &FilesOptions<'_>) -> Result<FilesReport> {
    tokio::select! {
        copied = copy_all(source, target, options) => copied,
        () = options.stop.cancelled() => bail!("stopped while the files of {source} were copied"),
    }
}

async fn copy_all(source: &Place, target: &Place, options: &FilesOptions<'_>) -> Result<FilesReport> {
    let began = Instant::now();
    tools(source).await?;
    let tools = tools(target).await?;
    let mut copy = Copying {
        source,
        target,
        options,
        with_owners: tools.is_root,
        sent: HashMap::new(),
        missing: HashMap::new(),
        leading_out: HashSet::new(),
        trusted: HashMap::new(),
        report: FilesReport::default(),
    };
    copy.report.with_owners = tools.is_root;
    if let Some(beside) = options.beside {
        copy.reuse(beside, tools.free_bytes).await?;
    }
    let mut pass = 0;
    let wanted = loop {
        pass += 1;
        let (wanted, difference) = copy.look().await?;
        if pass == 1 {
            let needed: u64 = difference.sent.iter().map(|entry| entry.size).sum();
            if options.beside.is_none() {
                ensure_room(target, needed, tools.free_bytes)?;
            }
            options.progress.expect_files(difference.sent.len() as u64, needed);
        }
        copy.count(&wanted, &difference, pass);
        if difference.is_none() {
            break wanted;
        }
        let is_last = pass == PASSES;
        copy.judge(&difference, is_last)?;
        if is_last {
            break wanted;
        }
        copy.apply(&wanted, &difference).await?;
    };
    copy.add_own(&wanted).await?;
    copy.report.seconds = began.elapsed().as_secs_f64();
    Ok(copy.report)
}

pub(super) struct Copying<'a> {
    pub(super) source: &'a Place,
    pub(super) target: &'a Place,
    pub(super) options: &'a FilesOptions<'a>,
    pub(super) with_owners: bool,
    /// What has been sent by now, as its source was then: what must not differ any more unless the source has changed.
    sent: HashMap<Path, Sent>,
    /// What did not come of it, and why.
    missing: HashMap<Path, String>,
    /// Links that lead out of the volume.
    leading_out: HashSet<Path>,
    /// What was taken from the files that the new tree is built beside, and is proven, as its source was then.
    pub(super) trusted: HashMap<Path, Sent>,
    report: FilesReport,
}

impl Copying<'_> {
    /// What is wanted now, and what differs of it.
    async fn look(&mut self) -> Result<(Wanted, Difference)> {
        let (source, target) =
            tokio::try_join!(retried(|| listing::of(self.source)), retried(|| listing::of(self.target)))?;
        let treatment = self.options.treatment;
        let is_left = |path: &[u8], is_folder| treatment.is_left(path, is_folder) || self.leading_out.contains(path);
        let wanted = Wanted::of(source, is_left);
        let was_sent = |entry: &Entry| self.sent.get(&entry.path).is_some_and(|sent| *sent == Sent::of(entry));
        let is_same = |entry: &Entry, there: &Entry| {
            if entry.kind == Kind::Link {
                // Not every `tar` gives a link its time.
                return entry.size == there.size && (has_time(entry, there) || was_sent(entry));
            }
            if !treatment.may_change(&entry.path) {
                return entry.size == there.size;
            }
            // What was changed on its way has another size.
            was_sent(entry)
        };
        let mut difference = Difference::between(&wanted, &target, self.with_owners, is_same);
        // What a run that broke off has left looks as it should, and nobody has compared it.
        let is_unproven = self.options.by_digest || target.iter().any(|entry| entry.kind == Kind::File);
        if self.sent.is_empty() && is_unproven {
            self.add_by_digest(&wanted, &mut difference).await?;
        }
        Ok((wanted, difference))
    }

    /// Adds the files that look alike and are not.
    async fn add_by_digest(&self, wanted: &Wanted, difference: &mut Difference) -> Result<()> {
        let sent: HashSet<Path> = difference.sent.iter().map(|entry| entry.path.clone()).collect();
        let is_trusted = |entry: &Entry| self.trusted.get(&entry.path).is_some_and(|then| *then == Sent::of(entry));
        let is_alike = |entry: &&Entry| entry.kind == Kind::File && !sent.contains(&entry.path) && !is_trusted(entry);
        let alike: Vec<_> = wanted.entries.iter().filter(is_alike).collect();
        let mut at = 0;
        while at < alike.len() {
            let mut names = 0;
            let some: Vec<_> = alike[at..]
                .iter()
                .take_while(|entry| {
                    names += entry.path.len() + 3;
                    names <= NAMES_AT_ONCE || names == entry.path.len() + 3
                })
                .collect();
            let paths: Vec<_> = some.iter().map(|entry| &*entry.path).collect();
            let (ours, theirs) =
                tokio::try_join!(retried(|| digests(self.source, &paths)), retried(|| digests(self.target, &paths)))?;
            for (n, entry) in some.iter().enumerate() {
                if ours[n] != theirs[n] {
                    difference.sent.push((**entry).clone());
                    difference.unchanged -= 1;
                }
            }
            at += some.len();
        }
        difference.sent.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    fn count(&mut self, wanted: &Wanted, difference: &Difference, pass: usize) {
        let report = &mut self.report;
        let folders =
            wanted.entries.iter().filter(|entry| entry.kind == Kind::Folder && !entry.path.is_empty()).count() as u64;
        let names =
            (wanted.entries.iter().filter(|entry| entry.kind != Kind::Folder).count() + wanted.more_names.len()) as u64;
        (report.files, report.folders) = (names, folders);
        report.removed += difference.removed.len() as u64;
        if pass == 1 {
            report.unchanged = difference.unchanged;
            wanted.special.iter().for_each(|path| report::name(&mut report.special, path));
        }
        // What was sent, and is in the source no more.
        let there: HashSet<&Path> = wanted.entries.iter().map(|entry| &entry.path).collect();
        let gone: Vec<_> = self.sent.keys().filter(|path| !there.contains(path)).cloned().collect();
        for path in gone {
            self.sent.remove(&path);
            if !self.leading_out.contains(&path) {
                report::name(&mut self.report.vanished, &path);
            }
        }
    }

    /// Refuses what was sent, has not changed in the source since, and is still not there as it should be.
    fn judge(&mut self, difference: &Difference, is_last: bool) -> Result<()> {
        for entry in difference.sent.iter().chain(&difference.folders) {
            let Some(sent) = self.sent.get(&entry.path) else { continue };
            if *sent == Sent::of(entry) {
                match self.missing.get(&entry.path) {
                    Some(why) => bail!(
                        Failure::new(
                            Exit::Failed,
                            format!(
                                "`{}` of {} cannot be read: {}",
                                shown(&entry.path),
                                self.source,
                                shown(why.as_bytes())
                            )
                        )
                        .hint("the container's user must be able to read it; or leave it out (`files` with `exclude`)")
                    ),
                    None => bail!(Failure::new(
                        Exit::Failed,
                        format!(
                            "`{}` does not come out in the volume of {} as it is in the source, however it is written",
                            shown(&entry.path),
                            self.target
                        )
                    )),
                }
            }
            if is_last {
                report::name(&mut self.report.changed, &entry.path);
            }
        }
        Ok(())
    }

    fn sending(&self) -> Sending<'_> {
        Sending {
            source: self.source,
            target: self.target,
            treatment: self.options.treatment,
            progress: self.options.progress,
            told: Mutex::default(),
        }
    }

    /// Writes what the copy has beside its source's files.
    async fn add_own(&mut self, wanted: &Wanted) -> Result<()> {
        let OwnFiles { files, mut finding } = self.options.treatment.own(&mut wanted.paths())?;
        let sending = self.sending();
        let mut guards = Vec::new();
        for file in &files {
            if retried(|| own::write(&sending, wanted, file)).await? {
                report::name(&mut guards, &file.path);
            } else {
                finding =
                    Some(format!("`{}` cannot be written, since its folder is a link or a file", shown(&file.path)));
            }
        }
        (self.report.guards, self.report.unguarded) = (guards, finding);
        Ok(())
    }

    async fn apply(&mut self, wanted: &Wanted, difference: &Difference) -> Result<()> {
        let Difference { removed, folders, sent, more_names, .. } = difference;
        let sending = self.sending();
        let large: Vec<_> = sent.iter().filter(|entry| is_large(entry)).collect();
        retried(|| sending.remove(removed)).await?;
        retried(|| sending.folders(folders, false)).await?;
        retried(|| sending.begin_large(&large)).await?;
        let work: Mutex<VecDeque<Work>> = Mutex::new(batches::of(sent).into());
        let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let worker = |_| async {
            while let Some(work) = next() {
                retried(|| sending.work(sent, &work)).await?;
            }
            anyhow::Ok(())
        };
        try_join_all((0..WORKERS).map(worker)).await?;
        let told = || sending.told.lock().unwrap_or_else(PoisonError::into_inner);
        // What has not come cannot have another name; the next pass sees why.
        let named: Vec<_> = more_names.iter().filter(|(_, first)| !told().missing.contains_key(first)).collect();
        retried(|| sending.more_names(&named)).await?;
        retried(|| sending.end_large(&large)).await?;
        // What is put into a folder, or taken out of it, changes its time.
        let touched: HashSet<&[u8]> = removed
            .iter()
            .chain(sent.iter().chain(folders).map(|entry| &entry.path))
            .chain(more_names.iter().map(|(entry, _)| &entry.path))
            .flat_map(|path| [path::parent(path), Some(path)])
            .flatten()
            .collect();
        let is_touched = |entry: &&Entry| entry.kind == Kind::Folder && touched.contains(&*entry.path);
        let touched: Vec<_> = wanted.entries.iter().filter(is_touched).cloned().collect();
        retried(|| sending.folders(&touched, true)).await?;
        let told = sending.told.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.report.bytes += told.bytes;
        for path in told.leading_out {
            report::name(&mut self.report.leading_out, &path);
            self.leading_out.insert(path);
        }
        for path in &told.rewritten {
            if !self.sent.contains_key(path) {
                self.report.rewritten_files += 1;
                report::name(&mut self.report.rewritten, path);
            }
        }
        for entry in sent.iter().chain(folders) {
            self.sent.insert(entry.path.clone(), Sent::of(entry));
        }
        self.missing = told.missing;
        Ok(())
    }
}
