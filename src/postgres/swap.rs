//! The swap: the new database takes the old one's name in one transaction, and says what it is.

use std::pin::pin;
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::session::connect::Session;
use super::session::fault::Fault;
use super::session::sql;
use super::session::target_server::TargetServer;

/// How long sessions may take to end before the swap is given up.
const SWAP_WITHIN: Duration = Duration::from_mins(1);

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
    let aside = target_server.aside(copy_id);
    let (old, new_name, aside_name) = (sql::ident(&target_server.database), sql::ident(new), sql::ident(&aside));
    let transaction = format!(
        "BEGIN; ALTER DATABASE {old} RENAME TO {aside_name}; ALTER DATABASE {new_name} RENAME TO {old};
         COMMENT ON DATABASE {old} IS {}; COMMIT",
        sql::literal(comment)
    );
    let give_up = tokio::time::Instant::now() + SWAP_WITHIN;
    loop {
        let Err(fault) = rename(target_server, second, &transaction, new).await else { return Ok(aside) };
        // The transaction has failed but not ended; on a broken session this does nothing.
        let _ = target_server.session.run("ROLLBACK").await;
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
                let _ = tokio::time::timeout(Duration::from_secs(2), second.run(&end_sessions)).await;
            }
        }
    }
}
