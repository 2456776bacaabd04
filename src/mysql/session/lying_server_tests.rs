//! Servers that lie, played by the test: what they are told, and what they are not.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::connect::Session;
use super::endpoint::{Endpoint, TlsMode};
use super::fault::Fault;
use super::line::Packet;
use super::login::log_in_on;
use super::settings::Purpose;

pub(super) const PASSWORD: &str = "canary-password";
pub(super) const SCRAMBLE: &[u8; 20] = b"abcdefghijklmnopqrst";
pub(super) const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const FILE: &[u8] = b"\xfb/etc/passwd";

/// A server's first packet.
pub(super) fn greeting(version: &str, plugin: &str, has_tls: bool) -> Vec<u8> {
    let capabilities: u32 = 0x00ff_f7ff | if has_tls { 0x800 } else { 0 };
    let [a, b, c, d] = capabilities.to_le_bytes();
    let mut packet = vec![10];
    packet.extend(version.as_bytes());
    packet.extend([0, 7, 0, 0, 0]);
    packet.extend(&SCRAMBLE[..8]);
    packet.extend([0, a, b, 45, 2, 0, c, d, 21]);
    packet.extend([0; 10]);
    packet.extend(&SCRAMBLE[8..]);
    packet.push(0);
    packet.extend(plugin.as_bytes());
    packet.push(0);
    packet
}

/// The server's end of a line.
pub(super) struct Played {
    line: DuplexStream,
    pub(super) sequence: u8,
    pub(super) heard: Vec<u8>,
}

impl Played {
    /// Says nothing more, and is heard to have left.
    pub(super) async fn close(&mut self) {
        self.line.shutdown().await.ok();
    }

    /// What comes, whether it is packets or not; how much.
    pub(super) async fn read(&mut self, into: &mut BytesMut) -> usize {
        self.line.read_buf(into).await.unwrap_or_default()
    }

    /// Says what is no packet.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.ok();
    }

    pub(super) async fn say(&mut self, payload: &[u8]) {
        let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
        // Whoever has noticed has left.
        self.line.write_all(&[&[len[0], len[1], len[2], self.sequence], payload].concat()).await.ok();
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// What the client says next; `None` when it has left.
    pub(super) async fn hear(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.line.read_exact(&mut header).await.ok()?;
        let mut payload = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
        self.line.read_exact(&mut payload).await.ok()?;
        self.sequence = header[3].wrapping_add(1);
        self.heard.extend(&payload);
        Some(payload)
    }

    /// Lets the client in.
    async fn let_in(&mut self) {
        self.say(&greeting("8.0.31", "mysql_native_password", false)).await;
        self.hear().await.unwrap();
        self.say(OK).await;
    }

    /// All that the client still says.
    async fn hear_out(mut self) -> Vec<u8> {
        while self.hear().await.is_some() {}
        self.heard
    }
}

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        tls: TlsMode::Disable,
        answer_within: Duration::from_millis(500),
        ..Endpoint::of_proxy("localhost", 3306, "root", PASSWORD, "railway")
    }
}

fn both_ends() -> (DuplexStream, Played) {
    let (mine, line) = tokio::io::duplex(1 << 20);
    (mine, Played { line, sequence: 0, heard: Vec::new() })
}

/// A session with a server that has let it in and then does as it is played.
pub(super) async fn session<P: Future<Output = ()> + Send + 'static>(
    purpose: Purpose,
    play: impl FnOnce(Played) -> P + Send + 'static,
) -> Session {
    session_with(endpoint(), purpose, play).await
}

/// The same where the endpoint is another.
pub(super) async fn session_with<P: Future<Output = ()> + Send + 'static>(
    endpoint: Endpoint,
    purpose: Purpose,
    play: impl FnOnce(Played) -> P + Send + 'static,
) -> Session {
    let (mine, mut played) = both_ends();
    tokio::spawn(async move {
        played.let_in().await;
        play(played).await;
    });
    Session::of(log_in_on(Box::new(mine), &endpoint, purpose).await.unwrap(), endpoint.answer_within)
}

