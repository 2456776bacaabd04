//! Statements that are sent many at a time, since each alone would cost the way to the server and back.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::{ERROR, OK};
use super::connect::{Session, limited};
use super::fault::Fault;
use super::row_stream::{Row, RowStream};

/// So much is sent at most before an answer is read: it must find room on the way, since the server reads nothing while it waits for us
/// to read its answers.
const SENT_BYTES: usize = 24 << 10;
const SENT_STATEMENTS: usize = 100;

/// The statement that failed, by its number, and why.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) number: usize,
    pub(crate) fault: Fault,
}

impl Session {
    /// Runs statements one after the other, each when the one before has succeeded or not; their rows, where they have any. The session
    /// is of no use after a failure.
    pub(crate) async fn all(&mut self, statements: &[String]) -> Result<Vec<Vec<Row>>, Failed> {
        self.all_within(statements, Some(self.answer_within())).await
    }

    /// The same, however long the server is at work on each.
    pub(crate) async fn all_whenever(&mut self, statements: &[String]) -> Result<Vec<Vec<Row>>, Failed> {
        self.all_within(statements, None).await
    }

    async fn all_within(&mut self, statements: &[String], limit: Option<Duration>) -> Result<Vec<Vec<Row>>, Failed> {
        let mut asking = self.ask_many(statements.to_vec());
        let mut answers = Vec::with_capacity(statements.len());
        for number in 0..statements.len() {
            let failed = |fault| Failed { number, fault };
            let answer = async {
                asking.send_next().await?;
                asking.session.answer().await
            };
            let answer = match limit {
                Some(limit) => limited(limit, answer).await,
                None => answer.await,
            };
            answers.push(answer.map_err(failed)?);
        }
        Ok(answers)
    }

    /// Begins to run statements whose rows are not kept.
    pub(crate) fn ask_many(&mut self, statements: Vec<String>) -> Asking<'_> {
        Asking { session: self, waiting: statements.into(), sent: 0 }
    }

    /// The next answer, of whatever sort it is.
    async fn answer(&mut self) -> Result<Vec<Row>, Fault> {
        self.line().expect(1);
        let first = self.line().whole().await?.first().copied();
        // It is read by who knows what it is.
        self.line().unread();
        match first {
            Some(OK | ERROR) => self.done().await.map(|_| Vec::new()),
            _ => self.all_rows().await,
        }
    }
}

/// Statements on their way to a server, a few ahead of their answers.
pub(crate) struct Asking<'a> {
    session: &'a mut Session,
    waiting: VecDeque<String>,
    /// How many were sent whose answers nobody has begun to read.
    sent: usize,
}

impl Asking<'_> {
    /// Begins to read the rows of the next statement.
    pub(crate) async fn rows(&mut self) -> Result<RowStream<'_>, Fault> {
        self.send_next().await?;
        self.session.line().expect(1);
        self.session.begin_rows().await
    }

    /// Waits for the next statement, which has no rows.
    pub(crate) async fn done(&mut self) -> Result<(), Fault> {
        self.send_next().await?;
        self.session.line().expect(1);
        self.session.done().await.map(drop)
    }

    /// Sees to it that the next statement is sent, and others with it when none is under way.
    async fn send_next(&mut self) -> Result<(), Fault> {
        if self.sent == 0 {
            self.session.is_free()?;
            let mut bytes = 0;
            while let Some(statement) = self.waiting.front() {
                bytes += statement.len();
                if self.sent > 0 && (bytes > SENT_BYTES || self.sent == SENT_STATEMENTS) {
                    break;
                }
                self.session.put_another(statement);
                self.waiting.pop_front();
                self.sent += 1;
            }
            self.session.line().push().await?;
        }
        self.sent = self.sent.saturating_sub(1);
        Ok(())
    }
}
