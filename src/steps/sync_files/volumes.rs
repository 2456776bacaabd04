//! The volumes of the apps on hold, filled from those of their sources.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Files;
use super::treatment::OfVolume;
use crate::contract::files_request::Compare;
use crate::contract::request::CloneRequest;
use crate::contract::ttl::Ttl;
use crate::copying::throttle::Throttle;
use crate::environment::file_volumes::{self, FileVolume};
use crate::environment::guard::Target;
use crate::environment::hold::Held;
use crate::error::chain;
use crate::files::{self, FilesOptions, FilesReport, Place};
use crate::relay::Line;
use crate::running::context::Context;
use crate::running::relay_key;

/// How long a container of the source may take until commands run there.
const SOURCE_WITHIN: Duration = Duration::from_secs(40);

/// How long nothing may come or go, unless a request or the policy says otherwise.
const STALL: Duration = Duration::from_mins(2);

/// Copies what comes along of the files on the volumes of `held`.
///
/// # Errors
/// Whatever the copying of one fails with, naming its service.
pub(super) async fn copy(ctx: &Context, target: &Target, request: &CloneRequest, held: &[Held]) -> Result<Vec<Files>> {
    let wanted = file_volumes::wanted(&ctx.policy, target.source(), request);
    let mut copied = Vec::new();
    for held in held {
        for volume in wanted.iter().filter(|volume| volume.service.service_name == held.service) {
            ctx.progress.begin_copy(&held.service);
            let done = one(ctx, target, request, volume, &held.line).await;
            ctx.progress.end_copy(&held.service, done.as_ref().err().map(chain));
            let report = done.with_context(|| format!("copy the files of service `{}`", held.service))?;
            copied.push(Files { service: held.service.clone(), mount_path: volume.mount_path.to_owned(), report });
        }
    }
    Ok(copied)
}

async fn one(
    ctx: &Context,
    target: &Target,
    request: &CloneRequest,
    volume: &FileVolume<'_>,
    to: &Arc<Line>,
) -> Result<FilesReport> {
    let name = &volume.service.service_name;
    let key = relay_key::of_step(ctx).await?;
    let from = ctx.relay.line(name, volume.service.id.as_ref(), &key)?;
    tokio::select! {
        ready = from.ready_for_commands(SOURCE_WITHIN) => ready.context("reach the source's container")?,
        () = ctx.stop.cancelled() => bail!("stopped on the way to service `{name}`"),
    }
    let asked = request.copying.stall.map_or(STALL, Ttl::duration);
    let stall = asked.min(ctx.policy.max_stall.duration());
    let fastest = Some(ctx.policy.files_mb_per_s).filter(|rate| *rate > 0).map(f64::from);
    let place = |line: Arc<Line>, throttle| Place::new(line, volume.mount_path, stall, Arc::new(throttle));
    let (source, copy) = (place(from, Throttle::new(fastest)), place(Arc::clone(to), Throttle::default()));
    let treatment = OfVolume::new(target, request, volume)?;
    ctx.progress.enter("files");
    let options = FilesOptions {
        treatment: &treatment,
        by_digest: volume.asked.is_some_and(|asked| asked.compare == Compare::Digest),
        progress: &ctx.progress,
        stop: &ctx.stop,
    };
    files::copy(&source, &copy, &options).await
}