/// A login to a server that does as it is played; what was told to the caller, and what the server has heard.
pub(super) async fn login<P: Future<Output = Played> + Send + 'static>(
    endpoint: Endpoint,
    play: impl FnOnce(Played) -> P + Send + 'static,
) -> (String, Vec<u8>) {
    let (mine, played) = both_ends();
    let heard = tokio::spawn(async move { play(played).await.hear_out().await });
    let told = match log_in_on(Box::new(mine), &endpoint, Purpose::Read).await {
        Ok(_) => "let in".to_owned(),
        Err(error) => crate::error::describe("test", &error),
    };
    (told, heard.await.unwrap())
}

pub(super) fn has(heard: &[u8], words: &[u8]) -> bool {
    heard.windows(words.len()).any(|window| window == words)
}

#[tokio::test]
async fn no_file_is_given_whenever_a_server_asks_for_one() {
    for purpose in [Purpose::Read, Purpose::Fill] {
        for while_reading in [false, true] {
            let (tell, told) = tokio::sync::oneshot::channel();
            let mut session = session(purpose, async move |mut played| {
                played.hear().await.unwrap();
                played.say(FILE).await;
                let before = played.heard.len();
                tell.send(played.hear_out().await.split_off(before)).unwrap();
            })
            .await;
            let refused = match while_reading {
                true => session.rows("SELECT 1").await.map(drop),
                false => session.run("SET a = 1").await.map(drop),
            };
            assert!(refused.unwrap_err().to_string().contains("asks for a file"));
            assert!(session.run("SET b = 1").await.is_err(), "nothing more is said to it");
            drop(session);
            assert_eq!(told.await.unwrap(), b"", "the server heard nothing after that");
        }
    }
    let (told, heard) = login(endpoint(), async |mut played| {
        played.say(&greeting("8.0.31", "mysql_native_password", false)).await;
        played.hear().await;
        played.say(FILE).await;
        played
    })
    .await;
    assert!(told.contains("garbled") && !has(&heard, b"root:x:0"), "{told}");
}

#[tokio::test]
async fn another_file_than_the_rows_is_not_given_to_a_load() {
    let session = session(Purpose::Fill, async |mut played| {
        played.hear().await.unwrap();
        played.say(FILE).await;
        assert!(played.hear().await.is_none(), "the client hangs up");
    })
    .await;
    let mut load = session.load_data();
    load.begin(Vec::new(), |name| format!("LOAD DATA LOCAL INFILE {name} INTO TABLE t"));
    assert!(load.when_asked_for().await.unwrap_err().to_string().contains("asks for a file"));
    drop(load);
}

/// Sends two rows to a server that asks for them, and then hears what `play` makes of it.
async fn load<P: Future<Output = ()> + Send + 'static>(
    play: impl FnOnce(Played) -> P + Send + 'static,
) -> super::load_data::LoadData {
    let session = session(Purpose::Fill, async |mut played| {
        let asked = String::from_utf8(played.hear().await.unwrap()).unwrap();
        let name = asked.split('\'').nth(1).unwrap().to_owned();
        played.say(&[b"\xfb", name.as_bytes()].concat()).await;
        play(played).await;
    })
    .await;
    let mut load = session.load_data();
    load.begin(Vec::new(), |name| format!("LOAD DATA LOCAL INFILE {name} INTO TABLE t"));
    load.when_asked_for().await.unwrap();
    load.buffer().extend_from_slice(b"1\ta\n2\tb\n");
    load
}

#[tokio::test]
async fn a_load_that_is_given_up_is_never_said_to_be_complete() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut load = load(async move |mut played| {
        let mut packets = Vec::new();
        while let Some(packet) = played.hear().await {
            packets.push(packet);
        }
        tell.send(packets).unwrap();
    })
    .await;
    load.buffer().resize(1 << 20, b'x');
    load.send_some().await.unwrap();
    load.send_some().await.unwrap();
    drop(load);
    let packets = told.await.unwrap();
    assert!(packets.len() == 1 && packets[0].len() == 1 << 20, "{}", packets.len());
}

