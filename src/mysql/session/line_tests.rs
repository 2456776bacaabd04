//! Packets on a line, whole and in pieces.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::line::{FULL, Line, Packet, READ_BYTES};

fn part(number: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&[len[0], len[1], len[2], number], payload].concat()
}

fn line(bytes: Vec<u8>) -> Line {
    let (mine, mut theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move { theirs.write_all(&bytes).await });
    Line::new(Box::new(mine))
}

#[tokio::test]
async fn packets_are_whole_and_long_ones_come_in_pieces() {
    let long = vec![7; FULL];
    let bytes = [part(0, b"one"), part(1, b""), part(2, &long), part(3, &long), part(4, b"end"), part(5, b"after")];
    let mut line = line(bytes.concat());
    assert_eq!(line.packet().await.unwrap(), Packet::Whole(b"one"));
    assert_eq!(line.packet().await.unwrap(), Packet::Whole(b""));
    assert_eq!(line.packet().await.unwrap(), Packet::Long);
    let (mut len, mut last) = (0, 0);
    while let Some(piece) = line.piece().await.unwrap() {
        assert!(piece.len() <= 2 * READ_BYTES, "{}", piece.len());
        (len, last) = (len + piece.len(), *piece.last().unwrap());
    }
    assert_eq!((len, last), (2 * FULL + 3, b'd'));
    assert_eq!(line.packet().await.unwrap(), Packet::Whole(b"after"));
}

#[tokio::test]
async fn a_long_packet_may_end_with_an_empty_part() {
    let mut line = line([part(0, &vec![7; FULL]), part(1, b""), part(2, b"after")].concat());
    assert!(line.whole().await.is_err(), "no answer of ours is so long");
    let mut len = 0;
    while let Some(piece) = line.piece().await.unwrap() {
        len += piece.len();
    }
    assert_eq!(len, FULL);
    assert_eq!(line.whole().await.unwrap(), b"after");
}

#[tokio::test]
async fn a_packet_out_of_order_and_one_that_breaks_off_are_refused() {
    assert!(line(part(1, b"one")).packet().await.is_err());
    let mut short = part(0, b"one");
    short.pop();
    assert!(line(short).packet().await.is_err());
}

#[tokio::test]
async fn what_is_sent_is_cut_where_a_packet_must_be() {
    for len in [0, 5, FULL - 1, FULL, FULL + 1] {
        let (mine, mut theirs) = tokio::io::duplex(1 << 20);
        let sending = tokio::spawn(async move {
            let mut line = Line::new(Box::new(mine));
            line.send(&vec![1; len]).await.unwrap();
        });
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        sending.await.unwrap();
        let mut wanted = part(0, &vec![1; len.min(FULL)]);
        if len >= FULL {
            wanted.extend(part(1, &vec![1; len - FULL]));
        }
        assert!(sent == wanted, "{len}");
    }
}
