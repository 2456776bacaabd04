//! The key by which a step is let in at Railway's relay: one for each step and process, registered when it is first needed and removed at its end,
//! however that comes; what a process leaves that is killed, the rollback of its run and the sweep remove.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex as AsyncMutex;

use crate::error::{chain, counted};
use crate::railway::{GraphqlErrors, SshKey};
use crate::relay::{KeyName, RelayKey};
use crate::running::context::Context;
use crate::running::step::StepDef;

/// How long after a step's deadline its key is nobody's.
const AFTER_DEADLINE: Duration = Duration::from_mins(15);
/// How long removing it may take at the end of a step.
const REMOVED_WITHIN: Duration = Duration::from_secs(10);
/// How often a key is looked for, a second apart, of which nobody knows whether it was made.
const SHOWN_AFTER: u32 = 5;
/// The name of an installation that has no key to sign with.
const UNSIGNED: &str = "unsigned";

/// The key of the step that runs, if it has needed one.
#[derive(Default)]
pub(crate) struct StepKey {
    step: Mutex<Option<(&'static str, Duration)>>,
    key: AsyncMutex<Option<RelayKey>>,
    /// What was asked to be registered, and its id once that is known.
    registered: Mutex<Option<(KeyName, Option<String>)>>,
}

impl StepKey {
    /// Says which step it is that runs.
    pub(crate) fn begin(&self, step: &StepDef, within: Duration) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some((step.name, within));
    }

    fn note(&self, name: KeyName, id: Option<String>) {
        *self.registered.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, id));
    }

    fn noted(&self) -> Option<(KeyName, Option<String>)> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The key of the step that runs: that of `RAILSTAGE_SSH_KEY`, or one that is registered when it is first asked for.
///
/// # Errors
/// [`crate::error::Exit::Program`] when the token may not register one; invalid input for a file that others may read.
pub(crate) async fn of_step(ctx: &Context) -> Result<RelayKey> {
    let mut held = ctx.relay_key.key.lock().await;
    if let Some(key) = held.as_ref() {
        return Ok(key.clone());
    }
    let key = match RelayKey::of_file(&ctx.env)? {
        Some(key) => key,
        None => register(ctx).await?,
    };
    *held = Some(key.clone());
    Ok(key)
}

async fn register(ctx: &Context) -> Result<RelayKey> {
    let step = *ctx.relay_key.step.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((step, within)) = step else { bail!("a key for the relay is asked for by no step") };
    let lifetime = SignedDuration::try_from(within + AFTER_DEADLINE).unwrap_or(SignedDuration::from_hours(1));
    let expires_at = Timestamp::now() + lifetime;
    let name = KeyName {
        installation: installations(ctx).swap_remove(0),
        run_hash: ctx.run.hash(),
        step: step.to_owned(),
        // As the name has it, by which it is found again.
        expires_at: Timestamp::from_second(expires_at.as_second())?,
    };
    let key = RelayKey::fresh();
    // Known before it is asked for: whoever is stopped in between has something to look for.
    ctx.relay_key.note(name.clone(), None);
    let id = match ctx.railway.register_ssh_key(&name.to_string(), &key.public()?).await {
        Ok(id) => id,
        Err(error) if error.downcast_ref::<GraphqlErrors>().is_some() => return Err(error),
        // Nobody knows what Railway did.
        Err(error) => match id_of(ctx, &name).await? {
            Some(id) => id,
            None => return Err(error),
        },
    };
    tracing::info!("the SSH key `{name}` is registered for this step");
    ctx.relay_key.note(name, Some(id));
    Ok(key)
}

/// Ends what the step that ran had at the relay: its lines, and its key. A failure is told, and left to the rollback or the sweep.
pub(crate) async fn end(ctx: &Context) {
    let Some((name, id)) = ctx.relay_key.noted() else { return ctx.relay.close().await };
    let removing = async {
        ctx.relay.close().await;
        *ctx.relay_key.key.lock().await = None;
        let id = match id {
            Some(id) => Some(id),
            None => id_of(ctx, &name).await?,
        };
        match id {
            Some(id) => ctx.railway.remove_ssh_key(&id).await,
            None => Ok(()),
        }
    };
    let removed = tokio::time::timeout(REMOVED_WITHIN, removing).await;
    match removed.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {} s", REMOVED_WITHIN.as_secs()))) {
        Ok(()) => *ctx.relay_key.registered.lock().unwrap_or_else(PoisonError::into_inner) = None,
        Err(error) => tracing::warn!(
            "the SSH key `{name}` may be left on the account, and goes with a rollback of this run or a sweep: {}",
            chain(&error)
        ),
    }
}

/// Removes the keys that steps of this run have left, whose processes are at work no more; how many.
///
/// # Errors
/// When Railway does not tell of them, or refuses.
pub(crate) async fn remove_of_run(ctx: &Context) -> Result<usize> {
    let (hash, own) = (ctx.run.hash(), ctx.relay_key.noted().map(|(name, _)| name));
    remove(ctx, |_, name| name.run_hash == hash && Some(name) != own.as_ref()).await
}

/// Removes the keys of any run that are past their time, by their names and by Railway's account; how many.
///
/// # Errors
/// When Railway does not tell of them, or refuses.
pub(crate) async fn remove_left_over(ctx: &Context) -> Result<usize> {
    if !ctx.record_keys.can_sign() {
        // Any other installation without a key is called the same.
        return Ok(0);
    }
    let now = Timestamp::now();
    remove(ctx, |key, name| name.is_left_over(key.created_at, now)).await.context("remove SSH keys that were left")
}

/// Removes those of our installation's keys that `is_over` names.
async fn remove(ctx: &Context, is_over: impl Fn(&SshKey, &KeyName) -> bool) -> Result<usize> {
    if ctx.policy.relay_host_keys.is_empty() {
        // Nothing goes by the relay, and the token may have no right to ask.
        return Ok(0);
    }
    let over: Vec<_> = ours(ctx).await?.into_iter().filter(|(key, name)| is_over(key, name)).collect();
    for (key, name) in &over {
        ctx.railway.remove_ssh_key(&key.id).await?;
        tracing::info!("the SSH key `{name}` is removed from the account");
    }
    if !over.is_empty() {
        tracing::info!("{} had been left", counted(over.len(), "SSH key", "SSH keys"));
    }
    Ok(over.len())
}

/// The id of the key of this name, which Railway may show a moment after it was made.
async fn id_of(ctx: &Context, name: &KeyName) -> Result<Option<String>> {
    for _ in 0..SHOWN_AFTER {
        if let Some((key, _)) = ours(ctx).await?.into_iter().find(|(_, registered)| registered == name) {
            return Ok(Some(key.id));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(None)
}

/// All keys of our installation.
async fn ours(ctx: &Context) -> Result<Vec<(SshKey, KeyName)>> {
    let installations = installations(ctx);
    let named = ctx.railway.ssh_keys().await?.into_iter().filter_map(|key| {
        let name = KeyName::read(&key.name)?;
        Some((key, name))
    });
    Ok(named.filter(|(_, name)| installations.contains(&name.installation)).collect())
}

/// What tells our keys from those of others that use railstage with the same account: nobody can make it without `RAILSTAGE_RECORD_KEY`. With the key
/// before it, there are two.
fn installations(ctx: &Context) -> Vec<String> {
    let all = ctx.record_keys.short_hashes("the installation");
    if all.is_empty() { vec![UNSIGNED.to_owned()] } else { all }
}
