//! A volume as it is reached in a running container: by two command texts, one that only reads and one that writes.
//! All that they are told comes on their standard input, so that what is ever sent to a source is the same few lines.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};

use super::path::shown;
use crate::copying::throttle::Throttle;
use crate::copying::transient::Transient;
use crate::error::{Exit, Failure};
use crate::relay::{Command, Ended, Line};

/// Reads in a volume, and does nothing else.
pub(super) const READER: &str = include_str!("reader.sh");
/// Writes in a volume: never sent to a source.
pub(super) const WRITER: &str = include_str!("writer.sh");
/// Puts what was built beside in its place, or takes it back: never sent to a source.
pub(super) const BESIDE: &str = include_str!("beside.sh");

/// How many bytes of names are asked for at a time: `xargs` of busybox hands on no more than 32 KiB with all that is before them.
pub(super) const NAMES_AT_ONCE: usize = 20 << 10;

/// In what pieces large files go, by the arguments of `dd`.
pub(super) const BLOCK: u64 = 1 << 20;

/// A volume in a container.
#[derive(Clone)]
pub(crate) struct Place {
    line: Arc<Line>,
    mount_path: String,
    /// How long nothing may come or go.
    stall: Duration,
    throttle: Arc<Throttle>,
}

/// What a container has for us.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tools {
    /// Programs that are needed, and that it has not.
    pub(super) lacking: Vec<String>,
    pub(super) is_root: bool,
    pub(super) free_bytes: u64,
}

impl Place {
    /// The volume at `mount_path` of the container that `line` leads to.
    pub(crate) fn new(line: Arc<Line>, mount_path: &str, stall: Duration, throttle: Arc<Throttle>) -> Self {
        Self { line, mount_path: mount_path.to_owned(), stall, throttle }
    }

    pub(super) fn mount_path(&self) -> &str {
        &self.mount_path
    }

    /// Asks the reader, once it has said that it is there.
    pub(super) async fn ask(&self, todo: &str, names: &[&[u8]]) -> Result<Heard> {
        let mut command = self.within(self.line.run(READER)).await?;
        let mut told = Vec::new();
        for word in [b"railstage-reader", todo.as_bytes(), self.mount_path.as_bytes()].iter().chain(names) {
            told.extend_from_slice(word);
            told.push(0);
        }
        self.within(command.feed(told)).await?;
        command.finish_feeding().await?;
        let mut heard = Heard { place: self.clone(), command, buffer: BytesMut::new() };
        match heard.until(b"\n", 4 << 10).await?.as_deref() {
            Some(b"railstage-reads") => Ok(heard),
            Some(b"railstage-refuses") => bail!(Failure::new(
                Exit::Failed,
                format!(
                    "there is no folder `{}` in {self}, where its volume should be",
                    shown(self.mount_path.as_bytes())
                )
            )),
            Some(said) => Err(Transient(format!("{self} runs no command: it says `{}`", shown(said))).into()),
            None => {
                let ended = heard.end().await?;
                ensure!(ended.exit_code.is_some(), self.gone());
                let complained = ended.complained;
                bail!(Failure::new(Exit::Failed, format!("files of {self} cannot be read: {}", first_line(&complained)))
                    .hint("its image must have a shell, `xargs`, `find`, `stat`, `tar` and `dd`; or leave its files out (`files` with `mode: empty`)"))
            }
        }
    }

    /// Begins the writer: `name` and `number` are what `todo` takes.
    pub(super) async fn write(&self, todo: &str, name: &[u8], number: &str) -> Result<Written> {
        let mut command = self.within(self.line.run(WRITER)).await?;
        let number = if number.is_empty() { "0" } else { number };
        let told = ["railstage-writer", todo, number, &spelt(self.mount_path.as_bytes()), &spelt(name)];
        self.within(command.feed(format!("{}\n", told.join("\n")))).await?;
        Ok(Written { place: self.clone(), command })
    }

    /// The same volume, whose programs may be silent for this long.
    pub(super) fn patient(&self, stall: Duration) -> Self {
        Self { stall: self.stall.max(stall), ..self.clone() }
    }

    /// A folder of the volume, as if it were one itself.
    pub(super) fn folder(&self, path: &str) -> Self {
        Self { mount_path: format!("{}/{path}", self.mount_path.trim_end_matches('/')), ..self.clone() }
    }

    /// Begins to do `todo` with what a run has beside the files of the volume.
    pub(super) async fn beside(&self, todo: &str, run_hash: &str) -> Result<Written> {
        let mut command = self.within(self.line.run(BESIDE)).await?;
        let told = ["railstage-beside", todo, &spelt(self.mount_path.as_bytes()), run_hash];
        self.within(command.feed(format!("{}\n", told.join("\n")))).await?;
        Ok(Written { place: self.clone(), command })
    }

