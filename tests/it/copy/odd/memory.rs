//! What is hostile or odd in its size: memory stays flat, or the thing is refused by its name.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{Odd, printed};
use crate::asked;
use crate::copy::texts;
use crate::measured::{GOAL, measured};
use crate::stage;

fn copy_db(odd: &Odd, name: &str, arguments: &[&str]) -> Command {
    let mut command = stage::binary();
    command.arg("copy-db").args(arguments);
    command.env("SOURCE_DATABASE_URL", odd.source_url(name)).env("TARGET_DATABASE_URL", odd.target_url(name));
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_or_a_body_of_hundreds_of_megabytes_is_refused_by_its_name() {
    let odd = Odd::start().await;
    let tens = if asked::all() { 30 } else { 3 };
    let sql = format!(
        "CREATE TABLE noted (id int); CREATE TABLE kept (id int); COMMENT ON TABLE kept IS 'short';
         SELECT format('COMMENT ON COLUMN noted.id IS %L', repeat('0123456789', {tens} * 1000000)) \\gexec
         SELECT format('CREATE FUNCTION long() RETURNS int LANGUAGE sql AS %L', '/*' || repeat('0123456789', {tens} * 1000000) || '*/ SELECT 1') \\gexec\n"
    );
    odd.load("texts", &sql).await;
    for arguments in [&["--dry-run"][..], &[]] {
        let (output, peak) = measured(&mut copy_db(&odd, "texts", arguments)).await;
        let said = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{said:.2000}");
        for name in ["comment on column id of table public.noted", "body of function public.long()"] {
            assert!(said.contains(&format!("{name} ({tens}0 MB)")), "{said:.2000}");
        }
        assert!(said.len() < 10_000 && peak < GOAL, "{peak} KiB");
    }
    let there = odd.target.connect("texts").await.unwrap();
    assert_eq!(texts(&there, "SELECT count(*) FROM pg_class WHERE oid >= 16384").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wide_tables_are_sampled_one_after_the_other() {
    let odd = Odd::start().await;
    let tables = if asked::all() { 40 } else { 4 };
    let sql = format!(
        "SELECT format('CREATE TABLE wide_%s AS SELECT %s FROM generate_series(1, 200)', t,
                       (SELECT string_agg(format('repeat(''x'', 1000) AS c%s', c), ', ') FROM generate_series(1, 300) AS c))
           FROM generate_series(1, {tables}) AS t \\gexec\n"
    );
    odd.load("wide", &sql).await;
    let (output, peak) = measured(&mut copy_db(&odd, "wide", &["--dry-run", "--anonymize"])).await;
    assert_eq!(output.status.code(), Some(0), "{:.2000}", printed(&output));
    assert!(peak < GOAL, "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_announces_two_gigabytes_is_left_at_once() {
    let login = [b"R\0\0\0\x08\0\0\0\0".as_slice(), b"Z\0\0\0\x05I"].concat();
    for greeting in [Vec::new(), login] {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                let (mut line, _) = listener.accept().await.unwrap();
                let greeting = greeting.clone();
                tokio::spawn(async move {
                    let mut said = [0; 4096];
                    let _ = line.read(&mut said).await;
                    let mut all = greeting.clone();
                    if !greeting.is_empty() {
                        let _ = line.write_all(&all).await;
                        let _ = line.read(&mut said).await;
                        all.clear();
                    }
                    all.push(b'D');
                    all.extend(0x7fff_ffff_u32.to_be_bytes());
                    // A server that goes on until nobody takes it any more.
                    while line.write_all(&all).await.is_ok() {
                        all = vec![0; 1 << 16];
                    }
                });
            }
        });
        let url = format!("postgresql://postgres@localhost:{port}/railway?sslmode=disable");
        let mut command = stage::binary();
        command.args(["copy-db", "--dry-run"]).env("SOURCE_DATABASE_URL", &url).env("TARGET_DATABASE_URL", &url);
        let (output, peak) = measured(&mut command).await;
        server.abort();
        let said = printed(&output);
        assert!(!output.status.success() && said.contains("bytes, more than is held"), "{said}");
        assert!(peak < GOAL, "{peak} KiB");
    }
}
