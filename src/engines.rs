//! The kinds of database that can be copied: what tells one at Railway, and for each verb the one `match` that leads to
//! its engine. What engines share is below, in `copying/`; who asks for a copy is above, and knows no engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, bail};
use tokio_util::sync::CancellationToken;

pub(crate) use crate::copying::dry_run::{Contents, DryRun, DryRunTable, usual_seconds};
pub(crate) use crate::copying::inspection::{InNetwork, SiteAddress};
use crate::copying::{AuditReport, CopyOptions, CopyReport, Progress, SourceReport};
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::masking::Masking;
use crate::mysql;
use crate::postgres;
use crate::secret::Secret;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Mysql,
    Mariadb,
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
    /// Its logins, best first for one that reads.
    pub logins: &'static [LoginNames],
    /// The login that may make databases.
    pub administrator: &'static LoginNames,
    /// Variables that say which database, best first; where none does, it is called like the login, if `is_called_like_login`.
    pub database: &'static [&'static str],
    pub is_called_like_login: bool,
}

/// The variables that hold a login, best first.
pub(crate) struct LoginNames {
    pub user: &'static [&'static str],
    /// Who it is where none of these says it.
    pub usual_user: Option<&'static str>,
    pub password: &'static [&'static str],
}

const POSTGRES_LOGIN: LoginNames = LoginNames {
    user: &["PGUSER", "POSTGRES_USER"],
    usual_user: Some("postgres"),
    password: &["POSTGRES_PASSWORD", "PGPASSWORD"],
};
const MYSQL_ROOT: LoginNames =
    LoginNames { user: &[], usual_user: Some("root"), password: &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"] };
const MARIADB_ROOT: LoginNames =
    LoginNames { user: &[], usual_user: Some("root"), password: &["MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"] };
/// Both images read the variables of the older one.
const MYSQL_USER: LoginNames = LoginNames { user: &["MYSQL_USER"], usual_user: None, password: &["MYSQL_PASSWORD"] };

/// Where a database is, and how to log in.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Postgres(postgres::Endpoint),
    Mysql(mysql::Endpoint),
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
    pub(crate) const ALL: &'static [Self] = &[Self::Postgres, Self::Mysql, Self::Mariadb];

    /// What holds for its services.
    pub(crate) fn traits(self) -> &'static KindTraits {
        match self {
            Self::Postgres => &KindTraits {
                called: "postgres",
                server_variables: &["POSTGRES_PASSWORD", "PGDATA"],
                mount: "/postgresql",
                port: 5432,
                public_urls: &["DATABASE_PUBLIC_UNPOOLED_URL", "DATABASE_PUBLIC_URL"],
                logins: &[POSTGRES_LOGIN],
                administrator: &POSTGRES_LOGIN,
                database: &["PGDATABASE", "POSTGRES_DB"],
                is_called_like_login: true,
            },
            Self::Mysql => &KindTraits {
                called: "mysql",
                server_variables: &["MYSQL_ROOT_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD"],
                mount: "/var/lib/mysql",
                port: 3306,
                public_urls: &["MYSQL_PUBLIC_URL"],
                logins: &[
                    LoginNames { user: &["MYSQLUSER"], usual_user: None, password: &["MYSQLPASSWORD"] },
                    MYSQL_USER,
                    MYSQL_ROOT,
                ],
                administrator: &MYSQL_ROOT,
                database: &["MYSQLDATABASE", "MYSQL_DATABASE"],
                is_called_like_login: false,
            },
            Self::Mariadb => &KindTraits {
                called: "mariadb",
                server_variables: &[
                    "MARIADB_ROOT_PASSWORD",
                    "MARIADB_ROOT_PASSWORD_HASH",
                    "MARIADB_RANDOM_ROOT_PASSWORD",
                    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
                ],
                mount: "/var/lib/mysql",
                port: 3306,
                public_urls: &["MARIADB_PUBLIC_URL", "MYSQL_PUBLIC_URL"],
                logins: &[
                    LoginNames { user: &["MARIADB_USER"], usual_user: None, password: &["MARIADB_PASSWORD"] },
                    MYSQL_USER,
                    MARIADB_ROOT,
                ],
                administrator: &MARIADB_ROOT,
                database: &["MARIADB_DATABASE", "MYSQL_DATABASE"],
                is_called_like_login: false,
            },
        }
    }

    /// The kind of server that a service with these marks is: two of them must say so, since apps have one or the other, too. What more
    /// of them say wins, and between equals the name of the image, which alone tells nothing.
    pub(crate) fn of_marks(
        own_variables: &BTreeSet<String>,
        ports: &BTreeSet<u16>,
        mounts: &[String],
        image: Option<&str>,
    ) -> Option<Self> {
        let marks = |kind: Self| {
            let KindTraits { server_variables, port, mount, .. } = kind.traits();
            let variables = server_variables.iter().filter(|name| own_variables.contains(**name)).count();
            let is_mounted = mounts.iter().any(|path| path.contains(mount));
            variables + usize::from(ports.contains(port)) + usize::from(is_mounted)
        };
        let called = image.and_then(Self::called_in);
        let are_of = Self::ALL.iter().rev().copied().filter(|kind| marks(*kind) >= 2);
        are_of.max_by_key(|kind| (marks(*kind), called == Some(*kind)))
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
            Self::Mysql | Self::Mariadb => mysql::Endpoint::parse(url).map(Endpoint::Mysql),
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
            Self::Mysql | Self::Mariadb => {
                let mysql::Endpoint { host, port, user, password, .. } = mysql::Endpoint::parse(url).ok()?;
                Some(Named { host, port, user, password })
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
            Self::Mysql | Self::Mariadb => {
                let endpoint = mysql::Endpoint::of_proxy(host, port, user, password.expose(), database);
                Endpoint::Mysql(if is_weak { endpoint.over_weak_line() } else { endpoint })
            }
        }
    }
}

