//! Sessions with a server: one login, pinned settings, and proof that no proxy stands in between.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::answer::{self, Done, ERROR, NULL, OK};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::greeting::family_and_version;
use super::line::{Line, Packet};
use super::login::{LoggedIn, Proof, log_in};
use super::refusal;
use super::row_stream::{Row, RowStream};
use super::settings::{self, Purpose};
use crate::copying::transient::Transient;

const QUIT: u8 = 1;
const QUERY: u8 = 3;
/// What is held of an answer: that of a catalog with a million columns is shorter.
const ANSWER_BYTES: usize = 64 << 20;

/// Which of the two a server is; nothing is copied from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    MySql,
    MariaDb,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }
}

/// Major, minor and patch.
pub(crate) type Version = (u16, u16, u16);

/// One session. Dropping it closes the socket at once, whatever is under way; the server then rolls back.
pub(crate) struct Session {
    line: Line,
    /// How many answers are still to be read to their ends: whoever was to read them may have left, and nothing else can be asked.
    owed: usize,
    answer_within: Duration,
    pub(crate) family: Family,
    pub(crate) version: Version,
    /// What the server says its version is.
    pub(crate) version_text: String,
    /// The server's number for the session.
    pub(crate) id: u64,
    pub(crate) proof: Proof,
}

