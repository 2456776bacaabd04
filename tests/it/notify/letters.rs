//! What reaches people, in Slack and by mail: words that nothing obeys, over lines that nobody else reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::mail_server::{Kind, MailServer};
use super::receiver::Receiver;
use super::{ended, tell};
use crate::stage::Call;

async fn mailed(server: &MailServer, url: &str, more: &[(&str, &str)]) -> Call {
    let granted = [format!("localhost:{}", server.port)];
    let certificate = server.certificate.path().to_str().unwrap();
    let secrets = [
        ("RAILSTAGE_MAIL_URL", url),
        ("RAILSTAGE_MAIL_FROM", "Railstage <railstage@example.net>"),
        ("RAILSTAGE_MAIL_TO", "a@example.net, Zoë <b@example.net>"),
        ("SSL_CERT_FILE", certificate),
    ];
    tell(&ended(json!({})), &granted, &[&secrets[..], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_told_words_that_mention_nobody_and_turn_nothing_around() {
    let receiver = Receiver::open([]).await;
    tell(&ended(json!({})), &[receiver.host()], &[("RAILSTAGE_SLACK_URL", &receiver.url)]).await.expect(0);
    let body: Value = serde_json::from_str(&receiver.taken()[0].body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert_eq!((&body["mrkdwn"], &body["link_names"], &body["parse"]), (&json!(false), &json!(false), &json!("none")));
    assert!(text.contains("one &lt;!channel&gt; &amp; &lt;@U1&gt;") && !text.contains(['<', '>']), "{text}");
    assert!(text.lines().all(|line| !line.chars().any(|c| c.is_control() || c == '\u{202e}')), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("Bcc") || line.starts_with("Subject")), "{text}");
    for told in [
        "https://one.example.net",
        "until 2026-12-01T00:00:00Z",
        "7 rows, 5.0 MB",
        "full: 4 values changed, 2 rows left behind",
        "validate 1.2 s",
        "4Ey68hKo2ioFfTr0glovpu",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_goes_by_tls_with_a_login_and_no_header_that_a_name_brings() {
    let (whole, begun) = tokio::join!(MailServer::open(Kind::Tls, ["451 later"]), MailServer::open(Kind::StartTls, []));
    let urls = [&whole, &begun].map(|server| server.port);
    let (whole_url, begun_url) = (
        format!("smtps://me%40x:canary-p%40ss@localhost:{}", urls[0]),
        format!("smtp://me%40x:canary-p%40ss@localhost:{}", urls[1]),
    );
    let calls = tokio::join!(mailed(&whole, &whole_url, &[]), mailed(&begun, &begun_url, &[]));
    calls.0.expect(0);
    calls.1.expect(0);
    assert_eq!((calls.0.outputs()["channels"][0]["attempts"].clone(), whole.letters().len()), (json!(2), 1));
    for server in [&whole, &begun] {
        let (heard, letter) = (server.heard(), server.letters().pop().unwrap());
        assert!(heard.contains(&format!("AUTH PLAIN {}", STANDARD.encode("\0me@x\0canary-p@ss"))), "{heard:?}");
        assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 2, "{heard:?}");
        let (head, _) = letter.split_once("\n\n").unwrap();
        assert!(!head.contains("=?utf-8?q?owned"), "{head}");
        let names: Vec<_> = head
            .lines()
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        let expected = [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
        ];
        assert_eq!(sorted, expected, "{head}");
        let id = calls.1.outputs()["event_id"].as_str().unwrap().to_owned();
        assert!(head.contains(&format!("Message-ID: <{id}@railstage>")) && !letter.contains("canary-p"), "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_needs_tls_unless_the_policy_says_otherwise_and_a_refusal_is_the_last_word() {
    let plain = MailServer::open(Kind::Plain, ["550 no such user"]).await;
    let port = plain.port;
    // A server that offers no TLS, or somebody on the way who took the offer out: nothing of ours is said.
    let stripped = mailed(&plain, &format!("smtp://me:canary-pass@localhost:{port}"), &[]).await;
    stripped.expect(4);
    assert!(
        !plain.heard().iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
        "{:?}",
        plain.heard()
    );

    let url = format!("smtp+plain://localhost:{port}");
    let refused = mailed(&plain, &url, &[]).await;
    refused.expect(4);
    assert_eq!(plain.heard().iter().filter(|line| line.starts_with("MAIL")).count(), 1);
    mailed(&plain, &url, &[]).await.expect(0);
    let mail = [
        ("RAILSTAGE_MAIL_URL", &*url),
        ("RAILSTAGE_MAIL_FROM", "a@example.net"),
        ("RAILSTAGE_MAIL_TO", "b@example.net"),
    ];
    let call = tell(&ended(json!({})), &[], &mail).await;
    call.expect(2);
    assert!(call.error().contains("without TLS"), "{}", call.error());

    // Whoever cannot prove who he is gets nothing.
    let stranger = MailServer::open(Kind::Tls, []).await;
    let other = plain.certificate.path().to_str().unwrap().to_owned();
    let (url, trusted) = (format!("smtps://localhost:{}", stranger.port), [("SSL_CERT_FILE", &*other)]);
    let call = mailed(&stranger, &url, &trusted);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(4), call).await;
    assert_eq!(stranger.heard(), Vec::<String>::new());
}