impl Endpoint {
    /// The same, known to be written by another login than the one that reads it.
    pub(crate) fn written_by(self, login: String) -> Self {
        match self {
            Self::Postgres(endpoint) => Self::Postgres(postgres::Endpoint { written_by: Some(login), ..endpoint }),
            // Nothing that another login's sessions say changes what is read here.
            Self::Mysql(endpoint) => Self::Mysql(endpoint),
        }
    }

    /// What the engine is called that copies it.
    fn engine(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "PostgreSQL",
            Self::Mysql(_) => "MySQL or MariaDB",
        }
    }

    /// Reads the URL of a database of any kind.
    ///
    /// # Errors
    /// Invalid input, saying what is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let scheme = url.trim().split_once("://").map(|(scheme, _)| scheme.to_lowercase());
        let kind = match scheme.as_deref() {
            Some("postgres" | "postgresql") => Kind::Postgres,
            Some("mysql") => Kind::Mysql,
            Some("mariadb") => Kind::Mariadb,
            _ => bail!(
                Failure::invalid("a database URL begins with `postgres://`, `postgresql://`, `mysql://` or `mariadb://`")
                    .hint("a database URL looks like `postgresql://user:password@host:5432/database`, or `mysql://user:password@host:3306/database`")
            ),
        };
        kind.endpoint(url)
    }

    /// The same with a limit on what is read there, in megabytes per second.
    pub(crate) fn no_faster_than(self, max_mb_per_s: Option<f64>) -> Self {
        match self {
            Self::Postgres(endpoint) => Self::Postgres(endpoint.no_faster_than(max_mb_per_s)),
            Self::Mysql(endpoint) => Self::Mysql(endpoint.no_faster_than(max_mb_per_s)),
        }
    }
}

/// A database and where its copy is made: two of one engine.
pub(crate) enum Pair<'a> {
    Postgres(&'a postgres::Endpoint, &'a postgres::Endpoint),
    Mysql(&'a mysql::Endpoint, &'a mysql::Endpoint),
}