    /// What is there to work with.
    pub(super) async fn tools(&self) -> Result<Tools> {
        let mut heard = self.ask("tools", &[]).await?;
        let (mut tools, mut free) = (Tools { lacking: Vec::new(), is_root: false, free_bytes: 0 }, None);
        while let Some(line) = heard.until(b"\n", 4 << 10).await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            match line.split_once(' ') {
                Some(("lacks", tool)) => tools.lacking.push(tool.to_owned()),
                Some(("uid", uid)) => tools.is_root = uid == "0",
                // The first line is a heading.
                Some(("free", kilobytes)) => free = kilobytes.parse::<u64>().ok(),
                _ => {}
            }
        }
        heard.end().await?;
        ensure!(free.is_some() || !tools.lacking.is_empty(), self.gone());
        tools.free_bytes = free.unwrap_or(0) * 1024;
        Ok(tools)
    }

    /// What nobody tells the end of has ended with its container: what it said is not all.
    pub(super) fn gone(&self) -> Transient {
        Transient(format!("the container of {self} ended while files were read there"))
    }

    /// What comes within the time in which something must come.
    async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.stall, work).await {
            Ok(done) => done,
            Err(_) => {
                Err(Transient(format!("no byte came from or went to {self} for {} s", self.stall.as_secs_f32())).into())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service `{}`", self.line.service())
    }
}

/// What a reader says.
pub(super) struct Heard {
    place: Place,
    command: Command,
    buffer: BytesMut,
}

impl Heard {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Hears one more piece; whether there was one.
    async fn more(&mut self) -> Result<bool> {
        let Some(piece) = self.place.within(self.command.hear()).await? else { return Ok(false) };
        self.place.throttle.wait(piece.len()).await;
        self.buffer.extend_from_slice(&piece);
        Ok(true)
    }

    /// What comes until `end`, which is left out; `None` when nothing comes any more.
    pub(super) async fn until(&mut self, end: &[u8], most: usize) -> Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer[searched..], end) {
                let found = self.buffer.split_to(searched + at).to_vec();
                self.buffer.advance(end.len());
                return Ok(Some(found));
            }
            searched = self.buffer.len().saturating_sub(end.len() - 1);
            ensure!(
                self.buffer.len() <= most,
                Failure::new(Exit::Failed, format!("{} tells what nobody can read", self.place))
            );
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// So many bytes; fewer only where no more came.
    pub(super) async fn exactly(&mut self, length: usize) -> Result<Bytes> {
        while self.buffer.len() < length {
            if !self.more().await? {
                break;
            }
        }
        let length = length.min(self.buffer.len());
        Ok(self.buffer.split_to(length).freeze())
    }

    /// Leaves so many bytes out.
    pub(super) async fn skip(&mut self, mut length: u64) -> Result<()> {
        while length > 0 {
            let some = usize::try_from(length.min(BLOCK)).unwrap_or(1);
            let skipped = self.exactly(some).await?.len() as u64;
            if skipped == 0 {
                return Ok(());
            }
            length -= skipped;
        }
        Ok(())
    }

    /// How it ended. What it would have said still is left out.
    pub(super) async fn end(mut self) -> Result<Ended> {
        while self.place.within(self.command.hear()).await?.is_some() {}
        self.place.within(self.command.end()).await
    }
}

/// What a writer is fed.
pub(super) struct Written {
    place: Place,
    command: Command,
}

impl Written {
    /// Feeds it; one that takes nothing any more is heard of at its end.
    pub(super) async fn feed(&mut self, bytes: impl Into<Bytes>) -> Result<bool> {
        self.place.within(self.command.feed(bytes)).await
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// [`Exit::Failed`] with what the writer complained of; a failure of the line may pass.
    pub(super) async fn end(self) -> Result<()> {
        self.told().await.map(drop)
    }

    /// The same; what it has said.
    pub(super) async fn told(mut self) -> Result<String> {
        self.command.finish_feeding().await?;
        let Ended { said, complained, .. } = self.place.within(self.command.end()).await?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let code = said.lines().find_map(|line| line.strip_prefix("railstage-wrote "));
        let code = code
            .ok_or_else(|| Transient(format!("{} did not write to the end: {}", self.place, first_line(&complained))));
        match code?.parse::<u32>() {
            Ok(0) => Ok(said),
            _ if complained.contains("No space left") || complained.contains("Disk quota") => bail!(
                Failure::new(Exit::Failed, format!("the volume of {} in the copy is full", self.place))
                    .hint("make the volume of the source's service larger, since a copy's is as large; or leave files out (`files` with `exclude`)")
            ),
            _ => bail!(Failure::new(Exit::Failed, format!("files of {} cannot be written: {}", self.place, first_line(&complained)))),
        }
    }
}

fn first_line(complained: &str) -> String {
    shown(complained.lines().next().unwrap_or("it says nothing").as_bytes())
}

/// Bytes as `printf %b` of every shell makes them again.
pub(super) fn spelt(bytes: &[u8]) -> String {
    let mut spelt = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => spelt.push(char::from(*byte)),
            _ => spelt.push_str(&format!("\\0{byte:03o}")),
        }
    }
    spelt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_so_that_no_shell_takes_them_for_anything_else() {
        assert_eq!(spelt(b"./a b'\n\\\xff%"), r"./a\0040b\0047\0012\0134\0377\0045");
    }

    #[test]
    fn the_texts_hold_no_quote_that_would_end_them() {
        for text in [READER, WRITER, BESIDE] {
            assert_eq!(text.matches('\'').count(), 2, "{text}");
        }
    }
}
