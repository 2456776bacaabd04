//! How long an answer is waited for: a line may fall silent without breaking, and no limit of Postgres covers that.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::timeout;

use super::fault::Fault;

/// An answer that was sent when the server was asked what it is doing arrives in less.
const UNDER_WAY: Duration = Duration::from_secs(5);

/// Asks the server, over another session, whether the process of this id is at work.
pub(crate) type Probe = Box<dyn Fn(i32) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// One session's limit on the wait for an answer.
pub(crate) struct AnswerTimeout {
    limit: Duration,
    /// Asked before a long command is given up: what fills the new database, or looks through a large table, may take hours.
    probe: Probe,
    /// The server's process for the session.
    pub(crate) pid: i32,
}

impl AnswerTimeout {
    pub(crate) fn new(limit: Duration, probe: Probe) -> Self {
        Self { limit, probe, pid: 0 }
    }

    /// Waits for the answer to a command.
    pub(crate) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let mut answer = pin!(answer);
        loop {
            if let Ok(answered) = timeout(self.limit, &mut answer).await {
                return Ok(answered?);
            }
            // Who is asked may be silent, too.
            if timeout(self.limit, (self.probe)(self.pid)).await.unwrap_or(false) {
                continue;
            }
            return match timeout(self.limit.min(UNDER_WAY), &mut answer).await {
                Ok(answered) => Ok(answered?),
                Err(_) => Err(Fault::no_answer(self.limit)),
            };
        }
    }
}
