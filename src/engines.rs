//! The kinds of database that can be copied: what tells one at Railway, and for each verb the one `match` that leads to
//! its engine. What engines share is below, in `copying/`; who asks for a copy is above, and knows no engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::copying::inspection::{InNetwork, SiteAddress};
use crate::copying::{AuditReport, CopyOptions, CopyReport, Progress, SourceReport};
use crate::external::process_env::ProcessEnv;
use crate::masking::Masking;
use crate::postgres;
pub(crate) use crate::postgres::{Contents, DryRun, DryRunTable, usual_seconds};
use crate::secret::Secret;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
}

/// What Railway's services of a kind have in common.
pub(crate) struct KindTraits {
    /// What its images are mostly called; that alone tells nothing.
    called: &'static str,
    /// Variables that only its server reads.
    server_variables: &'static [&'static str],
    /// What the path has in it where it keeps its data.
    mount: &'static str,
    /// The port that it listens on inside Railway, and so the one that its TCP proxy leads to.
    pub port: u16,
    /// Variables with a URL by which it is reached from outside, best first: a pooled address cannot give a snapshot.
    pub public_urls: &'static [&'static str],
    /// Variables that hold its login, best first.
    pub user: &'static [&'static str],
    /// Who logs in where none of these says it; the database is called like the user then.
    pub usual_user: &'static str,
    pub password: &'static [&'static str],
    pub database: &'static [&'static str],
}

/// Where a database is, and how to log in.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Postgres(postgres::Endpoint),
}

/// A login to a server at an address.
pub(crate) struct Login<'a> {
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub password: &'a Secret,
    pub database: &'a str,
    /// Whether the line may be without TLS, or without proof of the server.
    pub is_weak: bool,
}

/// What a URL says of a server, and whom it logs in there.
pub(crate) struct Named {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<Secret>,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: &'static [Self] = &[Self::Postgres];

    /// What holds for its services.
    pub(crate) fn traits(self) -> &'static KindTraits {
        match self {
            Self::Postgres => &KindTraits {
                called: "postgres",
                server_variables: &["POSTGRES_PASSWORD", "PGDATA"],
                mount: "/postgresql",
                port: 5432,
                public_urls: &["DATABASE_PUBLIC_UNPOOLED_URL", "DATABASE_PUBLIC_URL"],
                user: &["PGUSER", "POSTGRES_USER"],
                usual_user: "postgres",
                password: &["POSTGRES_PASSWORD", "PGPASSWORD"],
                database: &["PGDATABASE", "POSTGRES_DB"],
            },
        }
    }

    /// The kind of server that a service with these marks is: two of them must say so, since apps have one or the other, too.
    pub(crate) fn of_marks(own_variables: &BTreeSet<String>, ports: &BTreeSet<u16>, mounts: &[String]) -> Option<Self> {
        let are_of = |kind: &&Self| {
            let KindTraits { server_variables, port, mount, .. } = kind.traits();
            let variables = server_variables.iter().filter(|name| own_variables.contains(**name)).count();
            let is_mounted = mounts.iter().any(|path| path.contains(mount));
            variables + usize::from(ports.contains(port)) + usize::from(is_mounted) >= 2
        };
        Self::ALL.iter().find(are_of).copied()
    }

    /// The kind that an image is called after.
    pub(crate) fn called_in(image: &str) -> Option<Self> {
        let image = image.to_lowercase();
        Self::ALL.iter().copied().find(|kind| image.contains(kind.traits().called))
    }

    /// Reads a URL of this kind.
    ///
    /// # Errors
    /// Invalid input, saying what is wrong with it.
    pub(crate) fn endpoint(self, url: &str) -> Result<Endpoint> {
        match self {
            Self::Postgres => postgres::Endpoint::parse(url).map(Endpoint::Postgres),
        }
    }

    /// What a URL of this kind names, if it is one of one server.
    pub(crate) fn named_in(self, url: &str) -> Option<Named> {
        match self {
            Self::Postgres => {
                let endpoint = postgres::Endpoint::parse(url).ok()?;
                let [(host, port)] = endpoint.hosts.as_slice() else { return None };
                Some(Named { host: host.clone(), port: *port, user: endpoint.user, password: endpoint.password })
            }
        }
    }

    /// A server at an address that Railway, or the owner, names.
    pub(crate) fn at(self, login: &Login<'_>) -> Endpoint {
        let Login { host, port, user, password, database, is_weak } = *login;
        match self {
            Self::Postgres => {
                let endpoint = postgres::Endpoint::of_proxy(host, port, user, password.expose(), database);
                Endpoint::Postgres(if is_weak { endpoint.over_weak_line() } else { endpoint })
            }
        }
    }
}

