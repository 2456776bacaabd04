//! The work list of the data phase: small tables many at a time, large ones in ranges of pages.

use std::sync::Arc;

use super::format::CopyFormat;
use super::relation::Relation;
use crate::postgres::session::sql;

/// Tables under this size are copied many at a time, since round trips are all that they cost.
pub(crate) const SMALL_BYTES: u64 = 256 << 10;
/// The method of compression that is several times faster than the other, and so is taken for all that is large.
pub(crate) const FAST: &str = "lz4";
/// So many small tables, and so many bytes of them, go together.
const SMALL_TABLES: usize = 64;
const SMALL_TOGETHER_BYTES: u64 = 4 << 20;

/// First page and the one after the last; whatever grew behind the last range since belongs to it.
type Pages = (u64, Option<u64>);

fn cut_pages(pages: u64, ranges: u64) -> impl Iterator<Item = Pages> {
    let begin = move |range: u64| pages * range / ranges;
    (0..ranges).map(move |range| (begin(range), (range + 1 < ranges).then(|| begin(range + 1))))
}

/// What is true of the rows in these pages alone.
fn in_pages((from, to): Pages) -> String {
    let from = format!("ctid >= '({from},0)'");
    to.map_or_else(|| from.clone(), |to| format!("{from} AND ctid < '({to},0)'"))
}

/// What is looked through on the source in one statement: seconds, even where it was compressed to a fiftieth.
const PIECE_BYTES: u64 = 8 << 20;

/// A relation of so many pages, and of so many bytes with what stands beside them, in pieces that are each looked through in
/// one statement: what is true of the rows in it, and its bytes.
pub(crate) fn pieces(pages: u64, size_bytes: u64) -> Vec<(String, u64)> {
    pieces_of(PIECE_BYTES, pages, size_bytes)
}

/// The same in pieces of so many bytes.
pub(crate) fn pieces_of(piece_bytes: u64, pages: u64, size_bytes: u64) -> Vec<(String, u64)> {
    let pieces = size_bytes.div_ceil(piece_bytes).min(pages).max(1);
    cut_pages(pages, pieces).map(|pages| (in_pages(pages), size_bytes / pieces)).collect()
}

/// A table, or some pages of it.
#[derive(Clone, Debug)]
pub(crate) struct TableRange {
    pub(crate) relation: Arc<Relation>,
    pages: Option<Pages>,
    /// Which of the parts of a tree that is read part by part.
    part: usize,
    pub(crate) format: CopyFormat,
}

/// What one pair of sessions copies in one go.
#[derive(Clone, Debug)]
pub(crate) struct WorkItem {
    pub(crate) ranges: Vec<TableRange>,
}

impl TableRange {
    /// A whole table.
    pub(crate) fn of(relation: Arc<Relation>) -> Self {
        let format = if relation.in_binary { CopyFormat::Binary } else { CopyFormat::Text };
        Self { relation, pages: None, part: 0, format }
    }

    /// A whole table as it is read on the source: a tree in its parts.
    pub(crate) fn all_of(relation: &Arc<Relation>) -> Vec<Self> {
        let whole = Self::of(relation.clone());
        (0..relation.on_source(None).len()).map(|part| Self { part, ..whole.clone() }).collect()
    }

    /// The same in another format.
    pub(crate) fn with_format(self, format: CopyFormat) -> Self {
        Self { format, ..self }
    }

    /// The same in so many ranges of as many pages.
    pub(crate) fn ranges(&self, pages: u64, ranges: u64) -> Vec<Self> {
        cut_pages(pages, ranges).map(|pages| Self { pages: Some(pages), ..self.clone() }).collect()
    }

    /// What it is, for people.
    pub(crate) fn label(&self) -> String {
        format!("table `{}`", self.relation.label())
    }

    /// The COPY that reads it on the source.
    pub(crate) fn copy_out(&self, encoding: &str) -> String {
        let what = self.relation.on_source(self.only().as_deref()).swap_remove(self.part);
        format!("COPY {what} TO STDOUT ({})", self.options(encoding))
    }

    /// The COPY that reads it back on the target.
    pub(crate) fn read_back(&self, encoding: &str) -> String {
        format!("COPY {} TO STDOUT ({})", self.relation.on_target(self.only().as_deref()), self.options(encoding))
    }

    fn only(&self) -> Option<String> {
        self.pages.map(in_pages)
    }

    fn options(&self, encoding: &str) -> String {
        match self.format {
            CopyFormat::Binary => "FORMAT binary".to_owned(),
            CopyFormat::Text => format!("FORMAT text, ENCODING {}", sql::literal(encoding)),
        }
    }
}

