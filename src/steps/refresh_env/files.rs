//! The files of a refresh: built beside those of the copy once its databases are built, put in their places right before these take theirs, and taken
//! back unless all of these do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;

use crate::contract::request::CloneRequest;
use crate::environment::file_volumes::{self, FileVolume};
use crate::environment::guard::Target;
use crate::error::chain;
use crate::files::{Beside, Place, Standing};
use crate::relay::Line;
use crate::running::context::Context;
use crate::running::relay_key;
use crate::steps::sync_files::Files;
use crate::steps::sync_files::treatment::OfVolume;
use crate::steps::sync_files::volumes::{Anew, Ends, Production, told, treatment};

/// How long the container of a running app may take until commands run there.
const REACHED_WITHIN: Duration = Duration::from_secs(40);
/// How long the old files of one app may take to come back, and what is left beside them to go.
const BACK_WITHIN: Duration = Duration::from_mins(1);
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// The volumes that get new files.
pub(super) struct Volumes<'a> {
    volumes: Vec<Volume<'a>>,
}

struct Volume<'a> {
    volume: FileVolume<'a>,
    ends: Ends,
    treatment: OfVolume<'a>,
    beside: Beside,
    standing: Standing,
    /// When the files that it has began to be read.
    read_at: Option<Timestamp>,
}

impl<'a> Volumes<'a> {
    /// Those that `request` wants, once their apps are reached, and there is room for what comes.
    ///
    /// # Errors
    /// When a container cannot be reached, or has no room or no programs for it.
    pub(super) async fn of(
        ctx: &Context,
        request: &'a CloneRequest,
        target: &'a Target,
        production: &'a Production,
    ) -> Result<Self> {
        let wanted = file_volumes::refreshed(target.source(), request, &target.record)?;
        let run_hash = ctx.run.names(request).run_hash;
        let mut volumes = Vec::new();
        for volume in wanted {
            let name = &volume.service.service_name;
            let found = async {
                let line = tokio::select! {
                    line = reach(ctx, target, name) => line?,
                    () = ctx.stop.cancelled() => bail!("stopped on the way to it"),
                };
                let ends = Ends::of(ctx, request, &volume, &line).await?;
                let beside = Beside::new(&ends.copy, &run_hash);
                let standing = beside.begin().await?;
                let treatment = treatment(ctx, target, request, &volume, production).await?;
                if standing == Standing::Built {
                    ends.ensure_fits(&beside, &treatment).await?;
                }
                anyhow::Ok((ends, treatment, beside, standing))
            };
            let (ends, treatment, beside, standing) =
                found.await.with_context(|| format!("make ready for new files of service `{name}`"))?;
            let recorded =
                target.record.files.iter().find(|one| one.service == *name && one.mount_path == volume.mount_path);
            let read_at = recorded.and_then(|one| one.read_at);
            volumes.push(Volume { volume, ends, treatment, beside, standing, read_at });
        }
        Ok(Self { volumes })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.volumes.is_empty()
    }

    /// Builds the new files of all, and then puts them in their places.
    ///
    /// # Errors
    /// What the copying of one fails with, or its renaming: then all must be taken back.
    pub(super) async fn fill(&self, ctx: &Context, request: &CloneRequest, target: &Target) -> Result<Vec<Files>> {
        let mut filled = Vec::new();
        for Volume { volume, ends, treatment, beside, standing, read_at } in &self.volumes {
            if *standing != Standing::Built {
                // Another process of this run has built them, and all were there.
                filled.extend(recorded(target, volume));
                continue;
            }
            let anew = Anew { beside, read_at: *read_at };
            filled.push(told(ctx, request, volume, ends.fill(ctx, volume, treatment, Some(anew))).await?);
        }
        for Volume { volume, beside, .. } in &self.volumes {
            let name = &volume.service.service_name;
            beside.swap().await.with_context(|| format!("put the new files of service `{name}` in their places"))?;
        }
        Ok(filled)
    }

    /// Removes the old files, now that the new ones stay.
    pub(super) async fn remove_old(&self) {
        for Volume { volume, beside, .. } in &self.volumes {
            remove(&volume.service.service_name, beside).await;
        }
    }
}

