//! The country of a site, as its settings tell it: numbers are read by its habits.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::row_condition::RowCondition;
use super::source_tables::{RowsWish, SourceTables};
use crate::data::tables::Table;
use crate::masking::nets::shapes::Country;
use crate::rewriting::sites_of_tables::SitesOfTables;
use crate::rewriting::wordpress::SiteTables;

/// So many sites are asked at a time: mostly the first one tells.
const TOGETHER: usize = 40;

/// The country of the site with the shortest prefix that tells one: those of a network have longer ones.
///
/// # Errors
/// When its settings cannot be read.
pub(super) async fn read(source: &mut impl SourceTables, tables: &[&Table]) -> Result<Option<Country>> {
    let mut sites = SiteTables::all(tables);
    sites.sort_by_key(|site| site.prefix.len());
    let own = SitesOfTables::new(&sites).tables_of_each(tables);
    let is_options = |site: &SiteTables, table: &Table| table.excluded_by.is_none() && site.owns(table, "options");
    let options =
        sites.iter().zip(own).filter_map(|(site, own)| own.into_iter().find(|place| is_options(site, tables[*place])));
    let wish = |table| RowsWish {
        table,
        columns: vec!["option_name", "option_value"],
        when: RowCondition::is_of(0, Country::settings()),
    };
    let wishes: Vec<_> = options.map(wish).collect();
    for together in wishes.chunks(TOGETHER) {
        let mut settings: Vec<HashMap<String, String>> = vec![HashMap::new(); together.len()];
        let mut take = |number: usize, row: Vec<String>| {
            if let Ok([name, value]) = <[String; 2]>::try_from(row) {
                settings[number].entry(name).or_insert(value);
            }
        };
        source.rows_of_each(together, &mut take).await.context("read the site's country")?;
        let country =
            |settings: &HashMap<String, String>| Country::of_settings(|name| settings.get(name).map(String::as_str));
        if let Some(country) = settings.iter().find_map(country) {
            return Ok(Some(country));
        }
    }
    Ok(None)
}
