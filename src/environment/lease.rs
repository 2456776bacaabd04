//! The lease in a copy's record: of two processes that run steps of one run at the same time, one works and the other waits.
//!
//! Railway has no way to change a thing only if it is still as it was. So a lease is written, waited for until it shows, and
//! read again before the word that counts. That keeps apart what comes seconds apart, as when a task is started again
//! while its first process lives. Two that write within the lag of Railway's reads may both begin, until the next reading:
//! then one gives way, and begins anew when the other is done.

use std::fmt;
use std::pin::Pin;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::{Lease, Record, State};
use crate::contract::request::CloneRequest;
use crate::contract::signature::Reading;
use crate::environment::guard::{self, Readiness, Target};
use crate::environment::plan_hash;
use crate::environment::recorded::{reading_in, writing};
use crate::error::chain;
use crate::railway::{Change, GraphqlErrors};
use crate::running::context::Context;

/// How long a lease holds that nobody renews: so long the next process waits for one that was killed.
const TERM: SignedDuration = SignedDuration::from_mins(2);

const RENEWED_EVERY: Duration = Duration::from_secs(40);

/// How long what was written may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// Longer than any step may take; each has a deadline of its own.
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_hours(72);

/// What a step does at its run's copy, while nobody else of the run does.
pub(crate) type Work<T, R = CloneRequest> =
    for<'a> fn(&'a Context, &'a R, Target, &'a Turn) -> Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A step's turn at the copy.
pub(crate) struct Turn {
    project_id: ProjectId,
    environment_id: EnvironmentId,
    /// The record as it was taken, lease and all, with what was amended since.
    record: std::sync::Mutex<Record>,
    /// Whether nothing is written any more under this lease; locked while something is.
    is_over: Mutex<bool>,
}

/// Another process has the lease.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another process works at the copy")
    }
}

impl std::error::Error for Lost {}

/// Does a step's work at the run's copy when its turn comes: as soon as no other process works there. A ready copy, in which
/// nothing is changed, needs no turn.
///
/// # Errors
/// As [`guard::own_target`], and whatever the work fails with.
pub(crate) async fn in_turn<T>(ctx: &Context, request: &CloneRequest, needed: Readiness, work: Work<T>) -> Result<T> {
    loop {
        let target = guard::own_target(ctx, request, needed).await?;
        if target.is_ready() {
            return without_turn(ctx, request, target, work).await;
        }
        plan_hash::warn_of_moved(ctx, request, &target);
        if let Some(done) = try_turn(ctx, request, target, work).await? {
            return Ok(done);
        }
    }
}

/// Does work that changes nothing at a copy, for which no turn is needed.
///
/// # Errors
/// Whatever the work fails with.
pub(super) async fn without_turn<T>(ctx: &Context, request: &CloneRequest, target: Target, work: Work<T>) -> Result<T> {
    let turn = Turn::new(&target, true);
    work(ctx, request, target, &turn).await
}

