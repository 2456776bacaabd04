//! Servers that lie before they let anybody in: what they would have to be told, they are not.

use super::endpoint::{Endpoint, Fingerprint, TlsMode};
use super::lying_server_tests::{OK, PASSWORD, Played, SCRAMBLE, endpoint, greeting, has, login, session};
use super::settings::Purpose;

#[tokio::test]
async fn the_password_is_told_to_nobody_who_asks_for_it_in_another_way() {
    for (plugin, words) in [
        ("mysql_clear_password", "would send the password as it is"),
        ("dialog", "would send the password as it is"),
        ("sha256_password", "gives the password away"),
        ("mysql_old_password", "anybody can undo"),
        ("auth_gssapi_client\x1b[2J", "`auth_gssapi_client[2J`"),
    ] {
        for is_announced in [false, true] {
            let (told, heard) = login(endpoint(), async move |mut played| {
                let announced = if is_announced { plugin } else { "mysql_native_password" };
                played.say(&greeting("8.0.31", announced, false)).await;
                played.hear().await;
                played.say(&[b"\xfe", plugin.as_bytes(), b"\0", SCRAMBLE, b"\0"].concat()).await;
                played
            })
            .await;
            assert!(told.contains(words), "{plugin}: {told}");
            assert!(!has(&heard, PASSWORD.as_bytes()) && !told.contains(PASSWORD));
        }
    }
}

#[tokio::test]
async fn a_full_login_is_refused_where_the_line_is_in_clear_and_no_key_is_asked_for() {
    let (told, heard) = login(endpoint(), async |mut played| {
        played.say(&greeting("8.0.31", "caching_sha2_password", false)).await;
        played.hear().await;
        played.say(&[1, 4]).await;
        let before = played.heard.len();
        assert!(played.hear().await.is_none(), "the client hangs up");
        assert_eq!(played.heard.len(), before);
        played
    })
    .await;
    assert!(told.contains("have the password sent to it without TLS"), "{told}");
    assert!(!has(&heard, PASSWORD.as_bytes()));
}

#[tokio::test]
async fn a_line_without_tls_is_refused_unless_it_may_be_without() {
    for pinned in [false, true] {
        let tls = if pinned { TlsMode::Prefer } else { TlsMode::Require };
        let pinned = if pinned { vec![Fingerprint([0; 32])] } else { Vec::new() };
        let (told, heard) = login(Endpoint { tls, pinned, ..endpoint() }, async |mut played| {
            played.say(&greeting("8.0.31", "mysql_native_password", false)).await;
            played
        })
        .await;
        assert!(told.contains("TLS") && heard.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn what_was_said_before_the_line_was_secured_counts_for_nothing() {
    let (told, heard) = login(Endpoint { tls: TlsMode::Require, ..endpoint() }, async |mut played| {
        played.say(&greeting("8.0.31", "mysql_native_password", true)).await;
        // Sent together, so that it is read with the greeting.
        played.sequence = 2;
        played.say(OK).await;
        played
    })
    .await;
    assert!(told != "let in" && !has(&heard, b"root"), "{told}");
}

#[tokio::test]
async fn an_old_server_and_a_proxy_are_told_by_their_greeting() {
    for (version, words) in [
        ("5.7.44", "MySQL 5.7, and copies are made from MySQL 8.0 on"),
        ("5.5.5-10.5.27-MariaDB", "MariaDB 10.5, and copies are made from MariaDB 10.6 on"),
        ("8.0.11-TiDB-v7.5", "`tidb` answers there"),
    ] {
        let (told, heard) = login(endpoint(), async move |mut played| {
            played.say(&greeting(version, "mysql_native_password", false)).await;
            played
        })
        .await;
        assert!(told.contains(words) && heard.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn who_says_nothing_and_who_says_something_else_are_told() {
    let (told, _) = login(endpoint(), async |mut played| {
        played.close().await;
        played
    })
    .await;
    assert!(told.contains("a proxy (such as HAProxy) may have no server behind it"), "{told}");
    for words in ["HTTP/1.1 400 Bad Request\r\n", "-ERR unknown command\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let (told, heard) = login(endpoint(), async move |mut played| {
            played.write(words.as_bytes()).await;
            played
        })
        .await;
        assert!(told.contains("what answers there is no MySQL or MariaDB server") && heard.is_empty(), "{told}");
    }
}

/// Answers what a server says of itself, each time with these values.
async fn identifies(mut played: Played, rows: [[&'static str; 3]; 2]) {
    for row in rows {
        if played.hear().await.is_none() {
            return;
        }
        played.say(&[3]).await;
        for _ in row {
            played.say(b"\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x10\x00\x00\x00\xfd\x00\x00\x00\x00\x00").await;
        }
        played.say(b"\xfe\x00\x00\x02\x00").await;
        let field = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        played.say(&row.iter().flat_map(|text| field(text)).collect::<Vec<_>>()).await;
        played.say(b"\xfe\x00\x00\x02\x00").await;
    }
    while played.hear().await.is_some() {}
}

#[tokio::test]
async fn what_is_no_server_itself_is_told_by_name() {
    let itself = ["7", "MySQL Community Server - GPL", "8.0.31"];
    for (rows, words) in [
        ([itself, itself], ""),
        ([itself, ["8", itself[1], itself[2]]], "a proxy that shares its sessions"),
        ([["4711", itself[1], itself[2]]; 2], "a proxy that shares its sessions"),
        ([["7", "(ProxySQL)", itself[2]]; 2], "`proxysql` answers there"),
        ([["7", "Dolt", itself[2]]; 2], "`dolt` answers there"),
        ([["7", itself[1], "9.7.4"]; 2], "a server greets there as 8.0.31, and the one that answers is 9.7.4"),
        ([["7", itself[1], "8.0.31-MariaDB"]; 2], "and the one that answers is 8.0.31-MariaDB"),
        ([["7", itself[1], "\x1b[2J9"]; 2], "the one that answers is [2J9"),
    ] {
        let mut session = session(Purpose::Read, async move |played| identifies(played, rows).await).await;
        let told = session.identify().await.err().map(|error| crate::error::describe("test", &error));
        assert_eq!(told.is_none(), words.is_empty(), "{told:?}");
        assert!(told.as_ref().is_none_or(|told| told.contains(words) && !told.contains('\x1b')), "{told:?}");
    }
}
