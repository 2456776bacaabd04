//! The channels: which secrets switch each on, and how an event goes through it.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::notifying::event::Event;
use crate::notifying::mail::Mailing;
use crate::notifying::{post, retries, slack, webhook};

const SLACK_URL: &str = "RAILSTAGE_SLACK_URL";
pub(super) const MAIL_URL: &str = "RAILSTAGE_MAIL_URL";
pub(super) const MAIL_FROM: &str = "RAILSTAGE_MAIL_FROM";
pub(super) const MAIL_TO: &str = "RAILSTAGE_MAIL_TO";
const NOTIFY_URL: &str = "RAILSTAGE_NOTIFY_URL";
pub(super) const NOTIFY_KEY: &str = "RAILSTAGE_NOTIFY_KEY";

/// A way to tell somebody.
pub(crate) enum Channel {
    Slack(Url),
    Mail(Box<Mailing>),
    Webhook { url: Url, keys: Vec<Vec<u8>> },
}

impl Channel {
    /// The channels of which there are secrets, each as it is or why it cannot be used.
    pub(crate) fn all(policy: &Policy, env: &ProcessEnv) -> Vec<(&'static str, Result<Self>)> {
        let slack = || Some(post::address(policy, SLACK_URL, &env.secret(SLACK_URL)?).map(Self::Slack));
        let mail = || {
            let url = env.secret(MAIL_URL)?;
            let mailing = Mailing::of(policy, &url, env.secret(MAIL_FROM), env.secret(MAIL_TO));
            Some(mailing.map(|mailing| Self::Mail(Box::new(mailing))))
        };
        let webhook = || {
            let url = env.secret(NOTIFY_URL)?;
            let missing = || Failure::invalid(format!("there is no {NOTIFY_KEY}, with which what is told is signed"));
            let read = || {
                let keys = webhook::keys(&env.secret(NOTIFY_KEY).with_context(missing)?)?;
                Ok(Self::Webhook { url: post::address(policy, NOTIFY_URL, &url)?, keys })
            };
            Some(read())
        };
        let all = [("slack", slack()), ("mail", mail()), ("webhook", webhook())];
        all.into_iter().filter_map(|(name, channel)| Some((name, channel?))).collect()
    }

    /// Tells it, again while the receiver is in trouble; returns how many attempts it took.
    ///
    /// # Errors
    /// When the receiver refuses it, may not be spoken to, or is in trouble for too long.
    pub(crate) async fn tell(&self, policy: &Policy, event: &Event, stop: &CancellationToken) -> Result<u32> {
        match self {
            Self::Slack(url) => {
                let body = slack::body(event);
                retries::until_taken(stop, |_| post::once(policy, url, &[], &body)).await
            }
            Self::Mail(mailing) => retries::until_taken(stop, |number| mailing.once(policy, event, number)).await,
            Self::Webhook { url, keys } => {
                let body = webhook::body(event);
                let (id, body) = (&event.id, &body);
                let once = |_| async move {
                    let headers = webhook::headers(keys, id, Timestamp::now(), body);
                    post::once(policy, url, &headers, body).await
                };
                retries::until_taken(stop, once).await
            }
        }
    }
}
