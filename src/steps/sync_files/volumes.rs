//! The volumes of the apps on hold, filled from those of their sources.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use super::Files;
use super::treatment::OfVolume;
use crate::contract::files_request::{Compare, FilesMode};
use crate::contract::record::{self, FilesRecord};
use crate::contract::request::CloneRequest;
use crate::contract::ttl::Ttl;
use crate::copying::progress::FILES;
use crate::copying::throttle::Throttle;
use crate::engines::Kind;
use crate::environment::file_volumes::{self, FileVolume};
use crate::environment::guard::Target;
use crate::environment::hold::Held;
use crate::environment::{databases, services, waking};
use crate::error::chain;
use crate::external::http;
use crate::files::wp_config::DbValues;
use crate::files::{self, Beside, FilesOptions, FilesReport, LeftFiles, Place};
use crate::railway::{Rendered, ServiceInstance};
use crate::relay::Line;
use crate::running::context::Context;
use crate::running::relay_key;

/// How long a container of the source may take until commands run there.
const SOURCE_WITHIN: Duration = Duration::from_secs(40);

/// How long nothing may come or go, unless a request or the policy says otherwise.
const STALL: Duration = Duration::from_mins(2);

/// How far the clocks of a source's container and of the worker may be apart.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// Where the files of one volume come from, and where they go.
pub(in crate::steps) struct Ends {
    source: Place,
    /// The volume of the copy.
    pub(in crate::steps) copy: Place,
}

/// How new files come to those that a volume has.
pub(in crate::steps) struct Anew<'a> {
    pub(in crate::steps) beside: &'a Beside,
    /// When those that it has began to be read.
    pub(in crate::steps) read_at: Option<Timestamp>,
}

/// Copies what comes along of the files on the volumes of `held`.
///
/// # Errors
/// Whatever the copying of one fails with, naming its service.
pub(super) async fn copy(ctx: &Context, target: &Target, request: &CloneRequest, held: &[Held]) -> Result<Vec<Files>> {
    let wanted = file_volumes::wanted(&ctx.policy, target.source(), request);
    let production = if held.is_empty() { Production::default() } else { Production::of(ctx, target).await? };
    let mut copied = Vec::new();
    for held in held {
        for volume in wanted.iter().filter(|volume| volume.service.service_name == held.service) {
            let filling = async {
                let ends = Ends::of(ctx, request, volume, &held.line).await?;
                let treatment = treatment(ctx, target, request, volume, &production).await?;
                ends.fill(ctx, volume, &treatment, None).await
            };
            copied.push(told(ctx, request, volume, filling).await?);
        }
    }
    Ok(copied)
}

/// What becomes of the files of a volume.
///
/// # Errors
/// As [`OfVolume::new`].
pub(in crate::steps) async fn treatment<'p>(
    ctx: &Context,
    target: &Target,
    request: &CloneRequest,
    volume: &FileVolume<'_>,
    production: &'p Production,
) -> Result<OfVolume<'p>> {
    let uploads = uploads_of_production(volume).await?;
    OfVolume::new(&ctx.policy, target, request, volume, production, uploads)
}

/// Does what fills a volume, and has whoever watches see it.
///
/// # Errors
/// What that fails with, naming its service.
pub(in crate::steps) async fn told(
    ctx: &Context,
    request: &CloneRequest,
    volume: &FileVolume<'_>,
    filling: impl Future<Output = Result<FilesReport>>,
) -> Result<Files> {
    let service = &volume.service.service_name;
    let began = record::now();
    ctx.progress.begin_copy(service);
    let done = filling.await;
    ctx.progress.end_copy(service, done.as_ref().err().map(chain));
    let report = done.with_context(|| format!("copy the files of service `{service}`"))?;
    ctx.keep_files(service, &report);
    let (service, mount_path) = (service.clone(), volume.mount_path.to_owned());
    let record = FilesRecord {
        service: service.clone(),
        mount_path: mount_path.clone(),
        files: report.files,
        bytes: report.bytes,
        is_guarded: !report.guards.is_empty(),
        without_guard: request.guard == Some(false),
        asked: volume.asked.cloned(),
        read_at: Some(began),
    };
    Ok(Files { service, mount_path, report, record })
}

