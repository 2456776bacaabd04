//! The login: a line that is secured first, a password that is never told as it is to a line that is not, and what proves that
//! the server is the one that is meant.

use anyhow::{Context as _, Result, ensure};
use mysql_common::auth::plugins::{AuthProc, ChallengeResponsePlugin as _, Context, Response};
use mysql_common::constants::CapabilityFlags;
use mysql_common::packets::{AuthPlugin, HandshakeResponse, SslRequest};
use mysql_common::proto::MySerialize as _;
use sha2::{Digest as _, Sha256};

use super::answer::{self, END, ERROR, OK, Reader};
use super::connect::Family;
use super::dial::dial;
use super::endpoint::{Endpoint, Fingerprint, TlsMode};
use super::fault::Fault;
use super::greeting::{Greeting, SCRAMBLE_BYTES};
use super::line::{ByteStream, Line};
use super::settings::Purpose;
use super::{refusal, tls};
use crate::error::Failure;

/// The longest packet that we say we take; a row may be longer, since we join them.
const MOST_BYTES: u32 = 1 << 30;
/// No way to log in has more turns.
const MOST_TURNS: usize = 6;
/// `utf8mb4_general_ci`, which all servers know.
const COLLATION: u8 = 45;
/// The first version that proves its certificate with what it knows of the password.
const PROVES_SINCE: (u16, u16) = (11, 4);
/// What such a proof begins with.
const SHA256_MARK: u8 = 1;

const BASE: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA);

/// What is known of who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing: the line is in clear.
    InClear,
    /// Nothing: anybody can make a certificate such as this one.
    Nothing(Fingerprint),
    /// It knows the password, and that this is its certificate.
    Password(Fingerprint),
    /// Its certificate is one that is pinned.
    Pinned(Fingerprint),
    /// The relay has led to the container of this very service instance, on a line that is its own; there may be TLS within it.
    Instance { has_tls: bool },
}

/// A line that somebody has logged in on.
pub(super) struct LoggedIn {
    pub(super) line: Line,
    pub(super) greeting: Greeting,
    pub(super) proof: Proof,
}

/// Opens the socket, secures it and logs in.
pub(super) async fn log_in(endpoint: &Endpoint, purpose: Purpose) -> Result<LoggedIn> {
    log_in_on(dial(endpoint).await?, endpoint, purpose).await
}

/// Secures a stream and logs in on it.
pub(super) async fn log_in_on(stream: Box<dyn ByteStream>, endpoint: &Endpoint, purpose: Purpose) -> Result<LoggedIn> {
    let mut line = Line::new(stream);
    let greeting = Greeting::read(line.whole().await.map_err(Fault::at_first)?)?;
    refuse_others(&greeting)?;
    let offered = CapabilityFlags::from_bits_truncate(greeting.capabilities);
    ensure!(
        offered.contains(BASE - CapabilityFlags::CLIENT_LONG_PASSWORD),
        Fault::of_answer("the server is too old to log in to")
    );
    let mut capabilities = BASE;
    if purpose == Purpose::Fill {
        // On any other session a server that asks for a file asks for what nobody offered.
        capabilities |= CapabilityFlags::CLIENT_LOCAL_FILES;
    }
    if !endpoint.database.is_empty() {
        // Said with the wish for TLS, too: what is said later a server may not read again.
        capabilities |= CapabilityFlags::CLIENT_CONNECT_WITH_DB;
    }
    // It begins behind the login, so that nothing of that is compressed, and within TLS.
    let is_compressed = endpoint.is_compressed && offered.contains(CapabilityFlags::CLIENT_COMPRESS);
    if is_compressed {
        capabilities |= CapabilityFlags::CLIENT_COMPRESS;
    }
    let has_tls = offered.contains(CapabilityFlags::CLIENT_SSL);
    let mut proof = if endpoint.through.is_some() { Proof::Instance { has_tls: false } } else { Proof::InClear };
    match endpoint.tls {
        TlsMode::Require if !has_tls => return Err(refusal::without_tls(greeting.family)),
        TlsMode::Require | TlsMode::Prefer if has_tls => {
            capabilities |= CapabilityFlags::CLIENT_SSL;
            let mut request = Vec::new();
            SslRequest::new(capabilities, MOST_BYTES, COLLATION).serialize(&mut request);
            line.send(&request).await?;
            let sequence = line.sequence();
            let (stream, met) = tls::secure(line.into_stream()?, endpoint).await?;
            line = Line::over(stream, sequence);
            proof = match proof {
                Proof::Instance { .. } => Proof::Instance { has_tls },
                _ if endpoint.pinned.is_empty() => Proof::Nothing(met),
                _ => Proof::Pinned(met),
            };
        }
        _ => {}
    }
    ensure!(
        endpoint.pinned.is_empty() || matches!(proof, Proof::Pinned(_)),
        Failure::invalid("a certificate is pinned, and the line has none")
            .hint("use TLS: take `sslmode` out of the URL")
    );
    let login = Login { endpoint, greeting: &greeting, capabilities, proof };
    let proof = login.run(&mut line).await?;
    let line = if is_compressed { line.compressed()? } else { line };
    Ok(LoggedIn { line, greeting, proof })
}

