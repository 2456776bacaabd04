//! The few messages of the protocol that a COPY needs, on a line taken from its driver: rows are never held but in the
//! pieces in which they come, and go out with the headers with which they came.

use std::io;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, BytesMut};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fault::Fault;
use super::framing::{self, MESSAGE_BYTES};
use super::shared_stream::BorrowedStream;

/// So much is asked of the socket at once.
const READ_BYTES: usize = 256 << 10;
/// A server sends rows as it comes by them, 8 KiB at a time. After so little of them it is given a while, in which more
/// gathers in the socket's own buffer: to be woken for each piece would cost more than to handle it.
const SHORT_BYTES: usize = 64 << 10;
const GATHER_FOR: Duration = Duration::from_millis(1);
/// Less than this waits for more before it is written.
const WRITE_BYTES: usize = 64 << 10;
/// A longer message, which is one row, passes in pieces.
pub(crate) const LARGE_BYTES: usize = 1 << 20;
/// The tag and the length of a message.
pub(crate) const HEADER_BYTES: usize = 5;

const COPY_DATA: u8 = b'd';

/// What comes next of the rows of a COPY.
pub(crate) enum Chunk {
    /// So many bytes of whole messages, one row each.
    Rows(usize),
    /// A message of so many bytes in all that is too long to be held.
    Large(usize),
    /// The end, and how many rows the server says it were.
    End(u64),
}

/// The side of a line that the server writes.
pub(crate) struct CopyReader {
    line: BorrowedStream,
    buffer: BytesMut,
    /// Whether little came last.
    was_short: bool,
    /// Whether more is waited for then.
    gathers: bool,
}

impl CopyReader {
    pub(crate) fn new(line: BorrowedStream) -> Self {
        Self { line, buffer: BytesMut::new(), was_short: false, gathers: true }
    }

    /// The same for a line on which all is there.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn at_once(line: BorrowedStream) -> Self {
        Self { gathers: false, ..Self::new(line) }
    }

    /// What comes next of the rows; in an answer to several COPYs, those of each end by themselves.
    pub(crate) async fn next_chunk(&mut self) -> Result<Chunk, Fault> {
        loop {
            self.wait_for(HEADER_BYTES).await?;
            match self.message_len(0) {
                Some((_, len)) if len < HEADER_BYTES => return Err(unexpected()),
                Some((COPY_DATA, len)) if len > LARGE_BYTES => return Ok(Chunk::Large(len)),
                Some((COPY_DATA, len)) => {
                    self.wait_for(len).await?;
                    let rows = self.whole_rows();
                    self.was_short = rows < SHORT_BYTES;
                    return Ok(Chunk::Rows(rows));
                }
                _ => match self.control().await? {
                    Message::CopyOutResponse(_) | Message::CopyDone => {}
                    Message::CommandComplete(body) => return Ok(Chunk::End(rows_in(body.tag()?))),
                    _ => return Err(unexpected()),
                },
            }
        }
    }

    /// Bytes that are there to be looked at; [`Self::consume`] goes past them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.buffer.advance(len);
        if self.buffer.is_empty() && self.buffer.capacity() > 2 * LARGE_BYTES {
            self.buffer = BytesMut::new();
        }
    }

    /// Waits until at least one byte is there, and says how many are, up to `most`.
    pub(crate) async fn wait_for_some(&mut self, most: usize) -> Result<usize, Fault> {
        self.wait_for(1).await?;
        Ok(self.buffer.len().min(most))
    }

    /// Passes over so many bytes.
    pub(crate) async fn skip(&mut self, len: usize) -> Result<(), Fault> {
        let mut left = len;
        while left > 0 {
            let some = self.wait_for_some(left).await?;
            self.consume(some);
            left -= some;
        }
        Ok(())
    }

    /// Reads the answer to a command that gives no rows.
    pub(crate) async fn command_complete(&mut self) -> Result<(), Fault> {
        match self.control().await? {
            Message::CommandComplete(_) => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Reads answers up to the one that says the server waits for a command, and appends the rows of each COPY.
    pub(crate) async fn until_ready(&mut self, counts: &mut Vec<u64>) -> Result<(), Fault> {
        loop {
            match self.control().await? {
                Message::ReadyForQuery(_) => return Ok(()),
                Message::CommandComplete(body) => {
                    let tag = body.tag()?;
                    counts.extend(tag.starts_with("COPY ").then(|| rows_in(tag)));
                }
                Message::CopyInResponse(_) | Message::EmptyQueryResponse => {}
                _ => return Err(unexpected()),
            }
        }
    }

    /// Lets the driver have its line again, after [`Self::until_ready`].
    pub(crate) fn give_back(self) {
        self.line.give_back();
    }

    /// The next message that is no row and no news of the server's; its error is one.
    async fn control(&mut self) -> Result<Message, Fault> {
        loop {
            self.wait_for(HEADER_BYTES).await?;
            let (_, len) = self.message_len(0).filter(|(_, len)| *len >= HEADER_BYTES).ok_or_else(unexpected)?;
            if len > MESSAGE_BYTES {
                return Err(framing::too_long(len).into());
            }
            self.wait_for(len).await?;
            match Message::parse(&mut self.buffer)?.ok_or_else(unexpected)? {
                Message::ErrorResponse(body) => return Err(Fault::from_response(&body)?),
                Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_) => {}
                message => return Ok(message),
            }
        }
    }

    /// Waits until so many bytes are there.
    pub(crate) async fn wait_for(&mut self, len: usize) -> Result<(), Fault> {
        while self.buffer.len() < len {
            if std::mem::take(&mut self.was_short) && self.gathers {
                tokio::time::sleep(GATHER_FOR).await;
            }
            // What a server says a message has may be more than it ever sends.
            self.buffer.reserve(READ_BYTES.max((len - self.buffer.len()).min(LARGE_BYTES)));
            if self.line.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(())
    }

    /// Tag and whole length of the message at `at`, if its header is there.
    fn message_len(&self, at: usize) -> Option<(u8, usize)> {
        message_len(self.buffer.get(at..)?)
    }

    /// The length of all whole rows that are there.
    fn whole_rows(&self) -> usize {
        let mut end = 0;
        while let Some((COPY_DATA, len)) = self.message_len(end)
            && (HEADER_BYTES..=LARGE_BYTES).contains(&len)
            && end + len <= self.buffer.len()
        {
            end += len;
        }
        end
    }
}

fn message_len(bytes: &[u8]) -> Option<(u8, usize)> {
    let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let len = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    Some((header[0], 1 + len as usize))
}

/// The rows in whole messages.
pub(crate) fn rows(mut messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (_, len) = message_len(messages)?;
        let (message, rest) = messages.split_at_checked(len)?;
        messages = rest;
        message.get(HEADER_BYTES..)
    })
}

