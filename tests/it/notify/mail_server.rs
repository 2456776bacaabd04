//! Somebody's mail server, as far as a letter needs one: it keeps what it was told, under TLS or not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// TLS from the first byte.
    Tls,
    StartTls,
    /// There is no TLS to be had.
    Plain,
}

pub(super) struct MailServer {
    pub port: u16,
    /// Its certificate, which nobody else trusts.
    pub certificate: NamedTempFile,
    heard: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// A server that answers `MAIL` with these lines first, and takes everything after.
    pub(super) async fn open<const N: usize>(kind: Kind, refusals: [&'static str; N]) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let certificate = NamedTempFile::new().unwrap();
        std::fs::write(certificate.path(), cert.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (acceptor, refusals) =
            (TlsAcceptor::from(Arc::new(config)), Arc::new(Mutex::new(VecDeque::from(refusals))));
        let talk = Talk { heard: heard.clone(), refusals };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk.clone().serve(stream, kind, acceptor.clone()));
            }
        });
        Self { port, certificate, heard }
    }

    /// All lines that it heard.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// What followed each `DATA`, up to the dot.
    pub(super) fn letters(&self) -> Vec<String> {
        let heard = self.heard().join("\n");
        heard.split("DATA\n").skip(1).map(|rest| rest.split("\n.\n").next().unwrap().to_owned()).collect()
    }
}

#[derive(Clone)]
struct Talk {
    heard: Arc<Mutex<Vec<String>>>,
    refusals: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Talk {
    async fn serve(self, stream: TcpStream, kind: Kind, acceptor: TlsAcceptor) -> std::io::Result<()> {
        if kind == Kind::Tls {
            return self.talk(acceptor.accept(stream).await?, false, true).await.map(|_| ());
        }
        match self.talk(stream, kind == Kind::StartTls, true).await? {
            Some(stream) => self.talk(acceptor.accept(stream).await?, false, false).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Talks until the other side is done; gives the line back when it asks for TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        has_tls: bool,
        greets: bool,
    ) -> std::io::Result<Option<S>> {
        let (mut stream, mut line, mut in_letter) = (BufReader::new(stream), String::new(), false);
        if greets {
            stream.write_all(b"220 localhost ready\r\n").await?;
        }
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let text = line.trim_end_matches(['\r', '\n']);
            self.heard.lock().unwrap().push(text.to_owned());
            if in_letter {
                in_letter = text != ".";
                if !in_letter {
                    stream.write_all(b"250 taken\r\n").await?;
                }
                continue;
            }
            let refusal = if text.starts_with("MAIL") { self.refusals.lock().unwrap().pop_front() } else { None };
            let answer = match text.split(' ').next().unwrap() {
                _ if refusal.is_some() => refusal.unwrap(),
                "EHLO" if has_tls => "250-localhost\r\n250 STARTTLS",
                "EHLO" => "250-localhost\r\n250 AUTH PLAIN",
                "STARTTLS" => "220 go ahead",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            match text {
                "STARTTLS" => return Ok(Some(stream.into_inner())),
                "QUIT" => return Ok(None),
                _ => in_letter = text == "DATA",
            }
        }
    }
}
