//! Gives a copied data directory a system identifier of its own, as if `initdb` had made it.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The control file begins with the identifier and holds a CRC-32C of all that stands before the checksum.
/// `pg_resetwal` must run next: the write-ahead log carries the old identifier.
pub(crate) fn renew(data: &Path) -> Result<()> {
    let path = data.join("global/pg_control");
    let mut control = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
    let crc_at = (200..508.min(control.len() - 4))
        .step_by(4)
        .find(|at| control[*at..at + 4] == crc32c::crc32c(&control[..*at]).to_le_bytes());
    let Some(crc_at) = crc_at else { bail!("no checksum found in `{}`", path.display()) };
    control[..8].copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..8]);
    // Identifiers are shown as signed numbers here and there; keep the sign out of it.
    control[7] &= 0x7f;
    let crc = crc32c::crc32c(&control[..crc_at]);
    control[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, control).with_context(|| format!("write `{}`", path.display()))
}