impl Ends {
    /// Both ends, once commands run in the source's container; those of the copy's have `to`.
    ///
    /// # Errors
    /// When the source's container cannot be reached.
    pub(in crate::steps) async fn of(
        ctx: &Context,
        request: &CloneRequest,
        volume: &FileVolume<'_>,
        to: &Arc<Line>,
    ) -> Result<Self> {
        let name = &volume.service.service_name;
        let key = relay_key::of_step(ctx).await?;
        let from = ctx.relay.line(name, volume.service.id.as_ref(), &key)?;
        tokio::select! {
            ready = waking::reached(volume.service, SOURCE_WITHIN, |patience| from.ready_for_commands(patience)) => ready.context("reach the source's container")?,
            () = ctx.stop.cancelled() => bail!("stopped on the way to service `{name}`"),
        }
        let asked = request.copying.stall.map_or(STALL, Ttl::duration);
        let stall = asked.min(ctx.policy.max_stall.duration());
        let granted = Some(ctx.policy.files_mb_per_s).filter(|rate| *rate > 0).map(f64::from);
        let fastest = granted.into_iter().chain(request.copying.max_mb_per_s).reduce(f64::min);
        let place = |line: Arc<Line>, throttle| Place::new(line, volume.mount_path, stall, Arc::new(throttle));
        Ok(Self { source: place(from, Throttle::new(fastest)), copy: place(Arc::clone(to), Throttle::default()) })
    }

    /// Refuses files that have no room beside those of the copy.
    ///
    /// # Errors
    /// As [`files::ensure_fits`].
    pub(in crate::steps) async fn ensure_fits(&self, beside: &Beside, treatment: &OfVolume<'_>) -> Result<()> {
        files::ensure_fits(&self.source, beside, treatment).await
    }

    /// Brings the files of one volume, into the copy's or `anew` beside what that has.
    ///
    /// # Errors
    /// As [`files::copy`].
    pub(in crate::steps) async fn fill(
        &self,
        ctx: &Context,
        volume: &FileVolume<'_>,
        treatment: &OfVolume<'_>,
        anew: Option<Anew<'_>>,
    ) -> Result<FilesReport> {
        ctx.progress.enter(FILES);
        let by_digest = volume.asked.is_some_and(|asked| asked.compare == Compare::Digest);
        let read_at = anew.as_ref().and_then(|anew| anew.read_at).filter(|_| !by_digest);
        let options = FilesOptions {
            treatment,
            by_digest,
            beside: anew.as_ref().map(|anew| anew.beside),
            unchanged_before: read_at.map(|at| (at - CLOCKS_DIFFER).as_second()),
            progress: &ctx.progress,
            stop: &ctx.stop,
        };
        let target = anew.as_ref().map_or_else(|| self.copy.clone(), |anew| anew.beside.tree());
        let mut report = files::copy(&self.source, &target, &options).await?;
        let name = &volume.service.service_name;
        let left = treatment.choice.left();
        report.left = left.iter().map(|(why, paths)| LeftFiles::new(why, paths.iter())).collect();
        report.unmatched = treatment.choice.unmatched();
        for glob in &report.unmatched {
            tracing::warn!("`{glob}` of `files` fits nothing on the volume of service `{name}`");
        }
        report.naming_production = treatment.named();
        if let Some(why) = &report.unguarded {
            tracing::warn!("the WordPress of service `{name}` is not guarded: {why}");
        }
        Ok(report)
    }
}

/// Where production shows the uploads of a volume that leaves them to it: nowhere where it asks for a password, which no visitor of the copy
/// is to be asked for, and where it does not answer.
async fn uploads_of_production(volume: &FileVolume<'_>) -> Result<Option<String>> {
    if volume.mode != FilesMode::Production {
        return Ok(None);
    }
    let name = &volume.service.service_name;
    let domains = &volume.service.domains;
    let custom = domains.custom_domains.iter().map(|domain| (&domain.domain, &domain.gate));
    let all = custom.chain(domains.service_domains.iter().map(|domain| (&domain.domain, &domain.gate)));
    let Some((host, _)) = all.into_iter().find(|(_, gate)| gate.is_none()) else {
        tracing::warn!("service `{name}` can be visited by nobody in production, which so shows none of its uploads");
        return Ok(None);
    };
    let url = format!("https://{host}");
    let why = match http::visit(&http::client()?, &format!("{url}/"), None).await {
        Ok(page) if page.status < 400 => return Ok(Some(url)),
        Ok(page) => format!("it answers with HTTP status {}", page.status),
        Err(error) => format!("{error:#}"),
    };
    tracing::warn!("production shows no uploads to visitors of the copy of service `{name}`: {why}");
    Ok(None)
}

/// What of production's databases must stand in no file of a copy.
#[derive(Default)]
pub(in crate::steps) struct Production {
    /// `host:port` of their TCP proxies.
    pub(super) hosts: Vec<String>,
    pub(super) passwords: Vec<String>,
    /// Where a WordPress of the copy finds its data, if there is one server that it could be.
    pub(super) own: Option<DbValues>,
}

impl Production {
    /// # Errors
    /// When Railway cannot be read.
    pub(in crate::steps) async fn of(ctx: &Context, target: &Target) -> Result<Self> {
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
