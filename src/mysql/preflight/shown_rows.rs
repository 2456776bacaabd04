//! Rows of the source that are looked at one by one as they come, and none of them kept.

use std::time::Duration;

use anyhow::Result;

use crate::mysql::rows::wire::WireRow;
use crate::mysql::session::connect::limited;
use crate::mysql::session::line::Packet;
use crate::mysql::session::source_session::SourceSession;

/// A server that looks through a table and finds nothing says nothing for long.
const SILENT_WITHIN: Duration = Duration::from_mins(15);
/// What has moved is told when it is so much.
const TOLD_BYTES: usize = 64 << 10;

/// Shows the rows of an answer of so many columns, one after the other; one that is too long to be held tells nobody.
pub(super) async fn each(
    source: &mut SourceSession,
    sql: &str,
    columns: usize,
    show: &mut (dyn FnMut(&WireRow<'_>) + Send),
) -> Result<()> {
    let throttle = source.throttle();
    let mut rows = limited(SILENT_WITHIN, source.start_rows(sql)).await?;
    let mut moved = 0;
    loop {
        match limited(SILENT_WITHIN, rows.next()).await? {
            Some(Packet::Whole(row)) => {
                moved += row.len();
                WireRow::of(row, columns).iter().for_each(&mut *show);
            }
            Some(Packet::Long) => {
                while let Some(piece) = limited(SILENT_WITHIN, rows.piece()).await? {
                    moved += piece.len();
                }
            }
            None => break,
        }
        if moved >= TOLD_BYTES {
            throttle.wait(std::mem::take(&mut moved)).await;
        }
    }
    throttle.wait(moved).await;
    Ok(())
}
