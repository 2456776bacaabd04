//! One connection: who comes, and what is asked for.

use super::exec::{self, Unable};
use super::journal::Deed;
use super::line::Line;
use super::target::Target;
use super::{forward, sftp};
use crate::RelayFault;
use crate::backend::Backend;
use crate::model::Start;
use crate::model::ssh_keys::fingerprint;
use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Disconnect};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct Session {
    pub(super) backend: Arc<Backend>,
    pub(super) line: Line,
    /// It is told that there are too many connections.
    pub(super) unwanted: bool,
    target: Option<Target>,
    opened: HashMap<ChannelId, Channel<Msg>>,
}

impl Session {
    pub(super) fn new(backend: Arc<Backend>, line: Line, unwanted: bool) -> Session {
        Session { backend, line, unwanted, target: None, opened: HashMap::new() }
    }

    fn knows(&self, key: &PublicKey) -> bool {
        let model = self.backend.current();
        model.registered_key(key).is_some_and(|known| known.accepted_at <= Instant::now())
    }

    fn is_without_shell(&self) -> bool {
        let model = self.backend.current();
        let row =
            self.target.as_ref().map(|at| model.project_of(at.environment).and_then(|one| one.service(at.service)));
        row.is_some_and(|row| row.is_ok_and(|row| row.start == Start::WithoutShell))
    }

    fn note(&self, deed: Deed) {
        self.backend.relayed.note(self.target.as_ref().map(Target::place), deed);
    }

    fn strike(&self, operation: &str, wanted: impl Fn(RelayFault) -> bool) -> Option<RelayFault> {
        let environment = self.target.as_ref().map(|target| target.environment);
        self.backend.faults.strike_relay(operation, environment, wanted)
    }

    /// What is ordered to go wrong with this connection from its login on.
    fn change_line(&self, key: &PublicKey) {
        if let Some(RelayFault::RoundTrip { millis }) =
            self.strike("relayLogin", |fault| matches!(fault, RelayFault::RoundTrip { .. }))
        {
            self.line.change(|habits| habits.one_way += Duration::from_millis(millis) / 2);
        }
        if let Some(RelayFault::Throttled { bytes_per_sec }) =
            self.strike("relayLogin", |fault| matches!(fault, RelayFault::Throttled { .. }))
        {
            self.line.change(|habits| habits.bytes_per_sec = Some(bytes_per_sec));
        }
        let cuts = |fault| matches!(fault, RelayFault::CutAfter { .. } | RelayFault::KeyRevoked { .. });
        match self.strike("relayLogin", cuts) {
            Some(RelayFault::CutAfter { bytes }) => self.line.cut_after(bytes, || {}),
            Some(RelayFault::KeyRevoked { after_bytes }) => {
                let (backend, key) = (self.backend.clone(), key.clone());
                self.line.cut_after(after_bytes, move || backend.revoke_key(&key));
            }
            _ => {}
        }
    }

    /// Runs a command, or answers for it.
    fn run(
        &mut self,
        channel: ChannelId,
        text: Vec<u8>,
        session: &mut russh::server::Session,
    ) -> Result<(), russh::Error> {
        let Some(opened) = self.opened.remove(&channel) else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        let fault = self.strike("relayCommand", |_| true);
        let container =
            self.target.as_ref().and_then(|at| self.backend.runtime.containers.of(at.environment, at.service));
        let unable = match (&container, fault) {
            (_, Some(RelayFault::NotReady)) | (None, _) => Some(Unable::NotRouted),
            (_, Some(RelayFault::NoShell)) => Some(Unable::NoShell),
            _ if self.is_without_shell() => Some(Unable::NoShell),
            _ => None,
        };
        self.note(Deed::Command { text: String::from_utf8_lossy(&text).into_owned(), ran: unable.is_none() });
        let gone = self.line.ended();
        match (unable, container) {
            (None, Some(container)) => {
                let text = if text.is_empty() { b"/bin/sh".to_vec() } else { text };
                let (backend, environment) = (self.backend.clone(), self.target.as_ref().map(|at| at.environment));
                let is_damaged = move || {
                    let struck = backend.faults.strike_relay("relayFed", environment, |_| true);
                    struck == Some(RelayFault::Damaged)
                };
                tokio::spawn(exec::run(opened, container, text, gone, is_damaged));
            }
            (unable, _) => {
                tokio::spawn(exec::refuse(opened, unable.unwrap_or(Unable::NotRouted)));
            }
        }
        Ok(())
    }
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        if self.knows(offer.public_key) {
            return Ok(Auth::Accept);
        }
        let place = Target::find(&self.backend, user).map(|target| target.place());
        let deed = Deed::Refused { user: user.to_owned(), fingerprint: fingerprint(offer.public_key) };
        self.backend.relayed.note(place, deed);
        Ok(Auth::reject())
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        if !self.knows(key.public_key) {
            return Ok(Auth::reject());
        }
        self.target = Target::find(&self.backend, user);
        self.note(Deed::Login { user: user.to_owned(), fingerprint: fingerprint(key.public_key) });
        self.change_line(key.public_key);
        Ok(Auth::Accept)
    }

    async fn auth_succeeded(&mut self, session: &mut russh::server::Session) -> Result<(), Self::Error> {
        if self.unwanted {
            session.disconnect(Disconnect::TooManyConnections, "Too many connections", "en")?;
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.opened.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.opened.remove(&channel);
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let refused = self.strike("relayForward", |_| true).is_some();
        let found = self.target.as_ref().and_then(|target| forward::find(&self.backend, target, host, port));
        self.note(Deed::Forward { host: host.to_owned(), port, opened: !refused && found.is_some() });
        match found {
            _ if refused => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
            Some(here) => {
                tokio::spawn(forward::lead(channel, reply, here, self.line.ended()));
            }
            None => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        text: &[u8],
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.run(channel, text.to_vec(), session)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.run(channel, Vec::new(), session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let container =
            self.target.as_ref().and_then(|at| self.backend.runtime.containers.of(at.environment, at.service));
        match (name, container, self.opened.remove(&channel)) {
            ("sftp", Some(container), Some(opened)) => {
                session.channel_success(channel)?;
                let place = self.target.as_ref().map(Target::place);
                sftp::serve(self.backend.clone(), place, container, opened);
                Ok(())
            }
            _ => session.channel_failure(channel),
        }
    }
}
