//! The edge: an HTTP proxy that answers for every host name of the world, with TLS by a CA of its own.

use crate::backend::Backend;
use crate::caddy;
use crate::forward::no_answer;
use crate::outside::Sent;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tower::ServiceExt;

/// The host that a CLI without the loopback override talks to.
const BACKBOARD_HOST: &str = "backboard.railway.com";

pub(crate) struct Edge {
    backend: Arc<Backend>,
    router: Router,
    authority: Authority,
}

impl Edge {
    pub(crate) fn new(backend: Arc<Backend>, router: Router, authority: Authority) -> Arc<Self> {
        Arc::new(Edge { backend, router, authority })
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let edge = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| edge.clone().proxy(request));
                // A client that hangs up is none of our business.
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await.ok();
            });
        }
    }

    async fn proxy(self: Arc<Self>, request: Request<Incoming>) -> Result<Response, Infallible> {
        if request.method() != Method::CONNECT {
            let host = request.uri().host().map(str::to_owned).unwrap_or_default();
            return Ok(self.answer(&host, request).await);
        }
        let host = request.uri().host().map(str::to_owned).unwrap_or_default();
        if request.uri().port_u16() != Some(443) {
            return Ok((StatusCode::FORBIDDEN, "only port 443 is reached through this proxy").into_response());
        }
        tokio::spawn(async move {
            let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
            if let Err(error) = self.tunnel(host, TokioIo::new(upgraded)).await {
                eprintln!("backboard: edge: {error:#}");
            }
        });
        Ok(StatusCode::OK.into_response())
    }

    async fn tunnel(
        self: Arc<Self>,
        host: String,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<()> {
        let config = self.authority.config_for(&host).with_context(|| format!("make a certificate for `{host}`"))?;
        // A client that does not like our certificate says so on its own side.
        let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return Ok(()) };
        let service = service_fn(move |request: Request<Incoming>| {
            let (edge, host) = (self.clone(), host.clone());
            async move { Ok::<_, Infallible>(edge.answer(&host, request).await) }
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        Ok(())
    }

    /// Keeps what was sent to somebody else.
    async fn note(&self, host: &str, request: Request<Incoming>) {
        let (parts, body) = request.into_parts();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let (method, agent) = (parts.method.to_string(), agent.to_owned());
        let url = format!("https://{host}{}", parts.uri.path_and_query().map_or("/", PathAndQuery::as_str));
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        self.backend.outside.note(Sent { method, url, agent, body });
    }

    async fn answer(&self, host: &str, request: Request<Incoming>) -> Response {
        if host == BACKBOARD_HOST {
            let request = request.map(Body::new);
            return self.router.clone().oneshot(request).await.into_response();
        }
        if self.backend.git.has(host) {
            return self.backend.git.answer(host, request).await;
        }
        let model = self.backend.current();
        let Some((environment, service)) = model.route(host) else {
            self.note(host, request).await;
            return not_found();
        };
        let runtime = &self.backend.runtime;
        runtime.containers.wake(environment, service);
        if let Some((port, local)) = runtime.program(environment, service) {
            return match model.target_port(environment, service, host) {
                Some(target) if target != port => no_answer("nobody listens on the domain's port"),
                _ => caddy::respond(local, host, request.map(Body::new)).await,
            };
        }
        match runtime.app(environment, service) {
            Some(app) => app.respond(host, &with_scheme(request.into_parts().0)).await,
            None => not_found(),
        }
    }
}

/// What comes to an app has been here, and says so.
fn with_scheme(mut request: Parts) -> Parts {
    request.headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    request
}

/// What Railway says for a host that leads nowhere.
fn not_found() -> Response {
    let body = r#"{"status":"error","code":404,"message":"Application not found","request_id":"backboard"}"#;
    let headers = [(header::CONTENT_TYPE.as_str(), "application/json"), ("x-railway-fallback", "true")];
    (StatusCode::NOT_FOUND, headers, body).into_response()
}

/// A CA that signs a certificate for each host that is asked for.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "backboard test CA");
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem, configs: Mutex::default() })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    fn config_for(&self, host: &str) -> Result<Arc<ServerConfig>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(host) {
            return Ok(config.clone());
        }
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        configs.insert(host.to_owned(), config.clone());
        Ok(config)
    }
}