impl<'a> Pair<'a> {
    /// Both ends of a copy.
    ///
    /// # Errors
    /// Invalid input for two that share no engine.
    pub(crate) fn of(source: &'a Endpoint, target: &'a Endpoint) -> Result<Self> {
        Ok(match (source, target) {
            (Endpoint::Postgres(source), Endpoint::Postgres(target)) => Self::Postgres(source, target),
            (Endpoint::Mysql(source), Endpoint::Mysql(target)) => Self::Mysql(source, target),
            (Endpoint::Postgres(_) | Endpoint::Mysql(_), _) => bail!(
                Failure::invalid(format!(
                    "the source is a {} database and the target a {} database, and nothing is copied from one to the other",
                    source.engine(),
                    target.engine()
                ))
                .hint("give two URLs of one kind: two `postgresql://`, or two of `mysql://` and `mariadb://`")
            ),
        })
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
            Self::Mysql(source, target) => mysql::copy_database(source, target, options, progress, stop).await,
        }
    }

    /// Searches a copy for the people of its source.
    ///
    /// # Errors
    /// As the engine's own function of this name.
    pub(crate) async fn audit(&self, masking: &Masking) -> Result<AuditReport> {
        match self {
            Self::Postgres(source, copy) => postgres::audit(source, copy, masking).await,
            Self::Mysql(source, copy) => mysql::not_yet::audit(source, copy, masking),
        }
    }

    /// Makes every check of a copy, and tells what would be done.
    ///
    /// # Errors
    /// When an end cannot be reached.
    pub(crate) async fn dry_run(&self, options: &CopyOptions) -> Result<DryRun> {
        match self {
            Self::Postgres(source, target) => postgres::dry_run(source, target, options).await,
            Self::Mysql(source, target) => mysql::not_yet::dry_run(source, target, options),
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
        Endpoint::Mysql(source) => mysql::inspect(source).await,
    }
}

/// Drops what copies into a database have left beside it; the report of the one with this id, if it has come to its end.
///
/// # Errors
/// When it cannot be reached, or a copy into it is under way.
pub(crate) async fn clear(target: &Endpoint, copy_id: &str) -> Result<Option<CopyReport>> {
    match target {
        Endpoint::Postgres(target) => postgres::clear(target, copy_id).await,
        Endpoint::Mysql(target) => mysql::clear(target, copy_id).await,
    }
}

/// Refuses programs that are too old for the server of a source.
///
/// # Errors
/// [`crate::error::Exit::Program`].
pub(crate) async fn ensure_can_dump(env: &ProcessEnv, endpoint: &Endpoint, source: &SourceReport) -> Result<()> {
    match endpoint {
        Endpoint::Postgres(_) => postgres::ensure_can_dump(env, source.major).await,
        // Its schema is read over the session, by no program.
        Endpoint::Mysql(_) => Ok(()),
    }
}

/// The SQL for a login that only reads a source.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn source_login(source: &Endpoint, role: &str) -> Result<String> {
    match source {
        Endpoint::Postgres(source) => postgres::source_login(source, role).await,
        Endpoint::Mysql(source) => mysql::not_yet::source_login(source, role),
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
        Endpoint::Mysql(source) => mysql::inspect_contents(source, excluded, masking, keep_queues).await,
    }
}

/// Tables, columns and their types of a source, as its [`Contents`] have them.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn schema(source: &Endpoint) -> Result<String> {
    match source {
        Endpoint::Postgres(source) => postgres::read_schema(source).await,
        Endpoint::Mysql(source) => mysql::read_schema(source).await,
    }
}

/// Where the sites in a database are, by their own words.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn site_addresses(source: &Endpoint) -> Result<Vec<SiteAddress>> {
    match source {
        Endpoint::Postgres(source) => postgres::site_addresses(source).await,
        Endpoint::Mysql(source) => mysql::site_addresses(source).await,
    }
}
