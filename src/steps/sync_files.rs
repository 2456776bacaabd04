//! `sync-files`: copies the files on the volumes of apps into those of the copy, whose apps are on hold until all is there.

pub(super) mod treatment;
pub(super) mod volumes;

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::record::{FilesRecord, Record};
use crate::contract::request::CloneRequest;
use crate::environment::file_volumes;
use crate::environment::guard::{self, Readiness, Target};
use crate::environment::hold;
use crate::environment::lease::{self, Turn};
use crate::error::{Failure, counted};
use crate::external::kestra::Metric;
use crate::files::FilesReport;
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// What a run has for its files at the least, however long its databases took: so much of its time is kept for waiting (`record.rs`).
const AT_LEAST: Duration = Duration::from_mins(13);

/// The step.
pub(super) struct SyncFiles;

/// What was copied.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The apps whose files were copied.
    pub services: Vec<Files>,
}

/// The files on one volume of an app.
#[derive(Serialize, JsonSchema)]
pub(super) struct Files {
    pub service: String,
    /// Where the volume is in the container.
    pub mount_path: String,
    #[serde(flatten)]
    pub report: FilesReport,
    /// What the record tells of them.
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) record: FilesRecord,
}

impl Output {
    fn sum(&self, of: fn(&FilesReport) -> u64) -> u64 {
        self.services.iter().map(|files| of(&files.report)).sum()
    }
}

impl Step for SyncFiles {
    const NAME: &'static str = "sync-files";
    const ABOUT: &'static str = "Copy the files on apps' volumes, while these apps are on hold in the copy";
    const DEADLINE: Deadline = Deadline::RestOfRun;
    const COPIES_DATA: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        let files = counted(output.sum(|files| files.files), "file", "files");
        format!("{files}, {:.1} MB", output.sum(|files| files.bytes) as f64 / 1e6)
    }

    fn metrics(output: &Output) -> Vec<Metric> {
        vec![
            Metric::Counter("copied_bytes", output.sum(|files| files.bytes)),
            Metric::Counter("copied_files", output.sum(|files| files.files)),
        ]
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        loop {
            let target = guard::own_target(ctx, &request, Readiness::HasData).await?;
            let volumes = file_volumes::wanted(&ctx.policy, target.source(), &request);
            let is_there = |service: &str| target.record.files.iter().any(|files| files.service == service);
            if target.is_ready() || volumes.iter().all(|volume| is_there(&volume.service.service_name)) {
                return Ok(Output { services: target.record.files.iter().map(Files::recorded).collect() });
            }
            let work: lease::Work<Output> =
                |ctx, request, target, turn| Box::pin(fill_volumes(ctx, request, target, turn));
            if let Some(done) = lease::try_turn(ctx, &request, target, work).await? {
                return Ok(done);
            }
        }
    }
}

async fn fill_volumes(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let time = time_left(&target.record);
    let late = || {
        Failure::deadline(format!("not done within {} s, which is what the databases left", time.as_secs()))
            .hint("give `longest_run` of the policy more time")
    };
    let copied = async {
        let held = hold::ready(ctx, &target, request).await?;
        // Two that took their turn at one moment know by now whose it is; they would write into the same files.
        turn.ensure_ours(ctx).await?;
        volumes::copy(ctx, &target, request, &held).await
    };
    let services = tokio::time::timeout(time, copied).await.unwrap_or_else(|_| Err(late().into()))?;
    let files = target.record.files.iter().cloned().chain(services.iter().map(|files| files.record.clone())).collect();
    let change = turn.last_word(ctx, Record { files, ..target.record.clone() }).await?;
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("record whose files were copied")?;
    Ok(Output { services })
}

/// What is left of the run's time, but for what the steps behind this one need.
fn time_left(record: &Record) -> Duration {
    let left = Duration::try_from(record.run_ends_at().duration_since(Timestamp::now())).unwrap_or_default();
    left.saturating_sub(super::time_after(SyncFiles::NAME)).max(AT_LEAST)
}

impl Files {
    /// What the record of a copy tells of them.
    pub(super) fn recorded(record: &FilesRecord) -> Self {
        let report = FilesReport { files: record.files, bytes: record.bytes, ..FilesReport::default() };
        let FilesRecord { service, mount_path, .. } = record.clone();
        Self { service, mount_path, report, record: record.clone() }
    }
}
