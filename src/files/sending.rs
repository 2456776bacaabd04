//! Sends files from one container to another through memory, and has each digest compared with what left.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::archive::{self, As};
use super::batches::{self, Work};
use super::container::{BLOCK, Place};
use super::listing::{Entry, Kind};
use super::options::Treatment;
use super::path::{self, Path, shown};
use crate::copying::progress::Progress;
use crate::copying::transient::Transient;
use crate::error::{Exit, Failure};

/// A file that has grown beyond this since it was listed is left to the next pass.
const LARGEST_IN_MEMORY: u64 = 2 * batches::LARGE;

/// A SHA-256.
type Digest = [u8; 32];

/// Both ends, and what becomes of a file between them.
pub(super) struct Sending<'a> {
    pub(super) source: &'a Place,
    pub(super) target: &'a Place,
    pub(super) treatment: &'a dyn Treatment,
    pub(super) progress: &'a Progress,
    pub(super) told: Mutex<Told>,
}

/// What happened on the way.
#[derive(Default)]
pub(super) struct Told {
    pub(super) bytes: u64,
    /// Files whose contents were changed.
    pub(super) rewritten: Vec<Path>,
    /// Links that lead out of the volume.
    pub(super) leading_out: Vec<Path>,
    /// What was asked for and did not come, with what the source complained of.
    pub(super) missing: HashMap<Path, String>,
}

