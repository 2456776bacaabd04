//! What is done to the tables of a database before their rows come: to what would act in a copy, and to the people in it.
//!
//! Nothing here knows a server: an engine answers what a [`SourceTables`] and a [`RowReader`] are asked.

mod database_masking;
mod database_queues;
mod masked_checks;
mod masked_relations;
mod masked_sites;
mod people;
mod published;
mod published_posts;
mod row_condition;
mod samples;
mod site_country;
mod source_tables;

use std::sync::Arc;

use crate::data::tables::Table;
use crate::masking::residue::Places;
use crate::masking::table::TableMask;

pub(crate) use database_masking::{DatabaseMasking, LEFT_BEHIND};
pub(crate) use database_queues::DatabaseQueues;
pub(crate) use row_condition::RowCondition;
pub(crate) use source_tables::{
    Check, ForeignKey, RowReader, RowsWish, SampleLook, SampleWish, ShowRow, ShownRow, SourceTables, TakeRows, TextRow,
};

/// A table as an engine has it, to be treated.
pub(crate) struct TreatedTable<'t> {
    pub(crate) table: &'t mut Table,
    /// How its rows are masked.
    pub(crate) mask: &'t mut Option<Arc<TableMask>>,
    /// What is decided on its places, where the copy of it is searched for people.
    pub(crate) places: &'t mut Option<Arc<Places>>,
}
