//! A table as this server has it: how it is read and filled, in which parts and in which format.

use std::sync::Arc;

use crate::contract::transformer::Effect;
use crate::copying::treatment::TreatedTable;
use crate::data::tables::{ColumnType, Table};
use crate::masking::residue::Places;
use crate::masking::table::{Condition, TableMask};
use crate::postgres::session::sql;

/// One relation whose own rows are copied.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) table: Table,
    pub(crate) oid: u32,
    /// Pages of the table itself, without what is stored beside it.
    pub(crate) pages: u64,
    /// Whether its rows have page numbers.
    pub(crate) is_heap: bool,
    /// For a table that belongs to an extension: the `WHERE …` that tells the user's rows from the extension's.
    pub(crate) extension_filter: Option<String>,
    /// Filled, and read on the target, through the partitioned root, since its rows may belong to other partitions on the target.
    pub(crate) through_root: bool,
    /// The parts that hold its rows, quoted, when it is filled through the root: each is read by itself.
    pub(crate) leaves: Vec<String>,
    /// Whether a query may read it on the source, rather than a COPY of the table, which plans nothing: the login there
    /// commands no server, or only superusers can put code into what a plan looks at. What is there now does not suffice,
    /// since ACCESS SHARE, all that a copy may hold for hours, lets the owner make an index meanwhile.
    pub(crate) may_be_planned: bool,
    /// How its rows are masked.
    pub(crate) mask: Option<Arc<TableMask>>,
    /// What is decided on its places, where the copy of it is searched for people.
    pub(crate) places: Option<Arc<Places>>,
    /// Whether all its columns are of types whose binary form is the same on every server.
    pub(crate) fits_binary: bool,
    /// Whether it travels in binary.
    pub(crate) in_binary: bool,
}

impl Relation {
    /// `schema.table`, for people.
    pub(crate) fn label(&self) -> String {
        self.table.label()
    }

