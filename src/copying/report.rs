//! What a copy says about itself: an output for people, so no secret is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::snapshot_means::SnapshotMeans;
use crate::contract::made_with::MadeWith;
use crate::error::counted;
use crate::inert;
use crate::masking::{QueueLine, Sheet};

/// Why something is not listed.
pub(super) const ONLY_SO_MANY: &str = "an output lists 500 of a kind";
/// How many of the slowest tables a summary names.
const SLOWEST_TOLD: usize = 5;

/// So many lines at most has a list in an output: what holds outputs together, Kestra's context or a database's comment, is
/// made for pages and not for books.
pub(crate) const MOST_LISTED: usize = 500;

/// Cuts a list, and tells in its last line how many are not in it.
pub(crate) fn cut<T>(list: &mut Vec<T>, told: impl FnOnce(String) -> T) {
    if let Some(more) = list.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        list.truncate(MOST_LISTED);
        list.push(told(format!("{more} more, which are not listed")));
    }
}

/// What was copied, how fast, and what was not.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CopyReport {
    /// The target database's name.
    pub database: String,
    /// The moment of the source that was copied, by the source's clock (RFC 3339).
    pub snapshot_at: String,
    /// How several sessions came to see that moment, where the server cannot share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotMeans>,
    /// The source server's version.
    pub source_version: String,
    /// The target server's version.
    pub target_version: String,
    /// Tables whose rows were copied.
    pub tables: u64,
    /// Rows copied.
    pub rows: u64,
    /// Bytes of rows sent to the target.
    pub bytes: u64,
    /// Large objects copied.
    pub large_objects: u64,
    /// Seconds in all, failed attempts included.
    pub seconds: f64,
    /// Megabytes (1,000,000 bytes) of rows per second of the data phase.
    pub mb_per_s: f64,
    /// Seconds of each phase, in order.
    pub phases: Vec<PhaseTime>,
    /// How many attempts it took.
    pub attempts: u32,
    /// Values in which a URL was rewritten.
    pub rewritten_values: u64,
    /// Values with serialized data of a wrong length, which was left as it is.
    pub malformed_values: u64,
    /// Values left as they are because the rewritten one would be too long for its column.
    pub overflow_left: u64,
    /// Where an old host was left, and why.
    pub left: Vec<LeftUrl>,
    /// What was masked, emptied and left; absent when personal data was copied as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masking: Option<Sheet>,
    /// What would have acted in the copy, or looks as if it would: queues, outboxes and schedules, and what was done to each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueLine>,
    /// What decided what became of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
    /// Digest of all rows of all tables as they are on the target (SHA-256, hex), in the format in which they travelled.
    pub digest: String,
    /// The tables that took longest.
    pub slowest_tables: Vec<TableTime>,
    /// Tables that were read as a whole and never asked about, since a query could have called code of others as the
    /// login: a superuser's, or one of like powers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_whole: Vec<String>,
    /// What the source has and the target does not, and why.
    pub skipped: Vec<Skipped>,
    /// What the schema itself says of production's hosts and of people, by object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema_texts: Vec<SchemaText>,
    /// The old database, when it could not be dropped after the swap; the next copy drops it.
    pub left_behind: Option<String>,
    /// Whether this run had copied before and nothing was done now.
    pub reused: bool,
}

impl CopyReport {
    /// The same with no list longer than [`MOST_LISTED`].
    pub(crate) fn cut(mut self) -> Self {
        cut(&mut self.skipped, |more| Skipped::new(more, ONLY_SO_MANY));
        cut(&mut self.left, LeftUrl::more);
        cut(&mut self.read_whole, |more| more);
        if let Some(more) = self.queues.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
            self.queues.truncate(MOST_LISTED);
            self.skipped
                .push(Skipped::new(format!("{more} more queues, treated as those that are listed"), ONLY_SO_MANY));
        }
        self.masking = self.masking.map(|sheet| sheet.cut(MOST_LISTED));
        self
    }

    /// The report in a few lines for a person.
    pub fn summary(&self) -> String {
        if self.reused {
            let (database, snapshot_at) = (&self.database, &self.snapshot_at);
            return inert::one_line(&format!("`{database}` holds this run's copy already (snapshot of {snapshot_at})"));
        }
        let mut lines = vec![format!(
            "copied {} of {} into `{}`: {:.1} MB in {:.1} s ({:.1} MB/s), snapshot of {}",
            counted(self.rows, "row", "rows"),
            counted(self.tables, "table", "tables"),
            self.database,
            megabytes(self.bytes),
            self.seconds,
            self.mb_per_s,
            self.snapshot_at
        )];
        lines.extend(self.snapshot.as_ref().map(SnapshotMeans::to_string));
        let listed = |items: Vec<String>| items.join(", ");
        lines.push(format!("phases: {}", listed(self.phases.iter().map(PhaseTime::to_string).collect())));
        let slowest = self.slowest_tables.iter().take(SLOWEST_TOLD).map(TableTime::to_string).collect();
        lines.push(format!("slowest tables: {}", listed(slowest)));
        lines.push(format!("digest: {}", self.digest));
        if self.rewritten_values + self.malformed_values + self.overflow_left > 0 {
            lines.push(format!(
                "URLs rewritten in {}; {} with malformed serialized data; {} too long, left",
                counted(self.rewritten_values, "value", "values"),
                self.malformed_values,
                self.overflow_left
            ));
        }
        // Those that were emptied stand in the sheet as well.
        let is_told = |line: &&QueueLine| self.masking.is_some() && line.done.is_emptied();
        lines.extend(self.queues.iter().filter(|line| !is_told(line)).map(|line| format!("would act, {line}")));
        lines.extend(self.masking.iter().flat_map(Sheet::lines));
        lines.extend(self.left.iter().map(LeftUrl::to_string));
        lines.extend(read_whole(&self.read_whole));
        lines.extend(self.schema_texts.iter().map(SchemaText::to_string));
        lines.extend(self.skipped.iter().map(|skipped| format!("not copied: {} ({})", skipped.object, skipped.reason)));
        inert::lines(&lines)
    }
}

