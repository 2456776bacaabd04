//! Servers that are too old: told at the first word, whichever end they are.

use railstage::postgres::{Endpoint, dry_run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::proxy::Forger;
use super::super::{Ends, copy, told};

/// A server of this version, as it greets whoever logs in; it answers nothing else.
async fn greeting(version: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut startup = [0; 4096];
            let _ = client.read(&mut startup).await;
            let status = format!("server_version\0{version}\0");
            let mut greeting = vec![b'R', 0, 0, 0, 8, 0, 0, 0, 0, b'S'];
            greeting.extend(u32::try_from(status.len() + 4).unwrap().to_be_bytes());
            greeting.extend(status.as_bytes());
            greeting.extend([b'K', 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1, b'Z', 0, 0, 0, 5, b'I']);
            client.write_all(&greeting).await.unwrap();
            let rest = client.read(&mut startup).await.unwrap_or(0);
            assert!(rest == 0 || startup[0] == b'X', "it was asked something");
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_postgres_13_or_older_is_refused_whichever_end_it_is() {
    let ends = Ends::with_rows().await;
    for version in ["13.22 (Debian 13.22-1.pgdg13+1)", "9.6.24"] {
        let port = greeting(version).await;
        let old =
            |url: &str, own: u16| format!("{}?sslmode=disable", url.replace(&format!(":{own}/"), &format!(":{port}/")));
        let (source, target) = (ends.source.url(), ends.target.url());
        let major = version.split('.').next().unwrap();
        for (source, target) in
            [(old(&source, ends.source.port()), target.clone()), (source.clone(), old(&target, ends.target.port()))]
        {
            let copied = told(copy(&source, &target, &ends.options()).await);
            let (source, target) = (Endpoint::parse(&source).unwrap(), Endpoint::parse(&target).unwrap());
            let planned = told(dry_run(&source, &target, &ends.options()).await);
            for told in [copied, planned] {
                assert!(told.contains(&format!("PostgreSQL {major}, and 14 is the oldest")), "{told}");
            }
        }
    }
    ends.assert_target_is_old().await;
}

/// The same where only the server's own number tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_counts_as_13_is_refused() {
    let ends = Ends::with_rows().await;
    let (from, to): (&[u8], &[u8]) =
        (b"current_setting('server_version_num')::int4", b"130022                                     ");
    let forger = Forger::start(ends.source.port(), from, to).await;
    let source = format!(
        "{}?sslmode=disable",
        ends.source.url().replace(&format!(":{}/", ends.source.port()), &format!(":{}/", forger.port))
    );
    let said = told(copy(&source, &ends.target.url(), &ends.options()).await);
    assert!(said.contains("PostgreSQL 13, and 14 is the oldest"), "{said}");
    ends.assert_target_is_old().await;
}
