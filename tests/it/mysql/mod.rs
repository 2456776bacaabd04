//! The engine of MariaDB and MySQL between real servers: what arrives, what is refused, and what a failure leaves behind.

mod commands;
mod compressed;
mod ends;
mod exact;
mod faults;
mod guards;
mod killing;
mod logins;
mod looks;
mod masked_values;
mod masking;
mod matrix;
mod middle;
mod moments;
mod names;
mod networks;
mod objects;
mod odd;
mod packets;
mod ranges;
mod room;
mod same;
mod settings;
mod started;
mod swapping;

use std::sync::Arc;

use anyhow::Result;
use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};
use railstage::copying::{CopyOptions, CopyReport, Progress};
use railstage::mysql::{Endpoint, copy_database};
use tokio_util::sync::CancellationToken;

use ends::Ends;

async fn copy(source: &str, target: &str, options: &CopyOptions) -> Result<CopyReport> {
    stoppable(source, target, options, &CancellationToken::new()).await
}

async fn stoppable(
    source: &str,
    target: &str,
    options: &CopyOptions,
    cancel: &CancellationToken,
) -> Result<CopyReport> {
    let (source, target) = (Endpoint::parse(source)?, Endpoint::parse(target)?);
    copy_database(&source, &target, options, &Arc::new(Progress::default()), cancel).await
}

/// The oldest server of a family.
async fn oldest(family: Family, options: ServerOptions) -> Server {
    let home = MysqlHome::of(family).unwrap().remove(0);
    Server::start(&home, options).await.unwrap()
}

/// The error as a user reads it.
fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    railstage::error::describe("copy-db", &result.unwrap_err())
}