fn recorded(target: &Target, volume: &FileVolume<'_>) -> Option<Files> {
    let is_it = |service: &str, path: &str| service == volume.service.service_name && path == volume.mount_path;
    let record = target.record.files.iter().find(|record| is_it(&record.service, &record.mount_path));
    record.map(Files::recorded)
}

/// A line to the container of an app of the copy, once commands run there.
async fn reach(ctx: &Context, target: &Target, service: &str) -> Result<Arc<Line>> {
    let here = target.environment().service(service);
    let here = here.with_context(|| format!("the copy has no service `{service}` any more"))?;
    let key = relay_key::of_step(ctx).await?;
    let line = ctx.relay.line(service, here.id.as_ref(), &key)?;
    line.ready_for_commands(REACHED_WITHIN).await.context("reach its container in the copy")?;
    Ok(line)
}

/// Whether that was done in time.
async fn remove(service: &str, beside: &Beside) -> bool {
    let late = || Err(anyhow!("not done within {} s", GONE_WITHIN.as_secs()));
    let removed = tokio::time::timeout(GONE_WITHIN, beside.remove()).await.unwrap_or_else(|_| late());
    if let Err(error) = &removed {
        tracing::warn!(
            "on the volume of service `{service}` a folder `.railstage-…` may be left, which the next refresh removes: {}",
            chain(error)
        );
    }
    removed.is_ok()
}

/// What a refresh has begun with files, and whether it has come to its end.
#[derive(Default)]
pub(super) struct Begun {
    all: Vec<(String, Beside, Standing)>,
    /// Services that cannot be looked at.
    left: Vec<String>,
}

impl Begun {
    /// What it has begun on the volumes that `request` names.
    pub(super) async fn of(ctx: &Context, request: &CloneRequest, target: &Target) -> Self {
        let mut begun = Self::default();
        let run_hash = ctx.run.names(request).run_hash;
        let is_named = |service: &str| request.files.iter().any(|files| files.service == service);
        for files in target.record.files.iter().filter(|files| is_named(&files.service)) {
            let service = &files.service;
            let found = async {
                let line = reach(ctx, target, service).await?;
                let volume = Place::new(line, &files.mount_path, BACK_WITHIN, Arc::default());
                let beside = Beside::new(&volume, &run_hash);
                let standing = beside.standing().await?;
                anyhow::Ok((service.clone(), beside, standing))
            };
            match found.await {
                Ok(found) => begun.all.push(found),
                Err(error) => {
                    tracing::warn!(
                        "whether service `{service}` has its old files cannot be seen; the next refresh puts back what is there by half: {}",
                        chain(&error)
                    );
                    begun.left.push(service.clone());
                }
            }
        }
        begun
    }

    /// Whether all new files are in their places.
    pub(super) fn is_in_place(&self) -> bool {
        self.left.is_empty() && self.all.iter().all(|(_, _, standing)| *standing == Standing::InPlace)
    }

    /// Keeps the new files, where `is_complete`, or has the old ones back.
    pub(super) async fn settle(&mut self, is_complete: bool) {
        for (service, beside, standing) in &self.all {
            let settling = async {
                match (is_complete, standing) {
                    (true, Standing::Swapping) => beside.swap().await,
                    (true, _) => Ok(()),
                    (false, _) => beside.take_back().await,
                }
            };
            let late = || Err(anyhow!("not done within {} s", BACK_WITHIN.as_secs()));
            if let Err(error) = tokio::time::timeout(BACK_WITHIN, settling).await.unwrap_or_else(|_| late()) {
                tracing::warn!(
                    "service `{service}` may have some of its new files and some of its old ones; the next refresh puts these back: {}",
                    chain(&error)
                );
                self.left.push(service.clone());
            }
        }
    }

    /// Removes what is not in its place; the services that may have something left.
    pub(super) async fn remove(mut self) -> Vec<String> {
        for (service, beside, standing) in &self.all {
            let is_left = self.left.contains(service);
            if *standing != Standing::None && !is_left && !remove(service, beside).await {
                self.left.push(service.clone());
            }
        }
        self.left
    }
}
