//! Blocks of a compressed line: whatever goes in comes out, and whoever lies about one is refused before it costs anything.

use std::io::Write as _;

use bytes::BytesMut;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use tokio::io::AsyncWriteExt as _;

use super::compression::{Blocks, PIECE_BYTES};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::line::{FULL, Line, Packet, READ_BYTES};
use super::lying_server_tests::{OK, Played, endpoint, session_with};
use super::settings::Purpose;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A block that says of itself what it likes.
fn block(len: usize, number: u8, due: usize, body: &[u8]) -> Vec<u8> {
    [&len.to_le_bytes()[..3], &[number], &due.to_le_bytes()[..3], body].concat()
}

fn honest(number: u8, bytes: &[u8]) -> Vec<u8> {
    let body = zlib(bytes);
    block(body.len(), number, bytes.len(), &body)
}

/// What becomes of bytes that arrive in pieces, and the most that was made of them in one step.
fn unpacked(arriving: &[u8], piece: usize) -> (BytesMut, usize, Result<(), Fault>) {
    let (mut blocks, mut all, mut most) = (Blocks::new(), BytesMut::new(), 0);
    for piece in arriving.chunks(piece.max(1)) {
        blocks.arrived.extend_from_slice(piece);
        loop {
            let before = all.len();
            let went_on = blocks.unpack(&mut all);
            most = most.max(all.len() - before);
            match went_on {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => return (all, most, Err(fault)),
            }
        }
    }
    (all, most, Ok(()))
}

fn part(number: u8, payload: &[u8]) -> Vec<u8> {
    [&payload.len().to_le_bytes()[..3], &[number], payload].concat()
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = vec(prop_oneof![Just(b"staging.example.com ".to_vec()), vec(any::<u8>(), 0..40)], 0..400);
    (words, prop_oneof![Just(1), Just(300)]).prop_map(|(words, times)| words.concat().repeat(times))
}

proptest! {
    #[test]
    fn whatever_is_packed_is_unpacked_however_it_arrives(sent in vec(some_bytes(), 0..3), piece in 1..200_000usize) {
        let mut blocks = Blocks::new();
        for bytes in &sent {
            blocks.pack(bytes);
        }
        let (all, most, told) = unpacked(&blocks.packed, piece);
        prop_assert!(told.is_ok() && most <= PIECE_BYTES);
        prop_assert!(all == sent.concat());
        prop_assert!(blocks.packed.len() <= all.len() + 7 * usize::from(blocks.number), "nothing becomes longer");
    }

    #[test]
    fn any_bytes_in_a_block_are_told_or_are_no_more_than_it_says(
        bytes in vec(any::<u8>(), 0..300), len in 0..400usize, due in 0..70_000usize, piece in 1..400usize,
        is_deflated in any::<bool>(), wrong in proptest::option::of((0..400usize, any::<u8>())),
    ) {
        let mut body = if is_deflated { zlib(&bytes) } else { bytes };
        if let Some((at, byte)) = wrong
            && let Some(there) = body.get_mut(at)
        {
            *there = byte;
        }
        let (all, most, told) = unpacked(&block(len, 0, due, &body), piece);
        prop_assert!(most <= PIECE_BYTES);
        let most = if due == 0 { len } else { due };
        prop_assert!(told.is_err() || all.len() <= most, "{} of {most}", all.len());
    }

    #[test]
    fn a_block_that_was_changed_on_its_way_is_told(bytes in vec(any::<u8>(), 60..300), at in 7..60usize, bit in 0..8u8) {
        let mut sent = honest(0, &bytes.repeat(3));
        sent[at] ^= 1 << bit;
        let (all, _, told) = unpacked(&sent, 1 << 20);
        // Where the change has made it longer, it has not come to its end.
        prop_assert!(told.is_err() || all.len() < bytes.len() * 3);
        prop_assert_eq!(unpacked(&honest(0, &bytes), 1 << 20).0, bytes);
    }
}