/// That tables were read as a whole, for people.
pub(crate) fn read_whole(tables: &[String]) -> Option<String> {
    (!tables.is_empty()).then(|| {
        format!(
            "read as a whole, since a query could run code of their owners as the login of the source (`railstage source-login` makes a better one): {}",
            tables.join(", ")
        )
    })
}

/// How long a phase took.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PhaseTime {
    /// The phase's name.
    pub phase: String,
    /// Seconds it took.
    pub seconds: f64,
    /// Bytes of rows and large objects that arrived in it.
    pub bytes: u64,
}

impl std::fmt::Display for PhaseTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:.1} s", self.phase, self.seconds)?;
        match self.bytes {
            0 => Ok(()),
            bytes => {
                write!(f, " ({:.1} MB at {:.1} MB/s)", megabytes(bytes), megabytes(bytes) / self.seconds.max(0.001))
            }
        }
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// How long a table took.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TableTime {
    /// `schema.table`.
    pub table: String,
    /// Rows copied.
    pub rows: u64,
    /// Bytes of rows sent to the target.
    pub bytes: u64,
    /// Seconds for copying and checking.
    pub seconds: f64,
}

impl std::fmt::Display for TableTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {:.1} s ({}, {:.1} MB)",
            self.table,
            self.seconds,
            counted(self.rows, "row", "rows"),
            megabytes(self.bytes)
        )
    }
}

/// Values of a column in which an old host was left, in whatever spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LeftUrl {
    /// `schema.table`.
    pub table: String,
    /// The column.
    pub column: String,
    /// What the values are called in their rows (`option_name`, `meta_key`), where the table has such a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Values that have an old host in them.
    pub values: u64,
    /// Why it was left.
    pub reason: String,
}

impl LeftUrl {
    fn more(more: String) -> Self {
        Self { table: more, reason: ONLY_SO_MANY.to_owned(), ..Self::default() }
    }
}

impl std::fmt::Display for LeftUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, column, key, values, reason } = self;
        if column.is_empty() {
            return write!(f, "left: {table}");
        }
        let key = key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"));
        write!(f, "left in {table}.{column}{key}: {}, {reason}", counted(values, "value", "values"))
    }
}

/// What an object of the schema says of production's hosts and of people: in a default, a function, a view, a comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SchemaText {
    /// Which object.
    pub object: String,
    /// How many times a host of production stands in it.
    pub hosts: u64,
    /// How many e-mail addresses stand in it.
    pub addresses: u64,
    /// Literals that were rewritten (`rewrite_schema`).
    pub rewritten: u64,
}

impl std::fmt::Display for SchemaText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { object, hosts, addresses, rewritten } = self;
        let (hosts, addresses) =
            (counted(hosts, "host", "hosts"), counted(addresses, "e-mail address", "e-mail addresses"));
        let rewritten = counted(rewritten, "literal", "literals");
        write!(f, "in the schema, {object}: {hosts} of production and {addresses} left, {rewritten} rewritten")
    }
}

/// Something that was not carried over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// What it is.
    pub object: String,
    /// Why it was not carried over.
    pub reason: String,
}

impl Skipped {
    pub(crate) fn new(object: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { object: object.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_and_tells_how_much_is_not_in_it() {
        let skipped = |count: usize| vec![Skipped::new("a", "b"); count];
        let report = CopyReport { skipped: skipped(MOST_LISTED), ..CopyReport::default() }.cut();
        assert_eq!(report.skipped, skipped(MOST_LISTED));
        let report = CopyReport { skipped: skipped(5000), ..CopyReport::default() }.cut();
        assert_eq!(report.skipped.len(), MOST_LISTED + 1);
        assert_eq!(report.skipped[MOST_LISTED].object, "4500 more, which are not listed");
    }
}
