//! How the sheet comes to be: table by table, from what the rules and the nets counted.

use std::collections::BTreeSet;

use super::{ColumnLine, DroppedLine, EmptiedLine, SearchedLine, Sheet, Treatment, UnmaskedLine};
use crate::contract::transformer::Transformer;
use crate::data::tables::Table;
use crate::masking::assignment::{Assignment, Kept, MaskedSite};
use crate::masking::nets::{Caught, Net, NetCounts, unknown};
use crate::masking::queues::QueueLine;
use crate::masking::residue::{is_searched, unwritable};
use crate::masking::switches::LiveSwitch;
use crate::masking::table::{ColumnNet, Expected, Origin, TableRule};

/// What was done to one table that came with its rows.
pub(crate) struct TableOutcome<'a> {
    pub(crate) table: &'a Table,
    pub(crate) assignment: &'a Assignment,
    /// Rows that came.
    pub(crate) rows: u64,
    /// By the rules of its mask, what each of them counted.
    pub(crate) counts: &'a [u64],
    /// By column, what the nets changed.
    pub(crate) nets: &'a [NetCounts],
    /// The WordPress sites that it may be of.
    pub(crate) sites: Vec<&'a MaskedSite>,
    /// Whether free text that no rule speaks of is to stay.
    pub(crate) keeps_unknown: bool,
    /// Switches that look live and that nothing tells how to put off, by column and key.
    pub(crate) live: &'a BTreeSet<(usize, String, LiveSwitch)>,
}

impl TableOutcome<'_> {
    /// The table, or the whole that it is a part of where the rule does not speak of it alone.
    fn table(&self, is_only: bool) -> String {
        if is_only { self.table.label() } else { self.table.whole() }
    }

    fn column(&self, column: usize, is_only: bool) -> String {
        format!("{}.{}", self.table(is_only), self.table.columns[column].name)
    }

    /// Why values of a column stay that are of no shape and nobody known.
    fn stays_because(&self, column: usize, net: &ColumnNet) -> Vec<String> {
        let of_site = |site: &&MaskedSite| unknown::stays_because(self.table, column, site);
        let known: Vec<_> = self.sites.iter().flat_map(of_site).collect();
        let by_net = match net.net {
            _ if net.is_key => "rows are told apart by it, and programs look its values up word for word",
            Net::Search if self.keeps_unknown => "free text is kept, as it was asked for",
            Net::Search => {
                "by its names, its keys and a sample its table is not about people, or is content that somebody wrote"
            }
            Net::Settings => "settings of the site",
            Net::Close if net.has_choices() => "of its values those that were seen to be choices of few words",
            Net::None | Net::Close | Net::Words => "",
        };
        if known.is_empty() && !by_net.is_empty() { vec![by_net.to_owned()] } else { known }
    }

    /// The rows that a rule is about.
    fn rows_of(&self, rule: &TableRule) -> Option<String> {
        let condition = rule.condition.as_ref()?;
        let column = &self.table.columns[condition.column].name;
        Some(match &condition.expected {
            Expected::Exactly(text) => format!("{column} = {text}"),
            Expected::Glob(glob) => format!("{column} = {glob}"),
            Expected::Choice(_) => "one of a few choices".to_owned(),
            Expected::Title(_) => "the title of what is published".to_owned(),
            Expected::KeptUser(_) => "the user keeps the login".to_owned(),
            Expected::Published(_) => "the post is published".to_owned(),
        })
    }
}

impl Sheet {
    /// Takes in what was done to a table. The preset's rules that met nothing are not worth a line.
    pub(crate) fn add(&mut self, outcome: &TableOutcome<'_>) {
        let rules = outcome.assignment.mask.iter().flat_map(|mask| &mask.rules);
        for (rule, count) in
            rules.zip(outcome.counts).filter(|(rule, count)| **count > 0 || rule.origin == Origin::Caller)
        {
            let (rows, because) = (outcome.rows_of(rule), rule.because.clone());
            match rule.column {
                None if rule.transformer == Transformer::Keep => {}
                None => {
                    self.dropped_rows += count;
                    let (table, rows) = (outcome.table(rule.is_only), rows.unwrap_or_default());
                    let line = DroppedLine { table, rows, count: *count, because };
                    match self.dropped.iter_mut().find(|known| (&known.table, &known.rows) == (&line.table, &line.rows))
                    {
                        Some(known) => known.count += count,
                        None => self.dropped.push(line),
                    }
                }
                Some(column) => {
                    let treatment = match rule.transformer {
                        Transformer::Keep => Treatment::Left,
                        Transformer::Empty => Treatment::Emptied,
                        Transformer::Set => Treatment::Set,
                        _ => Treatment::Masked,
                    };
                    self.masked_values += if treatment == Treatment::Left { 0 } else { *count };
                    let (column, transformer) = (outcome.column(column, rule.is_only), rule.transformer.name());
                    self.add_column(ColumnLine { column, rows, treatment, transformer, values: *count, because });
                }
            }
        }
        for Kept { column, because, is_only } in &outcome.assignment.kept {
            self.add_column(ColumnLine {
                column: outcome.column(*column, *is_only),
                rows: None,
                treatment: Treatment::Left,
                transformer: Transformer::Keep.name(),
                values: outcome.rows,
                because: because.clone(),
            });
        }
    }