impl Sending<'_> {
    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Does one piece of work among what is `sent`.
    pub(super) async fn work(&self, sent: &[Entry], work: &Work) -> Result<()> {
        match work {
            Work::Batch(batch) => self.batch(&batch.iter().map(|n| &sent[*n]).collect::<Vec<_>>()).await,
            Work::Piece { file, block, blocks } => self.piece(&sent[*file], *block, *blocks).await,
        }
    }

    /// Many small files and links, as one archive.
    async fn batch(&self, batch: &[&Entry]) -> Result<()> {
        let by_path: HashMap<&[u8], &Entry> = batch.iter().map(|entry| (&*entry.path, *entry)).collect();
        let names: Vec<_> = batch.iter().map(|entry| path::in_container(&entry.path)).collect();
        let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
        let (mut heard, mut written) =
            tokio::try_join!(self.source.ask("files", &names), self.target.write("archive", b"", ""))?;
        let (mut arrived, mut left) = (HashSet::new(), Vec::new());
        let mut told = Told::default();
        while let Some(member) = archive::next(&mut heard).await? {
            let expected = by_path.get(&*member.path).filter(|entry| entry.kind == member.kind);
            let Some(entry) = expected.filter(|_| member.size <= LARGEST_IN_MEMORY) else {
                // It has become something else since it was listed: the next pass finds it.
                heard.skip(member.size + archive::padding(member.size)).await?;
                continue;
            };
            // As it is now, which may be later than the list.
            let now = Entry {
                mode: member.mode,
                uid: member.uid,
                gid: member.gid,
                modified: member.modified,
                ..(*entry).clone()
            };
            if entry.kind == Kind::Link {
                if path::leads_out(&entry.path, &member.leads_to, self.source.mount_path()) {
                    told.leading_out.push(entry.path.clone());
                    continue;
                }
                written.feed(archive::member(&now, now.mode, &As::LinkTo(&member.leads_to))).await?;
                self.progress.add_files(1);
                arrived.insert(&*entry.path);
                continue;
            }
            let contents = heard.exactly(usize::try_from(member.size)?).await?;
            ensure!(
                contents.len() as u64 == member.size,
                Transient(format!("an archive from {} broke off", self.source))
            );
            heard.skip(archive::padding(member.size)).await?;
            let contents = self.treated(&entry.path, contents, &mut told)?;
            arrived.insert(&*entry.path);
            left.push((&*entry.path, Digest::from(Sha256::digest(&contents))));
            let size = contents.len() as u64;
            told.bytes += size;
            written.feed(archive::member(&now, now.mode, &As::File(size))).await?;
            self.progress.add(size);
            self.progress.add_files(1);
            written.feed(contents).await?;
            written.feed(vec![0; usize::try_from(archive::padding(size))?]).await?;
        }
        written.feed(archive::end()).await?;
        let ended = heard.end().await?;
        written.end().await?;
        let came = arrived.len() + told.leading_out.len();
        ensure!(came == batch.len() || ended.exit_code.is_some(), self.source.gone());
        self.compare(&left).await?;
        for entry in
            batch.iter().filter(|entry| !arrived.contains(&*entry.path) && !told.leading_out.contains(&entry.path))
        {
            told.missing.insert(entry.path.clone(), ended.complained.lines().next().unwrap_or_default().to_owned());
        }
        self.tell(|all| {
            all.bytes += told.bytes;
            all.rewritten.append(&mut told.rewritten);
            all.leading_out.append(&mut told.leading_out);
            all.missing.extend(told.missing);
        });
        Ok(())
    }

    fn treated(&self, path: &Path, contents: Bytes, told: &mut Told) -> Result<Bytes> {
        if !self.treatment.may_change(path) {
            self.treatment.look(path, &contents);
            return Ok(contents);
        }
        let treated = self.treatment.treat(path, &contents).with_context(|| format!("rewrite `{}`", shown(path)))?;
        Ok(match treated {
            Some(treated) => {
                told.rewritten.push(path.clone());
                treated.into()
            }
            None => contents,
        })
    }

    /// Compares what is there with what left.
    pub(super) async fn compare(&self, came: &[(&[u8], Digest)]) -> Result<()> {
        if came.is_empty() {
            return Ok(());
        }
        let there = digests(self.target, &came.iter().map(|(path, _)| *path).collect::<Vec<_>>()).await?;
        for ((path, left), there) in came.iter().zip(there) {
            ensure!(*left == there, differs(path, self.target));
        }
        Ok(())
    }

    /// Some blocks of a large file, into the place where it will be whole.
    async fn piece(&self, entry: &Entry, block: u64, blocks: u64) -> Result<()> {
        let name = path::in_container(&entry.path);
        let (from, count) = (block.to_string(), blocks.to_string());
        let asked: [&[u8]; 3] = [&name, from.as_bytes(), count.as_bytes()];
        let (mut heard, mut written) =
            tokio::try_join!(self.source.ask("range", &asked), self.target.write("range", &name, &from))?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let some = heard.exactly(64 << 10).await?;
            if some.is_empty() {
                break;
            }
            hash.update(&some);
            bytes += some.len() as u64;
            self.progress.add(some.len() as u64);
            written.feed(some).await?;
        }
        let ended = heard.end().await?;
        written.end().await?;
        let expected = (entry.size - block * BLOCK).min(blocks * BLOCK);
        ensure!(bytes == expected || ended.exit_code.is_some(), self.source.gone());
        if bytes != expected {
            // It has become another one since it was listed, or is gone, or may not be read: the next pass finds it.
            self.tell(|told| {
                told.missing.insert(entry.path.clone(), format!("{bytes} of {expected} bytes came of it"));
            });
            return Ok(());
        }
        let words = [name.clone(), from.into_bytes(), count.into_bytes()];
        let there = told_digests(self.target, "range-digests", &words).await?;
        ensure!(there.len() == 1, Transient(format!("{} did not tell the digest of what it was sent", self.target)));
        ensure!(Digest::from(hash.finalize()) == there[0], differs(&entry.path, self.target));
        self.tell(|told| told.bytes += bytes);
        Ok(())
    }

    /// Makes room for large files, whose pieces come in any order.
    pub(super) async fn begin_large(&self, large: &[&Entry]) -> Result<()> {
        self.archive(large.iter().map(|entry| archive::member(entry, entry.mode, &As::File(0)))).await?;
        for entry in large {
            let written = self.target.write("size", &path::in_container(&entry.path), &entry.size.to_string()).await?;
            written.end().await?;
        }
        Ok(())
    }

    /// Gives large files, all of whose pieces are there, their times.
    pub(super) async fn end_large(&self, large: &[&Entry]) -> Result<()> {
        for entry in large {
            let when = jiff::Timestamp::from_second(entry.modified.max(0))?.strftime("%Y%m%d%H%M.%S").to_string();
            self.target.write("touch", &path::in_container(&entry.path), &when).await?.end().await?;
            self.progress.add_files(1);
        }
        Ok(())
    }

    /// Makes folders, or gives those that are there their attributes: while files come, their owner may enter and write.
    pub(super) async fn folders(&self, folders: &[Entry], is_last: bool) -> Result<()> {
        let mode = |entry: &Entry| if is_last { entry.mode } else { entry.mode | 0o700 };
        // Deepest first at the end: what is changed in a folder changes its time.
        let order: Vec<_> = if is_last { folders.iter().rev().collect() } else { folders.iter().collect() };
        self.archive(order.into_iter().map(|entry| archive::member(entry, mode(entry), &As::Folder))).await
    }

    /// Gives files their further names.
    pub(super) async fn more_names(&self, names: &[&(Entry, Path)]) -> Result<()> {
        self.archive(names.iter().map(|(entry, first)| archive::member(entry, entry.mode, &As::NameOf(first)))).await
    }

    /// Takes away what is not wanted.
    pub(super) async fn remove(&self, paths: &[Path]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut written = self.target.write("remove", b"", "").await?;
        for path in paths {
            let mut name = path::in_container(path);
            name.push(0);
            written.feed(name).await?;
        }
        written.end().await
    }

    /// Writes members whose contents, if any, they hold.
    pub(super) async fn archive(&self, members: impl ExactSizeIterator<Item = Vec<u8>>) -> Result<()> {
        if members.len() == 0 {
            return Ok(());
        }
        let mut written = self.target.write("archive", b"", "").await?;
        let mut buffer = Vec::new();
        for member in members {
            buffer.extend(member);
            if buffer.len() > 64 << 10 {
                written.feed(std::mem::take(&mut buffer)).await?;
            }
        }
        buffer.extend(archive::end());
        written.feed(buffer).await?;
        written.end().await
    }
}

