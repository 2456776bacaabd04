//! Commands: run in the target's container, with what comes and goes handed on as fast as the other side takes it.

use super::container::Container;
use anyhow::Result;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::future::Future;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

/// What the protocol calls the standard error.
const STDERR: u32 = 1;

/// How much a command is fed before a bit of it changes, where that is ordered.
const DAMAGED_AFTER: usize = 1 << 20;

/// How much is read at once of what a command says.
const CHUNK: usize = 32 << 10;

/// What the relay says for a target that it cannot route, with success, as the CLI's own test quotes it (`controllers/exec.rs`).
const MANIFEST: &str = concat!(
    r#"{"status":"ready","account":{"user":{"name":"Acme Ops"},"workspaces":[],"projects":[],"truncated":false},"#,
    r#""actions":[],"dashboard":"https://railway.com","description":"This SSH key is registered to your Railway account"}"#,
    "\n"
);

/// How a command ends that found no container, or no shell in it.
pub(super) enum Unable {
    NotRouted,
    NoShell,
    NoContainer(String),
}

/// Answers for a command that does not run.
pub(super) async fn refuse(channel: Channel<Msg>, why: Unable) -> Result<()> {
    let (text, status) = match why {
        Unable::NotRouted => {
            channel.data_bytes(MANIFEST).await?;
            (String::new(), 0)
        }
        Unable::NoShell => ("exec: \"/bin/sh\": stat /bin/sh: no such file or directory\n".to_owned(), 127),
        Unable::NoContainer(why) => (format!("backboard: {why}\n"), 255),
    };
    channel.extended_data_bytes(STDERR, text).await?;
    end(&channel.split().1, Some(status)).await
}

/// Runs a command until it ends, the client goes, or the container does.
pub(super) async fn run(
    channel: Channel<Msg>,
    container: Arc<Container>,
    text: Vec<u8>,
    gone: impl Future<Output = ()>,
    is_damaged: impl FnOnce() -> bool + Send,
) {
    let spawned = tokio::task::spawn_blocking(move || {
        let (command, first_process) = container.command(&text)?;
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        anyhow::Ok((command.spawn()?, container, first_process))
    });
    let (child, container, first_process) = match spawned.await.map_err(anyhow::Error::from).flatten() {
        Ok(spawned) => spawned,
        Err(error) => {
            refuse(channel, Unable::NoContainer(format!("{error:#}"))).await.ok();
            return;
        }
    };
    let (from_client, to_client) = channel.split();
    let run = async {
        let status = attend(child, from_client, &to_client, &container.fed, is_damaged).await?;
        // Whoever is ended together with its container has nobody who could say how.
        let status = if container.is_running(first_process) { code(status) } else { None };
        end(&to_client, status).await
    };
    tokio::select! {
        _ = run => {}
        () = gone => {}
    }
}

/// Feeds a command and hands on what it says until it has ended and all is said; when the client closes the channel before
/// that, the command finds its pipes closed.
async fn attend(
    mut child: Child,
    from: ChannelReadHalf,
    to: &ChannelWriteHalf<Msg>,
    all_fed: &AtomicU64,
    is_damaged: impl FnOnce() -> bool,
) -> Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let said = async {
        tokio::try_join!(hand_on(stdout, to, None), hand_on(stderr, to, Some(STDERR)))?;
        anyhow::Ok(child.wait().await?)
    };
    tokio::pin!(said);
    tokio::select! {
        status = &mut said => status,
        () = feed(from, stdin, all_fed, is_damaged) => anyhow::bail!("the client has gone"),
    }
}

/// Ends only when the client closes the channel.
async fn feed(
    mut from: ChannelReadHalf,
    mut stdin: Option<ChildStdin>,
    all_fed: &AtomicU64,
    is_damaged: impl FnOnce() -> bool,
) {
    let (mut fed, mut is_damaged) = (0, Some(is_damaged));
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                fed += data.len();
                all_fed.fetch_add(data.len() as u64, Ordering::Relaxed);
                let is_damaged = is_damaged.take_if(|_| fed > DAMAGED_AFTER).is_some_and(|is_damaged| is_damaged());
                let damaged = is_damaged.then(|| damaged(&data));
                if let Some(open) = &mut stdin
                    && open.write_all(damaged.as_deref().unwrap_or(&data)).await.is_err()
                {
                    // It reads no more; what comes still is for nobody.
                    stdin = None;
                }
            }
            ChannelMsg::Eof => stdin = None,
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// The same with another bit at its end.
fn damaged(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    if let Some(byte) = data.last_mut() {
        *byte ^= 1;
    }
    data
}

async fn hand_on(from: Option<impl AsyncRead + Unpin>, to: &ChannelWriteHalf<Msg>, kind: Option<u32>) -> Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        chunk.truncate(read);
        match kind {
            None => to.data_bytes(chunk).await?,
            Some(kind) => to.extended_data_bytes(kind, chunk).await?,
        }
    }
}

/// As a shell tells it, where a signal has ended the command.
fn code(status: ExitStatus) -> Option<u32> {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.map(i32::cast_unsigned)
}

async fn end(to: &ChannelWriteHalf<Msg>, status: Option<u32>) -> Result<()> {
    if let Some(status) = status {
        to.exit_status(status).await?;
    }
    to.eof().await?;
    Ok(to.close().await?)
}
