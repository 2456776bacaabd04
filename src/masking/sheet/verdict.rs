//! What a sheet says in one word, and why it does not say more.

use super::{ColumnLine, Sheet, Treatment};
use crate::contract::record::Masked;
use crate::masking::queues::QueueLine;

impl Sheet {
    /// Settles whether the people in the copy are strangers. `is_read_back`: whether every row was.
    pub(crate) fn settle(&mut self, queues: &[QueueLine], is_read_back: bool) {
        let suspects = self.suspects.len();
        let reasons = [
            (suspects > 0).then(|| format!("{suspects} columns or keys look personal, and no rule speaks of them")),
            (!is_read_back).then(|| "what arrived was not read back, so nothing proves it".to_owned()),
        ];
        self.partial_because = reasons.into_iter().flatten().collect();
        self.masked = match self.partial_because.is_empty() {
            true => Masked::Full,
            // Where nothing was found to be masked and something looks personal, nothing is.
            false if suspects > 0 && !self.has_masked(queues) => Masked::No,
            false => Masked::Partial,
        };
    }

    /// Whether anybody was masked or left behind. What was done to keep a queue from acting has masked nobody.
    fn has_masked(&self, queues: &[QueueLine]) -> bool {
        let is_queues = |table: &str| queues.iter().any(|queue| queue.table == table);
        let is_masked = |line: &ColumnLine| {
            let table = line.column.rsplit_once('.').map_or("", |(table, _)| table);
            line.treatment != Treatment::Left && !is_queues(table)
        };
        self.columns.iter().any(is_masked)
            || self.searched.iter().any(|line| line.values > 0)
            || !self.dropped.is_empty()
            || self.emptied.iter().any(|line| !is_queues(&line.table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::Suspect;

    fn verdict(treatments: &[Treatment], suspects: usize, is_read_back: bool) -> Masked {
        let line = |treatment| ColumnLine {
            column: "x.z".into(),
            rows: None,
            treatment,
            transformer: "name".into(),
            values: 1,
            because: None,
        };
        let suspect =
            Suspect { column: "x.y".into(), rows: None, because: "a name".into(), transformer: "name".into() };
        let columns = treatments.iter().copied().map(line).collect();
        let mut sheet = Sheet { columns, suspects: vec![suspect; suspects], ..Sheet::default() };
        sheet.settle(&[], is_read_back);
        assert_eq!(sheet.masked == Masked::Full, sheet.partial_because.is_empty());
        sheet.masked
    }

    #[test]
    fn what_nobody_masked_is_not_called_masked() {
        assert_eq!(verdict(&[], 1, true), Masked::No);
        assert_eq!(verdict(&[Treatment::Left], 1, true), Masked::No);
        assert_eq!(verdict(&[Treatment::Masked], 1, true), Masked::Partial);
        assert_eq!(verdict(&[Treatment::Masked], 0, true), Masked::Full);
    }

    #[test]
    fn what_nobody_read_back_is_masked_in_part_only() {
        assert_eq!(verdict(&[Treatment::Masked], 0, false), Masked::Partial);
        assert_eq!(verdict(&[], 1, false), Masked::No);
    }
}
