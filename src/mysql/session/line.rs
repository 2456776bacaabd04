//! Packets on a line: each is read as a whole out of the pieces in which it came, but for one of 16 MiB and more, which is
//! never held.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::compression::Blocks;
use super::fault::Fault;

/// A packet of this length is continued by the next one.
pub(super) const FULL: usize = 0xff_ffff;
const HEADER_BYTES: usize = 4;
/// So much is asked of the line at a time.
pub(super) const READ_BYTES: usize = 128 << 10;
/// A packet that is not longer is looked at without waiting, where it is there.
const READY_BYTES: usize = 64 << 10;

/// What carries a session: a socket, or TLS over one.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> ByteStream for S {}

/// A packet, as it is found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Whole(&'a [u8]),
    /// One that is read by [`Line::piece`].
    Long,
}

/// One end of a session's line. Dropping it closes the socket at once.
pub(crate) struct Line {
    stream: Box<dyn ByteStream>,
    inbound: BytesMut,
    outbound: BytesMut,
    /// Both ways, where the line is compressed: what is inbound is unpacked, and what is outbound not packed yet.
    blocks: Option<Blocks>,
    /// What of the inbound bytes has been looked at, and goes before more is read.
    seen: usize,
    /// What of a long packet's part is still to come, and whether another part follows.
    left: usize,
    is_continued: bool,
    /// The number of the next packet, whoever sends it.
    sequence: u8,
    is_read_again: bool,
}

impl Line {
    pub(super) fn new(stream: Box<dyn ByteStream>) -> Self {
        Self {
            stream,
            inbound: BytesMut::new(),
            outbound: BytesMut::new(),
            blocks: None,
            seen: 0,
            left: 0,
            is_continued: false,
            sequence: 0,
            is_read_again: false,
        }
    }

    /// The stream, to put another one over it. Nothing may have come on it that nobody has read: whoever is in between could have
    /// said it before the line was secured.
    pub(super) fn into_stream(mut self) -> Result<Box<dyn ByteStream>, Fault> {
        self.inbound.advance(std::mem::take(&mut self.seen));
        if !self.inbound.is_empty() {
            return Err(Fault::of_answer("the server speaks before it was asked to"));
        }
        Ok(self.stream)
    }

    /// The same line over another stream, with the count of packets that it had.
    pub(super) fn over(stream: Box<dyn ByteStream>, sequence: u8) -> Self {
        Self { sequence, ..Self::new(stream) }
    }

    /// The same line, on which all that follows is compressed. Whoever says something before that is not heard.
    pub(super) fn compressed(self) -> Result<Self, Fault> {
        Ok(Self { blocks: Some(Blocks::new()), ..Self::new(self.into_stream()?) })
    }

    /// The number of the next packet after those that were put; on a compressed line it is blocks that count.
    pub(super) fn sequence(&mut self) -> u8 {
        self.pack();
        self.blocks.as_ref().map_or(self.sequence, |blocks| blocks.number)
    }

