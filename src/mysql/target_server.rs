//! The databases on the target's server: those of ours are listed, locked, made and dropped.

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::catalog::MARK_TABLE;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::fault::{Fault, fault};
use super::session::settings::Purpose;
use super::session::sql;
use crate::copying::note;
use crate::error::Failure;

/// A second worker of the same run waits this long for the first to be found dead, in seconds.
const LOCK_WITHIN_SECS: u32 = 20;
/// So many hex digits stand for a copy's id in the name of a database.
const ID_DIGITS: usize = 8;
/// What the name of each database of ours is like, whichever target it is for, as SQL: [`TargetServer::name`] and
/// [`TargetServer::aside`] make them.
pub(super) const NAMED_AS_OURS: &str = "REGEXP '^rs_[0-9a-f]{12}_[0-9a-f]{8}_'";

/// A session in none of the databases. While it lives, no other copy into the target can begin.
pub(super) struct TargetServer {
    pub(super) session: Session,
    pub(super) database: String,
    endpoint: Endpoint,
    /// What every database of ours for this target begins with.
    prefix: String,
}

impl TargetServer {
    /// Connects and takes the lock on copies into the target.
    pub(super) async fn open(target: &Endpoint) -> Result<Self> {
        let database = target.database.clone();
        let mut session = Session::open(&target.with_database(""), Purpose::Administer).await?;
        let sql =
            format!("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}", sql::literal(&database));
        ensure!(
            session.row(&sql).await.context("look up the target database")?.flag(0),
            Failure::invalid(format!("the target's server has no database `{database}`"))
                .hint("check the database name at the end of the target's URL")
        );
        ensure!(
            !session
                .row("SELECT CAST(@@read_only AS CHAR) NOT IN ('0', 'OFF')")
                .await
                .context("ask whether the target can be written")?
                .flag(0),
            Failure::invalid("the target is read-only: it follows another server").hint("use the URL of its primary")
        );
        let prefix = format!("rs_{}_", &hash(&database)[..12]);
        let mut target_server = Self { session, database, endpoint: target.clone(), prefix };
        target_server.lock().await?;
        Ok(target_server)
    }

    /// The name of the lock on copies into the target, by which others see that one is at work; it has at most 64 characters.
    pub(super) fn lock_name(&self) -> String {
        format!("railstage copy into {}", &hash(&self.database)[..32])
    }

    async fn lock(&mut self) -> Result<()> {
        let name = sql::literal(&self.lock_name());
        let taking = self.session.rows_whenever(&format!("SELECT GET_LOCK({name}, {LOCK_WITHIN_SECS})")).await;
        let rows = taking.context("take the lock on copies into the target")?;
        ensure!(
            rows.first().is_some_and(|row| row.flag(0)),
            Failure::outside(format!("another copy into `{}` is under way", self.database))
                .hint("wait for it to end, or end its session on the target's server")
        );
        Ok(())
    }

    /// The databases that copies into this one have left on the server, by the mark in each: one that is only called so is
    /// somebody's. A copy that was killed right after it made one had no time to mark it, and it is empty.
    pub(super) async fn leftovers(&mut self) -> Result<Vec<String>> {
        let (mark, mark_table) = (sql::literal(&note::leftover(&self.database)), sql::literal(MARK_TABLE));
        let mut leftovers = Vec::new();
        for name in self.named_like_ours().await? {
            let sql = format!(
                "SELECT COUNT(*), COALESCE(SUM(TABLE_NAME = {mark_table} AND TABLE_COMMENT = {mark}), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}",
                sql::literal(&name)
            );
            let row = self.session.row(&sql).await.context("look at a database on the target")?;
            if row.flag(1) || !row.flag(0) && self.is_ours(&name) {
                leftovers.push(name);
            }
        }
        Ok(leftovers)
    }