impl Endpoint {
    /// The same, known to be written by another login than the one that reads it.
    pub(crate) fn written_by(self, login: String) -> Self {
        match self {
            Self::Postgres(endpoint) => Self::Postgres(postgres::Endpoint { written_by: Some(login), ..endpoint }),
        }
    }

    /// Reads the URL of a database of any kind.
    ///
    /// # Errors
    /// Invalid input, saying what is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        Kind::Postgres.endpoint(url)
    }

    /// The same with a limit on what is read there, in megabytes per second.
    pub(crate) fn no_faster_than(self, max_mb_per_s: Option<f64>) -> Self {
        match self {
            Self::Postgres(endpoint) => Self::Postgres(endpoint.no_faster_than(max_mb_per_s)),
        }
    }
}

/// A database and where its copy is made: two of one kind.
pub(crate) enum Pair<'a> {
    Postgres(&'a postgres::Endpoint, &'a postgres::Endpoint),
}

impl<'a> Pair<'a> {
    /// Both ends of a copy.
    pub(crate) fn of(source: &'a Endpoint, target: &'a Endpoint) -> Self {
        match (source, target) {
            (Endpoint::Postgres(source), Endpoint::Postgres(target)) => Self::Postgres(source, target),
        }
    }

    /// Copies a whole database.
    ///
    /// # Errors
    /// As the engine's own function of this name.
    pub(crate) async fn copy(
        &self,
        options: &CopyOptions,
        progress: &Arc<Progress>,
        stop: &CancellationToken,
    ) -> Result<CopyReport> {
        match self {
            Self::Postgres(source, target) => postgres::copy_database(source, target, options, progress, stop).await,
        }
    }

    /// Searches a copy for the people of its source.
    ///
    /// # Errors
    /// As the engine's own function of this name.
    pub(crate) async fn audit(&self, masking: &Masking) -> Result<AuditReport> {
        match self {
            Self::Postgres(source, copy) => postgres::audit(source, copy, masking).await,
        }
    }

    /// Makes every check of a copy, and tells what would be done.
    ///
    /// # Errors
    /// When an end cannot be reached.
    pub(crate) async fn dry_run(&self, options: &CopyOptions) -> Result<DryRun> {
        match self {
            Self::Postgres(source, target) => postgres::dry_run(source, target, options).await,
        }
    }
}

/// What a source is and holds.
///
/// # Errors
/// When it cannot be reached or read.
pub(crate) async fn inspect(source: &Endpoint) -> Result<SourceReport> {
    match source {
        Endpoint::Postgres(source) => postgres::inspect(source).await,
    }
}

/// Drops what copies into a database have left beside it; the report of the one with this id, if it has come to its end.
///
/// # Errors
/// When it cannot be reached, or a copy into it is under way.
pub(crate) async fn clear(target: &Endpoint, copy_id: &str) -> Result<Option<CopyReport>> {
    match target {
        Endpoint::Postgres(target) => postgres::clear(target, copy_id).await,
    }
}

/// Refuses programs that are too old for the server of a source.
///
/// # Errors
/// [`crate::error::Exit::Program`].
pub(crate) async fn ensure_can_dump(env: &ProcessEnv, endpoint: &Endpoint, source: &SourceReport) -> Result<()> {
    match endpoint {
        Endpoint::Postgres(_) => postgres::ensure_can_dump(env, source.major).await,
    }
}

/// The SQL for a login that only reads a source.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn source_login(source: &Endpoint, role: &str) -> Result<String> {
    match source {
        Endpoint::Postgres(source) => postgres::source_login(source, role).await,
    }
}

/// Tries masking on a source, and tells what a copy would make of its tables.
///
/// # Errors
/// When it cannot be read, or a rule does not fit it.
pub(crate) async fn inspect_contents(
    source: &Endpoint,
    excluded: &[String],
    masking: Option<&Masking>,
    keep_queues: &[String],
) -> Result<Contents> {
    match source {
        Endpoint::Postgres(source) => postgres::inspect_contents(source, excluded, masking, keep_queues).await,
    }
}

/// Tables, columns and their types of a source, as its [`Contents`] have them.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn schema(source: &Endpoint) -> Result<String> {
    match source {
        Endpoint::Postgres(source) => postgres::read_schema(source).await,
    }
}

/// Where the sites in a database are, by their own words.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn site_addresses(source: &Endpoint) -> Result<Vec<SiteAddress>> {
    match source {
        Endpoint::Postgres(source) => postgres::site_addresses(source).await,
    }
}
