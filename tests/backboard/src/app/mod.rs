//! A deployed app: a small shop front that shows what is in the database of its own `DATABASE_URL`.

mod habits;
mod page;
mod site;

use crate::backend::Backend;
use crate::model::variables::Variables;
use crate::private_network;
use crate::upload::Files;
use anyhow::{Context, Result, bail};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use site::{Contents, Site};
use std::sync::{Arc, Weak};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

/// A running container: the variables are those of its deployment, not later ones.
#[derive(Clone)]
pub(crate) struct App {
    container: Arc<Container>,
    server: Arc<JoinHandle<()>>,
    /// Whether it was ended: then no connection to it goes on.
    ended: watch::Sender<bool>,
}

struct Container {
    backend: Weak<Backend>,
    environment: Uuid,
    variables: Variables,
    /// The site that was uploaded, which is shown in the shop's place.
    files: Option<Arc<Files>>,
    port: u16,
}

impl App {
    pub(crate) async fn start(
        backend: &Arc<Backend>,
        environment: Uuid,
        variables: Variables,
        files: Option<Arc<Files>>,
    ) -> Result<App> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen for the app")?;
        let port = listener.local_addr()?.port();
        let container = Container { backend: Arc::downgrade(backend), environment, variables, files, port };
        let container = Arc::new(container);
        let direct = container.clone();
        let routes = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let container = direct.clone();
            async move { container.respond(None, &request.into_parts().0).await }
        });
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("backboard: an app stopped: {error}");
            }
        });
        Ok(App { container, server: Arc::new(server), ended: watch::Sender::new(false) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.container.port
    }

    /// Answers a request that came for a host name.
    pub(crate) async fn respond(&self, host: &str, request: &Parts) -> Response {
        self.container.respond(Some(host), request).await
    }

    /// The port by which others of its environment reach it.
    pub(crate) fn private_port(&self) -> u16 {
        self.container.variables.get("PORT").and_then(|port| port.parse().ok()).unwrap_or(8080)
    }

    pub(crate) fn stop(self) {
        self.server.abort();
        self.ended.send_replace(true);
    }

    /// Waits until the container has been ended.
    pub(crate) async fn ended(&self) {
        self.ended.subscribe().wait_for(|ended| *ended).await.ok();
    }
}

impl Container {
    /// Without a host the request came by the direct port, where any site is at home.
    async fn respond(&self, host: Option<&str>, request: &Parts) -> Response {
        if let Some(answer) = habits::answer(host, request) {
            return answer;
        }
        let path = request.uri.path();
        if let Some(files) = &self.files {
            return uploaded(files, path);
        }
        let site = match self.read().await {
            Ok(site) => site,
            Err(error) => return unavailable(&format!("{error:#}")),
        };
        if let (Some(host), Contents::Shop(shop)) = (host, &site.contents) {
            let defined = ["WP_SITEURL", "WP_HOME"].iter().filter_map(|name| self.variables.get(*name));
            let home = [&shop.siteurl].into_iter().chain(defined).find(|url| host_of(url) != Some(host));
            if let Some(home) = home.filter(|url| host_of(url).is_some()) {
                let target = format!("{}{path}", home.trim_end_matches('/'));
                let location = HeaderValue::from_str(&target).unwrap_or(HeaderValue::from_static("/"));
                return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response();
            }
        }
        (habits::told(request), Html(page::render(&site))).into_response()
    }

    async fn read(&self) -> Result<Site> {
        let client = self.connect().await.context("Error establishing a database connection")?;
        let value = |name: &str| self.variables.get(name).cloned().unwrap_or_default();
        Ok(Site {
            environment_type: value("WP_ENVIRONMENT_TYPE"),
            railway_environment: value("RAILWAY_ENVIRONMENT_NAME"),
            service: value("RAILWAY_SERVICE_NAME"),
            contents: site::read(&client).await?,
        })
    }

    async fn connect(&self) -> Result<Client> {
        let url = self.variables.get("DATABASE_URL").context("DATABASE_URL is not set")?;
        let mut config: Config = url.parse().context("DATABASE_URL is not a database URL")?;
        let Some(Host::Tcp(host)) = config.get_hosts().first().cloned() else { bail!("DATABASE_URL names no host") };
        if host.ends_with(private_network::SUFFIX) {
            let port = private_network::database(&self.backend, self.environment, &host);
            let port = port.with_context(|| format!("getaddrinfo ENOTFOUND {host}"))?;
            let mut inside = Config::new();
            inside.host("127.0.0.1").port(port).user(config.get_user().unwrap_or_default());
            inside.password(config.get_password().unwrap_or_default()).dbname(config.get_dbname().unwrap_or_default());
            config = inside;
        }
        config.connect_timeout(std::time::Duration::from_secs(5)).ssl_mode(tokio_postgres::config::SslMode::Disable);
        config.options("-c default_transaction_read_only=on").application_name("shop");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// A file of a site that was uploaded.
fn uploaded(files: &Files, path: &str) -> Response {
    let path = path.trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    match files.get(name) {
        Some(content) => Html(content.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, "no such file").into_response(),
    }
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.split(['/', ':', '?']).next().filter(|host| !host.is_empty())
}

pub(crate) fn unavailable(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Html(page::problem(why))).into_response()
}
