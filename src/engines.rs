//! The kinds of database that can be copied: what tells one at Railway, and for each verb the one `match` that leads to
//! its engine. What engines share is below, in `copying/`; who asks for a copy is above, and knows no engine.

mod kind;
mod login;

use std::sync::Arc;

use anyhow::{Result, bail};
use tokio_util::sync::CancellationToken;

pub(crate) use self::kind::{Kind, KindTraits, LoginNames};
pub(crate) use self::login::{Login, Named};
pub(crate) use crate::copying::dry_run::{Contents, DryRun, DryRunTable, usual_seconds};
pub(crate) use crate::copying::inspection::{InNetwork, SiteAddress};
use crate::copying::{AuditReport, CopyOptions, CopyReport, Progress, SourceReport};
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::masking::Masking;
use crate::mysql;
use crate::postgres;

/// Where a database is, and how to log in.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Postgres(postgres::Endpoint),
    Mysql(mysql::Endpoint),
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
        let scheme = url.trim().split_once("://").map(|(scheme, _)| scheme);
        let kind = match scheme {
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
            Self::Mysql(source, copy) => mysql::audit(source, copy, masking).await,
        }
    }

    /// Makes every check of a copy, and tells what would be done.
    ///
    /// # Errors
    /// When an end cannot be reached.
    pub(crate) async fn dry_run(&self, options: &CopyOptions) -> Result<DryRun> {
        match self {
            Self::Postgres(source, target) => postgres::dry_run(source, target, options).await,
            Self::Mysql(source, target) => mysql::dry_run(source, target, options).await,
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
        Endpoint::Mysql(source) => mysql::source_login(source, role).await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_of_a_url_says_which_engine_reads_it() {
        let engine = |url: &str| Endpoint::parse(url).unwrap().engine();
        assert_eq!(engine("postgres://u:p@h/d"), "PostgreSQL");
        assert_eq!((engine("mysql://u:p@h/d"), engine("mariadb://u:p@h/d")), ("MySQL or MariaDB", "MySQL or MariaDB"));
        for url in ["redis://h/0", "mongodb://u:canary@h/d", "u:canary@h/d", "mysqlx://u:canary@h/d", ""] {
            let told = format!("{:#}", Endpoint::parse(url).unwrap_err());
            assert!(told.contains("`mariadb://`") && !told.contains("canary"), "{told}");
        }
    }
}
