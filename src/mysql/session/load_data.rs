//! Rows on their way into a table, by LOAD DATA LOCAL: what the server has taken counts only when it has taken all of it as it
//! was sent.

use std::time::Duration;

use bytes::BytesMut;

use super::answer::{self, ERROR, NULL, OK};
use super::connect::{Session, asked_for_file, limited};
use super::fault::Fault;
use super::many::Failed;
use super::row_stream::Row;
use super::settings::LISTED_WARNINGS;
use super::sql;

/// Rows are sent when so many bytes of them are there.
const SEND_BYTES: usize = 128 << 10;
/// A value that was cut, or that is no member of an ENUM and kept as what says so.
const TRUNCATED: u16 = 1265;
/// What a server has said before it broke off is there already.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// Rows that are being sent to one table after another. Only [`Self::finish`] ends them well; dropping this closes the line, and the
/// server then keeps no row of the last. Nothing else ends a LOAD but success: a last packet would, too, and mean that all is there.
pub(crate) struct LoadData {
    session: Session,
    outbound: BytesMut,
    tables: Vec<Asked>,
}

/// Rows of a table, of which the server has told nothing yet.
struct Asked {
    /// What the server asks for when it is ready for them.
    file: String,
    is_asked_for: bool,
    rows: u64,
    /// The number of the packet with which it answers.
    answer: u8,
    /// Columns of whose values it may be said that they are none of those that there may be.
    no_members: Vec<String>,
}

/// What a server says that it has done with the rows of a LOAD.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    records: u64,
    deleted: u64,
    skipped: u64,
    warnings: u64,
}

impl Session {
    /// Begins to send rows. The session comes back when all of them were taken; whatever else happens, it is closed.
    pub(crate) fn load_data(self) -> LoadData {
        LoadData { session: self, outbound: BytesMut::new(), tables: Vec::new() }
    }
}

impl LoadData {
    /// Begins with a table; the rows before were all of another. Values of the columns `enums` are taken that are none of their members:
    /// the server warns of each that it keeps, and can be asked for its warnings when nothing else was sent.
    pub(crate) fn begin(&mut self, enums: Vec<String>, statement: impl FnOnce(&str) -> String) {
        // Whatever else the server may ask for, it is no file, and not given.
        let file = format!("railstage-{:016x}", rand::random::<u64>());
        self.session.put_another(&statement(&sql::literal(&file)));
        // The server's packet with its wish comes before ours.
        self.session.line().expect(2);
        self.tables.push(Asked { file, is_asked_for: false, rows: 0, answer: 0, no_members: enums });
    }

    /// Waits until the server is ready for the rows of the table; what it has against them is heard before many were sent.
    pub(crate) async fn when_asked_for(&mut self) -> Result<(), Fault> {
        self.push().await?;
        let limit = self.session.answer_within();
        let Some(asked) = self.tables.last_mut() else { return Ok(()) };
        limited(limit, asked.request(&mut self.session)).await
    }

    /// Where rows are put that are to be sent.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.outbound
    }

    /// Whether more rows may be put there before what there is must be sent.
    pub(crate) fn has_room(&self) -> bool {
        self.outbound.len() < SEND_BYTES
    }

    /// Sends what there is, if it is worth a packet.
    pub(crate) async fn send_some(&mut self) -> Result<(), Fault> {
        if self.has_room() {
            return Ok(());
        }
        self.put();
        self.push().await
    }

    /// Sends what is ready. A server that breaks off has mostly said why before.
    async fn push(&mut self) -> Result<(), Fault> {
        let Err(broken) = self.session.line().push().await else { return Ok(()) };
        let said = async {
            for asked in std::mem::take(&mut self.tables) {
                asked.taken(&mut self.session).await?;
            }
            Ok(())
        };
        match limited(SAID_WITHIN, said).await {
            Err(fault) if fault.number.is_some() => Err(fault),
            _ => Err(broken),
        }
    }

    /// Puts what there is into a packet. An empty one is never sent here: it would say that this was all.
    fn put(&mut self) {
        if !self.outbound.is_empty() {
            self.session.line().put(&self.outbound);
            self.outbound.clear();
        }
    }

    /// Says that these rows of the table were all.
    pub(crate) fn end(&mut self, rows: u64) {
        self.put();
        let line = self.session.line();
        line.put(&[]);
        if let Some(asked) = self.tables.last_mut() {
            (asked.rows, asked.answer) = (rows, line.sequence());
        }
    }

    /// Waits for the server to take the rows of all tables. The session comes back when it has, each as it was sent; else the number of
    /// the table whose rows it has not taken.
    pub(crate) async fn finish(mut self) -> Result<Session, Failed> {
        self.push().await.map_err(|fault| Failed { number: 0, fault })?;
        for (number, asked) in std::mem::take(&mut self.tables).into_iter().enumerate() {
            asked.taken(&mut self.session).await.map_err(|fault| Failed { number, fault })?;
        }
        Ok(self.session)
    }
}

