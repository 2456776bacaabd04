//! The only place that speaks SMTP: one letter in plain text, over a line that is named by whoever sends it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::secret::Secret;

/// How long one delivery may take.
const DELIVERY: Duration = Duration::from_secs(30);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// How a line is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, without which nothing is sent.
    StartTls,
    /// Anybody on the way can read it.
    Plain,
}

/// A server that takes mail.
pub(crate) struct Server<'a> {
    pub address: SocketAddr,
    /// Whose certificate it must have.
    pub name: &'a str,
    pub line: Line,
    pub login: Option<(String, Secret)>,
}

/// What a server said to a letter that it did not take, or that it said nothing.
pub(crate) struct NotTaken {
    pub error: anyhow::Error,
    /// Whether it would say the same again.
    pub is_final: bool,
}

/// A letter in plain text.
///
/// # Errors
/// When a sender or receiver is no address.
pub(crate) fn letter(id: &str, from: &str, to: &str, subject: &str, text: &str) -> Result<Message> {
    let from: Mailbox = from.parse().context("read the sender's address")?;
    let to: Mailboxes = to.parse().context("read the receivers' addresses")?;
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let headed = to.into_iter().fold(Message::builder(), lettre::message::MessageBuilder::to);
    // What stands there already as if it were encoded would be read as something else.
    let subject = subject.replace("=?", "= ?");
    let headed = headed.from(from).subject(subject).message_id(Some(format!("<{id}@railstage>")));
    let headed = headed.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN);
    headed
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .body(text.to_owned())
        .context("write the letter")
}

/// Hands a letter over.
///
/// # Errors
/// What the server said, or that the line broke.
pub(crate) async fn send(server: Server<'_>, letter: Message) -> Result<(), NotTaken> {
    let passing = |error| NotTaken { error, is_final: false };
    let tls = || TlsParameters::new(server.name.to_owned()).context("set up TLS").map_err(passing);
    let tls = match server.line {
        Line::Tls => Tls::Wrapper(tls()?),
        Line::StartTls => Tls::Required(tls()?),
        Line::Plain => Tls::None,
    };
    // By the very address that was judged.
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.address.ip().to_string())
        .port(server.address.port())
        .tls(tls)
        .timeout(Some(ANSWER));
    let transport = match server.login {
        Some((user, password)) => transport.credentials(Credentials::new(user, password.expose().to_owned())),
        None => transport,
    };
    match tokio::time::timeout(DELIVERY, transport.build().send(letter)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            let is_final = error.is_permanent() || error.is_client();
            Err(NotTaken { error: error.into(), is_final })
        }
        Err(_) => Err(passing(anyhow::anyhow!("it was not done within {} s", DELIVERY.as_secs()))),
    }
}
