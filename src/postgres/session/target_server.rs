//! The databases on the target's server: those of ours are listed, locked and dropped from a session that is in none.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::Type;

use super::connect::Session;
use super::endpoint::Endpoint;
use super::fault::fault;
use super::settings::Purpose;
use super::sql;
use crate::error::Failure;

/// A second worker of the same run waits this long for the first to be found dead.
const LOCK_WITHIN: Duration = Duration::from_secs(20);

/// A session outside the target database, which nobody may be connected to when it is renamed. While it lives, no
/// other copy into that database can begin.
pub(crate) struct TargetServer {
    pub(crate) session: Session,
    pub(crate) database: String,
    pub(crate) oid: u32,
    owner: String,
    /// What every database of ours for this target begins with.
    prefix: String,
}

impl TargetServer {
    /// Connects to another database of the target's server and takes the lock on copies into this one.
    pub(crate) async fn open(target: &Endpoint) -> Result<Self> {
        let database = target.database.clone();
        let session = connect_to_other_database(target).await?;
        let sql = "SELECT d.oid, pg_catalog.pg_get_userbyid(d.datdba)::text, pg_catalog.pg_is_in_recovery()
                     FROM pg_catalog.pg_database AS d WHERE d.datname = $1";
        let rows = session.rows(sql, &[(&database, Type::TEXT)]).await.context("look up the target database")?;
        let Some(row) = rows.first() else {
            bail!(
                Failure::invalid(format!("the target's server has no database `{database}`"))
                    .hint("check the database name at the end of the target's URL")
            );
        };
        if row.get(2) {
            bail!(
                Failure::invalid("the target is a standby, which cannot be written").hint("use the URL of its primary")
            );
        }
        let prefix = format!("rs_{}_", &hash(&database)[..12]);
        let target_server = Self { oid: row.get(0), owner: row.get(1), session, database, prefix };
        target_server.lock().await?;
        Ok(target_server)
    }

    async fn lock(&self) -> Result<()> {
        let key = i64::from_str_radix(&hash(&format!("railstage copy into {}", self.database))[..15], 16)?;
        let give_up = tokio::time::Instant::now() + LOCK_WITHIN;
        loop {
            let row = self.session.row("SELECT pg_catalog.pg_try_advisory_lock($1)", &[(&key, Type::INT8)]).await;
            if row.context("take the lock on copies into the target")?.get(0) {
                return Ok(());
            }
            if tokio::time::Instant::now() > give_up {
                bail!(
                    Failure::outside(format!("another copy into `{}` is under way", self.database))
                        .hint("wait for it to end, or end its session on the target's server")
                );
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What an earlier copy wrote about itself on the target database.
    pub(crate) async fn comment(&self) -> Result<Option<String>> {
        let sql =
            "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = $1";
        let rows = self.session.rows(sql, &[(&self.database, Type::TEXT)]).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }

    /// The databases that copies into this one have left on the server.
    pub(crate) async fn leftovers(&self) -> Result<Vec<String>> {
        let sql = "SELECT datname::text FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, $1)";
        let rows = self
            .session
            .rows(sql, &[(&self.prefix, Type::TEXT)])
            .await
            .context("list the target server's databases")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Drops what earlier copies left; while we hold the lock none of it is anybody's.
    pub(crate) async fn drop_leftovers(&self) -> Result<()> {
        for name in self.leftovers().await? {
            self.drop_database(&name).await?;
        }
        Ok(())
    }

    /// The name of the database that an attempt builds.
    pub(crate) fn name(&self, copy_id: &str, attempt: u32) -> String {
        format!("{}{}_{attempt}", self.prefix, &hash(copy_id)[..8])
    }

    /// Who is to own the new database: the old one's owner, where this login may give databases away.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.session.superuser.then_some(self.owner.as_str())
    }

    /// Drops a database of ours, whoever is connected to it.
    pub(crate) async fn drop_database(&self, name: &str) -> Result<()> {
        debug_assert!(name.starts_with(&self.prefix));
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql::ident(name));
        self.session.run(&drop).await.with_context(|| format!("drop the database `{name}` on the target"))
    }

    /// The name under which the old database stands aside between the swap and its end.
    pub(crate) fn aside(&self, copy_id: &str) -> String {
        format!("{}{}_old", self.prefix, &hash(copy_id)[..8])
    }
}

/// A session in a database of the target's server that is not the target.
pub(crate) async fn connect_to_other_database(target: &Endpoint) -> Result<Session> {
    if target.database != "postgres" {
        match Session::open(&target.with_database("postgres"), Purpose::Administer).await {
            Err(error) if fault(&error).is_some_and(|fault| matches!(fault.sqlstate.as_str(), "3D000" | "42501")) => {}
            opened => return opened,
        }
    }
    Session::open(&target.with_database("template1"), Purpose::Administer).await
}

fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}