impl Asked {
    /// Reads that the server asks for the rows.
    async fn request(&mut self, session: &mut Session) -> Result<(), Fault> {
        if std::mem::replace(&mut self.is_asked_for, true) {
            return Ok(());
        }
        session.line().expect(1);
        let packet = session.line().whole().await?;
        match packet.split_first() {
            Some((&NULL, asked)) if asked == self.file.as_bytes() => Ok(()),
            Some((&NULL, _)) => Err(asked_for_file()),
            Some((&ERROR, _)) => Err(answer::error(packet)),
            _ => Err(Fault::of_answer("the server has not asked for the rows that it was to load")),
        }
    }

    /// Reads what the server has done with the rows.
    async fn taken(mut self, session: &mut Session) -> Result<(), Fault> {
        self.request(session).await?;
        session.line().expect(self.answer);
        let packet = session.line().whole().await?;
        let done = match packet.first() {
            Some(&OK) => answer::done(packet)?,
            Some(&ERROR) => return Err(answer::error(packet)),
            _ => return Err(Fault::of_answer("the answer to a LOAD is garbled")),
        };
        session.is_ready();
        let wanted = Taken { records: self.rows, ..Taken::default() };
        let taken = Taken::read(&done.info);
        if taken.as_ref() == Some(&wanted) && done.warnings == 0 && done.affected == self.rows {
            return Ok(());
        }
        let warned = taken.as_ref().map_or(0, |taken| taken.warnings);
        if taken == Some(Taken { warnings: warned, ..wanted })
            && done.affected == self.rows
            && self.are_no_members(session, warned).await?
        {
            return Ok(());
        }
        let limit = session.answer_within();
        // None can be asked for where more was sent.
        let warning = limited(limit, async { Ok(session.first_warning().await) }).await.ok().flatten();
        let because = warning.map(|warning| format!(": {warning}")).unwrap_or_default();
        let taken = taken.unwrap_or_default();
        Err(Fault::of_answer(&format!(
            "of {} rows the server has taken {} as they were sent, with {} skipped and {} warnings{because}",
            self.rows,
            done.affected,
            taken.skipped,
            done.warnings.max(u16::try_from(taken.warnings).unwrap_or(u16::MAX))
        )))
    }

    /// Whether all of so many warnings are of values that are none of an ENUM's members, and kept as such.
    async fn are_no_members(&self, session: &mut Session, warned: u64) -> Result<bool, Fault> {
        if self.no_members.is_empty() || warned > u64::from(LISTED_WARNINGS) {
            return Ok(false);
        }
        let warnings = session.rows("SHOW WARNINGS").await?;
        let is_one = |row: &Row| {
            let of = |column: &String| row.text(2).contains(&format!("'{column}'"));
            row.number(1) == Some(TRUNCATED) && self.no_members.iter().any(of)
        };
        Ok(warnings.len() as u64 == warned && warnings.iter().all(is_one))
    }
}

impl Taken {
    /// Reads `Records: 6  Deleted: 0  Skipped: 1  Warnings: 5`, in whatever language it comes: it is the numbers that count.
    fn read(info: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(info).ok()?;
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).map(str::parse);
        let mut next = || numbers.next()?.ok();
        let taken = Self { records: next()?, deleted: next()?, skipped: next()?, warnings: next()? };
        numbers.next().is_none().then_some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_has_taken_is_read_by_its_numbers() {
        let read = Taken::read(b"Records: 6  Deleted: 0  Skipped: 1  Warnings: 5");
        assert_eq!(read, Some(Taken { records: 6, deleted: 0, skipped: 1, warnings: 5 }));
        assert_eq!(Taken::read(b"Records: 6  Deleted: 0  Skipped: 1"), None);
        assert_eq!(Taken::read(b"Records: 6  Deleted: 0  Skipped: 1  Warnings: 5 9"), None);
    }
}