/// The side of a line that the server reads.
pub(crate) struct CopyWriter {
    line: BorrowedStream,
    pending: BytesMut,
    /// Where in `pending` a message of rows begins that is not complete.
    open: Option<usize>,
}

impl CopyWriter {
    pub(crate) fn new(line: BorrowedStream) -> Self {
        Self { line, pending: BytesMut::new(), open: None }
    }

    /// Sends a command.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<(), Fault> {
        frontend::query(sql, &mut self.pending)?;
        self.flush().await
    }

    /// Sends whole messages, or a piece of one, as they are.
    pub(crate) async fn forward(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.close();
        if bytes.len() < WRITE_BYTES / 4 {
            self.pending.extend_from_slice(bytes);
            return self.write_pending(WRITE_BYTES).await;
        }
        self.write_pending(0).await?;
        Ok(self.line.write_all(bytes).await?)
    }

    /// Where the next row is to be written.
    pub(crate) fn row(&mut self) -> &mut BytesMut {
        if self.open.is_none() {
            self.open = Some(self.pending.len());
            self.pending.put_bytes(0, HEADER_BYTES);
        }
        &mut self.pending
    }

    /// Writes what has come together, if it is enough to be worth it.
    pub(crate) async fn rows_written(&mut self) -> Result<(), Fault> {
        if self.pending.len() < WRITE_BYTES {
            return Ok(());
        }
        self.close();
        self.write_pending(0).await
    }

    /// Ends the rows of one COPY.
    pub(crate) fn copy_done(&mut self) {
        self.close();
        frontend::copy_done(&mut self.pending);
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        self.write_pending(0).await?;
        Ok(self.line.flush().await?)
    }

    fn close(&mut self) {
        let Some(begin) = self.open.take() else { return };
        if self.pending.len() == begin + HEADER_BYTES {
            self.pending.truncate(begin);
            return;
        }
        let len = u32::try_from(self.pending.len() - begin - 1).unwrap_or(u32::MAX);
        self.pending[begin] = COPY_DATA;
        self.pending[begin + 1..begin + HEADER_BYTES].copy_from_slice(&len.to_be_bytes());
    }

    async fn write_pending(&mut self, most: usize) -> Result<(), Fault> {
        if self.pending.len() > most {
            self.line.write_all(&self.pending).await?;
            self.pending.clear();
        }
        Ok(())
    }
}

/// The n of `COPY n`.
fn rows_in(tag: &str) -> u64 {
    tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn unexpected() -> Fault {
    io::Error::other("the server's answer is not one to a COPY").into()
}