/// The digests of files, in their order.
pub(super) async fn digests(place: &Place, paths: &[&[u8]]) -> Result<Vec<Digest>> {
    // Not every `sha256sum` escapes what is a line's end in a name.
    let (apart, plain): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.contains(&b'\n'));
    let in_container = |paths: &[&[u8]]| paths.iter().map(|path| path::in_container(path)).collect::<Vec<_>>();
    let mut plain = told_digests(place, "digests", &in_container(&plain)).await?.into_iter();
    let mut apart = told_digests(place, "digests-apart", &in_container(&apart)).await?.into_iter();
    let in_order = paths.iter().map_while(|path| if path.contains(&b'\n') { apart.next() } else { plain.next() });
    let digests: Vec<_> = in_order.collect();
    let is_whole = digests.len() == paths.len() && plain.len() + apart.len() == 0;
    ensure!(is_whole, Transient(format!("{place} did not tell the digests of all files that it was asked for")));
    Ok(digests)
}

/// What `sha256sum` says, in the order in which it was asked.
async fn told_digests(place: &Place, todo: &str, words: &[Vec<u8>]) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    if words.is_empty() {
        return Ok(digests);
    }
    let mut heard = place.ask(todo, &words.iter().map(Vec::as_slice).collect::<Vec<_>>()).await?;
    while let Some(line) = heard.until(b"\n", 16 << 10).await? {
        // A name with a backslash in it is told escaped, behind a backslash.
        let line = line.strip_prefix(b"\\").unwrap_or(&line);
        let digest = line.get(..64).and_then(|hex| data_encoding::HEXLOWER.decode(hex).ok());
        let Some(digest) = digest.and_then(|digest| Digest::try_from(digest).ok()) else {
            bail!(Failure::new(Exit::Failed, format!("{place} tells what is no digest: `{}`", shown(line))));
        };
        digests.push(digest);
    }
    heard.end().await?;
    Ok(digests)
}

fn differs(path: &[u8], place: &Place) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("`{}` in the volume of {place} is not what was sent: its digest differs", shown(path)),
    )
    .hint("nothing that is damaged is kept: run it again; if it stays so, look at the volume's disk")
}
