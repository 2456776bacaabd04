//! A whole copy: attempts until one is complete, then the swap; on any failure before it the target is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::note_table::Note;
use super::objects::Objects;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::fault::{classified, is_worth_retrying};
use super::session::meanwhile::{Question, meanwhile};
use super::swap::Swap;
use super::target_server::TargetServer;
use crate::copying::note::CopyNote;
use crate::copying::options::CopyOptions;
use crate::copying::progress::Progress;
use crate::copying::report::{CopyReport, PhaseTime};
use crate::copying::transient::Transient;
use crate::error::Failure;
use crate::error::caught::caught;

/// The pause before the second attempt; the third waits twice as long.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a failed or cancelled copy may take to clean up.
const CLEAN_WITHIN: Duration = Duration::from_secs(6);
/// After so long the session that held the copy's lock counts as lost.
const CLEAN_BY_SAME_WITHIN: Duration = Duration::from_secs(3);
/// The old tables may be large, and are nobody's any more.
const DROP_WITHIN: Duration = Duration::from_mins(2);
/// What belongs to new tables is made that long after somebody has asked us to stop.
const FINISH_ONCE_STOPPED: Duration = Duration::from_secs(3);
/// Whoever asks us to stop does not wait for that.
const DROP_ONCE_STOPPED: Duration = Duration::from_secs(2);
/// How often the target is asked whether it is still there.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Makes the target equal to the source, rewritten as the options say.
///
/// The source is only read, in one snapshot. The target's tables are replaced by one statement when all has arrived and was
/// compared; until then they are untouched. A second call with the same `copy_id` finds the finished copy and does nothing.
///
/// # Errors
/// A [`Failure`]: invalid input for what will not change by itself, an outside failure for what another run may get past.
pub async fn copy_database(
    source: &Endpoint,
    target: &Endpoint,
    options: &CopyOptions,
    progress: &Arc<Progress>,
    cancel: &CancellationToken,
) -> Result<CopyReport> {
    let began = Instant::now();
    let (source, target) = (&source.for_copy(options), &target.for_copy(options));
    let mut number = 1;
    loop {
        let attempt = Box::pin(attempt_once(source, target, options, progress, cancel, number, began));
        let error = match attempt.await {
            Ok(report) => return Ok(report),
            Err(error) => error,
        };
        if number >= options.attempts || cancel.is_cancelled() || !is_worth_retrying(&error) {
            return Err(classified(error));
        }
        let pause = PAUSE.mul_f64(f64::from(number) * (0.75 + rand::random::<f64>() / 2.0));
        tracing::warn!(
            "attempt {number} to copy `{source}` failed, next one in {:.1} s: {error:#}",
            pause.as_secs_f64()
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled() => return Err(cancelled()),
        }
        number += 1;
    }
}

/// Drops what copies into a database have left beside it; the report of the one with this id, if it has come to its end, and is the
/// last that did.
///
/// # Errors
/// When the server cannot be reached, or a copy into the database is under way.
pub(crate) async fn clear(target: &Endpoint, copy_id: &str) -> Result<Option<CopyReport>> {
    let cleared = async {
        let mut target_server = TargetServer::open(target).await?;
        target_server.drop_leftovers().await?;
        let mut second = target_server.second().await?;
        let Some(mut last) = Note::read(&mut target_server.session, &target.database).await? else { return Ok(None) };
        if last.note.copy_id != copy_id {
            return Ok(None);
        }
        // The copy is in its place: whatever belongs to it is made, as the next run of it would.
        last.finish(&mut second, &target.database).await?;
        Ok(Some(last.note.report))
    };
    cleared.await.map_err(classified)
}

async fn attempt_once(
    source: &Endpoint,
    target: &Endpoint,
    options: &CopyOptions,
    progress: &Arc<Progress>,
    cancel: &CancellationToken,
    number: u32,
    began: Instant,
) -> Result<CopyReport> {
    let mut target_server = or_cancelled(cancel, TargetServer::open(target)).await?;
    // What a killed copy left is dropped, even where it was complete and nothing else is left to do.
    or_cancelled(cancel, target_server.drop_leftovers()).await?;
    let mut second = target_server.second().await?;
    if let Some(mut same) = note_of_same_copy(&mut target_server, options).await? {
        same.finish(&mut second, &target.database).await?;
        return Ok(CopyReport { reused: true, left_behind: None, ..same.note.report });
    }
    let name = target_server.name(&options.copy_id, number).await?;
    let attempt = Attempt { source, target, options, progress, name: &name };
    // A panic must not pass by the cleaning up.
    let building = or_cancelled(cancel, Box::pin(async { caught(attempt.build(&mut target_server)).await? }));
    let built = meanwhile(building, IsThere(&mut second)).await;
    let swapped = match built {
        Ok((mut report, objects)) => {
            progress.enter("swap");
            report.made_with = Some(options.made_with());
            report.attempts = number;
            report.seconds = began.elapsed().as_secs_f64();
            put_in_place(&mut target_server, &mut second, &name, options, (report, objects), cancel).await
        }
        Err(error) => Err(error),
    };
    match swapped {
        Ok(report) => Ok(report),
        Err(error) => Err(match drop_unfinished(target, target_server, second, &name).await {
            Ok(()) => error,
            Err(left) => {
                error.context(format!("leave `{name}` behind on the target for the next copy to drop ({left:#})"))
            }
        }),
    }
}

