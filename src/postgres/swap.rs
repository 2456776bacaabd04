//! The swap: the new database takes the old one's name in one transaction, and says what it is.

use std::pin::pin;
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::types::Type;
use tokio_util::sync::CancellationToken;

use super::session::connect::Session;
use super::session::fault::Fault;
use super::session::sql;
use super::session::target_server::TargetServer;
use crate::copying::note;

/// How long sessions may take to end before the swap is given up.
const SWAP_WITHIN: Duration = Duration::from_mins(1);
/// How long the server may take to end it then.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Puts `new` in the target's place with `comment` on it; the old one stands aside under the returned name.
///
/// Renaming locks the name first, so from then on nobody can connect, and waits up to five seconds for sessions to
/// end. Ending them from a second session meanwhile needs no lasting change, such as refusing connections, that a
/// crash would leave behind.
pub(crate) async fn swap(
    target_server: &TargetServer,
    second: &Session,
    new: &str,
    copy_id: &str,
    comment: &str,
    cancel: &CancellationToken,
) -> Result<String> {
    let aside = target_server.aside(copy_id).await?;
    let (old, new_name, aside_name) = (sql::ident(&target_server.database), sql::ident(new), sql::ident(&aside));
    // Should we be killed before the old one is dropped, its mark tells the next copy whose it is.
    let mark = sql::literal(&note::leftover(&target_server.database));
    let transaction = format!(
        "BEGIN; ALTER DATABASE {old} RENAME TO {aside_name}; COMMENT ON DATABASE {aside_name} IS {mark};
         ALTER DATABASE {new_name} RENAME TO {old}; COMMENT ON DATABASE {old} IS {}; COMMIT",
        sql::literal(comment)
    );
    let give_up = tokio::time::Instant::now() + SWAP_WITHIN;
    loop {
        let mut renaming = pin!(rename(target_server, second, &transaction, new));
        let renamed = tokio::select! {
            renamed = &mut renaming => renamed,
            () = cancel.cancelled() => stopped(target_server, second, renaming).await,
            () = tokio::time::sleep_until(give_up) => stopped(target_server, second, renaming).await,
        };
        let Err(fault) = renamed else { return Ok(aside) };
        // The transaction has failed but not ended; on a broken session this does nothing.
        let _ = tokio::time::timeout(STOP_WITHIN, target_server.session.run("ROLLBACK")).await;
        // In use: a session took too long to end. Anything else will not change by itself.
        if fault.sqlstate != "55006" || tokio::time::Instant::now() > give_up || cancel.is_cancelled() {
            return Err(anyhow::Error::from(fault).context("put the new database in the old one's place"));
        }
    }
}

/// Runs the transaction while it ends the sessions that are in its way.
async fn rename(target_server: &TargetServer, second: &Session, transaction: &str, new: &str) -> Result<(), Fault> {
    let end_sessions = format!(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
          WHERE datname IN ({}, {}) AND pid <> pg_catalog.pg_backend_pid()",
        sql::literal(&target_server.database),
        sql::literal(new)
    );
    let mut renaming = pin!(target_server.session.run(transaction));
    loop {
        tokio::select! {
            renamed = &mut renaming => return renamed,
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                // Whether this works shows in the renaming, which must not be left half-way for its sake.
                let _ = tokio::time::timeout(STOP_WITHIN, second.run(&end_sessions)).await;
            }
        }
    }
}

/// Ends a renaming that nobody wants to wait for. Where that came too late, it is made, and that is told.
async fn stopped(
    target_server: &TargetServer,
    second: &Session,
    renaming: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    let pid = target_server.session.pid();
    let asking = async |sql: String| tokio::time::timeout(STOP_WITHIN, second.run(&sql)).await;
    let _ = asking(format!("SELECT pg_catalog.pg_cancel_backend({pid})")).await;
    if let Ok(renamed) = tokio::time::timeout(STOP_WITHIN, renaming).await {
        return renamed;
    }
    // The line is dead, one way or the other: its session can rename nothing any more once it has ended.
    let _ = asking(format!("SELECT pg_catalog.pg_terminate_backend({pid}, 1000)")).await;
    let sql = "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1";
    let now = tokio::time::timeout(STOP_WITHIN, second.rows(sql, &[(&target_server.database, Type::TEXT)])).await;
    let rows = now.unwrap_or_else(|_| Err(Fault::no_answer(STOP_WITHIN)))?;
    match rows.first().map(|row| row.get::<_, u32>(0)) {
        Some(oid) if oid != target_server.oid => Ok(()),
        _ => Err(Fault::no_answer(STOP_WITHIN)),
    }
}
