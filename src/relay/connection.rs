//! One connection to the relay: who answers is proven first, then our key is shown; then commands run and ports are reached.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle, Msg};
use russh::keys::PrivateKeyWithHashAlg;
use russh::{ChannelOpenFailure, ChannelStream, Disconnect, Error, Preferred, cipher};
use tokio::net::TcpStream;

use super::address::RelayAddress;
use super::command::{Command, Ended};
use super::host_keys::{HostKeys, Judge};
use super::key::RelayKey;
use super::trouble::Trouble;

/// How long the relay may take for its part in each of: the socket, the proof of who it is, a login, a channel.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// A relay that has gone is noticed within half a minute.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: usize = 3;
/// What a channel may have on its way: a line of 30 ms is filled up to 270 MB/s.
const WINDOW_BYTES: u32 = 8 << 20;

/// How many messages of a channel, of 32 KiB each, may wait for whoever hears it; then the whole connection waits.
const MESSAGES_AT_ONCE: usize = 40;

/// What a shell answers to our one command. The command itself does not hold it: a relay that only repeats what it was told has run nothing.
const MARKER: &str = "railstage-is-here";
/// The command that asks whether a container runs commands. It reads and writes nothing.
pub(super) const MARKER_COMMAND: &str = "printf 'railstage-%s\\n' is-here";
/// More is no answer to it.
const LONGEST_ANSWER: usize = 4 << 10;

/// Bytes to and from a port of a container.
pub(crate) type Stream = ChannelStream<Msg>;

/// A connection that was let in.
pub(super) struct Connection(Handle<Judge>);

impl Connection {
    /// Connects, and shows our key to whoever has proven to be the relay.
    pub(super) async fn open(
        address: &RelayAddress,
        host_keys: &HostKeys,
        instance_id: &str,
        key: &RelayKey,
    ) -> Result<Self, Trouble> {
        let dialled = within(TcpStream::connect((address.host.as_str(), address.port))).await;
        let socket =
            dialled.and_then(|dialled| dialled.map_err(|error| error.to_string())).map_err(Trouble::Unreachable)?;
        socket.set_nodelay(true).map_err(|error| Trouble::Broken(error.to_string()))?;
        let judge = host_keys.judge();
        let connecting = client::connect_stream(Arc::new(config()), socket, judge.clone());
        let mut handle = match within(connecting).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(Error::UnknownKey)) if host_keys.is_empty() => return Err(Trouble::NothingPinned(judge.met())),
            Ok(Err(Error::UnknownKey)) => {
                return Err(Trouble::OtherRelay(judge.met().unwrap_or_else(|| "a certificate".to_owned())));
            }
            Ok(Err(error)) => return Err(Trouble::Broken(error.to_string())),
            Err(late) => return Err(Trouble::Broken(late)),
        };
        let shown = PrivateKeyWithHashAlg::new(Arc::clone(&key.private), None);
        match within(handle.authenticate_publickey(instance_id, shown)).await {
            Ok(Ok(result)) if result.success() => Ok(Self(handle)),
            Ok(Ok(_)) => Err(Trouble::NotLetIn { is_fresh: key.is_fresh }),
            Ok(Err(error)) => Err(Trouble::Broken(error.to_string())),
            Err(late) => Err(Trouble::Broken(late)),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Whether the container runs commands: the relay itself says that all went well long before.
    pub(super) async fn ensure_runs(&self) -> Result<(), Trouble> {
        match within(self.answer_of_marker()).await {
            Ok(Ok((answer, _))) if answer.lines().any(|line| line == MARKER) => Ok(()),
            Ok(Ok((answer, exit_code))) => {
                let said = answer.lines().next().unwrap_or_default().chars().take(200).collect();
                Err(if exit_code.is_some_and(is_without_shell) {
                    Trouble::NoShell(said)
                } else {
                    Trouble::NotRunning(said)
                })
            }
            Ok(Err(trouble)) => Err(trouble),
            Err(_) => Err(Trouble::NotRunning("nothing".to_owned())),
        }
    }

    async fn answer_of_marker(&self) -> Result<(String, Option<u32>), Trouble> {
        let ended = self.run("", MARKER_COMMAND).await?.end().await;
        let Ended { mut said, complained, exit_code } = ended.map_err(|error| Trouble::Broken(error.to_string()))?;
        said.extend_from_slice(complained.as_bytes());
        said.truncate(LONGEST_ANSWER);
        Ok((String::from_utf8_lossy(&said).into_owned(), exit_code))
    }

    /// Begins a command, for the container's login shell.
    pub(super) async fn run(&self, service: &str, text: &str) -> Result<Command, Trouble> {
        let begun = async {
            let channel = self.0.channel_open_session().await?;
            // Nobody waits for the answer: what a command says of itself is what counts.
            channel.exec(false, text).await?;
            Ok(channel.split())
        };
        match within(begun).await {
            Ok(Ok((read, write))) => Ok(Command::new(service, read, write)),
            Ok(Err(Error::ChannelOpenFailure(ChannelOpenFailure::ResourceShortage))) => Err(Trouble::Full),
            Ok(Err(Error::ChannelOpenFailure(_))) => Err(Trouble::NotRunning(String::new())),
            Ok(Err(error)) => Err(Trouble::Broken(error.to_string())),
            Err(late) => Err(Trouble::Broken(late)),
        }
    }

    /// Reaches a port of the container's own loopback.
    pub(super) async fn reach(&self, port: u16) -> Result<Stream, Trouble> {
        match within(self.0.channel_open_direct_tcpip("127.0.0.1", port.into(), "127.0.0.1", 0)).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(Error::ChannelOpenFailure(reason))) => Err(Trouble::from((reason, port))),
            Ok(Err(error)) => Err(Trouble::Broken(error.to_string())),
            Err(late) => Err(Trouble::Broken(late)),
        }
    }

    /// Says goodbye.
    pub(super) async fn close(&self) {
        within(self.0.disconnect(Disconnect::ByApplication, "", "")).await.ok();
    }
}

/// Whether a command that does nothing but say something ended so because there is nothing that runs it.
fn is_without_shell(exit_code: u32) -> bool {
    matches!(exit_code, 126 | 127)
}

fn config() -> client::Config {
    client::Config {
        window_size: WINDOW_BYTES,
        channel_buffer_size: MESSAGES_AT_ONCE,
        preferred: Preferred { cipher: ciphers(), ..Preferred::DEFAULT },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVE_RETRIES,
        nodelay: true,
        ..client::Config::default()
    }
}

/// The ciphers that `russh` has, what a processor does itself first: AES, where it has instructions for it.
fn ciphers() -> Cow<'static, [cipher::Name]> {
    let usual = Preferred::DEFAULT.cipher;
    match has_aes() {
        true => {
            let others = usual.iter().filter(|name| **name != cipher::AES_256_GCM).copied();
            [cipher::AES_256_GCM].into_iter().chain(others).collect()
        }
        false => usual,
    }
}

fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// What came in time, or that nothing did.
async fn within<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    let late = || format!("no answer within {} s", ANSWER_WITHIN.as_secs());
    tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(|_| late())
}
