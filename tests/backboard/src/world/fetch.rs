//! Fetches a page through the edge, as a browser with the world's CA would.

use super::World;
use crate::outside::Sent;
use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// An answer of the edge; redirects are not followed.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
    pub headers: HeaderMap,
}

impl Fetched {
    /// The values of a header, one after the other.
    pub fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(" | ")
    }
}

impl World {
    /// The mails that WordPress has sent in an environment, by its containers that run.
    pub fn mails(&self, environment: &str) -> Result<Vec<String>> {
        Ok(self.backend.runtime.mails(self.find(environment)?))
    }

    /// What was sent to hosts that nobody here is.
    pub fn sent_outside(&self) -> Vec<Sent> {
        self.backend.outside.all()
    }

    /// `GET https://host/path` through the edge.
    pub async fn fetch(&self, host: &str, path: &str) -> Result<Fetched> {
        self.fetch_with(host, "GET", path, &[]).await
    }

    /// The same for any request without a body.
    pub async fn fetch_with(&self, host: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Fetched> {
        self.send(host, method, path, headers, String::new()).await
    }

    /// The same for any request.
    pub async fn send(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Fetched> {
        let tunnel = TcpStream::connect(("127.0.0.1", self.edge_port)).await.context("connect to the edge")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tunnel)).await?;
        let connection = tokio::spawn(connection.with_upgrades());
        let authority = format!("{host}:443");
        let connect = Request::builder().method(Method::CONNECT).uri(&authority).body(Empty::<Bytes>::new())?;
        let response = sender.send_request(connect).await?;
        ensure!(response.status().is_success(), "CONNECT {authority}: {}", response.status());
        let tunnel = TokioIo::new(hyper::upgrade::on(response).await?);
        connection.abort();

        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tunnel).await.context("TLS with the edge")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header(header::HOST, host);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Body::from(body))?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.map(str::to_owned);
        let headers = response.headers().clone();
        let body = response.into_body().collect().await?.to_bytes();
        connection.abort();
        Ok(Fetched { status, location, body: String::from_utf8_lossy(&body).into_owned(), headers })
    }
}
