//! A command in a container, fed and heard at once.

use std::pin::pin;

use anyhow::Result;
use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

use super::trouble::Trouble;

/// How much of what a command complains of is kept, and of what it says where nobody listens piece by piece.
const LONGEST_COMPLAINT: usize = 16 << 10;
const LONGEST_SAYING: usize = 1 << 20;

/// A command that runs. Whoever lets go of it before it has ended should close it.
pub(crate) struct Command {
    service: String,
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    ended: Ended,
    is_over: bool,
}

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// What it said and nobody has taken.
    pub said: Vec<u8>,
    /// What it complained of, on its standard error.
    pub complained: String,
    /// `None` where nobody told: its container ended with it.
    pub exit_code: Option<u32>,
}

impl Command {
    pub(super) fn new(service: &str, read: ChannelReadHalf, write: ChannelWriteHalf<Msg>) -> Self {
        Self { service: service.to_owned(), read, write, ended: Ended::default(), is_over: false }
    }

    /// The next piece of what it says; `None` when it has said all.
    ///
    /// # Errors
    /// When the line was cut.
    pub(crate) async fn hear(&mut self) -> Result<Option<Bytes>> {
        if !self.ended.said.is_empty() {
            return Ok(Some(std::mem::take(&mut self.ended.said).into()));
        }
        while !self.is_over {
            let message = self.read.wait().await;
            if let Some(ChannelMsg::Data { data }) = message {
                return Ok(Some(data));
            }
            self.note(message)?;
        }
        Ok(None)
    }

    /// Gives it something to read, as fast as it takes it; what it says meanwhile is kept. Whether it takes any more.
    ///
    /// # Errors
    /// When the line was cut.
    pub(crate) async fn feed(&mut self, bytes: impl Into<Bytes>) -> Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        let sent = {
            // Must not be given up halfway: what was sent would be sent twice.
            let mut sending = pin!(self.write.data_bytes(bytes));
            loop {
                tokio::select! {
                    sent = &mut sending => break sent,
                    message = self.read.wait() => {
                        note(&mut self.ended, &mut self.is_over, message).map_err(|trouble| trouble.told(&self.service))?;
                        if self.is_over {
                            return Ok(false);
                        }
                    }
                }
            }
        };
        sent.map(|()| true).map_err(|error| Trouble::Broken(error.to_string()).told(&self.service))
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// When the line was cut.
    pub(crate) async fn finish_feeding(&mut self) -> Result<()> {
        let said = if self.is_over { Ok(()) } else { self.write.eof().await };
        said.map_err(|error| Trouble::Broken(error.to_string()).told(&self.service))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When the line was cut.
    pub(crate) async fn end(mut self) -> Result<Ended> {
        while !self.is_over {
            let message = self.read.wait().await;
            self.note(message)?;
        }
        self.write.close().await.ok();
        Ok(self.ended)
    }

    fn note(&mut self, message: Option<ChannelMsg>) -> Result<()> {
        note(&mut self.ended, &mut self.is_over, message).map_err(|trouble| trouble.told(&self.service))
    }
}

fn note(ended: &mut Ended, is_over: &mut bool, message: Option<ChannelMsg>) -> Result<(), Trouble> {
    match message {
        None => return Err(Trouble::Broken("in the middle of a command".to_owned())),
        Some(ChannelMsg::Data { data }) if ended.said.len() + data.len() <= LONGEST_SAYING => {
            ended.said.extend_from_slice(&data);
        }
        Some(ChannelMsg::ExtendedData { data, .. }) if ended.complained.len() < LONGEST_COMPLAINT => {
            ended.complained.push_str(&String::from_utf8_lossy(&data));
        }
        Some(ChannelMsg::ExitStatus { exit_status }) => ended.exit_code = Some(exit_status),
        Some(ChannelMsg::Failure | ChannelMsg::Close) => *is_over = true,
        Some(_) => {}
    }
    Ok(())
}
