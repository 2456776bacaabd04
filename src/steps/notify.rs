//! `notify`: tells somebody how an execution of another flow ended, by Slack, mail or a webhook.

use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::notify_request::NotifyRequest;
use crate::error::{Exit, Failure, chain, failure, listed};
use crate::notifying::channel::Channel;
use crate::notifying::event::Event;
use crate::running::context::Context;
use crate::running::outcome::Partly;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct Notify;

/// Who was told of what.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The event's id: the same whenever this end of this execution is told; absent when there is nothing to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub channels: Vec<Told>,
}

/// A channel, and what became of the event in it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told {
    /// `slack`, `mail` or `webhook`.
    pub channel: &'static str,
    /// Whether the receiver took it.
    pub delivered: bool,
    /// How many attempts that took; absent where it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

impl Step for Notify {
    const NAME: &'static str = "notify";
    const ABOUT: &'static str = "Tell somebody how an execution ended, by Slack, mail or a webhook";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(11));
    const ASKS_RAILWAY: bool = false;
    type Input = NotifyRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: NotifyRequest) -> Result<Output> {
        let Some(event) = Event::of(&request) else {
            tracing::info!("there is nothing to tell: it gave way to another run of the same request");
            return Ok(Output::default());
        };
        let channels = Channel::all(&ctx.policy, &ctx.env);
        if channels.is_empty() {
            bail!(
                Failure::invalid("there is nobody to tell: no channel has its secret")
                    .hint("set RAILSTAGE_SLACK_URL, RAILSTAGE_MAIL_URL or RAILSTAGE_NOTIFY_URL; in Kestra, as the secret of the same name")
            );
        }
        let event = &event;
        let tell = |(name, channel): (&'static str, Result<Channel>)| async move {
            let told = match channel {
                Ok(channel) => channel.tell(&ctx.policy, event, &ctx.stop).await,
                Err(error) => Err(error),
            };
            (name, told)
        };
        let all = join_all(channels.into_iter().map(tell)).await;
        let (mut channels, mut errors) = (Vec::new(), Vec::new());
        for (channel, told) in all {
            channels.push(Told { channel, delivered: told.is_ok(), attempts: told.as_ref().ok().copied() });
            match told {
                Ok(_) => tracing::info!("{channel} was told: {}", event.id),
                Err(error) => errors.push((channel, error)),
            }
        }
        let output = Output { event_id: Some(event.id.clone()), channels };
        match errors.is_empty() {
            true => Ok(output),
            false => bail!(Partly::done(output, of_all(&errors))),
        }
    }
}

/// What the channels said, as one error: the owner's mistake before a receiver's trouble.
fn of_all(errors: &[(&str, anyhow::Error)]) -> anyhow::Error {
    let exits: Vec<_> = errors.iter().map(|(_, error)| Exit::of(error)).collect();
    let exit = [Exit::Invalid, Exit::Outside].into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Failed);
    let hint = errors.iter().find_map(|(_, error)| failure(error)?.hint.clone());
    let told: Vec<_> = errors.iter().map(|(channel, error)| format!("{channel}: {}", chain(error))).collect();
    Failure { exit, message: listed(&told), hint }.into()
}
