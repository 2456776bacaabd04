//! A database server that runs as a service, of whichever kind its image is: started as the image starts it, from its variables.

use crate::backend::Backend;
use crate::model::variables::Variables;
use crate::mysql::{self, MysqlHome, ServerOptions};
use crate::postgres::{Cluster, ClusterOptions};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;

/// What an image is a server of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Image {
    Postgres,
    Mysql(mysql::Family),
}

impl Image {
    /// Whatever a Postgres is called; the others go by the whole name, after which much else is called that is no server.
    pub(crate) fn of(image: &str) -> Option<Self> {
        if ["postgres", "postgis", "pgvector"].iter().any(|name| image.contains(name)) {
            return Some(Self::Postgres);
        }
        match name_and_tag(image).0 {
            "mysql" => Some(Self::Mysql(mysql::Family::MySql)),
            "mariadb" => Some(Self::Mysql(mysql::Family::MariaDb)),
            _ => None,
        }
    }

    /// Where the server listens in its container.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Mysql(_) => 3306,
        }
    }
}

/// The last part of an image's name, and its tag.
fn name_and_tag(image: &str) -> (&str, &str) {
    let last = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    last.split_once(':').unwrap_or((last, ""))
}

/// A running server; dropping it stops it.
pub(crate) enum Database {
    Postgres(Cluster),
    Mysql(mysql::Server),
}

impl Database {
    /// Starts what an image is, on an empty volume or on a copy of loaded data.
    pub(crate) async fn start(
        backend: &Backend,
        image: &str,
        variables: &Variables,
        copy_of: Option<PathBuf>,
    ) -> Result<Self> {
        let value = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let parent = Some(backend.runtime.folder.clone());
        match Image::of(image).with_context(|| format!("`{image}` is no database"))? {
            Image::Postgres => {
                let options = ClusterOptions {
                    // Railway's own image makes itself a certificate, and others do not.
                    tls: image.contains("postgres-ssl"),
                    user: value("POSTGRES_USER").unwrap_or_else(|| "postgres".to_owned()),
                    password: Some(value("POSTGRES_PASSWORD").context("POSTGRES_PASSWORD is not set")?),
                    database: value("POSTGRES_DB").unwrap_or_else(|| "postgres".to_owned()),
                    copy_of,
                    parent,
                    ..ClusterOptions::default()
                };
                Ok(Self::Postgres(Cluster::start(&backend.runtime.pg_bin, options).await?))
            }
            Image::Mysql(family) => {
                ensure!(copy_of.is_none(), "no data was loaded for `{image}`");
                let home = home(family, name_and_tag(image).1)?;
                let options = ServerOptions { parent, ..mysql_options(&home, &value)? };
                Ok(Self::Mysql(mysql::Server::start(&home, options).await?))
            }
        }
    }

    /// Stops the server and starts it again, on the same volume; nothing is read from the variables any more.
    pub(crate) async fn restart(self) -> Result<Self> {
        match self {
            Self::Postgres(cluster) => cluster.restart().await.map(Self::Postgres),
            Self::Mysql(server) => tokio::task::spawn_blocking(move || server.restart()).await?.map(Self::Mysql),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Postgres(cluster) => cluster.port(),
            Self::Mysql(server) => server.port(),
        }
    }

    /// Where its files are.
    pub(crate) fn data_folder(&self) -> PathBuf {
        match self {
            Self::Postgres(cluster) => cluster.folder().join("data"),
            Self::Mysql(server) => server.folder().join("data"),
        }
    }

    /// Its own login, by TCP.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(cluster) => cluster.url(),
            Self::Mysql(server) => server.url(),
        }
    }

    /// Runs statements as `root` of a server that is no Postgres; the rows of all answers.
    pub(crate) fn sql(&self, statements: &str) -> Result<Vec<String>> {
        match self {
            Self::Postgres(_) => bail!("a Postgres is spoken to by its URL"),
            Self::Mysql(server) => server.sql(statements),
        }
    }
}

/// The server that is unpacked here of an image with this tag: one of the same major version, else the newest.
fn home(family: mysql::Family, tag: &str) -> Result<MysqlHome> {
    let mut homes = MysqlHome::of(family)?;
    let major = tag.split(['.', '-']).next().and_then(|major| major.parse::<u32>().ok());
    let same = homes.iter().rposition(|home| Some(home.number().0) == major);
    Ok(homes.swap_remove(same.unwrap_or(homes.len() - 1)))
}

/// What the official images make of their variables; MariaDB's reads MySQL's as well.
fn mysql_options(home: &MysqlHome, value: &dyn Fn(&str) -> Option<String>) -> Result<ServerOptions> {
    let is_maria = home.family() == mysql::Family::MariaDb;
    let named = |name: &str| {
        let own = is_maria.then(|| value(&format!("MARIADB_{name}"))).flatten();
        own.or_else(|| value(&format!("MYSQL_{name}")))
    };
    let user = named("USER").zip(named("PASSWORD"));
    ensure!(
        user.as_ref().is_none_or(|(user, _)| user != "root"),
        "MYSQL_USER=\"root\", MYSQL_USER and MYSQL_PASSWORD are for configuring a regular user and cannot be used for the root user"
    );
    Ok(ServerOptions {
        password: named("ROOT_PASSWORD").context("Database is uninitialized and password option is not specified")?,
        database: named("DATABASE").unwrap_or_default(),
        user,
        // The images make no certificate; these servers make one themselves.
        tls: !is_maria || home.number() >= (11, 4),
        ..ServerOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_from_what_is_called_after_it() {
        assert_eq!(Image::of("ghcr.io/railwayapp-templates/postgres-ssl:18"), Some(Image::Postgres));
        for image in ["mysql:9.4", "docker.io/library/mysql", "ghcr.io/railwayapp-templates/mysql-ha/mysql:9"] {
            assert_eq!(Image::of(image), Some(Image::Mysql(mysql::Family::MySql)), "{image}");
        }
        assert_eq!(Image::of("mariadb:11@sha256:abc"), Some(Image::Mysql(mysql::Family::MariaDb)));
        for image in ["ghcr.io/railwayapp-templates/mysql-ha/haproxy:1", "phpmyadmin", "prom/mysqld-exporter", "redis"]
        {
            assert_eq!(Image::of(image), None, "{image}");
        }
    }
}
