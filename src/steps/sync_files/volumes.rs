//! The volumes of the apps on hold, filled from those of their sources.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Files;
use super::treatment::OfVolume;
use crate::contract::files_request::Compare;
use crate::contract::request::CloneRequest;
use crate::contract::ttl::Ttl;
use crate::copying::progress::FILES;
use crate::copying::throttle::Throttle;
use crate::engines::Kind;
use crate::environment::file_volumes::{self, FileVolume};
use crate::environment::guard::Target;
use crate::environment::hold::Held;
use crate::environment::{databases, services};
use crate::error::chain;
use crate::files::wp_config::DbValues;
use crate::files::{self, FilesOptions, FilesReport, LeftFiles, Place};
use crate::railway::{Rendered, ServiceInstance};
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
    let secrets = if held.is_empty() { Production::default() } else { Production::of(ctx, target).await? };
    let mut copied = Vec::new();
    for held in held {
        for volume in wanted.iter().filter(|volume| volume.service.service_name == held.service) {
            ctx.progress.begin_copy(&held.service);
            let done = one(ctx, target, request, volume, &held.line, &secrets).await;
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
    secrets: &Production,
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
    let treatment = OfVolume::new(target, request, volume, secrets)?;
    ctx.progress.enter(FILES);
    let options = FilesOptions {
        treatment: &treatment,
        by_digest: volume.asked.is_some_and(|asked| asked.compare == Compare::Digest),
        progress: &ctx.progress,
        stop: &ctx.stop,
    };
    let mut report = files::copy(&source, &copy, &options).await?;
    let left = treatment.choice.left();
    report.left = left.iter().map(|(why, paths)| LeftFiles::new(why, paths.iter())).collect();
    report.unmatched = treatment.choice.unmatched();
    for glob in &report.unmatched {
        tracing::warn!("`{glob}` of `files` fits nothing on the volume of service `{name}`");
    }
    report.naming_production = treatment.named();
    Ok(report)
}

/// What of production's databases must stand in no file of a copy.
#[derive(Default)]
pub(super) struct Production {
    /// `host:port` of their TCP proxies.
    pub(super) hosts: Vec<String>,
    pub(super) passwords: Vec<String>,
    /// Where a WordPress of the copy finds its data, if there is one server that it could be.
    pub(super) own: Option<DbValues>,
}

impl Production {
    async fn of(ctx: &Context, target: &Target) -> Result<Self> {
        let source = target.source();
        let servers: Vec<_> = source.service_instances.iter().filter(|s| services::is_data_server(s)).collect();
        let mut found = Self::default();
        for seen in databases::look(ctx, &target.project.id, &source.id, &servers).await? {
            found.hosts.extend(seen.proxy.map(|(host, port)| format!("{host}:{port}")));
            let is_password = |name: &str| name.contains("PASSWORD") || name.contains("PASS");
            let values =
                seen.variables.into_iter().filter(|(name, _)| is_password(name)).filter_map(|(_, value)| value);
            found.passwords.extend(values.filter(|value| !value.is_empty()));
        }
        let of_wordpress = |s: &&ServiceInstance| matches!(services::kind(s), Some(Kind::Mysql | Kind::Mariadb));
        let own: Vec<_> = servers.into_iter().filter(of_wordpress).collect();
        if own.len() == 1 {
            let seen = databases::look(ctx, &target.project.id, &target.environment().id, &own).await?;
            found.own = seen.first().and_then(|seen| login(&seen.variables));
        }
        Ok(found)
    }
}

/// The login for a site, as a server's variables have it: its own, or that of everybody.
fn login(variables: &Rendered) -> Option<DbValues> {
    let value = |names: &[&str]| {
        let values = names.iter().filter_map(|name| variables.get(*name).cloned().flatten());
        values.into_iter().find(|value| !value.is_empty())
    };
    let own = value(&["MARIADB_USER", "MYSQL_USER"]).zip(value(&["MARIADB_PASSWORD", "MYSQL_PASSWORD"]));
    let (user, password) = match own {
        Some(own) => own,
        None => ("root".to_owned(), value(&["MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"])?),
    };
    let name = value(&["MARIADB_DATABASE", "MYSQL_DATABASE", "MYSQLDATABASE"])?;
    Some(DbValues { name, user, password, host: value(&["RAILWAY_PRIVATE_DOMAIN"])? })
}
