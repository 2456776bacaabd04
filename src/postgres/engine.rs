//! A whole copy: attempts until one is complete, then the swap; on any failure before it the target is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::session::endpoint::Endpoint;
use super::session::fault::{classified, is_worth_retrying};
use super::session::target_server::{TargetServer, connect_to_other_database};
use super::swap::swap;
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
/// The old database may be large, and is nobody's any more.
const DROP_WITHIN: Duration = Duration::from_mins(2);
/// Whoever asks us to stop does not wait for that.
const DROP_ONCE_STOPPED: Duration = Duration::from_secs(2);
/// How often the target is asked whether it is still there, for the long commands that move no bytes.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Makes the target equal to the source, rewritten as the options say.
///
/// The source is only read, in one snapshot. The target's database is replaced as a whole in one transaction when all
/// has arrived and was compared; until then it is untouched. A second call with the same `copy_id` finds the finished
/// copy and does nothing.
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
        let attempt = attempt_once(source, target, options, progress, cancel, number, began);
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
pub async fn clear(target: &Endpoint, copy_id: &str) -> Result<Option<CopyReport>> {
    let target_server = TargetServer::open(target).await?;
    target_server.drop_leftovers().await?;
    let note = last_note(&target_server).await?;
    Ok(note.filter(|note| note.copy_id == copy_id).map(|note| note.report))
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
    let target_server = or_cancelled(cancel, TargetServer::open(target)).await?;
    // What a killed copy left is dropped, even where it was complete and nothing else is left to do.
    or_cancelled(cancel, target_server.drop_leftovers()).await?;
    if let Some(report) = report_of_same_copy(&target_server, options).await? {
        return Ok(CopyReport { reused: true, left_behind: None, ..report });
    }
    let name = target_server.name(&options.copy_id, number).await?;
    let attempt = Attempt { source, target, target_server: &target_server, options, progress, name: &name };
    // A panic must not pass by the cleaning up. On the heap, since what an attempt keeps is too much for a small stack.
    let building = or_cancelled(cancel, Box::pin(async { caught(attempt.build()).await? }));
    let built = tokio::select! {
        built = building => built,
        error = lost_target(&target_server) => Err(error),
    };
    let swapped = match built {
        Ok(mut report) => {
            progress.enter("swap");
            report.made_with = Some(options.made_with());
            report.attempts = number;
            report.seconds = began.elapsed().as_secs_f64();
            put_in_place(target, &target_server, &name, options, report, cancel).await
        }
        Err(error) => Err(error),
    };
    match swapped {
        Ok(report) => Ok(report),
        Err(error) => Err(match drop_unfinished(target, target_server, &name).await {
            Ok(()) => error,
            Err(left) => {
                error.context(format!("leave `{name}` behind on the target for the next copy to drop ({left:#})"))
            }
        }),
    }
}

/// The report of this very copy, when an earlier call has finished it that asked for the same.
async fn report_of_same_copy(target_server: &TargetServer, options: &CopyOptions) -> Result<Option<CopyReport>> {
    let (copy_id, asked) = (&options.copy_id, options.asked());
    let is_same = |note: &CopyNote| note.copy_id == *copy_id && !copy_id.is_empty() && note.asked == asked;
    Ok(last_note(target_server).await?.filter(is_same).map(|note| note.report))
}

/// What the last copy into the target has written about itself.
async fn last_note(target_server: &TargetServer) -> Result<Option<CopyNote>> {
    let comment = target_server.comment().await.context("read the target's note about its last copy")?;
    Ok(comment.and_then(|comment| CopyNote::read(&comment)))
}

async fn put_in_place(
    target: &Endpoint,
    target_server: &TargetServer,
    name: &str,
    options: &CopyOptions,
    mut report: CopyReport,
    cancel: &CancellationToken,
) -> Result<CopyReport> {
    if let Some(together) = &options.together {
        tokio::select! {
            all = or_cancelled(cancel, together.built()) => all?,
            error = lost_target(target_server) => return Err(error),
        }
    }
    let began = Instant::now();
    let second = or_cancelled(cancel, connect_to_other_database(target)).await?;
    let comment = CopyNote { copy_id: options.copy_id.clone(), asked: options.asked(), report: report.clone().cut() }
        .to_comment()?;
    let swapped = swap(target_server, &second, name, &options.copy_id, &comment, cancel).await;
    let aside = swapped.map_err(|error| if cancel.is_cancelled() { cancelled() } else { error })?;
    second.close().await;
    // The copy is complete; what is left of the old database is no reason to call it failed.
    let dropped = tokio::select! {
        dropped = tokio::time::timeout(DROP_WITHIN, target_server.drop_database(&aside)) => matches!(dropped, Ok(Ok(()))),
        () = async { cancel.cancelled().await; tokio::time::sleep(DROP_ONCE_STOPPED).await } => false,
    };
    report.left_behind = (!dropped).then_some(aside);
    let seconds = began.elapsed().as_secs_f64();
    report.phases.push(PhaseTime { phase: "swap".to_owned(), seconds, bytes: 0 });
    report.seconds += seconds;
    Ok(report)
}

/// Drops the half-built database, whatever it is called by now, over a new session when the old one is broken or busy.
async fn drop_unfinished(target: &Endpoint, target_server: TargetServer, name: &str) -> Result<()> {
    let drop_all = async |server: &TargetServer| {
        server.drop_database(name).await?;
        server.drop_leftovers().await
    };
    let dropping = async {
        if let Ok(Ok(())) = tokio::time::timeout(CLEAN_BY_SAME_WITHIN, drop_all(&target_server)).await {
            return Ok(());
        }
        drop(target_server);
        drop_all(&TargetServer::open(target).await?).await
    };
    match tokio::time::timeout(CLEAN_WITHIN, dropping).await {
        Ok(dropped) => dropped,
        Err(_) => Err(Transient(format!("it was not dropped within {} s", CLEAN_WITHIN.as_secs())).into()),
    }
}

/// Ends when the target's server no longer answers.
async fn lost_target(target_server: &TargetServer) -> anyhow::Error {
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        if let Err(fault) = target_server.session.rows("SELECT 1", &[]).await {
            return anyhow::Error::from(fault).context("keep the target's session");
        }
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
