//! The work list of the data phase: small tables many at a time, large ones in ranges of the column that their rows are in the order
//! of.

use std::sync::Arc;

use super::relation::Relation;
use crate::mysql::session::connect::Family;
use crate::mysql::session::sql;

/// Tables under this size are copied many at a time, since round trips are all that they cost.
pub(crate) const SMALL_BYTES: u64 = 256 << 10;
/// So many small tables, and so many bytes of them, go together.
const SMALL_TABLES: usize = 64;
const SMALL_TOGETHER_BYTES: u64 = 4 << 20;

/// A number of any column that rows can be in the order of.
pub(crate) type Key = i128;

/// From which number on, and before which one; without either there is no such border, so that each row is in one range whatever it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Option<Key>,
    before: Option<Key>,
}

impl KeyRange {
    /// The ranges between borders, in their order, from the first row to the last.
    pub(crate) fn between(borders: &[Key]) -> Vec<Self> {
        let borders: Vec<_> = borders.iter().copied().map(Some).collect();
        let from = std::iter::once(None).chain(borders.iter().copied());
        from.zip(borders.iter().copied().chain(std::iter::once(None)))
            .map(|(from, before)| Self { from, before })
            .collect()
    }

    /// What is true of its rows alone; nothing, where it is all of them.
    fn only(self, column: &str) -> Option<String> {
        let column = sql::ident(column);
        let from = self.from.map(|from| format!("{column} >= {from}"));
        let before = self.before.map(|before| format!("{column} < {before}"));
        let both: Vec<_> = from.into_iter().chain(before).collect();
        (!both.is_empty()).then(|| both.join(" AND "))
    }
}

/// A table, or some of its rows.
#[derive(Clone, Debug)]
pub(crate) struct TableRange {
    pub(crate) relation: Arc<Relation>,
    keys: KeyRange,
}

impl TableRange {
    /// A table in ranges between borders; with none, as a whole.
    pub(crate) fn of(relation: &Arc<Relation>, borders: &[Key]) -> Vec<Self> {
        KeyRange::between(borders).into_iter().map(|keys| Self { relation: relation.clone(), keys }).collect()
    }

    /// What it is, for people.
    pub(crate) fn label(&self) -> String {
        format!("table `{}`", self.relation.label())
    }

    /// The query that reads it in a database.
    pub(crate) fn select(&self, database: &str, family: Family, is_looked_into: bool) -> String {
        let only = self.relation.ordered_by.as_ref().and_then(|column| self.keys.only(column));
        self.relation.select(database, family, is_looked_into, only.as_deref())
    }
}

/// What one pair of sessions copies in one go.
#[derive(Clone, Debug)]
pub(crate) struct WorkItem {
    pub(crate) ranges: Vec<TableRange>,
}

impl WorkItem {
    /// What people are told is being copied.
    pub(crate) fn label(&self) -> String {
        match self.ranges.as_slice() {
            [only] => only.label(),
            [first, more @ ..] => format!("{} and {} more", first.label(), more.len()),
            [] => "nothing".to_owned(),
        }
    }
}

/// All items, the biggest first. `tables` are ordered by size, each with the borders between which it is cut.
pub(crate) fn of(tables: &[(Arc<Relation>, Vec<Key>)]) -> Vec<WorkItem> {
    // Of what the server warns of, nobody can ask who has sent more already; and of another engine's tables it warns later.
    let is_alone = |(relation, _): &&(Arc<Relation>, _)| {
        relation.table.size_bytes >= SMALL_BYTES || !relation.enums().is_empty() || !relation.is_in_snapshot
    };
    let (large, small): (Vec<_>, Vec<_>) = tables.iter().partition(is_alone);
    let ranges = large.into_iter().flat_map(|(relation, borders)| TableRange::of(relation, borders));
    let mut items: Vec<_> = ranges.map(|range| WorkItem { ranges: vec![range] }).collect();
    let (mut together, mut bytes) = (Vec::new(), 0);
    for (relation, _) in small {
        if together.len() >= SMALL_TABLES || bytes + relation.table.size_bytes > SMALL_TOGETHER_BYTES {
            items.push(WorkItem { ranges: std::mem::take(&mut together) });
            bytes = 0;
        }
        bytes += relation.table.size_bytes;
        together.extend(TableRange::of(relation, &[]));
    }
    items.extend((!together.is_empty()).then_some(WorkItem { ranges: together }));
    items
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::data::tables::Table;
    use crate::data::tables::tests::table;

    pub(crate) fn sized(name: &str, size_bytes: u64) -> Arc<Relation> {
        Arc::new(Relation {
            table: Table { size_bytes, ..table(name) },
            travels: Arc::default(),
            is_in_snapshot: true,
            engine: "InnoDB".to_owned(),
            ordered_by: Some("id".to_owned()),
            is_counted: false,
            mask: None,
            places: None,
        })
    }

    #[test]
    fn each_number_is_in_one_range_whatever_the_borders_are() {
        for borders in [&[][..], &[5], &[-3, 0, i128::from(u64::MAX)]] {
            let ranges = KeyRange::between(borders);
            assert_eq!(ranges.len(), borders.len() + 1);
            for number in [i128::from(i64::MIN), -4, -3, -1, 0, 4, 5, 6, i128::from(u64::MAX)] {
                let is_in = |range: &&KeyRange| {
                    range.from.is_none_or(|from| number >= from) && range.before.is_none_or(|before| number < before)
                };
                assert_eq!(ranges.iter().filter(is_in).count(), 1, "{number} in {borders:?}");
            }
        }
        let told: Vec<_> = KeyRange::between(&[3, 7]).into_iter().map(|range| range.only("i`d").unwrap()).collect();
        assert_eq!(told, ["`i``d` < 3", "`i``d` >= 3 AND `i``d` < 7", "`i``d` >= 7"]);
        assert_eq!(KeyRange::between(&[]), [KeyRange::default()]);
    }

    #[test]
    fn small_tables_go_together_and_large_ones_in_ranges() {
        let mut tables = vec![(sized("large", 4 << 30), vec![10, 20]), (sized("middle", 1 << 20), Vec::new())];
        tables.extend((0..70).map(|number| (sized(&format!("small{number}"), 16 << 10), Vec::new())));
        let labels: Vec<_> = of(&tables).iter().map(|item| item.label().replace("public.", "")).collect();
        assert_eq!(
            labels,
            [
                "table `large`",
                "table `large`",
                "table `large`",
                "table `middle`",
                "table `small0` and 63 more",
                "table `small64` and 5 more"
            ]
        );
    }
}