    /// Takes in what the nets did to a table.
    pub(crate) fn add_searched(&mut self, outcome: &TableOutcome<'_>) {
        let nets = outcome.assignment.mask.iter().flat_map(|mask| &mask.column_nets);
        for (column, (net, counts)) in nets.zip(outcome.nets).enumerate() {
            if !net.holds() {
                continue;
            }
            self.masked_values += counts.values;
            let (number, column) = (column, outcome.column(column, false));
            let at = self.searched.iter().position(|known| known.column == column).unwrap_or(self.searched.len());
            if at == self.searched.len() {
                let stays = outcome.stays_because(number, net);
                self.searched.push(SearchedLine { column, stays, ..SearchedLine::default() });
            }
            let line = &mut self.searched[at];
            line.values += counts.values;
            line.settings += counts.of(Caught::Setting);
            line.fields += counts.of(Caught::Field);
            line.shapes += counts.of(Caught::Shape);
            line.people += counts.of(Caught::Person);
            line.unknown += counts.of(Caught::Unknown);
        }
    }

    /// Takes in the switches of a table that look live, and that nothing tells how to put off.
    pub(crate) fn add_live(&mut self, outcome: &TableOutcome<'_>) {
        for (column, key, live) in outcome.live {
            let mask = outcome.assignment.mask.as_ref();
            let named = mask.and_then(|mask| mask.key_column).map(|named| &outcome.table.columns[named].name);
            let switch = if live.path.is_empty() { key } else { &live.path };
            let (treatment, transformer, says) = match live.is_blank {
                true => (Treatment::Emptied, Transformer::Empty, "said live, and is blank, since"),
                false => (Treatment::Left, Transformer::Keep, "says live, and"),
            };
            self.add_column(ColumnLine {
                column: outcome.column(*column, false),
                rows: named.map(|named| format!("{named} = {key}")),
                treatment,
                transformer: transformer.name(),
                values: 1,
                because: Some(format!("`{switch}` {says} nothing beside it says how to put it off")),
            });
        }
    }

    /// Takes in what of a table nothing masks: by its type, by its part in the table, or because no rule and no net is
    /// about it. Numbers and times are nobody's.
    pub(crate) fn add_unmasked(&mut self, outcome: &TableOutcome<'_>, computed: &[String]) {
        let Assignment { mask, settled, .. } = outcome.assignment;
        for (number, column) in outcome.table.columns.iter().enumerate() {
            let is_masked = settled.contains(&number)
                || mask.as_ref().is_some_and(|mask| {
                    mask.column_nets[number].net != Net::None
                        || !mask.column_nets[number].in_rows.is_empty()
                        || mask.rules.iter().any(|rule| rule.column == Some(number))
                });
            if !is_masked && is_searched(column.column_type) {
                let because = unwritable(column).unwrap_or_else(|| "no rule speaks of it".to_owned());
                self.add_unmasked_line(outcome.column(number, false), because);
            }
        }
        for name in computed {
            let because = "computed by the database of the other columns, as they are in the copy".to_owned();
            self.add_unmasked_line(format!("{}.{name}", outcome.table(false)), because);
        }
    }

    /// The partitions of a table share their lines.
    fn add_unmasked_line(&mut self, column: String, because: String) {
        if !self.unmasked.iter().any(|known| known.column == column) {
            self.unmasked.push(UnmaskedLine { column, because });
        }
    }

    /// Takes in what stayed behind because it would act: there are people in it, too.
    pub(crate) fn add_queues(&mut self, queues: &[QueueLine]) {
        for queue in queues.iter().filter(|queue| queue.done.is_emptied()) {
            if !self.emptied.iter().any(|line| line.table == queue.table) {
                let (table, because) = (queue.table.clone(), Some(queue.because.clone()));
                self.emptied.push(EmptiedLine { table, rows: queue.rows, because });
            }
        }
        self.emptied.sort_by(|a, b| a.table.cmp(&b.table));
    }

    /// The partitions of a table share their lines.
    fn add_column(&mut self, line: ColumnLine) {
        let is_same = |known: &&mut ColumnLine| {
            (&known.column, &known.rows, &known.transformer) == (&line.column, &line.rows, &line.transformer)
        };
        match self.columns.iter_mut().find(is_same) {
            Some(known) => known.values += line.values,
            None => self.columns.push(line),
        }
    }
}
