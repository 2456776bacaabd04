//! What a container must have before files are read or written there: programs, and room.

use anyhow::{Result, ensure};

use super::attempts::retried;
use super::container::{Place, Tools};
use crate::error::{Exit, Failure};

/// What a container has to work with: all that it takes.
///
/// # Errors
/// [`Exit::Failed`] for a program that it has not.
pub(super) async fn tools(place: &Place) -> Result<Tools> {
    let tools = retried(|| place.tools()).await?;
    ensure!(
        tools.lacking.is_empty(),
        Failure::new(Exit::Failed, format!("the image of {place} has no {}", tools.lacking.join(", ")))
            .hint("files are read and written by its own programs: add them to the image, or leave its files out (`files` with `mode: empty`)")
    );
    Ok(tools)
}

/// Refuses more bytes than a volume of a copy has room for.
///
/// # Errors
/// [`Exit::Failed`] with both.
pub(super) fn ensure_room(target: &Place, needed: u64, free: u64) -> Result<()> {
    ensure!(
        needed <= free,
        Failure::new(
            Exit::Failed,
            format!("the files do not fit into the volume of {target} in the copy: they take {} MB, and it has room for {}", needed / 1_000_000, free / 1_000_000)
        )
        .hint("make the volume of the source's service larger, since a copy's is as large; or leave files out (`files` with `exclude`)")
    );
    Ok(())
}
