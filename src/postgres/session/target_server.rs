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
use crate::copying::note;
use crate::error::Failure;

/// A second worker of the same run waits this long for the first to be found dead.
const LOCK_WITHIN: Duration = Duration::from_secs(20);

/// So many hex digits stand for a copy's id in the name of a database.
const ID_DIGITS: usize = 8;

/// A session outside the target database, which nobody may be connected to when it is renamed. While it lives, no
/// other copy into that database can begin.
pub(crate) struct TargetServer {
    pub(crate) session: Session,
    pub(crate) database: String,
    pub(crate) oid: u32,
    endpoint: Endpoint,
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
        let (oid, owner) = (row.get(0), row.get(1));
        let target_server = Self { oid, endpoint: target.clone(), owner, session, database, prefix };
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
            "SELECT CASE WHEN pg_catalog.octet_length(d.note) < 16 * 1024 * 1024 THEN d.note END
               FROM (SELECT pg_catalog.shobj_description(oid, 'pg_database') AS note FROM pg_catalog.pg_database WHERE datname = $1) AS d";
        let rows = self.session.rows(sql, &[(&self.database, Type::TEXT)]).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }

    /// The databases that copies into this one have left on the server, by the mark on each: one that is only called so
    /// is somebody's. A copy that was killed right after it made one had no time to mark it, and it is empty.
    pub(crate) async fn leftovers(&self) -> Result<Vec<String>> {
        let mark = note::leftover(&self.database);
        let mut leftovers = Vec::new();
        for (name, comment) in self.named_like_ours().await? {
            if comment == mark || comment.is_empty() && self.is_attempts(&name) && self.is_empty(&name).await {
                leftovers.push(name);
            }
        }
        Ok(leftovers)
    }

    /// Whether a name is as [`Self::name`] makes them, which an old database that stands aside has not.
    fn is_attempts(&self, name: &str) -> bool {
        let Some((id, number)) = name.strip_prefix(&self.prefix).and_then(|rest| rest.split_once('_')) else {
            return false;
        };
        id.len() == ID_DIGITS && number.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    }

    /// Whether nobody has made anything in a database; one that does not let us look is taken for somebody's.
    async fn is_empty(&self, name: &str) -> bool {
        const NOTHING: &str = "SELECT NOT EXISTS (SELECT oid FROM pg_catalog.pg_class WHERE oid >= 16384
                UNION ALL SELECT oid FROM pg_catalog.pg_proc WHERE oid >= 16384 UNION ALL SELECT oid FROM pg_catalog.pg_type WHERE oid >= 16384
                UNION ALL SELECT oid FROM pg_catalog.pg_namespace WHERE oid >= 16384 UNION ALL SELECT oid FROM pg_catalog.pg_extension WHERE oid >= 16384
                UNION ALL SELECT oid FROM pg_catalog.pg_largeobject_metadata)";
        let looking = async {
            let inside = Session::open(&self.endpoint.with_database(name), Purpose::Administer).await?;
            let is_empty = inside.row(NOTHING, &[]).await?.try_get(0)?;
            inside.close().await;
            anyhow::Ok(is_empty)
        };
        looking.await.unwrap_or(false)
    }

    /// Databases whose names begin as those of copies into this one do, and one that has another's name for a while, with
    /// their comments.
    async fn named_like_ours(&self) -> Result<Vec<(String, String)>> {
        let sql = "SELECT datname::text, pg_catalog.left(coalesce(pg_catalog.shobj_description(oid, 'pg_database'), ''), 1000)
                     FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, $1)
                       OR pg_catalog.shobj_description(oid, 'pg_database') = $2 ORDER BY 1";
        let mark = note::leftover(&self.database);
        let rows = self.session.rows(sql, &[(&self.prefix, Type::TEXT), (&mark, Type::TEXT)]).await;
        let rows = rows.context("list the target server's databases")?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Drops what earlier copies left; while we hold the lock none of it is anybody's.
    pub(crate) async fn drop_leftovers(&self) -> Result<()> {
        for name in self.leftovers().await? {
            self.drop_database(&name).await?;
        }
        Ok(())
    }

    /// Marks a database as one that the next copy drops.
    pub(crate) async fn mark(&self, name: &str) -> Result<()> {
        let mark = sql::literal(&note::leftover(&self.database));
        let marked = self.session.run(&format!("COMMENT ON DATABASE {} IS {mark}", sql::ident(name))).await;
        marked.with_context(|| format!("mark the database `{name}` on the target as ours"))
    }

    /// Gives a database of ours, in which nobody is, another name for as long as some work takes.
    pub(crate) async fn under_another_name(
        &self,
        name: &str,
        other: &str,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let (quoted, quoted_other) = (sql::ident(name), sql::ident(other));
        let rename = format!("ALTER DATABASE {quoted} RENAME TO {quoted_other}");
        self.session.run(&rename).await.with_context(|| format!("call the new database `{other}` for a while"))?;
        let done = work.await;
        let back = format!("ALTER DATABASE {quoted_other} RENAME TO {quoted}");
        self.session.run(&back).await.context("give the new database its name back")?;
        done
    }

    /// The name of the database that an attempt builds; nobody has it.
    pub(crate) async fn name(&self, copy_id: &str, attempt: u32) -> Result<String> {
        self.free(&format!("{}{}_{attempt}", self.prefix, &hash(copy_id)[..ID_DIGITS])).await
    }

    /// The name under which the old database stands aside between the swap and its end; nobody has it.
    pub(crate) async fn aside(&self, copy_id: &str) -> Result<String> {
        self.free(&format!("{}{}_old", self.prefix, &hash(copy_id)[..ID_DIGITS])).await
    }

    /// The name, or one made of it that nobody has.
    async fn free(&self, wanted: &str) -> Result<String> {
        let taken: Vec<_> = self.named_like_ours().await?.into_iter().map(|(name, _)| name).collect();
        let others = (2..).map(|number| format!("{wanted}_{number}"));
        let free = std::iter::once(wanted.to_owned()).chain(others).find(|name| !taken.contains(name));
        free.context("find a free name")
    }

    /// Who is to own the new database: the old one's owner, where this login may give databases away.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.session.superuser.then_some(self.owner.as_str())
    }

    /// Drops a database of ours, whoever is connected to it.
    pub(crate) async fn drop_database(&self, name: &str) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql::ident(name));
        self.session.run(&drop).await.with_context(|| format!("drop the database `{name}` on the target"))
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
