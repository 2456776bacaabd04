//! What is asked of every engine and this one cannot do yet: refused by name.

use anyhow::Result;

use super::session::endpoint::Endpoint;
use crate::copying::audit::AuditReport;
use crate::copying::dry_run::DryRun;
use crate::copying::options::CopyOptions;
use crate::error::Failure;
use crate::masking::Masking;

/// A dry run.
///
/// # Errors
/// Always.
pub(crate) fn dry_run(_source: &Endpoint, _target: &Endpoint, _options: &CopyOptions) -> Result<DryRun> {
    refused("tried without being done")
}

/// An audit.
///
/// # Errors
/// Always.
pub(crate) fn audit(_source: &Endpoint, _copy: &Endpoint, _masking: &Masking) -> Result<AuditReport> {
    refused("audited")
}

/// The SQL for a login that only reads.
///
/// # Errors
/// Always.
pub(crate) fn source_login(_source: &Endpoint, _role: &str) -> Result<String> {
    refused("given a login of their own for reading by a command")
}

fn refused<T>(what: &str) -> Result<T> {
    Err(Failure::invalid(format!("MariaDB and MySQL databases cannot be {what} yet")).into())
}
