//! The only place that speaks HTTP: visiting a page of the copy, asking a server what time it is, reading JSON, and posting it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

use crate::external::tls;
use crate::secret::Secret;

/// How long one page may take.
const PAGE: Duration = Duration::from_secs(20);

/// How long a receiver may take to answer.
const POST: Duration = Duration::from_secs(10);

/// How much of a page is read, bytes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How much of an answer in JSON is read, bytes.
const JSON_LIMIT: usize = 32 * 1024 * 1024;

/// A client that follows no redirect by itself.
pub(crate) type Client = reqwest::Client;

/// One answer.
pub(crate) struct Page {
    pub status: u16,
    /// Where a redirect leads, as an absolute URL.
    pub location: Option<String>,
    pub body: String,
    headers: HeaderMap,
}

/// A name with a password that a page asks for.
pub(crate) struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a Secret,
}

impl Page {
    /// What a header says; the first one where there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether search engines are told to leave it alone.
    pub(crate) fn is_noindex(&self) -> bool {
        self.header("x-robots-tag").is_some_and(|robots| robots.contains("noindex"))
    }
}

/// A client that honours `HTTPS_PROXY` and `SSL_CERT_FILE`.
///
/// # Errors
/// When the system has no certificate that can be read.
pub(crate) fn client() -> Result<Client> {
    builder()?.timeout(PAGE).build().context("set up HTTP")
}

fn builder() -> Result<reqwest::ClientBuilder> {
    let mut tls = tls::client()?.with_root_certificates(tls::system_roots()?).with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none());
    Ok(builder.user_agent(concat!("railstage/", env!("CARGO_PKG_VERSION"))))
}

/// What a receiver said to what was posted.
pub(crate) struct Answer {
    pub status: u16,
    /// How long it asks to be left alone.
    pub wait: Option<Duration>,
}

/// Posts JSON to one of these addresses, by no proxy, and follows no redirect.
///
/// # Errors
/// When there is no answer; the URL, which may hold a key, is not told.
pub(crate) async fn post(url: &Url, at: &[SocketAddr], headers: &[(&str, String)], body: String) -> Result<Answer> {
    let client = builder()?.no_proxy().resolve_to_addrs(url.host_str().unwrap_or_default(), at).timeout(POST);
    let mut request = client.build().context("set up HTTP")?.post(url.clone());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let sent = request.header(CONTENT_TYPE, "application/json").body(body).send().await;
    let answer = sent.map_err(reqwest::Error::without_url)?;
    let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).and_then(waited);
    Ok(Answer { status: answer.status().as_u16(), wait })
}

/// A time to wait as a server tells it: seconds, or a date.
fn waited(told: &str) -> Option<Duration> {
    let seconds = told.trim().parse().ok().map(Duration::from_secs);
    let until = || rfc2822::parse(told).ok()?.timestamp().duration_since(Timestamp::now()).try_into().ok();
    seconds.or_else(until)
}

/// What time it is for whoever answers at `url`, whatever the answer.
///
/// # Errors
/// When there is no answer, or none that tells the time.
pub(crate) async fn time(client: &Client, url: &str) -> Result<Timestamp> {
    let response = client.get(url).header(CACHE_CONTROL, "no-cache").send().await?;
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok()).context("the answer has no date")?;
    let told = rfc2822::parse(date).with_context(|| format!("the answer's date is `{}`", date.escape_debug()))?;
    Ok(told.timestamp())
}

/// What somebody answers at `url` in JSON; `login` is `user:password`.
///
/// # Errors
/// When there is no answer, or it is a refusal, too long or no such JSON.
pub(crate) async fn json<T: DeserializeOwned>(client: &Client, url: &str, login: Option<&Secret>) -> Result<T> {
    let mut request = client.get(url);
    if let Some((user, password)) = login.and_then(|login| login.expose().split_once(':')) {
        request = request.basic_auth(user, Some(password));
    }
    let mut response = request.send().await?;
    ensure!(response.status().is_success(), "HTTP status {}", response.status().as_u16());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= JSON_LIMIT, "the answer is longer than {JSON_LIMIT} bytes");
    }
    serde_json::from_slice(&body).context("the answer is no JSON of the kind that was asked for")
}

/// Fetches `url`.
///
/// # Errors
/// When there is no answer.
pub(crate) async fn visit(client: &Client, url: &str, login: Option<&Credentials<'_>>) -> Result<Page> {
    let mut request = client.get(url);
    if let Some(Credentials { user, password }) = login {
        request = request.basic_auth(user, Some(password.expose()));
    }
    let mut response = request.send().await?;
    let headers = response.headers().clone();
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
    let location = location.and_then(|l| response.url().join(l).ok()).map(String::from);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_LIMIT {
            break;
        }
    }
    Ok(Page { status, location, body: String::from_utf8_lossy(&body).into_owned(), headers })
}
