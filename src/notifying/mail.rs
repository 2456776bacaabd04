//! The event as a letter, and the server that takes it.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::external::mail::{Line, Server, letter, send};
use crate::notifying::channel::{MAIL_FROM, MAIL_TO, MAIL_URL};
use crate::notifying::event::Event;
use crate::notifying::retries::Trouble;
use crate::notifying::{receiver, words};
use crate::secret::Secret;

/// Who takes letters, by whom they are, and for whom.
pub(crate) struct Mailing {
    url: Url,
    port: u16,
    line: Line,
    login: Option<(String, Secret)>,
    from: Secret,
    to: Secret,
}

impl Mailing {
    /// What three secrets say: `smtps://USER:PASSWORD@HOST`, or `smtp://…` for STARTTLS, or `smtp+plain://…` where the policy names the host.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`], naming the secret and not what is in it.
    pub(super) fn of(policy: &Policy, url: &Secret, from: Option<Secret>, to: Option<Secret>) -> Result<Self> {
        let wrong =
            || Failure::invalid(format!("{MAIL_URL} is no address such as `smtps://user:password@mail.example.com`"));
        let url = Url::parse(url.expose().trim()).ok().with_context(wrong)?;
        let (line, usual) = match url.scheme() {
            "smtps" => (Line::Tls, 465),
            "smtp" => (Line::StartTls, 587),
            "smtp+plain" => (Line::Plain, 25),
            _ => return Err(wrong().into()),
        };
        ensure!(url.host_str().is_some_and(|host| !host.is_empty()), wrong());
        let port = url.port().unwrap_or(usual);
        ensure!(
            line != Line::Plain || receiver::may_be_private(policy, &url, port),
            Failure::invalid(format!("{MAIL_URL} is a line without TLS, which the policy does not allow")).hint(
                "make it `smtps://` or `smtp://`, or add its `host` or `host:port` to `private_receivers` in the policy"
            )
        );
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from).with_context(wrong);
        let login = match (url.username(), url.password()) {
            ("", _) => None,
            (user, password) => Some((decoded(user)?, Secret::new(decoded(password.unwrap_or_default())?))),
        };
        let missing = |name: &str| Failure::invalid(format!("there is no {name}"));
        let (from, to) = (from.with_context(|| missing(MAIL_FROM))?, to.with_context(|| missing(MAIL_TO))?);
        letter("evt", from.expose(), to.expose(), "-", "-").map_err(|_| {
            Failure::invalid(format!(
                "{MAIL_FROM} or {MAIL_TO} is no list of addresses such as `a@example.com, b@example.com`"
            ))
        })?;
        Ok(Self { url, port, line, login, from, to })
    }

    /// Hands the letter over once.
    pub(super) async fn once(&self, policy: &Policy, event: &Event, number: u32) -> Result<(), Trouble> {
        let letter =
            letter(&event.id, self.from.expose(), self.to.expose(), &words::subject(event), &words::text(event));
        let letter = letter.map_err(Trouble::lasting)?;
        let at = receiver::addresses(policy, &self.url, self.port).await?;
        let address: SocketAddr = at[number as usize % at.len()];
        let name = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let server = Server { address, name, line: self.line, login: self.login.clone() };
        send(server, letter).await.map_err(|not_taken| match not_taken.is_final {
            true => Trouble::lasting(not_taken.error.context(Failure::outside("the mail server refused it"))),
            false => Trouble::passing(not_taken.error),
        })
    }
}
