//! Whether both servers have room for the locks of a copy: every table of the source is locked while it is read, and a server
//! has room for some thousands of locks, as it comes.

use anyhow::{Context as _, Result};
use tokio_postgres::Row;

use super::catalog::Relations;
use crate::error::Failure;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;

/// So many at most are held at a time beside those of the tables: by sessions that read or fill some tables at a time, with
/// their indexes, and by a transaction that makes some objects of the schema.
const AT_WORK: u64 = 256;

/// Locks a session, and sessions and prepared transactions, for which a server has room.
const ROOM: &str = "
    SELECT pg_catalog.current_setting('max_locks_per_transaction')::int8,
           pg_catalog.current_setting('max_connections')::int8 + pg_catalog.current_setting('max_prepared_transactions')::int8";

/// Refuses a source with more tables than its server can lock: the snapshot's holder and `pg_dump` each lock all.
pub(crate) async fn fit_source(source: &SourceSession, tables: usize) -> Result<()> {
    let room = source.row(ROOM, &[]).await.context("ask for how many locks the source has room")?;
    fit(&room, "source", &format!("{tables} tables, each of which is locked while it is read"), tables as u64)
}

/// Refuses a target whose server cannot lock all parts of the largest table at a time; all else is made some at a time.
pub(crate) async fn fit_target(target_server: &TargetServer, tables: &Relations) -> Result<()> {
    let room = target_server.session.row(ROOM, &[]).await.context("ask for how many locks the target has room")?;
    let parts = tables.families.largest();
    fit(&room, "target", &format!("{parts} parts of one table, all of which are locked at a time"), parts as u64)
}

fn fit(room: &Row, which: &str, what: &str, wanted: u64) -> Result<()> {
    let (each, sessions) = (row_number(room, 0), row_number(room, 1).max(1));
    let needed = wanted + AT_WORK;
    if needed <= each * sessions {
        return Ok(());
    }
    let least = needed.div_ceil(sessions).next_multiple_of(64);
    let message = format!(
        "there are {what}, and the {which}'s server has room for {} locks: its `max_locks_per_transaction` must be {least} or more, and is {each}",
        each * sessions
    );
    Err(Failure::invalid(message).hint(format!("set it on the {which}'s server, and restart that")).into())
}

fn row_number(row: &Row, column: usize) -> u64 {
    row.get::<_, i64>(column).max(0).cast_unsigned()
}
