//! What a sheet says in one word, and why it does not say more.

use anyhow::{Result, bail};

use super::{ColumnLine, Sheet, Treatment};
use crate::contract::masked::Masked;
use crate::contract::on_residue::OnResidue;
use crate::contract::unknown::Unknown;
use crate::error::{Failure, counted};
use crate::masking::queues::QueueLine;
use crate::masking::residue::Proof;

/// So many places at most are told of a copy that fails.
const MOST_TOLD: usize = 20;

impl Sheet {
    /// Of a copy whose people came along as they are.
    pub(crate) fn of_unmasked() -> Self {
        let because = "people came along as they are, as it was asked for".to_owned();
        Self { partial_because: vec![because], ..Self::default() }
    }

    /// Settles whether the people in the copy are strangers.
    pub(crate) fn settle(&mut self, queues: &[QueueLine], unknown: Unknown) {
        let suspects = self.suspects.len();
        let suspected = (suspects > 0).then(|| {
            format!(
                "{} personal, and no rule speaks of it",
                counted(suspects, "column or key looks", "columns or keys look")
            )
        });
        let kept = (unknown == Unknown::Keep)
            .then(|| "free text that no rule speaks of was kept, as it was asked for".to_owned());
        self.partial_because = suspected.into_iter().chain(kept).chain(self.unproven()).collect();
        self.masked = match self.partial_because.is_empty() {
            true => Masked::Full,
            // Where nothing was found to be masked and something looks personal, nothing is.
            false if suspects > 0 && !self.has_masked(queues) => Masked::No,
            false => Masked::Partial,
        };
    }

    /// Why the search of the copy proves no more.
    fn unproven(&self) -> Vec<String> {
        let Some(proof) = &self.proof else {
            return vec!["what arrived was not read back, so nothing proves it".to_owned()];
        };
        let unmeant = proof.apart.iter().filter(|line| !line.stays.is_meant()).count();
        let reasons = [
            (proof.residue.len(), ["place has", "places have"], "something of people or a secret left"),
            (unmeant, ["place holds", "places hold"], "something of people or a secret, and cannot be masked"),
            (proof.unread.len(), ["place was", "places were"], "not searched, or not all that is there"),
        ];
        let told =
            |(count, [one, many], what): (usize, [&str; 2], &str)| format!("{} {what}", counted(count, one, many));
        reasons.into_iter().filter(|(count, ..)| *count > 0).map(told).collect()
    }

    /// Refuses a copy in which people or secrets are left; names are told, since words may be others'.
    ///
    /// # Errors
    /// Invalid input, with the places, and rules that would mend it as the hint.
    pub(crate) fn ensure_no_residue(&self, on_residue: OnResidue) -> Result<()> {
        let failing: Vec<_> = self.proof.iter().flat_map(Proof::failing).collect();
        if failing.is_empty() || on_residue == OnResidue::Warn {
            return Ok(());
        }
        let told: Vec<_> = failing.iter().take(MOST_TOLD).map(ToString::to_string).collect();
        let more = failing.len().saturating_sub(MOST_TOLD);
        let more = if more > 0 { format!("; and {} more", counted(more, "place", "places")) } else { String::new() };
        let found = format!("the copy still holds people or secrets of the source: {}{more}", told.join("; "));
        let mut rules: Vec<_> = failing.iter().map(|line| format!("  - {}\n", line.rule)).collect();
        rules.dedup();
        rules.truncate(MOST_TOLD);
        let hint =
            "rules that would mend it, or `keep` with a `because` where it is nobody's; `residue: warn` lets it pass:";
        bail!(Failure::invalid(found).hint(format!("{hint}\nrules:\n{}", rules.concat())));
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
        sheet.proof = is_read_back.then(Proof::default);
        sheet.settle(&[], Unknown::Mask);
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
