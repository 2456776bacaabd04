//! A container of WordPress in its place in a world: with the private network and the world outside as its environment has them.

use super::container::{Container, ContainerOptions};
use super::image::{CONTENT, FOLDER};
use crate::backend::Backend;
use crate::model::variables::Variables;
use crate::private_network;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The port that the image listens on, whatever `PORT` says.
pub(crate) const PORT: i64 = 80;

/// The port of a database that `WORDPRESS_DB_HOST` names without one.
const OF_DATABASES: u16 = 3306;

pub(crate) struct Site {
    container: Container,
    /// The way to its database.
    line: JoinHandle<()>,
}

impl Site {
    /// On its volumes, by where they are mounted.
    pub(crate) async fn start(
        backend: &Arc<Backend>,
        environment: Uuid,
        mut variables: Variables,
        volumes: Vec<(String, PathBuf)>,
    ) -> Result<Site> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("open a line to the database")?;
        let host = variables.get("WORDPRESS_DB_HOST").map_or("mysql", String::as_str).to_owned();
        variables.insert("WORDPRESS_DB_HOST".to_owned(), format!("127.0.0.1:{}", listener.local_addr()?.port()));
        let line = tokio::spawn(connect(Arc::downgrade(backend), environment, host, listener));
        let at = |mount: &str| volumes.iter().find(|(path, _)| path == mount).map(|(_, folder)| folder.clone());
        let container = Container::start(ContainerOptions {
            variables: variables.into_iter().collect(),
            outside: backend.runtime.outside(),
            site: at(FOLDER),
            content: at(CONTENT),
            is_bare: backend.options.site_files.is_some(),
            parent: Some(backend.runtime.folder.clone()),
        });
        Ok(Site { container: container.await?, line })
    }

    pub(crate) fn port(&self) -> u16 {
        self.container.port()
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.container.mails()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.line.abort();
    }
}

/// Leads each connection to what its database's name stands for by then; where that is nobody, it ends.
async fn connect(backend: std::sync::Weak<Backend>, environment: Uuid, host: String, listener: TcpListener) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().unwrap_or(OF_DATABASES)),
        None => (host.as_str(), OF_DATABASES),
    };
    while let Ok((mut client, _)) = listener.accept().await {
        let address = match name.ends_with(private_network::SUFFIX) {
            true => private_network::database(&backend, environment, name).map(|port| ("127.0.0.1".to_owned(), port)),
            false => Some((name.to_owned(), port)),
        };
        tokio::spawn(async move {
            let Some(address) = address else { return };
            let Ok(mut server) = TcpStream::connect(address).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
        });
    }
}
