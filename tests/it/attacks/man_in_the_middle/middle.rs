//! Somebody between a client and a Postgres server who answers in the server's place.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a client asks for TLS with.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What the one in the middle tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// Ends the client's TLS with a certificate of his own and passes all on, over TLS.
    Relays,
    /// The same, and takes `SCRAM-SHA-256-PLUS` out of what the server offers.
    Strips,
    /// Ends the client's TLS and asks for the password.
    AsksForPassword,
    /// Says that the server has no TLS.
    HasNoTls,
}

impl Trick {
    pub(super) const ALL: [Self; 4] = [Self::Relays, Self::Strips, Self::AsksForPassword, Self::HasNoTls];
}

/// In the middle, until dropped.
pub(super) struct Middle {
    pub port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Middle {
    /// In front of a server on the loopback.
    pub(super) async fn start(server_port: u16, trick: Trick) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, acceptor) = (Arc::<Mutex<Vec<u8>>>::default(), TlsAcceptor::from(own_certificate()));
        let ear = heard.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (ear, acceptor) = (ear.clone(), acceptor.clone());
                // Whoever notices hangs up.
                tokio::spawn(async move { deceive(client, server_port, trick, &acceptor, &ear).await.ok() });
            }
        });
        Self { port, heard, task }
    }

    /// Whether these words were said to him, in clear or within the TLS that he ended.
    pub(super) fn has_heard(&self, words: &str) -> bool {
        self.heard.lock().unwrap().windows(words.len()).any(|window| window == words.as_bytes())
    }
}

async fn deceive(
    mut client: TcpStream,
    server_port: u16,
    trick: Trick,
    acceptor: &TlsAcceptor,
    ear: &Mutex<Vec<u8>>,
) -> io::Result<()> {
    client.read_exact(&mut [0; 8]).await?;
    if trick == Trick::HasNoTls {
        client.write_all(b"N").await?;
        return ask(client, ear).await;
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    if trick == Trick::AsksForPassword {
        return ask(client, ear).await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", server_port)).await?;
    server.write_all(&TLS_REQUEST).await?;
    server.read_exact(&mut [0; 1]).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut server = TlsConnector::from(careless()).connect(name, server).await?;
    if trick == Trick::Strips {
        let startup = message(&mut client, 0, ear).await?;
        server.write_all(&startup).await?;
        let offer = message(&mut server, 1, &Mutex::default()).await?;
        client.write_all(&without_binding(&offer)).await?;
    }
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let back = async { tokio::io::copy(&mut from_server, &mut to_client).await.map(drop) };
    let forth = async {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let len = from_client.read(&mut bytes).await?;
            if len == 0 {
                return to_server.shutdown().await;
            }
            ear.lock().unwrap().extend_from_slice(&bytes[..len]);
            to_server.write_all(&bytes[..len]).await?;
        }
    };
    tokio::try_join!(back, forth).map(drop)
}

/// Asks for the password in clear, whatever comes first, and listens.
async fn ask(mut client: impl AsyncRead + AsyncWrite + Unpin, ear: &Mutex<Vec<u8>>) -> io::Result<()> {
    message(&mut client, 0, ear).await?;
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
    message(&mut client, 1, ear).await.map(drop)
}

/// One message, which has so many bytes before its length.
async fn message(from: &mut (impl AsyncRead + Unpin), before: usize, ear: &Mutex<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut message = vec![0; before + 4];
    from.read_exact(&mut message).await?;
    let len = u32::from_be_bytes(message[before..].try_into().unwrap()) as usize;
    message.resize(before + len, 0);
    from.read_exact(&mut message[before + 4..]).await?;
    ear.lock().unwrap().extend_from_slice(&message);
    Ok(message)
}

/// What a server offers, with nothing in it that would tell on us.
fn without_binding(offer: &[u8]) -> Vec<u8> {
    let plus = b"SCRAM-SHA-256-PLUS\0";
    let at = offer.windows(plus.len()).position(|window| window == plus).expect("a server with TLS offers it");
    let mut less = [&offer[..at], &offer[at + plus.len()..]].concat();
    let len = u32::try_from(less.len() - 1).unwrap();
    less[1..5].copy_from_slice(&len.to_be_bytes());
    less
}

pub(crate) fn own_certificate() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap())
}

/// TLS to whoever answers.
pub(crate) fn careless() -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().dangerous();
    Arc::new(config.with_custom_certificate_verifier(Arc::new(Careless)).with_no_client_auth())
}

#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