impl WorkItem {
    /// The COPYs that fill the tables, with what stands around them: one transaction. `is_fast`: the target has the fast
    /// method of compression.
    pub(crate) fn copy_in(&self, encodings: &[String], is_fast: bool) -> String {
        // Only a table that this transaction alone has filled can be written frozen, so that reading it back need not
        // write every page a second time. For small ones a new file each would cost more than that.
        let frozen = match self.ranges.as_slice() {
            [only] if only.pages.is_none() && only.relation.is_freezable() => Some(&only.relation),
            _ => None,
        };
        let mut statements = vec!["BEGIN".to_owned()];
        let is_large = self.ranges.iter().any(|range| range.relation.table.size_bytes >= SMALL_BYTES);
        statements.extend((is_fast && is_large).then(|| format!("SET LOCAL default_toast_compression = {FAST}")));
        statements.extend(frozen.map(|relation| format!("TRUNCATE ONLY {}", relation.quoted())));
        statements.extend(
            self.ranges
                .iter()
                .zip(encodings)
                .map(|(range, encoding)| range.relation.copy_in(&range.options(encoding), frozen.is_some())),
        );
        statements.push("COMMIT".to_owned());
        statements.join("; ")
    }

    /// The same in binary, if there is anything in it that this could help: values that are too long for a server to
    /// write as text.
    pub(crate) fn in_binary(&self) -> Option<Self> {
        let first = self.ranges.first()?;
        let is_one_table = self.ranges.iter().all(|range| range.relation.oid == first.relation.oid);
        (is_one_table && first.relation.has_bytes() && first.format == CopyFormat::Text).then(|| {
            let in_binary = |range: &TableRange| range.clone().with_format(CopyFormat::Binary);
            Self { ranges: self.ranges.iter().map(in_binary).collect() }
        })
    }

    /// What people are told is being copied.
    pub(crate) fn label(&self) -> String {
        match self.ranges.as_slice() {
            [only] => only.label(),
            [first, more @ ..] => format!("{} and {} more", first.label(), more.len()),
            [] => "nothing".to_owned(),
        }
    }
}

/// All items, the biggest first, for so many pairs of sessions. `tables` are ordered by size; one is cut when it is
/// larger than `cut_bytes`, and larger than its pair's share of all there is.
pub(crate) fn of(tables: &[Arc<Relation>], pairs: usize, cut_bytes: u64) -> Vec<WorkItem> {
    let (large, small): (Vec<_>, Vec<_>) = tables.iter().partition(|relation| relation.table.size_bytes >= SMALL_BYTES);
    let all: u64 = tables.iter().map(|relation| relation.table.size_bytes).sum();
    let share = all / pairs.max(1) as u64;
    let mut items: Vec<WorkItem> = large.into_iter().flat_map(|relation| cut(relation, share.max(cut_bytes))).collect();
    let mut together = Vec::new();
    let mut bytes = 0;
    for relation in small {
        if together.len() >= SMALL_TABLES || bytes + relation.table.size_bytes > SMALL_TOGETHER_BYTES {
            items.push(WorkItem { ranges: std::mem::take(&mut together) });
            bytes = 0;
        }
        bytes += relation.table.size_bytes;
        together.extend(TableRange::all_of(relation));
    }
    items.extend((!together.is_empty()).then_some(WorkItem { ranges: together }));
    items
}

/// A table in ranges of at most about so many bytes.
fn cut(relation: &Arc<Relation>, most_bytes: u64) -> Vec<WorkItem> {
    let ranges = relation.table.size_bytes.div_ceil(most_bytes).min(relation.pages.max(1));
    let whole = TableRange::of(relation.clone());
    if ranges < 2 || !relation.can_be_cut() {
        return vec![WorkItem { ranges: TableRange::all_of(relation) }];
    }
    whole.ranges(relation.pages, ranges).into_iter().map(|range| WorkItem { ranges: vec![range] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::rows::relation::tests::relation;

    fn sized(name: &str, size_bytes: u64) -> Relation {
        let mut relation = relation(name);
        relation.table.size_bytes = size_bytes;
        relation
    }

    fn labels(items: &[WorkItem]) -> Vec<String> {
        items.iter().map(WorkItem::label).collect()
    }

    #[test]
    fn small_tables_go_together_and_large_ones_in_ranges() {
        let mut tables = vec![Arc::new(Relation { pages: 1000, ..sized("large", 4 << 30) })];
        tables.push(Arc::new(sized("middle", 1 << 20)));
        tables.extend((0..70).map(|i| Arc::new(sized(&format!("small{i}"), 8192))));
        let items = of(&tables, 4, 1 << 30);
        assert_eq!(
            labels(&items),
            [
                "table `public.large`",
                "table `public.large`",
                "table `public.large`",
                "table `public.large`",
                "table `public.middle`",
                "table `public.small0` and 63 more",
                "table `public.small64` and 5 more"
            ]
        );
        let read: Vec<_> = items[..4].iter().map(|item| item.ranges[0].copy_out("UTF8")).collect();
        assert!(read[0].contains("WHERE ctid >= '(0,0)' AND ctid < '(250,0)'"), "{}", read[0]);
        assert!(read[3].contains("WHERE ctid >= '(750,0)')"), "{}", read[3]);
        assert_eq!(of(&tables, 1, 1 << 30).len(), 4, "one pair has nothing to gain from small ranges");
    }
}
