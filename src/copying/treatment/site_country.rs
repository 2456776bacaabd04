//! The country of a site, as its settings tell it: numbers are read by its habits.

use anyhow::{Context as _, Result};

use super::row_condition::RowCondition;
use super::source_tables::SourceTables;
use crate::data::tables::Table;
use crate::masking::nets::shapes::Country;
use crate::rewriting::wordpress::SiteTables;

/// The country of the site with the shortest prefix that tells one: those of a network have longer ones.
///
/// # Errors
/// When its settings cannot be read.
pub(super) async fn read(source: &mut impl SourceTables, tables: &[&Table]) -> Result<Option<Country>> {
    let mut sites = SiteTables::all(tables);
    sites.sort_by_key(|site| site.prefix.len());
    let is_options = |site: &SiteTables, table: &Table| table.excluded_by.is_none() && site.owns(table, "options");
    let is_setting = RowCondition::is_of(0, Country::settings());
    for site in &sites {
        let Some(options) = tables.iter().position(|table| is_options(site, table)) else { continue };
        let rows = source.rows(options, &["option_name", "option_value"], &is_setting).await;
        let rows = rows.context("read the site's country")?;
        let setting = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1].as_str());
        if let Some(country) = Country::of_settings(setting) {
            return Ok(Some(country));
        }
    }
    Ok(None)
}
