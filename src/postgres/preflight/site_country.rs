//! The country of a site, as its settings tell it: numbers are read by its habits.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::matching_rows;
use crate::masking::nets::shapes::Country;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::rewriting::wordpress::SiteTables;

/// The country of the site with the shortest prefix that tells one: those of a network have longer ones.
///
/// # Errors
/// When its settings cannot be read.
pub(super) async fn read(source: &SourceSession, tables: &Relations) -> Result<Option<Country>> {
    let mut sites = SiteTables::all(&tables.tables());
    sites.sort_by_key(|site| site.prefix.len());
    let is_options = |site: &SiteTables, relation: &Relation| {
        relation.table.excluded_by.is_none() && site.owns(&relation.table, "options")
    };
    let names: Vec<String> = Country::settings().iter().map(|name| (*name).to_owned()).collect();
    for site in &sites {
        let Some(relation) = tables.all.iter().find(|relation| is_options(site, relation)) else { continue };
        let columns = ["option_name", "option_value"];
        let is_wanted = |row: &[String]| names.contains(&row[0]);
        let of_names = &[(&names as _, Type::TEXT_ARRAY)];
        let rows = matching_rows::texts(source, relation, &columns, "{0} = ANY ($1)", of_names, is_wanted);
        let rows = rows.await.context("read the site's country")?;
        let setting = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1].as_str());
        if let Some(country) = Country::of_settings(setting) {
            return Ok(Some(country));
        }
    }
    Ok(None)
}
