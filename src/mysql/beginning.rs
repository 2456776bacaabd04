//! How several sessions come to see one moment of the source: by the server's word that what they see is the same, by holding those who
//! write for a moment, or not at all: then one reads alone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::future::try_join_all;

use super::session::connect::Family;
use super::session::endpoint::Endpoint;
use super::session::source_session::SourceSession;
use crate::copying::snapshot_means::{SnapshotBy, SnapshotMeans};
use crate::copying::transient::Transient;

/// So often all begin anew when they do not see the same.
const VIEWS: u32 = 4;
/// So often the writers are held at most; then one session reads alone, which needs nobody to wait.
const PAUSES: u32 = 2;
/// Between two of them, production's writers have all the time that they want.
const BETWEEN_PAUSES: Duration = Duration::from_secs(3);

/// What no session waits for whose wish is granted at once; the numbers are those of a killed command and of a lock not had in time.
const NOT_HELD: [u16; 2] = [1317, 1205];
/// A table that is not there.
const NO_TABLE: u16 = 1146;

/// Has all readers begin in the same moment; those that cannot be made to are let go. Whoever writes waits for at most `most_pause`.
pub(super) async fn all(
    endpoint: &Endpoint,
    upkeep: &mut SourceSession,
    readers: &mut Vec<SourceSession>,
    tables: &[String],
    most_pause: Duration,
) -> Result<SnapshotMeans> {
    let mut held = Duration::ZERO;
    let mut means = |by, readers: &[SourceSession], more| {
        held += more;
        let writers_held_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
        SnapshotMeans { by, sessions: readers.len() as u64, writers_held_ms }
    };
    if readers.len() > 1 {
        if see_the_same(upkeep, readers).await? {
            return Ok(means(SnapshotBy::EqualViews, readers, Duration::ZERO));
        }
        // Whoever is to be let go waits until we are heard.
        let began = Instant::now();
        upkeep.rows("SELECT 1").await.context("ask the source how far it is")?;
        let most = most_pause.saturating_sub(began.elapsed());
        for number in 1..=if most.is_zero() || tables.is_empty() { 0 } else { PAUSES } {
            let mut holder = SourceSession::open(endpoint).await?;
            let began = Instant::now();
            let is_held = hold(&mut holder, upkeep, tables, most).await?
                && begin_held(&mut holder, upkeep, readers, most.saturating_sub(began.elapsed())).await?;
            if is_held {
                holder.unlock().await.context("let production's writers go on")?;
            }
            let now_held = began.elapsed();
            // It may hold the tables still.
            holder.close().await;
            let means = means(SnapshotBy::WritersHeld, readers, now_held);
            if is_held {
                return Ok(means);
            }
            if number < PAUSES {
                tokio::time::sleep(BETWEEN_PAUSES).await;
            }
        }
        tracing::warn!(
            "the source's writers could not be held within {} ms, so one session reads alone",
            most_pause.as_millis()
        );
        for reader in readers.drain(1..) {
            reader.close().await;
        }
    }
    let Some(reader) = readers.first_mut() else { bail!("no session reads") };
    reader.begin().await.context("take a snapshot")?;
    Ok(means(SnapshotBy::OneSession, readers, Duration::ZERO))
}

