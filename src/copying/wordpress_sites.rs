//! Where the WordPress sites of a database are, by their own words and by those of the network that they are in.

use anyhow::{Context as _, Result};

use super::inspection::{InNetwork, SiteAddress, WordPressSite};
use super::treatment::{RowCondition, SourceTables};
use crate::data::tables::Table;
use crate::rewriting::wordpress::SiteTables;

/// The sites that may be read, the one with the shortest prefix first: those of a network have longer ones.
pub(crate) async fn sites(source: &mut impl SourceTables, tables: &[&Table]) -> Result<Vec<WordPressSite>> {
    let mut found: Vec<_> = SiteTables::all(tables).into_iter().filter(SiteTables::can_be_visited).collect();
    found.sort_by_key(|site| site.prefix.len());
    let options = |site: &SiteTables| tables.iter().position(|table| site.owns(table, "options"));
    let places: Vec<usize> = found.iter().filter_map(options).collect();
    let readable = source.readable(&places).await.context("look for WordPress")?;
    let is_address = RowCondition::is_of(0, &["siteurl", "home"]);
    let mut sites = Vec::new();
    for site in found {
        let Some(place) = options(&site).filter(|place| readable.contains(place)) else { continue };
        let options = source.rows(place, &["option_name", "option_value"], &is_address).await;
        let options = options.context("read the site's options")?;
        let option = |name: &str| options.iter().find(|row| row[0] == name).map(|row| row[1].clone());
        let (siteurl, home) = (option("siteurl"), option("home"));
        sites.push(WordPressSite { siteurl, home, schema: site.schema, table_prefix: site.prefix });
    }
    Ok(sites)
}

/// What the sites call themselves (`siteurl`, `home`), and what their networks call them.
pub(crate) async fn addresses(source: &mut impl SourceTables, tables: &[&Table]) -> Result<Vec<SiteAddress>> {
    let mut sites = sites(source, tables).await?;
    let mut addresses = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        if has(table, "blogs", &["blog_id", "domain", "path"]) {
            addresses.extend(of_network(source, tables, place, &mut sites).await?);
        }
    }
    let alone = |site: WordPressSite| SiteAddress { urls: urls(&site), place: InNetwork::Alone };
    addresses.extend(sites.into_iter().map(alone));
    Ok(addresses)
}

fn urls(site: &WordPressSite) -> Vec<String> {
    [&site.siteurl, &site.home].into_iter().flatten().cloned().collect()
}

fn has(table: &Table, name: &str, columns: &[&str]) -> bool {
    table.name.ends_with(name) && columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name))
}

/// The sites of a network, which are taken out of `sites`.
async fn of_network(
    source: &mut impl SourceTables,
    tables: &[&Table],
    blogs: usize,
    sites: &mut Vec<WordPressSite>,
) -> Result<Vec<SiteAddress>> {
    let (schema, prefix) = (&tables[blogs].schema, tables[blogs].name.trim_end_matches("blogs"));
    let is_networks = |table: &Table| table.schema == *schema && table.name == format!("{prefix}site");
    let networks = tables.iter().position(|table| has(table, "site", &["domain", "path"]) && is_networks(table));
    let places: Vec<usize> = [Some(blogs), networks].into_iter().flatten().collect();
    let readable = source.readable(&places).await.context("look for networks of sites")?;
    if !readable.contains(&blogs) {
        return Ok(Vec::new());
    }
    let mut main = Vec::new();
    if let Some(networks) = networks.filter(|networks| readable.contains(networks)) {
        let rows = source.rows(networks, &["domain", "path"], &RowCondition::Always).await;
        main = rows.context("read the networks' addresses")?;
    }
    let rows = source.rows(blogs, &["blog_id", "domain", "path"], &RowCondition::Always).await;
    let mut addresses = Vec::new();
    for row in rows.context("read the addresses of a network's sites")? {
        let (id, domain, path) = (&row[0], &row[1], &row[2]);
        let of_site = if id == "1" { prefix.to_owned() } else { format!("{prefix}{id}_") };
        let mut all = vec![format!("https://{domain}{path}")];
        let own = sites.iter().position(|site| site.schema == *schema && site.table_prefix == of_site);
        all.extend(own.map(|at| urls(&sites.remove(at))).unwrap_or_default());
        let is_main = main.iter().any(|main| main[..] == row[1..]) || main.is_empty() && id == "1";
        addresses.push(SiteAddress { urls: all, place: if is_main { InNetwork::Main } else { InNetwork::Other } });
    }
    Ok(addresses)
}
