//! The protocol's compression (zlib): what goes over a session's line stands in blocks, each with its length, its number, and how long it
//! is when it is unpacked. Packets begin and end anywhere in them.

use bytes::{Buf as _, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::fault::Fault;

const HEADER_BYTES: usize = 7;
/// No block of ours is longer.
const BLOCK_BYTES: usize = 256 << 10;
/// What is shorter is sent as it is, as servers do.
const LEAST_BYTES: usize = 50;
/// So much is unpacked at a time, whatever a block says that it holds.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// What comes in blocks, and what is sent in them.
pub(super) struct Blocks {
    /// What has come and is not unpacked.
    pub(super) arrived: BytesMut,
    /// What is ready to be sent.
    pub(super) packed: BytesMut,
    /// The number of the next block, whoever sends it.
    pub(super) number: u8,
    /// What is being unpacked.
    block: Option<Block>,
    inflate: Decompress,
    deflate: Compress,
}

/// What of a block is still to come, and what is still to be made of it.
#[derive(Clone, Copy)]
enum Block {
    Stored { left: usize },
    Deflated { left: usize, due: usize },
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            arrived: BytesMut::new(),
            packed: BytesMut::new(),
            number: 0,
            block: None,
            inflate: Decompress::new(true),
            // Whoever compresses must keep up with the line, and the next levels cost twice as much for little.
            deflate: Compress::new(Compression::fast(), true),
        }
    }

    /// Goes a step on with what has arrived; whether it could, else more must arrive.
    pub(super) fn unpack(&mut self, into: &mut BytesMut) -> Result<bool, Fault> {
        match self.block {
            None => self.begin_block(),
            Some(Block::Stored { left }) => Ok(self.take(left, into)),
            Some(Block::Deflated { left, due }) => self.inflate(left, due, into),
        }
    }

    fn begin_block(&mut self) -> Result<bool, Fault> {
        if self.arrived.len() < HEADER_BYTES {
            return Ok(false);
        }
        let left = number_of(self.arrived.get_uint_le(3));
        let number = self.arrived.get_u8();
        let due = number_of(self.arrived.get_uint_le(3));
        if number != self.number {
            return Err(Fault::of_answer(&format!("compressed block {number} came where {} was due", self.number)));
        }
        self.number = number.wrapping_add(1);
        self.block = Some(match (left, due) {
            (0, _) => return Err(Fault::of_answer("a compressed block holds nothing")),
            (_, 0) => Block::Stored { left },
            _ => Block::Deflated { left, due },
        });
        Ok(true)
    }

    /// Takes what is stored as it is.
    fn take(&mut self, left: usize, into: &mut BytesMut) -> bool {
        let len = left.min(self.arrived.len()).min(PIECE_BYTES);
        into.extend_from_slice(&self.arrived[..len]);
        self.arrived.advance(len);
        self.block = (left > len).then_some(Block::Stored { left: left - len });
        len > 0
    }

    fn inflate(&mut self, left: usize, due: usize, into: &mut BytesMut) -> Result<bool, Fault> {
        let (begin, here) = (into.len(), left.min(self.arrived.len()));
        let (used, made) = (self.inflate.total_in(), self.inflate.total_out());
        // A byte more than is due, so that a block is caught that holds more than it says.
        into.resize(begin + (due + 1).min(PIECE_BYTES), 0);
        let status = self.inflate.decompress(&self.arrived[..here], &mut into[begin..], FlushDecompress::None);
        let used = number_of(self.inflate.total_in() - used);
        let made = number_of(self.inflate.total_out() - made);
        into.truncate(begin + made);
        self.arrived.advance(used);
        let status = status.map_err(|_| Fault::of_answer("a compressed block is garbled"))?;
        let left = left - used;
        let due =
            due.checked_sub(made).ok_or_else(|| Fault::of_answer("a compressed block holds more than it says"))?;
        if status == Status::StreamEnd {
            if (left, due) != (0, 0) {
                return Err(Fault::of_answer("a compressed block is not as long as it says"));
            }
            self.inflate.reset(true);
            self.block = None;
            return Ok(true);
        }
        let is_at_work = used > 0 || made > 0;
        if !is_at_work && here == left {
            return Err(Fault::of_answer("a compressed block breaks off"));
        }
        self.block = Some(Block::Deflated { left, due });
        Ok(is_at_work)
    }

    /// Has bytes ready to be sent, in blocks of their own.
    pub(super) fn pack(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(BLOCK_BYTES) {
            let begin = self.packed.len();
            self.packed.resize(begin + HEADER_BYTES + chunk.len(), 0);
            let (header, body) = self.packed[begin..].split_at_mut(HEADER_BYTES);
            let (len, due) = match deflated(&mut self.deflate, chunk, body) {
                Some(len) => (len, chunk.len()),
                None => {
                    body.copy_from_slice(chunk);
                    (chunk.len(), 0)
                }
            };
            header[..3].copy_from_slice(&len.to_le_bytes()[..3]);
            header[3] = self.number;
            header[4..].copy_from_slice(&due.to_le_bytes()[..3]);
            self.packed.truncate(begin + HEADER_BYTES + len);
            self.number = self.number.wrapping_add(1);
        }
    }
}

/// How long a chunk is when it is deflated, where that makes it shorter.
fn deflated(deflate: &mut Compress, chunk: &[u8], into: &mut [u8]) -> Option<usize> {
    if chunk.len() < LEAST_BYTES {
        return None;
    }
    deflate.reset();
    let status = deflate.compress(chunk, into, FlushCompress::Finish);
    let len = number_of(deflate.total_out());
    (matches!(status, Ok(Status::StreamEnd)) && len < chunk.len()).then_some(len)
}

/// Of three bytes, or of what is in memory.
fn number_of(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a length of what is in memory fits")
}
