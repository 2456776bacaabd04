//! What goes wrong on the way to a container, in words that help, and whether the next try may get past it.

use std::io::{self, ErrorKind};

use russh::ChannelOpenFailure;

use super::key::KEY_FILE_VARIABLE;
use crate::error::Failure;

/// Why a container was not reached.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nobody answers where the relay is.
    Unreachable(String),
    /// The relay ends the connection, or does not go on with it.
    Broken(String),
    /// The relay shows a host key that is not one of those that are pinned.
    OtherRelay(String),
    /// No host key is pinned, and this is the one that the relay shows.
    NothingPinned(Option<String>),
    /// The relay does not know our key, made for this step or not.
    NotLetIn { is_fresh: bool },
    /// The relay lets us in, and no command of ours runs; the first line of what came instead.
    NotRunning(String),
    /// The container is there, and has no shell that would run a command; what was said of it.
    NoShell(String),
    /// The container is there, and nothing listens at this port of its.
    NothingListens(u16),
    /// The relay does not lead to this port.
    Forbidden(u16),
    /// The relay has no room for one more channel.
    Full,
}

impl Trouble {
    /// Whether it may end by itself within a minute or two.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Broken(_) | Self::NotRunning(_) | Self::NothingListens(_) | Self::Full => true,
            Self::NotLetIn { is_fresh } => *is_fresh,
            Self::OtherRelay(_) | Self::NothingPinned(_) | Self::NoShell(_) | Self::Forbidden(_) => false,
        }
    }

    /// What is waited for.
    pub(super) fn in_short(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "the relay does not answer",
            Self::Broken(_) => "the relay ends the connection",
            Self::OtherRelay(_) | Self::NothingPinned(_) => "the relay is not known",
            Self::NotLetIn { .. } => "the relay does not know our key yet",
            Self::NotRunning(_) => "its container runs no command yet",
            Self::NoShell(_) => "its container has no shell",
            Self::NothingListens(_) => "nothing listens there yet",
            Self::Forbidden(_) => "the relay does not lead there",
            Self::Full => "the relay has no channel left",
        }
    }

    /// The error for whoever asked for `service`.
    pub(super) fn told(self, service: &str) -> anyhow::Error {
        let may_pass = self.may_pass();
        let failure = self.failure(service);
        if !may_pass {
            return failure.into();
        }
        // What a copy begins anew for is told by an error of this kind.
        let cause = io::Error::new(ErrorKind::ConnectionAborted, failure.message.clone());
        anyhow::Error::new(cause).context(failure)
    }

    fn failure(self, service: &str) -> Failure {
        match self {
            Self::Unreachable(words) => {
                Failure::outside(format!("Railway's SSH relay does not answer: {words}")).hint(
                    "let the worker connect to `ssh.railway.com`, port 22; it is not reached through an HTTP proxy",
                )
            }
            Self::Broken(words) => Failure::outside(format!("Railway's SSH relay ended the connection: {words}"))
                .hint("it may take only so many connections at a time; run it again"),
            Self::OtherRelay(met) => Failure::outside(format!(
                "what answers as Railway's SSH relay has the host key `{met}`, which `relay_host_keys` of the policy does not name; nothing was told to it"
            ))
            .hint("somebody may stand in between; only if Railway says that its key has changed, put the new one into `relay_host_keys`"),
            Self::NothingPinned(met) => {
                let told = met.map_or_else(String::new, |met| {
                    format!("; what answers just now has `{met}`, which `relay_host_keys: [\"{met}\"]` would pin once you know that it is Railway's")
                });
                Failure::invalid("`relay_host_keys` of the policy says no host key of Railway's SSH relay, so anybody could be it")
                    .hint(format!("compare the key from another network (`ssh-keyscan ssh.railway.com | ssh-keygen -lf -`){told}"))
            }
            Self::NotLetIn { is_fresh: true } => {
                Failure::outside("Railway's SSH relay does not accept the key of this step: it was removed, or is not known there yet")
                    .hint("run it again; if that does not help, see whether the account's SSH keys have one called `railstage-…` while a step runs")
            }
            Self::NotLetIn { is_fresh: false } => {
                Failure::invalid(format!("Railway's SSH relay does not accept the key of {KEY_FILE_VARIABLE}"))
                    .hint(format!("register its public half in Railway's account settings, or take {KEY_FILE_VARIABLE} out: then a key is made for each step"))
            }
            Self::NotRunning(said) => {
                let said = if said.is_empty() { String::new() } else { format!(" (the relay says: {said})") };
                Failure::outside(format!("the container of service `{service}` runs no command: it is not up{said}"))
                    .hint(format!("see in Railway's dashboard whether `{service}` runs; one that sleeps or has crashed cannot be reached"))
            }
            Self::NoShell(said) => {
                Failure::invalid(format!("the container of service `{service}` has no shell, so no command runs there: {said}"))
                    .hint("its image is one without `sh`: neither its files nor commands of a request can be reached in it")
            }
            Self::NothingListens(port) => {
                Failure::outside(format!("nothing listens at port {port} of the container of service `{service}`"))
                    .hint("its server may be starting still, or listen elsewhere")
            }
            Self::Forbidden(port) => {
                Failure::outside(format!("Railway's SSH relay does not lead to port {port} of service `{service}`"))
                    .hint("give the database Public Access, and ask for `connect: public`")
            }
            Self::Full => Failure::outside("Railway's SSH relay takes no more channels on this connection")
                .hint("ask for fewer connections at a time (`copying.jobs`)"),
        }
    }
}

impl From<(ChannelOpenFailure, u16)> for Trouble {
    fn from((reason, port): (ChannelOpenFailure, u16)) -> Self {
        match reason {
            ChannelOpenFailure::ConnectFailed => Self::NothingListens(port),
            ChannelOpenFailure::ResourceShortage => Self::Full,
            _ => Self::Forbidden(port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, chain, failure};

    #[test]
    fn what_may_pass_is_worth_another_attempt_and_is_said_once() {
        let told = Trouble::NothingListens(5432).told("Postgres");
        assert!(told.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some()));
        assert_eq!(chain(&told).matches("nothing listens").count(), 1, "{}", chain(&told));
        assert_eq!(Exit::of(&told), Exit::Outside);
        let refused = Trouble::OtherRelay("SHA256:x".into()).told("Postgres");
        assert!(!refused.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some()));
        assert!(failure(&refused).unwrap().hint.as_ref().unwrap().contains("in between"));
    }
}
