//! The copying of a refresh: all that it brings is built before any of it takes its place.

use anyhow::Result;
use futures_util::future::join_all;

use super::files::Volumes;
use crate::contract::request::CloneRequest;
use crate::copying::Together;
use crate::environment::databases::DatabasePair;
use crate::environment::guard::Target;
use crate::running::context::Context;
use crate::steps::sync_db::{self, Database};
use crate::steps::sync_files::Files;

/// Copies all databases, one after the other, then the files, and puts them in their places when all are built: a copy has new data in all of
/// them, or in none. Files go first, since they alone can be taken back from there.
pub(super) async fn copy_together(
    ctx: &Context,
    request: &CloneRequest,
    target: &Target,
    pairs: &[DatabasePair],
    volumes: &Volumes<'_>,
) -> Result<(Vec<Database>, Vec<Files>)> {
    let run_hash = &ctx.run.names(request).run_hash;
    let mut all = Together::of(pairs.len() + usize::from(!volumes.is_empty()));
    let of_files = all.split_off(pairs.len()).pop();
    let filling = async {
        let Some(together) = of_files else { return Ok(Vec::new()) };
        let filled = async {
            together.turn().await?;
            volumes.fill(ctx, request, target).await
        };
        match filled.await {
            Ok(files) => {
                together.pass();
                Ok(files)
            }
            Err(error) => Err((together.give_up(), error)),
        }
    };
    let copying = pairs.iter().zip(all).map(|(pair, together)| async move {
        let service = &pair.service;
        let copied = async {
            together.turn().await?;
            sync_db::copy(ctx, target, request, pair, run_hash, Some(together.clone())).await
        };
        match copied.await {
            Ok(copied) => {
                together.pass();
                Ok(Database::copied(service.clone(), copied))
            }
            Err(error) => Err((together.give_up(), error.context(format!("copy database `{service}`")))),
        }
    });
    let (mut copied, mut reasons) = (Vec::new(), Vec::new());
    let (copies, filled) = tokio::join!(join_all(copying), filling);
    let files = filled.unwrap_or_else(|(is_first, error)| {
        reasons.insert(if is_first { 0 } else { reasons.len() }, error);
        Vec::new()
    });
    for done in copies {
        match done {
            Ok(database) => copied.push(database),
            Err((true, error)) => reasons.insert(0, error),
            Err((false, error)) => reasons.push(error),
        }
    }
    // The others were given up for the sake of the first.
    reasons.into_iter().next().map_or(Ok((copied, files)), Err)
}
