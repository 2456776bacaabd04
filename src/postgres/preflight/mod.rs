//! What is found out before rows move: what both ends are, hold and lack, what is masked, and what cannot be carried over.

pub(super) mod carried_settings;
pub(super) mod catalog;
pub(super) mod catalog_queries;
mod column_types;
pub(super) mod compatibility;
pub(super) mod compression;
pub(super) mod database_masking;
pub(super) mod database_properties;
pub(super) mod disk_space;
pub(super) mod dry_run;
pub(super) mod evaluation;
pub(super) mod extension_members;
pub(super) mod extensions;
mod families;
pub(super) mod inspect;
mod masked_checks;
mod masked_relations;
mod matching_rows;
pub(super) mod queues;
mod reading_order;
mod row_counts;
pub(super) mod site_settings;
pub(super) mod skipped;
mod skipped_queries;
pub(super) mod source_login;
mod whole_table;