#[test]
fn a_block_that_lies_is_told() {
    let bytes = b"staging.example.com ".repeat(10);
    let body = zlib(&bytes);
    let with_more = [&body[..], b"more"].concat();
    for (sent, words) in [
        (honest(1, &bytes), "block 1 came where 0 was due"),
        ([honest(0, &bytes), honest(2, &bytes)].concat(), "block 2 came where 1 was due"),
        (block(0, 0, 0, b""), "holds nothing"),
        (block(0, 0, 200, b""), "holds nothing"),
        (block(body.len(), 0, 199, &body), "holds more than it says"),
        (block(body.len(), 0, 1, &body), "holds more than it says"),
        (block(body.len(), 0, 201, &body), "not as long as it says"),
        (block(body.len(), 0, FULL, &body), "not as long as it says"),
        (block(with_more.len(), 0, 200, &with_more), "not as long as it says"),
        (block(body.len() - 1, 0, 200, &body), "breaks off"),
        (block(200, 0, 300, &bytes), "garbled"),
    ] {
        for piece in [1, 10, 1000] {
            let told = unpacked(&sent, piece).2.err().map(|fault| fault.to_string()).unwrap_or_default();
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}

#[test]
fn a_block_that_would_become_gigabytes_is_told_when_it_is_more_than_it_says() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeroes = vec![0; 1 << 18];
    for _ in 0..1 << 10 {
        encoder.write_all(&zeroes).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    for due in [1, 1000, PIECE_BYTES, 1 << 20] {
        let (all, most, told) = unpacked(&block(bomb.len(), 0, due, &bomb), READ_BYTES);
        assert!(told.unwrap_err().to_string().contains("holds more than it says"));
        assert!(all.len() <= due + PIECE_BYTES && most <= PIECE_BYTES, "{}", all.len());
    }
    // As much as a block can say comes in pieces, too.
    let (all, most, told) = unpacked(&honest(0, &vec![0; FULL]), READ_BYTES);
    assert!(told.is_ok() && all.len() == FULL && most <= PIECE_BYTES);
}

#[tokio::test]
async fn packets_begin_and_end_anywhere_in_blocks_and_long_ones_are_never_held() {
    let long = vec![7; FULL];
    let sent = [part(9, b"one"), part(9, &long), part(9, &long), part(9, b"end"), part(9, b"after")].concat();
    for size in [5, 1000, 1 << 20, FULL] {
        let (mine, mut theirs) = tokio::io::duplex(1 << 20);
        // Small ones only as far as they are of interest.
        let sent = if size == 5 { part(9, b"one").repeat(3) } else { sent.clone() };
        tokio::spawn(async move {
            for (number, chunk) in sent.chunks(size).enumerate() {
                theirs.write_all(&honest(number.to_le_bytes()[0], chunk)).await.ok();
            }
        });
        let mut line = Line::new(Box::new(mine)).compressed().unwrap();
        assert_eq!(line.packet().await.unwrap(), Packet::Whole(b"one"));
        if size == 5 {
            assert_eq!(line.packet().await.unwrap(), Packet::Whole(b"one"));
            continue;
        }
        assert_eq!(line.packet().await.unwrap(), Packet::Long);
        let mut len = 0;
        while let Some(piece) = line.piece().await.unwrap() {
            assert!(piece.len() <= 2 * READ_BYTES, "{}", piece.len());
            len += piece.len();
        }
        assert_eq!(len, 2 * FULL + 3);
        assert_eq!(line.packet().await.unwrap(), Packet::Whole(b"after"));
    }
}

fn compressed() -> Endpoint {
    Endpoint { is_compressed: true, ..endpoint() }
}

/// What the client sends, as much as is wanted, in blocks that are counted from this number on; the number of the next.
async fn hear(played: &mut Played, number: u8, bytes: impl Fn(&[u8]) -> usize) -> (BytesMut, u8) {
    let (mut blocks, mut heard) = (Blocks::new(), BytesMut::new());
    blocks.number = number;
    while heard.len() < bytes(&heard) {
        if !blocks.unpack(&mut heard).unwrap() {
            // No block of another count may come with these.
            let mut one = BytesMut::with_capacity(1);
            assert!(played.read(&mut one).await > 0, "the client left");
            blocks.arrived.unsplit(one);
        }
    }
    (heard, blocks.number)
}

/// A packet of a command.
async fn hear_command(played: &mut Played) -> BytesMut {
    hear(played, 0, |heard| heard.first().map_or(4, |len| usize::from(*len) + 4)).await.0
}

#[tokio::test]
async fn a_load_is_sent_in_blocks_that_are_counted_over_packets_and_its_answer_is_the_next() {
    for off in [0, 1] {
        let session = session_with(compressed(), Purpose::Fill, async move |mut played| {
            let asked = hear_command(&mut played).await.freeze();
            let name = asked[..].split(|byte| *byte == b'\'').nth(1).unwrap();
            played.write(&honest(1, &part(77, &[b"\xfb", name].concat()))).await;
            let rows = [part(2, &vec![b'x'; 1 << 20]), part(3, b"1\ta\n"), part(4, b"")].concat();
            let (heard, number) = hear(&mut played, 2, |_| rows.len()).await;
            assert!(heard == rows && number > 5, "a megabyte has more blocks than one: {number}");
            let info = b"Records: 2  Deleted: 0  Skipped: 0  Warnings: 0";
            let done = [&[0, 2, 0, 2, 0, 0, 0, info.len().to_le_bytes()[0]], &info[..]].concat();
            played.write(&honest(number + off, &part(99, &done))).await;
            assert_eq!(hear_command(&mut played).await, &part(0, b"\x03SET a = 1")[..]);
            played.write(&honest(1, &part(1, OK))).await;
            played.read(&mut BytesMut::new()).await;
        })
        .await;
        let mut load = session.load_data();
        load.begin(Vec::new(), |name| format!("LOAD DATA LOCAL INFILE {name} INTO TABLE t"));
        load.when_asked_for().await.unwrap();
        load.buffer().resize(1 << 20, b'x');
        load.send_some().await.unwrap();
        load.buffer().extend_from_slice(b"1\ta\n");
        load.end(2);
        match load.finish().await {
            Ok(mut session) => session.run("SET a = 1").await.map(drop).unwrap(),
            Err(failed) => assert!(off == 1 && failed.fault.to_string().contains("was due"), "{}", failed.fault),
        }
    }
}

#[tokio::test]
async fn statements_that_are_sent_together_have_blocks_of_their_own() {
    let mut session = session_with(compressed(), Purpose::Administer, async |mut played| {
        for statement in [b"\x03SET a = 1", b"\x03SET b = 2"] {
            assert_eq!(hear_command(&mut played).await, &part(0, statement)[..]);
        }
        for _ in 0..2 {
            played.write(&honest(1, &part(1, OK))).await;
        }
        played.read(&mut BytesMut::new()).await;
    })
    .await;
    session.all(&["SET a = 1".to_owned(), "SET b = 2".to_owned()]).await.map_err(|failed| failed.fault).unwrap();
}

#[tokio::test]
async fn a_session_whose_server_lies_in_a_block_is_of_no_more_use() {
    for answer in [honest(2, &part(1, OK)), block(20, 1, 30, &[7; 20]), block(0, 1, 0, b"")] {
        let mut session = session_with(compressed(), Purpose::Administer, async move |mut played| {
            hear_command(&mut played).await;
            played.write(&answer).await;
            played.read(&mut BytesMut::new()).await;
        })
        .await;
        let told = session.run("SET a = 1").await.unwrap_err();
        assert!(told.to_string().contains("compressed block"), "{told}");
        assert!(session.run("SET b = 1").await.unwrap_err().to_string().contains("left in the middle"));
    }
}
