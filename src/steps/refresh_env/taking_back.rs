//! Taking a refresh back: what was built beside is dropped, the TCP proxies are closed, and the copy is ready as it was.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::files::Begun;
use super::{account_for, recorded, refreshed, with_databases};
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::engines;
use crate::environment::databases::{self, Reached};
use crate::environment::guard::Target;
use crate::environment::{proxies, refreshing, ways};
use crate::error::chain;
use crate::railway::Change;
use crate::running::account::Deed;
use crate::running::context::Context;
use crate::steps::sync_db;

/// How long one server may take to be cleared.
const CLEAR_WITHIN: Duration = Duration::from_mins(1);

/// What became of a refresh that was taken back.
#[derive(Default)]
pub(in crate::steps) struct TakenBack {
    /// Databases that had their new data already, and keep it.
    pub kept: Vec<String>,
    /// Whether that are all of them: then the refresh has come to its end.
    pub is_complete: bool,
    /// Databases beside which something may be left, and apps on whose volumes it may be, which the next refresh drops.
    pub left: Vec<String>,
    /// How many database servers were restarted, to close their TCP proxies.
    pub restarts: usize,
}

/// Drops what was built, writes the record by the change that `last_word` makes of it, and closes the proxies.
///
/// # Errors
/// When the copy's record or its proxies cannot be written: then the rollback, or else the sweep, has to do it.
pub(in crate::steps) async fn take_back(
    ctx: &Context,
    request: &CloneRequest,
    target: &Target,
    last_word: impl AsyncFnOnce(Record) -> Result<Change>,
) -> Result<TakenBack> {
    let wanted = refreshing::wanted(target, request);
    let run_hash = ctx.run.names(request).run_hash;
    let (mut taken_back, mut new) = (TakenBack::default(), Vec::new());
    let reached = match &wanted[..] {
        [] => Vec::new(),
        wanted => databases::reached(ctx, target, wanted, request.connect).await?,
    };
    for Reached { service, endpoint, .. } in &reached {
        let copy_id = sync_db::copy_id(&run_hash, service);
        let clearing = engines::clear(endpoint, &copy_id);
        let late = || Err(anyhow!("no answer within {} s", CLEAR_WITHIN.as_secs()));
        match tokio::time::timeout(CLEAR_WITHIN, clearing).await.unwrap_or_else(|_| late()) {
            Ok(Some(copied)) => new.push(recorded(service, copied)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    "beside database `{service}` something may be left, which the next refresh drops: {}",
                    chain(&error)
                );
                taken_back.left.push(service.clone());
            }
        }
    }
    taken_back.kept = new.iter().map(|database| database.service.clone()).collect();
    // Files are in their places before any database is: of a copy without one, they alone tell.
    let mut files = Begun::of(ctx, request, target).await;
    taken_back.is_complete = if wanted.is_empty() { files.is_in_place() } else { new.len() == wanted.len() };
    files.settle(taken_back.is_complete).await;
    let record = match taken_back.is_complete {
        true => refreshed(ctx, &target.record, &new),
        false => Record { refreshing: None, ..with_databases(&target.record, &new) },
    };
    let mut change = last_word(record.clone()).await?;
    change.closed_proxies = proxies::to_close_all(
        ctx,
        target.environment(),
        ways::proxies_of_copy(&ctx.policy, request, target.source(), &wanted),
    );
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("mark the copy as ready, and close the databases' TCP proxies")?;
    taken_back.left.extend(files.remove().await);
    account_for(ctx, target, if taken_back.is_complete { Deed::Refreshed } else { Deed::NotRefreshed }, &record);
    if !ctx.policy.may_be_public {
        let listening: Vec<_> = reached.into_iter().filter_map(|reached| reached.listening).collect();
        taken_back.restarts = proxies::still_open(ctx, target, &listening, request.logs).await?.restarts;
    }
    let name = &target.environment().name;
    match &taken_back.kept[..] {
        [] => tracing::info!("`{name}` is ready, with the data that it had"),
        kept => tracing::info!("`{name}` is ready; `{}` had new data already, and keeps it", kept.join("`, `")),
    }
    Ok(taken_back)
}