/// The note of this very copy, when an earlier call has put it in place that asked for the same.
async fn note_of_same_copy(target_server: &mut TargetServer, options: &CopyOptions) -> Result<Option<Note>> {
    let (copy_id, asked) = (&options.copy_id, options.asked());
    let is_same = |note: &CopyNote| note.copy_id == *copy_id && !copy_id.is_empty() && note.asked == asked;
    let database = target_server.database.clone();
    Ok(Note::read(&mut target_server.session, &database).await?.filter(|found| is_same(&found.note)))
}

async fn put_in_place(
    target_server: &mut TargetServer,
    second: &mut Session,
    name: &str,
    options: &CopyOptions,
    (mut report, objects): (CopyReport, Objects),
    cancel: &CancellationToken,
) -> Result<CopyReport> {
    if let Some(together) = &options.together {
        meanwhile(or_cancelled(cancel, together.built()), IsThere(second)).await?;
    }
    let began = Instant::now();
    let note = CopyNote { copy_id: options.copy_id.clone(), asked: options.asked(), report: report.clone().cut() };
    let aside = target_server.aside(&options.copy_id).await?;
    target_server.make(&aside, "utf8mb4", "utf8mb4_bin").await?;
    let mut note = Note { note, pending: Some(objects) };
    let swapped = Swap { new: name, aside: &aside, note: &note }.run(target_server, second, cancel).await;
    swapped.map_err(|error| if cancel.is_cancelled() { cancelled() } else { error })?;
    // From here on the new tables are in their places. Who asks us to stop waits a moment for what belongs to them; the next run goes on.
    report.skipped.extend(tokio::select! {
        told = note.finish(second, &target_server.database) => told?,
        () = async { cancel.cancelled().await; tokio::time::sleep(FINISH_ONCE_STOPPED).await } => {
            let told = "the copy was stopped when its tables were in their places; the next run makes the views and routines that are missing";
            return Err(Failure::outside(told).into());
        }
    });
    // The copy is complete; what is left of the old tables is no reason to call it failed.
    let dropping = async {
        target_server.drop_database(name).await?;
        target_server.drop_database(&aside).await
    };
    let dropped = tokio::select! {
        dropped = tokio::time::timeout(DROP_WITHIN, dropping) => matches!(dropped, Ok(Ok(()))),
        () = async { cancel.cancelled().await; tokio::time::sleep(DROP_ONCE_STOPPED).await } => false,
    };
    report.left_behind = (!dropped).then_some(aside);
    let seconds = began.elapsed().as_secs_f64();
    report.phases.push(PhaseTime { phase: "swap".to_owned(), seconds, bytes: 0 });
    report.seconds += seconds;
    Ok(report)
}

/// Drops the half-built database over a session that is neither broken nor busy.
async fn drop_unfinished(
    target: &Endpoint,
    mut target_server: TargetServer,
    second: Session,
    name: &str,
) -> Result<()> {
    drop(second);
    let drop_all = async |server: &mut TargetServer| {
        server.drop_database(name).await?;
        server.drop_leftovers().await
    };
    let dropping = async {
        if let Ok(Ok(())) = tokio::time::timeout(CLEAN_BY_SAME_WITHIN, drop_all(&mut target_server)).await {
            return Ok(());
        }
        drop(target_server);
        drop_all(&mut TargetServer::open(target).await?).await
    };
    match tokio::time::timeout(CLEAN_WITHIN, dropping).await {
        Ok(dropped) => dropped,
        Err(_) => Err(Transient(format!("it was not dropped within {} s", CLEAN_WITHIN.as_secs())).into()),
    }
}

/// Whether the target's server still answers, for the long commands that move no bytes.
struct IsThere<'s>(&'s mut Session);

impl Question for IsThere<'_> {
    fn pause(&self) -> Duration {
        ASK_EVERY
    }

    async fn ask(&mut self) -> Result<()> {
        self.0.rows("SELECT 1").await.map(drop).context("keep the target's session")
    }
}

async fn or_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled()),
        done = work => done,
    }
}

fn cancelled() -> anyhow::Error {
    Failure::outside("the copy was stopped; the target is as it was").into()
}