impl Session {
    /// Opens a session with the settings of its purpose.
    pub(crate) async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        // The socket's own limit does not cover a server that accepts and then says nothing.
        let limit = endpoint.connect_timeout * 2;
        let opening = Box::pin(Self::try_open(endpoint, purpose));
        let opened = match tokio::time::timeout(limit, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(Transient(format!("no answer within {} s", limit.as_secs_f32())).into()),
        };
        opened.with_context(|| format!("connect to `{endpoint}`"))
    }

    async fn try_open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        let mut session = Self::of(log_in(endpoint, purpose).await?, endpoint.answer_within);
        let statements = settings::for_purpose(purpose, session.family, session.version);
        session.all(&statements).await.map_err(|failed| {
            let statement = statements.get(failed.number).cloned().unwrap_or_default();
            anyhow::Error::from(failed.fault).context(format!("set the session up: {statement}"))
        })?;
        session.identify().await?;
        if endpoint.must_be_proven {
            match session.proof {
                Proof::Password(_) | Proof::Pinned(_) | Proof::Instance { .. } => {}
                Proof::InClear => return Err(refusal::of_unproven(None)),
                Proof::Nothing(met) => return Err(refusal::of_unproven(Some(&met.to_string()))),
            }
        }
        Ok(session)
    }

    pub(super) fn of(logged_in: LoggedIn, answer_within: Duration) -> Self {
        let LoggedIn { line, greeting, proof } = logged_in;
        Self {
            line,
            owed: 0,
            answer_within,
            family: greeting.family,
            version: greeting.version,
            version_text: greeting.version_text,
            id: greeting.id.into(),
            proof,
        }
    }

    /// A proxy that shares sessions has told a number of its own, and gives each statement another session. One that greets in a
    /// server's place does not know which it is, and who hides that a server can prove itself has greeted as an older one.
    pub(super) async fn identify(&mut self) -> Result<()> {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let row = self.row("SELECT CONNECTION_ID(), @@version_comment, @@version").await?;
            if let Some(name) = refusal::is_of_another(&row.text(1)) {
                return Err(refusal::of_another(name));
            }
            if family_and_version(&row.text(2)) != Some((self.family, self.version)) {
                return Err(refusal::of_other_greeting(&self.version_text, &row.text(2)));
            }
            ids.push(row.number::<u64>(0).unwrap_or_default());
        }
        // A greeting has room for the lower half.
        if ids[0] != ids[1] || ids[0] & u64::from(u32::MAX) != self.id {
            return Err(refusal::of_pooler());
        }
        self.id = ids[0];
        Ok(())
    }

    /// Sends a statement; from now on somebody must read the answer.
    async fn ask(&mut self, sql: &str) -> Result<(), Fault> {
        self.is_free()?;
        self.put_another(sql);
        self.line.push().await
    }

    /// Refuses to ask anything of a session whose answer nobody has read to its end.
    pub(super) fn is_free(&self) -> Result<(), Fault> {
        match self.owed {
            0 => Ok(()),
            _ => Err(Fault::of_answer("the session was left in the middle of an answer")),
        }
    }

    /// Has a statement ready to be sent, perhaps behind others whose answers nobody has read yet: the server takes one after the other,
    /// and nobody waits for the way there and back. What is sent so at once must be short, or the two ends wait for each other.
    pub(super) fn put_another(&mut self, sql: &str) {
        self.owed += 1;
        self.line.put_command(QUERY, sql.as_bytes());
    }

    /// The rows of an answer.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        limited(self.answer_within, self.rows_whenever(sql)).await
    }

    /// The same, however long the server is at work on it.
    pub(crate) async fn rows_whenever(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        self.ask(sql).await?;
        self.all_rows().await
    }

    /// The rows of the answer that comes next.
    pub(super) async fn all_rows(&mut self) -> Result<Vec<Row>, Fault> {
        let mut stream = self.begin_rows().await?;
        let (mut all, mut bytes) = (Vec::new(), 0);
        while let Some(packet) = stream.next().await? {
            let Packet::Whole(row) = packet else {
                return Err(Fault::of_answer("an answer has a value of more than 16 MiB"));
            };
            bytes += row.len();
            if bytes > ANSWER_BYTES {
                return Err(Fault::of_answer(&format!("an answer has more than {} MiB", ANSWER_BYTES >> 20)));
            }
            all.push(Row::of(row, all.first())?);
        }
        Ok(all)
    }

    /// The only row of an answer.
    pub(crate) async fn row(&mut self, sql: &str) -> Result<Row> {
        let mut rows = self.rows(sql).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => bail!("the server's answer has not the one row that was expected"),
        }
    }

    /// Runs a statement that has no rows.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<Done, Fault> {
        limited(self.answer_within, self.run_whenever(sql)).await
    }

    /// The same, however long the server is at work on it.
    pub(crate) async fn run_whenever(&mut self, sql: &str) -> Result<Done, Fault> {
        self.ask(sql).await?;
        self.done().await
    }

    /// The end of a statement that has no rows, whose answer comes next.
    pub(super) async fn done(&mut self) -> Result<Done, Fault> {
        let packet = self.line.whole().await?;
        match packet.first() {
            Some(&OK) => {
                let done = answer::done(packet)?;
                self.owed -= 1;
                Ok(done)
            }
            Some(&ERROR) => {
                let fault = answer::error(packet);
                self.owed -= 1;
                Err(fault)
            }
            Some(&NULL) => Err(asked_for_file()),
            _ => Err(Fault::of_answer("a statement has an answer that it should not have")),
        }
    }

    /// Begins to read rows, which are not kept.
    pub(crate) async fn start_rows(&mut self, sql: &str) -> Result<RowStream<'_>, Fault> {
        self.ask(sql).await?;
        self.begin_rows().await
    }

    /// Begins to read the rows of the answer that comes next.
    pub(super) async fn begin_rows(&mut self) -> Result<RowStream<'_>, Fault> {
        let packet = self.line.whole().await?;
        let columns = match packet.first() {
            Some(&ERROR) => {
                let fault = answer::error(packet);
                self.owed -= 1;
                return Err(fault);
            }
            Some(&NULL) => return Err(asked_for_file()),
            Some(&OK) | None => return Err(Fault::of_answer("a query has no rows in its answer")),
            Some(_) => answer::columns(packet)?,
        };
        for _ in 0..columns {
            self.line.whole().await?;
        }
        if answer::end(self.line.whole().await?)?.is_none() {
            return Err(Fault::of_answer("an answer has more columns than it said"));
        }
        Ok(RowStream::of(self))
    }

    pub(super) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    pub(super) fn answer_within(&self) -> Duration {
        self.answer_within
    }

    /// Says that an answer was read to its end.
    pub(super) fn is_ready(&mut self) {
        self.owed -= 1;
    }

    /// The first warning of the last statement.
    pub(crate) async fn first_warning(&mut self) -> Option<Fault> {
        let rows = self.rows("SHOW WARNINGS LIMIT 1").await.ok()?;
        let row = rows.first()?;
        Some(Fault::said(row.number(1)?, &row.text(2)))
    }

    /// Says goodbye and waits a moment for it to be heard, so that the server has no session of ours left.
    pub(crate) async fn close(mut self) {
        let goodbye = async {
            self.line.command(QUIT, &[]).await.ok();
            // The server closes the line.
            self.line.packet().await.ok();
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
    }
}

/// Files of ours are nobody's, whoever asks and however.
pub(super) fn asked_for_file() -> Fault {
    Fault::of_answer("the server asks for a file of this machine, and gets none")
}

/// Waits for an answer.
pub(crate) async fn limited<T>(limit: Duration, answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::no_answer(limit)))
}
