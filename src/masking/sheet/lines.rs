//! The sheet in lines for a person.

use super::{SearchedLine, Sheet, Treatment};
use crate::error::counted;
use crate::masking::residue::Proof;

impl Sheet {
    /// The sheet in lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "masked ({}) {}; left {} behind, and those of {}; {} login and password",
            self.masked.told(),
            counted(self.masked_values, "value", "values"),
            counted(self.dropped_rows, "row", "rows"),
            counted(self.emptied.len(), "table", "tables"),
            counted(self.kept_users, "user keeps", "users keep")
        )];
        lines.extend(self.partial_because.iter().map(|reason| format!("masked in part only: {reason}")));
        let because = |text: &Option<String>| text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
        lines.extend(self.columns.iter().map(|line| {
            let verb = match line.treatment {
                Treatment::Masked => "masked",
                Treatment::Emptied => "emptied",
                Treatment::Set => "set",
                Treatment::Left => "left",
            };
            let rows = line.rows.as_ref().map(|rows| format!(" where {rows}")).unwrap_or_default();
            format!(
                "{verb} {}{rows}: {}, {}{}",
                line.column,
                counted(line.values, "value", "values"),
                line.transformer,
                because(&line.because)
            )
        }));
        lines.extend(self.searched.iter().filter(|line| line.values > 0).map(SearchedLine::to_string));
        lines.extend(self.dropped.iter().map(|line| {
            format!(
                "left behind of {} where {}: {}{}",
                line.table,
                line.rows,
                counted(line.count, "row", "rows"),
                because(&line.because)
            )
        }));
        lines.extend(self.emptied.iter().map(|line| {
            format!(
                "left behind all of {}: {}{}",
                line.table,
                counted(line.rows, "row", "rows"),
                because(&line.because)
            )
        }));
        lines.extend(self.suspects.iter().map(|suspect| format!("looks personal, copied as it is: {suspect}")));
        lines.extend(self.proof.iter().flat_map(Proof::lines));
        lines.extend((self.not_listed > 0).then(|| format!("{} more, which are not listed", self.not_listed)));
        lines
    }
}

impl std::fmt::Display for SearchedLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { column, values, settings, fields, shapes, people, unknown, .. } = self;
        let counts = [
            (settings, "settings"),
            (fields, "by their fields' names"),
            (shapes, "by what they look like"),
            (people, "known people"),
            (unknown, "free texts and what may be names"),
        ];
        let told: Vec<_> = counts.iter().filter(|(n, _)| **n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        write!(f, "searched {column}: {} masked ({})", counted(values, "value", "values"), told.join(", "))
    }
}
