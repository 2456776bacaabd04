//! Servers that lie before they let anybody in: what they would have to be told, they are not.

use super::endpoint::{Endpoint, Fingerprint, TlsMode};
use super::lying_server_tests::{OK, PASSWORD, SCRAMBLE, endpoint, greeting, has, login};

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