    /// Reads until so many bytes are there.
    async fn have(&mut self, bytes: usize) -> Result<(), Fault> {
        self.inbound.advance(std::mem::take(&mut self.seen));
        while self.inbound.len() < bytes {
            let arrived = match &mut self.blocks {
                None => {
                    self.inbound.reserve((bytes - self.inbound.len()).max(READ_BYTES));
                    &mut self.inbound
                }
                Some(blocks) => {
                    if blocks.unpack(&mut self.inbound)? {
                        continue;
                    }
                    blocks.arrived.reserve(READ_BYTES);
                    &mut blocks.arrived
                }
            };
            if self.stream.read_buf(arrived).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(())
    }

    /// Reads a header: the length of what follows.
    async fn header(&mut self) -> Result<usize, Fault> {
        self.have(HEADER_BYTES).await?;
        let number = self.inbound[3];
        let len = self.inbound.get_uint_le(3);
        self.inbound.advance(1);
        self.take_number(number)?;
        Ok(usize::try_from(len).expect("three bytes are a length"))
    }

    fn take_number(&mut self, number: u8) -> Result<(), Fault> {
        // On a compressed line servers begin the count of packets anew wherever they send a block.
        if number != self.sequence && self.blocks.is_none() {
            return Err(Fault::of_answer(&format!("packet {number} came where {} was due", self.sequence)));
        }
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// The next packet.
    pub(crate) async fn packet(&mut self) -> Result<Packet<'_>, Fault> {
        if std::mem::take(&mut self.is_read_again) {
            return Ok(Packet::Whole(self.last()));
        }
        let len = self.header().await?;
        if len == FULL {
            (self.left, self.is_continued) = (len, true);
            return Ok(Packet::Long);
        }
        self.have(len).await?;
        self.seen = len;
        Ok(Packet::Whole(&self.inbound[..len]))
    }

    /// The next packet, when all of it is there already, and it is a short one that begins with none of these.
    pub(super) fn ready(&mut self, marks: [u8; 2]) -> Result<Option<&[u8]>, Fault> {
        let Some(&[a, b, c, number, first, ..]) = self.inbound.get(self.seen..) else { return Ok(None) };
        let len = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        let begin = self.seen + HEADER_BYTES;
        if len == 0 || len > READY_BYTES || self.inbound.len() < begin + len || marks.contains(&first) {
            return Ok(None);
        }
        self.take_number(number)?;
        self.inbound.advance(begin);
        self.seen = len;
        Ok(Some(&self.inbound[..len]))
    }

    /// Has the whole packet that was read last be read again.
    pub(super) fn unread(&mut self) {
        self.is_read_again = true;
    }

    /// The whole packet that was read last.
    pub(super) fn last(&self) -> &[u8] {
        &self.inbound[..self.seen]
    }

    /// The next packet, which is none that is not held.
    pub(super) async fn whole(&mut self) -> Result<&[u8], Fault> {
        match self.packet().await? {
            Packet::Whole(bytes) => Ok(bytes),
            Packet::Long => Err(Fault::of_answer("an answer has a part of more than 16 MiB")),
        }
    }

    /// The next piece of a long packet, until there is none.
    pub(crate) async fn piece(&mut self) -> Result<Option<&[u8]>, Fault> {
        while self.left == 0 {
            if !self.is_continued {
                return Ok(None);
            }
            self.left = self.header().await?;
            self.is_continued = self.left == FULL;
        }
        self.have(1).await?;
        let len = self.inbound.len().min(self.left);
        (self.seen, self.left) = (len, self.left - len);
        Ok(Some(&self.inbound[..len]))
    }

    /// Sends a command, which begins a new count of packets.
    pub(super) async fn command(&mut self, command: u8, argument: &[u8]) -> Result<(), Fault> {
        self.put_command(command, argument);
        self.push().await
    }

    /// Sends a packet, in parts where it is too long for one.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), Fault> {
        self.put(payload);
        self.push().await
    }

    /// Has a command ready to be sent with what follows.
    pub(super) fn put_command(&mut self, command: u8, argument: &[u8]) {
        self.expect(0);
        let mut payload = Vec::with_capacity(argument.len() + 1);
        payload.push(command);
        payload.extend_from_slice(argument);
        self.put(&payload);
    }

    /// Has a packet ready to be sent with what follows.
    pub(super) fn put(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let part;
            (part, rest) = rest.split_at(rest.len().min(FULL));
            let len = u32::try_from(part.len()).expect("a part has at most 16 MiB").to_le_bytes();
            self.outbound.extend_from_slice(&[len[0], len[1], len[2], self.sequence]);
            self.outbound.extend_from_slice(part);
            self.sequence = self.sequence.wrapping_add(1);
            if part.len() < FULL {
                break;
            }
        }
    }

    /// Puts what is ready into blocks: what follows has another count, or is none of ours.
    fn pack(&mut self) {
        if let Some(blocks) = &mut self.blocks {
            blocks.pack(&self.outbound);
            self.outbound.clear();
        }
    }

    /// Sends all that is ready.
    pub(super) async fn push(&mut self) -> Result<(), Fault> {
        self.pack();
        let ready = self.blocks.as_mut().map_or(&mut self.outbound, |blocks| &mut blocks.packed);
        self.stream.write_all(ready).await?;
        ready.clear();
        Ok(self.stream.flush().await?)
    }

    /// Says with which number the next packet comes.
    pub(super) fn expect(&mut self, sequence: u8) {
        self.pack();
        self.sequence = sequence;
        if let Some(blocks) = &mut self.blocks {
            blocks.number = sequence;
        }
    }
}