#[tokio::test]
async fn a_load_counts_only_when_each_row_was_taken_as_it_was_sent() {
    for (affected, warnings, info, is_good) in [
        (2, 0, "Records: 2  Deleted: 0  Skipped: 0  Warnings: 0", true),
        (1, 0, "Records: 2  Deleted: 0  Skipped: 1  Warnings: 0", false),
        (2, 1, "Records: 2  Deleted: 0  Skipped: 0  Warnings: 1", false),
        (2, 0, "Records: 2  Deleted: 0  Skipped: 0  Warnings: 1", false),
        (1, 0, "Records: 1  Deleted: 0  Skipped: 0  Warnings: 0", false),
        (2, 0, "Records: 2  Deleted: 1  Skipped: 0  Warnings: 0", false),
        (2, 0, "", false),
    ] {
        let mut load = load(async move |mut played| {
            assert_eq!(played.hear().await.unwrap(), b"1\ta\n2\tb\n");
            assert_eq!(played.hear().await.unwrap(), b"", "that was all");
            let mut ok = vec![0, affected, 0, 2, 0, warnings, 0];
            ok.push(u8::try_from(info.len()).unwrap());
            ok.extend(info.as_bytes());
            played.say(&ok).await;
            // It is asked for its warnings.
            while played.hear().await.is_some() {
                played.say(b"\xff\x28\x04#42000no").await;
            }
        })
        .await;
        load.end(2);
        let finished = load.finish().await;
        assert_eq!(finished.is_ok(), is_good, "{info}");
        assert!(
            finished.err().is_none_or(|failed| failed.fault.to_string().contains("of 2 rows the server has taken"))
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_refused_and_the_session_is_not_used_again() {
    let column: &[u8] = b"\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x10\x00\x00\x00\xfd\x00\x00\x00\x00\x00";
    let end: &[u8] = b"\xfe\x00\x00\x02\x00";
    let (two, one) = (&b"\x02"[..], &b"\x01"[..]);
    for (answer, words) in [
        (vec![&b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"[..]], "garbled"),
        (vec![one, column, column], "more columns than it said"),
        (vec![OK], "no rows in its answer"),
        (vec![one, column, end, &b"\x09ab"[..]], "garbled"),
        (vec![two, column, column, end, &b"\x01a\x01b"[..], &b"\x01a"[..]], "garbled"),
    ] {
        let mut session = session(Purpose::Read, async move |mut played| {
            played.hear().await.unwrap();
            for packet in answer {
                played.say(packet).await;
            }
            played.hear_out().await;
        })
        .await;
        let refused = session.rows("SELECT a FROM t").await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(session.run("SET b = 1").await.unwrap_err().to_string().contains("left in the middle"));
    }
}

#[tokio::test]
async fn rows_come_with_their_warnings_and_errors_end_them() {
    let column: &[u8] = b"\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x10\x00\x00\x00\xfd\x00\x00\x00\x00\x00";
    for (last, is_error) in
        [(&b"\xfe\x03\x00\x02\x00"[..], false), (b"\xff\x84\x05#HY000Table definition has changed", true)]
    {
        let mut session = session(Purpose::Rows, async move |mut played| {
            played.hear().await.unwrap();
            for packet in [b"\x01", column, b"\xfe\x00\x00\x02\x00", b"\x02ab", b"\xfb", last] {
                played.say(packet).await;
            }
            played.hear().await.unwrap();
            played.say(OK).await;
        })
        .await;
        let mut asking = session.ask_many(vec!["SELECT a FROM t".to_owned()]);
        let mut rows = asking.rows().await.unwrap();
        assert_eq!(rows.next().await.unwrap(), Some(Packet::Whole(b"\x02ab")));
        assert_eq!(rows.next().await.unwrap(), Some(Packet::Whole(b"\xfb")));
        match (rows.next().await, is_error) {
            (Ok(None), false) => assert_eq!(rows.warnings(), Some(3)),
            (Err(fault), true) => assert_eq!(fault.number, Some(1412)),
            (other, _) => panic!("{:?}", other.map(|row| row.is_some())),
        }
        session.run("SET b = 1").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let mut session = session(Purpose::Read, async |played| {
        played.hear_out().await;
    })
    .await;
    let told: Fault = session.rows("SELECT 1").await.unwrap_err();
    assert!(told.to_string().contains("no answer within 0.5 s"), "{told}");
    assert!(super::fault::is_worth_retrying(&told.into()));
}
