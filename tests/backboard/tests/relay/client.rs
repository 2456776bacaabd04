//! A client of the relay that is none of railstage's code, and keys for it.

use crate::support::data;
use anyhow::{Context, Result, ensure};
use backboard::World;
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, key::safe_rng};
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;

pub(crate) struct Key(pub(crate) PrivateKey);

impl Key {
    pub(crate) fn new() -> Result<Key> {
        Ok(Key(PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?))
    }

    pub(crate) fn public(&self) -> Result<String> {
        Ok(self.0.public_key().to_openssh()?)
    }

    /// Registers it with the account; gives its id.
    pub(crate) fn register(&self, world: &World, name: &str) -> Result<String> {
        let create = "mutation($input: SshPublicKeyCreateInput!) { sshPublicKeyCreate(input: $input) { id name publicKey fingerprint userId workspaceId createdAt } }";
        let made = data(world, create, json!({ "input": { "name": name, "publicKey": self.public()? } }))?;
        let made = &made["sshPublicKeyCreate"];
        ensure!(made["userId"].is_string() && made["workspaceId"].is_null(), "{made}");
        Ok(made["id"].as_str().context("no id")?.to_owned())
    }

    pub(crate) fn remove(world: &World, id: &str) -> Result<()> {
        data(world, "mutation($id: String!) { sshPublicKeyDelete(id: $id) }", json!({ "id": id })).map(drop)
    }
}

/// Knows the relay by its host key.
struct Known(PublicKey);

impl client::Handler for Known {
    type Error = anyhow::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool> {
        Ok(shown.public_key().key_data() == self.0.key_data())
    }
}

pub(crate) struct Client(Handle<Known>);

/// What a command said, and how it ended.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<u32>,
}

impl Client {
    pub(crate) async fn login(world: &World, instance: &str, key: &Key) -> Result<Client> {
        let known = Known(PublicKey::from_openssh(world.relay_host_key())?);
        let address = ("127.0.0.1", world.relay_port());
        let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
        let mut session = client::connect(config, address, known).await?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.0.clone()), None);
        let answer = session.authenticate_publickey(instance, key).await?;
        ensure!(answer.success(), "refused");
        Ok(Client(session))
    }

    pub(crate) async fn command(&self, text: &str) -> Result<Channel<Msg>> {
        let channel = self.0.channel_open_session().await?;
        channel.exec(true, text).await?;
        Ok(channel)
    }

    pub(crate) async fn run(&self, text: &str) -> Result<Said> {
        let channel = self.command(text).await?;
        channel.eof().await?;
        hear(channel).await
    }

    pub(crate) async fn forward(&self, host: &str, port: u32) -> Result<Channel<Msg>> {
        Ok(self.0.channel_open_direct_tcpip(host, port, "127.0.0.1", 1).await?)
    }
}

/// All that a command says until the channel is closed.
pub(crate) async fn hear(channel: Channel<Msg>) -> Result<Said> {
    hear_half(channel.split().0).await
}

/// The same, for whoever says something meanwhile.
pub(crate) async fn hear_half(mut channel: ChannelReadHalf) -> Result<Said> {
    let (mut stdout, mut stderr, mut status) = (Vec::new(), Vec::new(), None);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => stdout.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => stderr.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { stdout: text(stdout), stderr: text(stderr), status })
}

/// Says that a test cannot be done where no containers can be made; the name and the reason are noted as those of other tests are.
pub(crate) fn skip(test: &str) -> bool {
    skip_for(test, backboard::relay::containers_possible())
}

/// The same for another reason.
pub(crate) fn skip_for(test: &str, possible: Result<(), String>) -> bool {
    let Err(reason) = possible else { return false };
    let Some(path) = std::env::var_os("RAILSTAGE_TEST_SKIPPED").filter(|path| !path.is_empty()) else {
        panic!("{test} cannot be done here, and RAILSTAGE_TEST_SKIPPED names no file to say so in: {reason}");
    };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| writeln!(file, "{test}: {reason}")).expect("note a skipped test");
    true
}