    /// What of it is treated before its rows come.
    pub(crate) fn treated(&mut self) -> TreatedTable<'_> {
        TreatedTable { table: &mut self.table, mask: &mut self.mask, places: &mut self.places }
    }

    pub(crate) fn quoted(&self) -> String {
        sql::qualified(&self.table.schema, &self.table.name)
    }

    fn column_list(&self) -> String {
        self.table.columns.iter().map(|column| sql::ident(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// What a COPY reads on the source: the table, or what of it fits `only`, or the parts of a tree one by one.
    pub(crate) fn on_source(&self, only: Option<&str>) -> Vec<String> {
        if self.through_root {
            let leaves: Vec<_> = self.leaves.iter().map(|leaf| self.whole(leaf)).collect();
            return if leaves.is_empty() { vec!["(SELECT WHERE false)".to_owned()] } else { leaves };
        }
        let Some(filter) = self.filter(only) else { return vec![self.whole(&self.quoted())] };
        let (columns, table, is_still) = (self.column_list(), self.quoted(), sql::is_still(&self.quoted(), self.oid));
        vec![format!("(SELECT {columns} FROM (SELECT {columns} FROM ONLY {table}{filter}) AS own WHERE {is_still})")]
    }

    /// The same on the target.
    pub(crate) fn on_target(&self, only: Option<&str>) -> String {
        let (columns, table) = (self.column_list(), self.quoted());
        match self.filter(only) {
            _ if self.through_root => format!("(SELECT {columns} FROM {table})"),
            Some(filter) => format!("(SELECT {columns} FROM ONLY {table}{filter})"),
            None => self.whole(&table),
        }
    }

    /// A table, or a part of one, with all columns of this.
    fn whole(&self, quoted: &str) -> String {
        // Without any, the list of all that are not generated is empty as well.
        if self.table.columns.is_empty() { quoted.to_owned() } else { format!("{quoted} ({})", self.column_list()) }
    }

    fn filter(&self, only: Option<&str>) -> Option<String> {
        only.map(|only| format!(" WHERE {only}"))
            .or_else(|| self.has_condition().then(|| self.extension_filter.clone())?)
    }

    /// Whether something must tell the user's rows from an extension's; of some tables all are the user's.
    pub(crate) fn has_condition(&self) -> bool {
        self.extension_filter.as_ref().is_some_and(|filter| !filter.trim().is_empty())
    }

    /// Whether it belongs to an extension, whose code may read it.
    pub(crate) fn is_configuration(&self) -> bool {
        self.extension_filter.is_some()
    }

    /// The COPY that fills the table.
    pub(crate) fn copy_in(&self, format: &str, is_frozen: bool) -> String {
        let columns = if self.table.columns.is_empty() { String::new() } else { format!(" ({})", self.column_list()) };
        let freeze = if is_frozen { ", FREEZE" } else { "" };
        format!("COPY {}{columns} FROM STDIN ({format}{freeze})", self.quoted())
    }

    /// The query that counts the rows.
    pub(crate) fn count(&self) -> String {
        let only = if self.through_root { "" } else { "ONLY " };
        let filter = self.extension_filter.as_deref().unwrap_or_default();
        format!("SELECT pg_catalog.count(*) FROM {only}{}{filter}", self.quoted())
    }

    /// Whether the table is ours alone to empty, so that its rows can be written frozen.
    pub(crate) fn is_freezable(&self) -> bool {
        self.extension_filter.is_none() && !self.through_root
    }

    /// Whether ranges of pages can be copied by themselves. What must go in binary must go so as a whole, and that a
    /// table has such values shows only on the way.
    pub(crate) fn can_be_cut(&self) -> bool {
        self.may_be_planned && self.has_pages() && !self.has_bytes()
    }

    /// Whether its own rows can be read in ranges of pages.
    pub(crate) fn has_pages(&self) -> bool {
        self.is_heap && self.is_freezable()
    }

    /// Whether it is known to be cheaper in binary than as text: when its values have so many bytes or more on average,
    /// since short ones are longer in binary. What masking looks into must be readable there too.
    pub(crate) fn gains_by_binary(&self, value_bytes: u64) -> bool {
        let values = self.table.rows * self.table.columns.len() as u64;
        let is_wide = value_bytes == 0 || values > 0 && self.table.size_bytes / values >= value_bytes;
        is_wide && !self.table.columns.is_empty() && self.fits_binary && self.is_masked_as_text()
    }

    fn is_masked_as_text(&self) -> bool {
        let column_type = |column: usize| self.table.columns[column].column_type;
        let is_text = |column| column_type(column).is_changed_as_text() || column_type(column) == ColumnType::Bytes;
        let may_be_tested = |test: &Condition| is_text(test.column) || column_type(test.column).is_integer();
        let is_ruled_as_text = self.mask.iter().flat_map(|mask| &mask.rules).all(|rule| {
            let is_made = !matches!(rule.transformer.traits().effect, Effect::Keeps | Effect::Empties);
            rule.column.is_none_or(|column| !is_made || is_text(column))
                && rule.condition.as_ref().is_none_or(may_be_tested)
        });
        let nets = self.mask.iter().flat_map(|mask| &mask.column_nets).flat_map(|nets| &nets.in_rows);
        is_ruled_as_text && nets.flat_map(|(when, _)| when.iter().flatten()).all(may_be_tested)
    }

    /// Whether values can be in it that are twice as long as text.
    pub(crate) fn has_bytes(&self) -> bool {
        self.table.columns.iter().any(|column| column.column_type == ColumnType::Bytes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A relation of no columns and no size, to start from.
    pub(crate) fn relation(name: &str) -> Relation {
        Relation {
            table: crate::data::tables::tests::table(name),
            oid: 1,
            pages: 0,
            is_heap: true,
            extension_filter: None,
            through_root: false,
            leaves: Vec::new(),
            may_be_planned: true,
            mask: None,
            places: None,
            fits_binary: true,
            in_binary: false,
        }
    }
}