/// Does work at a copy that was read just now, if no other process works there; `None` when one does, or has come between:
/// then the copy is to be read anew.
///
/// # Errors
/// Whatever the work fails with.
pub(crate) async fn try_turn<T, R>(
    ctx: &Context,
    request: &R,
    mut target: Target,
    work: Work<T, R>,
) -> Result<Option<T>> {
    let name = target.environment().name.clone();
    if !take(ctx, &mut target).await? {
        return Ok(None);
    }
    let turn = Turn::new(&target, false);
    match turn.used(ctx, request, target, work).await {
        Err(error) if error.is::<Lost>() => {
            tracing::info!("{error}, `{name}`: waiting for it, to begin anew");
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// Takes the lease if nobody has it, else waits until that is over. Says whether it is ours, and the target's record the one
/// that stands.
async fn take(ctx: &Context, target: &mut Target) -> Result<bool> {
    let turn = Turn::new(target, true);
    if let Some(lease) = others(ctx, &target.record) {
        let name = &target.environment().name;
        tracing::info!("another process works at `{name}`, until {} at the longest: waiting", lease.until);
        let is_free = || async { Ok(turn.look(ctx).await?.is_none_or(|r| others(ctx, &r).is_none()).then_some(())) };
        ctx.until("another process at the copy", AS_LONG_AS_IT_TAKES, Duration::from_secs(1), is_free).await?;
        return Ok(false);
    }
    if has_kept(ctx, &target.record) {
        return Ok(true);
    }
    let ours = Lease::of(ctx);
    target.record.lease = Some(ours.clone());
    turn.write(ctx, &target.record).await.context("take the copy's lease")?;
    let look = || async {
        let seen = turn.look(ctx).await?.and_then(|record| record.lease);
        Ok(seen.and_then(|seen| is_settled(&seen, &ours)))
    };
    let is_ours = ctx.within("the copy's lease", SHOWS_WITHIN, Duration::from_millis(200), look).await?;
    Ok(is_ours.unwrap_or(false))
}

/// Whether a reading shows that our lease stands, or that another has taken its place. What it shows of before is neither: nor
/// is an earlier lease of our own.
fn is_settled(seen: &Lease, ours: &Lease) -> Option<bool> {
    if seen == ours {
        return Some(true);
    }
    (seen.holder != ours.holder && seen.until > ours.until).then_some(false)
}

/// Whether the step before, of this very process, has left its lease to this one, and with time to renew it.
fn has_kept(ctx: &Context, record: &Record) -> bool {
    let soon = Timestamp::now().checked_add(SignedDuration::try_from(RENEWED_EVERY).unwrap_or_default());
    let lasts = |lease: &Lease| soon.is_ok_and(|soon| lease.until > soon);
    ctx.keeps_turn && record.lease.as_ref().is_some_and(|lease| lease.holder == ctx.holder && lasts(lease))
}

/// The lease that another process has.
fn others<'a>(ctx: &Context, record: &'a Record) -> Option<&'a Lease> {
    record.lease.as_ref().filter(|lease| lease.holder != ctx.holder && lease.until > Timestamp::now())
}

impl Lease {
    /// The lease with which a step ends: none, unless the step behind it is this very process's.
    pub(crate) fn kept(ctx: &Context, state: State) -> Option<Self> {
        (ctx.keeps_turn && state == State::Cloning).then(|| Self::of(ctx))
    }

    fn of(ctx: &Context) -> Self {
        let now = Timestamp::now();
        Self { holder: ctx.holder.clone(), until: now.checked_add(TERM).unwrap_or(now) }
    }
}

impl Turn {
    fn new(target: &Target, is_over: bool) -> Self {
        Self {
            project_id: target.project.id.clone(),
            environment_id: target.environment().id.clone(),
            record: std::sync::Mutex::new(target.record.clone()),
            is_over: Mutex::new(is_over),
        }
    }

    /// Does the work while the lease is renewed, and gives the lease back.
    async fn used<T, R>(&self, ctx: &Context, request: &R, target: Target, work: Work<T, R>) -> Result<T> {
        let working = async {
            let done = work(ctx, request, target, self).await;
            if *self.is_over.lock().await || Lease::kept(ctx, self.record().state).is_some() {
                return done;
            }
            match (self.end(ctx).await, done) {
                (Err(error), Ok(_)) if error.is::<Lost>() => Err(error),
                (Err(error), done) => {
                    tracing::debug!("the lease is left to run out: {}", chain(&error));
                    done
                }
                (Ok(()), done) => done,
            }
        };
        tokio::select! {
            done = working => done,
            lost = self.renewed(ctx) => Err(lost),
        }
    }

    /// The last that a step writes into the record: with it the lease is given back, or left to the step behind.
    ///
    /// # Errors
    /// [`Lost`] when another process has the lease.
    pub(crate) async fn last_word(&self, ctx: &Context, record: Record) -> Result<Change> {
        let mut is_over = self.is_over.lock().await;
        self.ensure_ours(ctx).await?;
        *is_over = true;
        Ok(writing(ctx, &Record { lease: Lease::kept(ctx, record.state), ..record }))
    }

    /// What is known by now, and is written together with the change that it speaks of; the lease goes on.
    ///
    /// # Errors
    /// [`Lost`] when another process has the lease.
    pub(crate) async fn amended(&self, ctx: &Context, amend: impl FnOnce(&mut Record)) -> Result<Change> {
        let _is_over = self.is_over.lock().await;
        self.ensure_ours(ctx).await?;
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        amend(&mut record);
        Ok(writing(ctx, &Record { lease: Some(Lease::of(ctx)), ..record.clone() }))
    }

    /// The record as it is by now.
    pub(crate) fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn end(&self, ctx: &Context) -> Result<()> {
        let change = self.last_word(ctx, self.record()).await?;
        ctx.railway.change(&self.project_id, &self.environment_id, &change).await?;
        Ok(())
    }

    /// Renews the lease for as long as it is ours; ends with the reason when it is not.
    async fn renewed(&self, ctx: &Context) -> anyhow::Error {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            let is_over = self.is_over.lock().await;
            if *is_over {
                drop(is_over);
                return std::future::pending().await;
            }
            let renewed = async {
                self.ensure_ours(ctx).await?;
                self.write(ctx, &Record { lease: Some(Lease::of(ctx)), ..self.record() }).await
            };
            match renewed.await {
                Err(error) if error.is::<Lost>() => return error,
                Err(error) => tracing::info!("the lease is not renewed: {}", chain(&error)),
                Ok(()) => {}
            }
        }
    }

    /// Refuses to go on when the record no longer names this process.
    ///
    /// # Errors
    /// [`Lost`].
    pub(crate) async fn ensure_ours(&self, ctx: &Context) -> Result<()> {
        let (seen, ours) = (self.look(ctx).await?, self.record());
        let is_ours = |r: &Record| {
            let is_holder = r.lease.as_ref().is_some_and(|lease| lease.holder == ctx.holder);
            // What a rollback has taken back meanwhile is nobody's any more.
            is_holder && r.state == ours.state && r.refreshing == ours.refreshing
        };
        if !seen.as_ref().is_some_and(is_ours) {
            bail!(Lost);
        }
        Ok(())
    }

    async fn write(&self, ctx: &Context, record: &Record) -> Result<()> {
        ctx.railway.change(&self.project_id, &self.environment_id, &writing(ctx, record)).await.map(|_| ())
    }

    /// The record that stands; `None` when the copy is gone, or its record is another's.
    async fn look(&self, ctx: &Context) -> Result<Option<Record>> {
        let environment = match ctx.railway.environment_without_services(&self.environment_id).await {
            Ok(environment) => environment,
            Err(error) if error.downcast_ref::<GraphqlErrors>().is_some_and(|e| e.say("not found")) => return Ok(None),
            Err(error) => return Err(error),
        };
        let record = match reading_in(ctx, &self.project_id, &environment) {
            Reading::Signed(record) | Reading::Unsigned(record) => *record,
            Reading::Absent | Reading::Unreadable(_) => return Ok(None),
        };
        Ok((record.run_hash == self.record().run_hash).then_some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_of_before_decides_nothing() {
        let lease = |holder: &str, secs| Lease { holder: holder.into(), until: Timestamp::from_second(secs).unwrap() };
        let ours = lease("we", 100);
        assert_eq!(is_settled(&ours, &ours), Some(true));
        assert_eq!(is_settled(&lease("others", 101), &ours), Some(false));
        // What was there before ours, an earlier one of our own included, shows for a while still.
        assert_eq!(is_settled(&lease("others", 99), &ours), None);
        assert_eq!(is_settled(&lease("we", 99), &ours), None);
    }
}
