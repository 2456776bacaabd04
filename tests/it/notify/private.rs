//! A receiver in a private network, by whatever name or spelling: nothing is sent there unless the policy names it.

use serde_json::json;
use tokio::net::TcpListener;

use super::receiver::Receiver;
use super::{ended, tell};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_into_a_private_network_in_whatever_way_it_is_spelled() {
    let listener = TcpListener::bind("[::]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
    ];
    for host in hosts {
        let url = format!("https://user:canary-password@{host}:{port}/canary-token-of-a-hook");
        let call = tell(&ended(json!({})), &[], &[("RAILSTAGE_SLACK_URL", &url)]).await;
        call.expect(2);
        assert!(
            call.error().contains("private network") && call.error().contains("`private_receivers`"),
            "{host}: {}",
            call.error()
        );
        assert!(!call.stdout.contains("canary-password"), "{host}");
    }
    let mail = [("RAILSTAGE_MAIL_FROM", "a@example.net"), ("RAILSTAGE_MAIL_TO", "b@example.net")];
    for url in
        [format!("smtps://localhost:{port}"), format!("smtp://127.0.0.1:{port}"), format!("smtps://[::1]:{port}")]
    {
        let call = tell(&ended(json!({})), &[], &[&[("RAILSTAGE_MAIL_URL", &*url)][..], &mail].concat()).await;
        call.expect(2);
        assert!(call.error().contains("private network"), "{url}: {}", call.error());
    }
    // Nobody has knocked.
    let knocked = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "somebody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_names_a_receiver_by_host_and_perhaps_port_and_only_then_it_needs_no_tls() {
    let receiver = Receiver::open([]).await;
    let port = receiver.host().rsplit(':').next().unwrap().to_owned();
    let by_name = format!("http://LocalHost:{port}/canary-token");
    for (granted, url, code) in [
        (vec!["127.0.0.1".to_owned()], &receiver.url, 0),
        (vec!["localhost".to_owned()], &by_name, 0),
        (vec![format!("localhost:{port}")], &by_name, 0),
        (vec!["localhost:1".to_owned()], &by_name, 2),
        (vec!["*".to_owned(), "127.0.0.0/8".to_owned(), String::new()], &receiver.url, 2),
        (vec!["localhost".to_owned()], &receiver.url, 2),
    ] {
        let call = tell(&ended(json!({})), &granted, &[("RAILSTAGE_SLACK_URL", url)]).await;
        call.expect(code);
        assert!(code == 0 || call.error().contains("without TLS"), "{granted:?}: {}", call.error());
    }
    assert_eq!(receiver.taken().len(), 3);
}
