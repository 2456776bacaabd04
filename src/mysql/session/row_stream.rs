//! The rows of an answer: a few that are held, or any number, each as it comes.

use super::answer::{self, END, ERROR, NULL};
use super::connect::Session;
use super::fault::Fault;
use super::line::Packet;

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(Vec<Option<Vec<u8>>>);

impl Row {
    /// Reads a row, which has as many fields as one before it; the first has as many as are there.
    pub(crate) fn of(row: &[u8], before: Option<&Self>) -> Result<Self, Fault> {
        let columns = before.map_or_else(|| count(row), |Self(fields)| Ok(fields.len()))?;
        answer::fields(row, columns).map(Self)
    }

    /// A text; NULL is none.
    pub(crate) fn maybe(&self, column: usize) -> Option<String> {
        self.0.get(column)?.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// A text; NULL is an empty one.
    pub(crate) fn text(&self, column: usize) -> String {
        self.maybe(column).unwrap_or_default()
    }

    /// A number; whatever is none, NULL too, is none.
    pub(crate) fn number<T: std::str::FromStr>(&self, column: usize) -> Option<T> {
        self.maybe(column)?.parse().ok()
    }

    /// Whether a condition was true.
    pub(crate) fn flag(&self, column: usize) -> bool {
        self.number::<i64>(column).is_some_and(|number| number != 0)
    }
}

/// How many fields are there.
fn count(row: &[u8]) -> Result<usize, Fault> {
    let (mut reader, mut count) = (answer::Reader(row), 0);
    while let Some(first) = reader.0.first() {
        let read = if *first == NULL { reader.byte().map(drop) } else { reader.text().map(drop) };
        read.ok_or_else(|| Fault::of_answer("an answer is garbled"))?;
        count += 1;
    }
    Ok(count)
}

/// The rows of an answer, each as it comes.
pub(crate) struct RowStream<'a> {
    session: &'a mut Session,
    warnings: Option<u16>,
}

impl<'a> RowStream<'a> {
    pub(super) fn of(session: &'a mut Session) -> Self {
        Self { session, warnings: None }
    }

    /// The next row, in the bytes in which it came; `None` after the last. A long one is read to its end by [`Self::piece`].
    pub(crate) async fn next(&mut self) -> Result<Option<Packet<'_>>, Fault> {
        if self.warnings.is_some() {
            return Ok(None);
        }
        // Looked at first, since what ends the rows is not returned.
        let ending = match self.session.line().packet().await? {
            Packet::Long => return Ok(Some(Packet::Long)),
            Packet::Whole(packet) if packet.first() == Some(&ERROR) => {
                let fault = answer::error(packet);
                self.session.is_ready();
                return Err(fault);
            }
            Packet::Whole(packet) if packet.first() == Some(&END) => answer::end(packet)?,
            Packet::Whole(_) => None,
        };
        match ending {
            None => Ok(Some(Packet::Whole(self.session.line().last()))),
            Some(warnings) => {
                self.warnings = Some(warnings);
                self.session.is_ready();
                Ok(None)
            }
        }
    }

    /// The next row, where it is there already and not long: what waits costs more than many a row.
    pub(crate) fn ready(&mut self) -> Result<Option<&[u8]>, Fault> {
        if self.warnings.is_some() {
            return Ok(None);
        }
        self.session.line().ready([END, ERROR])
    }

    /// The next piece of a long row, until there is none.
    pub(crate) async fn piece(&mut self) -> Result<Option<&[u8]>, Fault> {
        self.session.line().piece().await
    }

    /// How many warnings there were, once the last row was read.
    pub(crate) fn warnings(&self) -> Option<u16> {
        self.warnings
    }
}
