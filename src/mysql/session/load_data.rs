//! Rows on their way into a table, by LOAD DATA LOCAL: what the server has taken counts only when it has taken all of it as it
//! was sent.

use bytes::BytesMut;

use super::answer::{self, ERROR, OK};
use super::connect::{Session, limited};
use super::fault::Fault;
use super::row_stream::Row;
use super::settings::LISTED_WARNINGS;

/// Rows are sent when so many bytes of them are there.
const SEND_BYTES: usize = 128 << 10;

/// A value that was cut, or that is no member of an ENUM and kept as what says so.
const TRUNCATED: u16 = 1265;

/// Rows that are being sent. Only [`Self::finish`] ends them well; dropping this closes the line, and the server then keeps no row.
pub(crate) struct LoadData {
    session: Session,
    outbound: BytesMut,
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

impl LoadData {
    pub(super) fn of(session: Session) -> Self {
        Self { session, outbound: BytesMut::new(), no_members: Vec::new() }
    }

    /// Has values of these columns taken, which are ENUMs, that are none of their members: the server warns of each that it keeps.
    pub(crate) fn takes_no_members(&mut self, columns: Vec<String>) {
        self.no_members = columns;
    }

    /// Where rows are put that are to be sent.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.outbound
    }

    /// Sends what there is, if it is worth a packet.
    pub(crate) async fn send_some(&mut self) -> Result<(), Fault> {
        if self.outbound.len() < SEND_BYTES {
            return Ok(());
        }
        self.send().await
    }

    /// Sends what there is. An empty packet is never sent here: it would say that this was all.
    async fn send(&mut self) -> Result<(), Fault> {
        if self.outbound.is_empty() {
            return Ok(());
        }
        let rows = self.outbound.split();
        self.session.line().send(&rows).await
    }

    /// Says that these rows were all. The session comes back when the server has taken as many, each as it was sent.
    pub(crate) async fn finish(mut self, rows: u64) -> Result<Session, Fault> {
        self.send().await?;
        self.session.line().send(&[]).await?;
        let packet = self.session.line().whole().await?.to_vec();
        let done = match packet.first() {
            Some(&OK) => answer::done(&packet)?,
            Some(&ERROR) => return Err(answer::error(&packet)),
            _ => return Err(Fault::of_answer("the answer to a LOAD is garbled")),
        };
        self.session.is_ready();
        let wanted = Taken { records: rows, ..Taken::default() };
        let taken = Taken::read(&done.info);
        if taken.as_ref() == Some(&wanted) && done.warnings == 0 && done.affected == rows {
            return Ok(self.session);
        }
        let warned = taken.as_ref().map_or(0, |taken| taken.warnings);
        if taken == Some(Taken { warnings: warned, ..wanted })
            && done.affected == rows
            && self.are_no_members(warned).await?
        {
            return Ok(self.session);
        }
        let limit = self.session.answer_within();
        let warning = limited(limit, async { Ok(self.session.first_warning().await) }).await.ok().flatten();
        let because = warning.map(|warning| format!(": {warning}")).unwrap_or_default();
        let taken = taken.unwrap_or_default();
        Err(Fault::of_answer(&format!(
            "of {rows} rows the server has taken {} as they were sent, with {} skipped and {} warnings{because}",
            done.affected,
            taken.skipped,
            done.warnings.max(u16::try_from(taken.warnings).unwrap_or(u16::MAX))
        )))
    }

    /// Whether all of so many warnings are of values that are none of an ENUM's members, and kept as such.
    async fn are_no_members(&mut self, warned: u64) -> Result<bool, Fault> {
        if self.no_members.is_empty() || warned > u64::from(LISTED_WARNINGS) {
            return Ok(false);
        }
        let warnings = self.session.rows("SHOW WARNINGS").await?;
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