/// Has all readers begin until the server says that they see the same; whether they do. Only MariaDB tells, and only whom it lets see
/// what its sessions are at. Nobody is held.
async fn see_the_same(upkeep: &mut SourceSession, readers: &mut [SourceSession]) -> Result<bool> {
    if upkeep.family() != Family::MariaDb {
        return Ok(false);
    }
    for _ in 0..VIEWS {
        try_join_all(readers.iter_mut().map(SourceSession::begin)).await.context("take a snapshot")?;
        let Ok(status) = upkeep.rows("SHOW ENGINE INNODB STATUS").await else { return Ok(false) };
        let status = status.first().map(|row| row.text(2)).unwrap_or_default();
        let ids: Vec<_> = readers.iter().map(SourceSession::id).collect();
        if are_equal(&status, &ids) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether these sessions see the same, as the server prints what each does not see: all begun from a number on, and none before it. Where
/// somebody was in the middle of writing the two numbers differ, and what lies between is not told.
fn are_equal(status: &str, ids: &[u64]) -> bool {
    let seen = |id: &u64| {
        let of = format!("thread id {id},");
        let mut sections = status.split("---TRANSACTION").filter(|section| section.contains(&of));
        let (section, None) = (sections.next()?, sections.next()) else { return None };
        let (_, view) = section.split_once("Trx read view will not see trx with id >= ")?;
        let (from, rest) = view.split_once(", sees < ")?;
        let before: u64 = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        Some(before).filter(|before| from.parse() == Ok(*before))
    };
    let mut all = ids.iter().map(seen);
    all.next().flatten().is_some_and(|first| all.all(|other| other == Some(first)))
}

/// Holds the writers of all tables; whether that was so in time. While it waits for those that are at it, new ones wait behind it.
async fn hold(
    holder: &mut SourceSession,
    upkeep: &mut SourceSession,
    tables: &[String],
    most: Duration,
) -> Result<bool> {
    let id = holder.id();
    let mut locking = std::pin::pin!(holder.lock(tables));
    let locked = tokio::select! {
        locked = &mut locking => locked,
        () = tokio::time::sleep(most) => {
            upkeep.end(id, false).await.context("let production's writers go on")?;
            locking.await
        }
    };
    match locked {
        Ok(()) => Ok(true),
        Err(fault) if fault.number.is_some_and(|number| NOT_HELD.contains(&number)) => Ok(false),
        Err(fault) if fault.number == Some(NO_TABLE) => {
            Err(Transient(format!("a table went away meanwhile: {fault}")).into())
        }
        Err(fault) => Err(anyhow::Error::from(fault).context("hold the source's writers for a moment")),
    }
}

/// Has all readers begin while writers are held; whether they were held all the time.
async fn begin_held(
    holder: &mut SourceSession,
    upkeep: &mut SourceSession,
    readers: &mut [SourceSession],
    most: Duration,
) -> Result<bool> {
    let mut beginning = std::pin::pin!(try_join_all(readers.iter_mut().map(SourceSession::begin)));
    let (begun, in_time) = tokio::select! {
        begun = &mut beginning => (begun, true),
        () = tokio::time::sleep(most) => {
            upkeep.end(holder.id(), true).await.context("let production's writers go on")?;
            (beginning.await, false)
        }
    };
    begun.context("take a snapshot")?;
    Ok(in_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "TRANSACTIONS\n------------\nTrx id counter 20\nLIST OF TRANSACTIONS FOR EACH SESSION:
---TRANSACTION (0x7f), ACTIVE 0 sec\nMariaDB thread id 11, OS thread handle 1, query id 3 localhost root\nTrx read view will not see trx with id >= 18, sees < 18
---TRANSACTION (0x8f), ACTIVE 0 sec\nMariaDB thread id 12, OS thread handle 1, query id 4 localhost root\nTrx read view will not see trx with id >= 18, sees < 18
---TRANSACTION (0x9f), ACTIVE 0 sec\nMariaDB thread id 13, OS thread handle 1, query id 5 localhost root\nTrx read view will not see trx with id >= 19, sees < 19
---TRANSACTION (0xaf), ACTIVE 0 sec\nMariaDB thread id 14, OS thread handle 1, query id 6 localhost root\nTrx read view will not see trx with id >= 18, sees < 17
---TRANSACTION (0xbf), ACTIVE 0 sec\nMariaDB thread id 15, OS thread handle 1, query id 7 localhost root\n--------\nFILE I/O";

    #[test]
    fn sessions_see_the_same_when_the_server_says_so_of_each() {
        for (ids, wanted) in [
            (&[11, 12][..], true),
            (&[11], true),
            (&[11, 12, 13], false),
            (&[14, 14], false),
            (&[11, 15], false),
            (&[11, 1], false),
            (&[], false),
        ] {
            assert_eq!(are_equal(STATUS, ids), wanted, "{ids:?}");
        }
        assert!(!are_equal("", &[11, 12]));
    }
}
