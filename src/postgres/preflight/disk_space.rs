//! Whether the target's disk has room for the copy beside the old database, where its server can be asked.

use anyhow::{Context as _, Result, bail};

use super::catalog::Relations;
use crate::error::Failure;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;

/// No SQL tells how full a disk is; a superuser may run a program in the data directory.
const MAY_ASK: &str = "SELECT pg_catalog.pg_has_role('pg_execute_server_program', 'MEMBER')";
const ASK: &str = "BEGIN; CREATE TEMP TABLE railstage_room (line text) ON COMMIT DROP;
    COPY railstage_room FROM PROGRAM 'LC_ALL=C df -Pk .' (DELIMITER E'\\x01')";

/// Refuses a copy that the target's disk has no room for. Where that cannot be known, a full disk is told when it is full.
pub(crate) async fn is_enough(source: &SourceSession, target_server: &TargetServer, tables: &Relations) -> Result<()> {
    let size: i64 = source
        .value("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())")
        .await
        .context("ask its size")?;
    let left_out: u64 = tables.all.iter().filter(|t| t.table.excluded_by.is_some()).map(|t| t.table.size_bytes).sum();
    let needed = u64::try_from(size).unwrap_or(0).saturating_sub(left_out);
    match free_bytes(target_server).await {
        Ok(Some(free)) if free < needed => bail!(
            Failure::invalid(format!(
                "the target's disk has {:.1} MB free, and the source has {:.1} MB",
                free as f64 / 1e6,
                needed as f64 / 1e6
            ))
            .hint("enlarge the target's volume, which holds the old and the new database at once, or use `exclude_table_data`")
        ),
        Ok(_) => {}
        Err(error) => tracing::debug!("how much room the target's disk has is not known: {error:#}"),
    }
    Ok(())
}

async fn free_bytes(target_server: &TargetServer) -> Result<Option<u64>> {
    let session = &target_server.session;
    if !session.row(MAY_ASK, &[]).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    let asked = async {
        session.run(ASK).await?;
        anyhow::Ok(session.rows("SELECT line FROM railstage_room", &[]).await?)
    };
    let lines = asked.await;
    session.run("ROLLBACK").await?;
    let lines: Vec<String> = lines?.iter().map(|row| row.get(0)).collect();
    Ok(lines.last().and_then(|line| available(line)))
}

/// From the line of the one file system: its name, blocks of 1024 bytes, those used, those available, …
fn available(line: &str) -> Option<u64> {
    let words: Vec<_> = line.split_whitespace().collect();
    let share = words.iter().rposition(|word| word.ends_with('%'))?;
    let kib: u64 = words.get(share.checked_sub(1)?)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_available_is_read_whatever_the_disk_is_called() {
        assert_eq!(available("/dev/vda 263174212 29745064 65345532 32% /"), Some(65_345_532 * 1024));
        assert_eq!(available("a name with blanks 100 40 60 40% /my data"), Some(61_440));
        assert_eq!(available("Filesystem 1024-blocks Used Available Capacity Mounted on"), None);
    }
}
