//! How long an answer is waited for: a line may fall silent without breaking, and no limit of Postgres covers that.

use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::Result;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use crate::postgres::session::connect::Session;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::settings::Purpose;

/// An answer that was sent when the server was asked what it is doing arrives in less.
const UNDER_WAY: Duration = Duration::from_secs(5);

/// One session's.
pub(crate) struct Patience {
    limit: Duration,
    /// Where to ask whether a long command is still being worked on: what fills the new database may take hours.
    ask: Option<Endpoint>,
    /// The server's process for the session.
    pub(crate) pid: i32,
}

impl Patience {
    pub(crate) fn new(endpoint: &Endpoint, purpose: Purpose) -> Self {
        let ask = (purpose == Purpose::Fill).then(|| endpoint.clone());
        Self { limit: endpoint.answer_within, ask, pid: 0 }
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
            let Some(endpoint) = &self.ask else { return Err(Fault::silent(self.limit)) };
            if self.is_at_work(endpoint).await {
                continue;
            }
            return match timeout(self.limit.min(UNDER_WAY), &mut answer).await {
                Ok(answered) => Ok(answered?),
                Err(_) => Err(Fault::silent(self.limit)),
            };
        }
    }

    /// Asks over a session of its own, since this one's line may be what is dead. That session does not ask in turn, but
    /// the compiler cannot know, and needs a box for it.
    fn is_at_work<'a>(&'a self, endpoint: &'a Endpoint) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let asking = async move {
            let session = Session::open(endpoint, Purpose::Upkeep).await?;
            let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND state = 'active')";
            let is_active = session.row(sql, &[(&self.pid, Type::INT4)]).await?.get(0);
            session.close().await;
            anyhow::Ok(is_active)
        };
        Box::pin(async move { asking.await.unwrap_or(false) })
    }
}