    /// Whether a name is as [`Self::name`] and [`Self::aside`] make them.
    fn is_ours(&self, name: &str) -> bool {
        let parts = name.strip_prefix(&self.prefix).and_then(|rest| rest.split_once('_'));
        parts.is_some_and(|(id, _)| id.len() == ID_DIGITS && id.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    async fn named_like_ours(&mut self) -> Result<Vec<String>> {
        let begin = sql::literal(&self.prefix);
        let sql = format!(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE LEFT(SCHEMA_NAME, {}) = {begin} ORDER BY 1",
            self.prefix.len()
        );
        let rows = self.session.rows(&sql).await.context("list the target server's databases")?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// Drops what earlier copies left; while we hold the lock none of it is anybody's.
    pub(super) async fn drop_leftovers(&mut self) -> Result<()> {
        for name in self.leftovers().await? {
            self.drop_database(&name).await?;
        }
        Ok(())
    }

    /// Makes a database of ours, and marks it as one that the next copy drops.
    pub(super) async fn make(&mut self, name: &str, charset: &str, collation: &str) -> Result<()> {
        let (charset, collation) = (sql::literal(charset), sql::literal(collation));
        let make = format!("CREATE DATABASE {} CHARACTER SET {charset} COLLATE {collation}", sql::ident(name));
        self.session.run(&make).await.with_context(|| format!("make the database `{name}` on the target"))?;
        let (table, mark) = (sql::qualified(name, MARK_TABLE), sql::literal(&note::leftover(&self.database)));
        let marked = self.session.run(&format!("CREATE TABLE {table} (setting varchar(64) PRIMARY KEY, was varchar(64), holder varchar(64)) COMMENT = {mark}")).await;
        marked.map(drop).with_context(|| format!("mark the database `{name}` on the target as ours"))
    }

    /// The name of the database that an attempt builds; nobody has it.
    pub(super) async fn name(&mut self, copy_id: &str, attempt: u32) -> Result<String> {
        self.free(&format!("{}{}_{attempt}", self.prefix, &hash(copy_id)[..ID_DIGITS])).await
    }

    /// The name of the database in which the old tables stand aside between the swap and their end; nobody has it.
    pub(super) async fn aside(&mut self, copy_id: &str) -> Result<String> {
        self.free(&format!("{}{}_old", self.prefix, &hash(copy_id)[..ID_DIGITS])).await
    }

    async fn free(&mut self, wanted: &str) -> Result<String> {
        let taken = self.named_like_ours().await?;
        let others = (2..).map(|number| format!("{wanted}_{number}"));
        let free = std::iter::once(wanted.to_owned()).chain(others).find(|name| !taken.contains(name));
        free.context("find a free name")
    }

    /// Drops a database of ours.
    pub(super) async fn drop_database(&mut self, name: &str) -> Result<()> {
        ensure!(self.is_ours(name), "`{name}` is no database of ours");
        self.put_settings_back(name).await?;
        // What a session of ours was at goes on when it is lost, and holds what is to be dropped.
        end_sessions(&mut self.session, name)
            .await
            .with_context(|| format!("end the sessions in `{name}` on the target"))?;
        let drop = self.session.run_whenever(&format!("DROP DATABASE IF EXISTS {}", sql::ident(name))).await;
        drop.map(|_| ()).with_context(|| format!("drop the database `{name}` on the target"))
    }

    /// A second session with the server, to end others from.
    pub(super) async fn second(&self) -> Result<Session> {
        Session::open(&self.endpoint.with_database(""), Purpose::Administer).await
    }

    /// Refuses a login that may not make databases, before anything is read for it.
    pub(super) async fn may_make(&mut self, name: &str, charset: &str, collation: &str) -> Result<()> {
        match self.make(name, charset, collation).await {
            Err(error) if fault(&error).is_some_and(|fault| fault.number == Some(1044)) => bail!(
                Failure::invalid("the target's login may not make databases, and a copy is made beside the old one")
                    .hint("use the server's `root` in the target's URL: on Railway its password is MYSQL_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD")
            ),
            made => made,
        }
    }
}

/// Ends the sessions that are in a database, but for the one that does it; whether this works shows in what comes next.
pub(super) async fn end_sessions(session: &mut Session, database: &str) -> Result<(), Fault> {
    let sql = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = {} AND ID <> CONNECTION_ID() AND USER NOT IN ('system user', 'event_scheduler')",
        sql::literal(database)
    );
    for row in session.rows(&sql).await? {
        let Some(id) = row.number::<u64>(0) else { continue };
        match session.run(&format!("KILL CONNECTION {id}")).await {
            // It has gone by itself.
            Err(fault) if fault.number != Some(1094) => return Err(fault),
            _ => {}
        }
    }
    Ok(())
}

fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}