fn refuse_others(greeting: &Greeting) -> Result<()> {
    if let Some(name) = refusal::is_of_another(&greeting.version_text) {
        return Err(refusal::of_another(name));
    }
    refusal::of_age(greeting.family, greeting.version)
}

/// What a login goes by.
struct Login<'a> {
    endpoint: &'a Endpoint,
    greeting: &'a Greeting,
    capabilities: CapabilityFlags,
    proof: Proof,
}

impl Login<'_> {
    async fn run(&self, line: &mut Line) -> Result<Proof> {
        let announced = AuthPlugin::from_bytes(&self.greeting.plugin);
        // What mixes passwords in another way is asked for by the server when the login has it.
        let begins_with = match announced {
            AuthPlugin::CachingSha2Password => AuthPlugin::CachingSha2Password,
            _ => AuthPlugin::MysqlNativePassword,
        };
        let mut procedure = self.procedure(&begins_with)?;
        let response =
            if begins_with == announced { self.answer(&mut procedure, &self.greeting.scramble)? } else { None };
        line.send(&self.response(response.unwrap_or_default(), begins_with.clone())).await?;
        let (mut plugin, mut has_switched) = (begins_with.into_owned(), false);
        for _ in 0..MOST_TURNS {
            let packet = line.whole().await?.to_vec();
            match packet.first() {
                Some(&OK) => return self.proven(&plugin, &procedure, &answer::done(&packet)?.info),
                Some(&ERROR) => return Err(self.told(answer::error(&packet))),
                Some(&END) if !has_switched => {
                    let mut reader = Reader(&packet[1..]);
                    let name = reader.until_nul().context("read how to log in").map_err(|_| garbled())?;
                    let asked = AuthPlugin::from_bytes(name);
                    (plugin, has_switched) = (asked.into_owned(), true);
                    procedure = self.procedure(&plugin)?;
                    let response = self.answer(&mut procedure, challenge(&plugin, reader.0))?;
                    line.send(&response.unwrap_or_default()).await?;
                }
                Some(&1) if plugin == AuthPlugin::CachingSha2Password => {
                    if let Some(response) = self.answer(&mut procedure, &packet[1..])? {
                        line.send(&response).await?;
                    }
                }
                _ => return Err(garbled().into()),
            }
        }
        Err(garbled().into())
    }

    /// What goes through a way to log in, if it is one that gives nothing away.
    fn procedure(&self, plugin: &AuthPlugin<'_>) -> Result<AuthProc> {
        let is_known =
            matches!(plugin, AuthPlugin::MysqlNativePassword | AuthPlugin::CachingSha2Password | AuthPlugin::Ed25519);
        if !is_known {
            return Err(refusal::of_plugin(&String::from_utf8_lossy(plugin.as_bytes())));
        }
        if self.endpoint.must_be_proven && !self.may_be_proven(plugin) {
            return Err(refusal::of_unproven(self.fingerprint().map(|met| met.to_string()).as_deref()));
        }
        plugin.init().map_err(|_| refusal::of_plugin(&String::from_utf8_lossy(plugin.as_bytes())))
    }

    /// Whether the server is proven, or can be once the login has gone through.
    fn may_be_proven(&self, plugin: &AuthPlugin<'_>) -> bool {
        match self.proof {
            Proof::Pinned(_) | Proof::Password(_) | Proof::Instance { .. } => true,
            Proof::Nothing(_) => self.proves_itself(plugin),
            Proof::InClear => false,
        }
    }

    /// Whether a server of this version says what only one can know that has this login's password.
    fn proves_itself(&self, plugin: &AuthPlugin<'_>) -> bool {
        let (major, minor, _) = self.greeting.version;
        let has_password = self.endpoint.password.is_some();
        self.greeting.family == Family::MariaDb
            && (major, minor) >= PROVES_SINCE
            && has_password
            && plugin.supports_password_hash()
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        match self.proof {
            Proof::InClear | Proof::Instance { .. } => None,
            Proof::Nothing(met) | Proof::Password(met) | Proof::Pinned(met) => Some(met),
        }
    }

    /// The answer to a challenge, if there is one. What asks for the password itself gets it over TLS alone: without, the next
    /// thing to come would be a key, of whoever answers.
    fn answer(&self, procedure: &mut AuthProc, challenge: &[u8]) -> Result<Option<Vec<u8>>> {
        const SEND_PASSWORD: &[u8] = &[4];
        if matches!(procedure, AuthProc::CachingSha2Password(_))
            && challenge == SEND_PASSWORD
            && !self.is_tls_transport()
        {
            return Err(refusal::of_full_login());
        }
        match procedure.run(self, challenge).map_err(|_| garbled())? {
            Response::Next { packet } | Response::Last { packet } => Ok(packet),
        }
    }

    fn response(&self, scramble: Vec<u8>, plugin: AuthPlugin<'_>) -> Vec<u8> {
        let database = Some(self.endpoint.database.as_bytes()).filter(|database| !database.is_empty());
        let user = Some(self.endpoint.user.as_bytes());
        let response = HandshakeResponse::new(
            Some(scramble),
            self.greeting.version,
            user,
            database,
            Some(plugin),
            self.capabilities,
            None,
            MOST_BYTES,
        );
        let mut bytes = Vec::new();
        response.serialize(&mut bytes);
        bytes
    }

    /// What is known of the server now that it has let us in. MariaDB tells a hash of what it keeps of the password, of what it
    /// greeted with, and of its certificate: who stands in between has another one.
    fn proven(&self, plugin: &AuthPlugin<'_>, procedure: &AuthProc, info: &[u8]) -> Result<Proof> {
        let Proof::Nothing(met) = self.proof else { return Ok(self.proof) };
        if !self.proves_itself(plugin) {
            return Ok(self.proof);
        }
        let kept = procedure.password_hash(self).context("hash the password")?;
        let wanted =
            Sha256::new().chain_update(kept).chain_update(&self.greeting.scramble).chain_update(met.0).finalize();
        let wanted = data_encoding::HEXLOWER.encode(&wanted);
        match info {
            [SHA256_MARK, said @ ..] if said.eq_ignore_ascii_case(wanted.as_bytes()) => Ok(Proof::Password(met)),
            _ => Err(refusal::of_middle()),
        }
    }

    fn told(&self, fault: Fault) -> anyhow::Error {
        anyhow::Error::from(fault).context(format!("log in as `{}`", self.endpoint.user))
    }
}

impl Context for &Login<'_> {
    fn pass(&self) -> &[u8] {
        self.endpoint.password.as_ref().map_or(b"", |password| password.expose().as_bytes())
    }

    fn is_ipc_transport(&self) -> bool {
        false
    }

    fn is_tls_transport(&self) -> bool {
        !matches!(self.proof, Proof::InClear | Proof::Instance { has_tls: false })
    }

    fn scramble(&self) -> &[u8] {
        &self.greeting.scramble
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

/// What a password is to be mixed with; where it is of the usual length, a NUL follows.
fn challenge<'a>(plugin: &AuthPlugin<'_>, data: &'a [u8]) -> &'a [u8] {
    match plugin {
        AuthPlugin::Ed25519 => data,
        _ => data.get(..SCRAMBLE_BYTES).filter(|_| data.len() <= SCRAMBLE_BYTES + 1).unwrap_or_default(),
    }
}

fn garbled() -> Fault {
    Fault::of_answer("the server's part in the login is garbled")
}
