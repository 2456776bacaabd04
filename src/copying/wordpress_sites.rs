//! Where the WordPress sites of a database are, by their own words and by those of the network that they are in.

use anyhow::{Context as _, Result};

use super::inspection::{InNetwork, SiteAddress, WordPressSite};
use super::treatment::{RowCondition, RowsWish, SourceTables};
use crate::data::tables::Table;
use crate::rewriting::sites_of_tables::SitesOfTables;
use crate::rewriting::wordpress::SiteTables;

/// The sites that may be read, the one with the shortest prefix first: those of a network have longer ones.
pub(crate) async fn sites(source: &mut impl SourceTables, tables: &[&Table]) -> Result<Vec<WordPressSite>> {
    let mut found: Vec<_> = SiteTables::all(tables).into_iter().filter(SiteTables::can_be_visited).collect();
    found.sort_by_key(|site| site.prefix.len());
    let own = SitesOfTables::new(&found).tables_of_each(tables);
    let options =
        |(site, own): (&SiteTables, Vec<usize>)| own.into_iter().find(|place| site.owns(tables[*place], "options"));
    let options: Vec<Option<usize>> = found.iter().zip(own).map(options).collect();
    let places: Vec<usize> = options.iter().copied().flatten().collect();
    let readable = source.readable(&places).await.context("look for WordPress")?;
    let options = found.into_iter().zip(options);
    let (found, wishes): (Vec<_>, Vec<_>) = options
        .filter_map(|(site, options)| Some((site, options.filter(|place| readable.contains(place))?)))
        .map(|(site, table)| {
            let when = RowCondition::is_of(0, &["siteurl", "home"]);
            (site, RowsWish { table, columns: vec!["option_name", "option_value"], when })
        })
        .unzip();
    let site =
        |site: SiteTables| WordPressSite { siteurl: None, home: None, schema: site.schema, table_prefix: site.prefix };
    let mut sites: Vec<_> = found.into_iter().map(site).collect();
    let mut take = |number: usize, mut row: Vec<String>| {
        let site: &mut WordPressSite = &mut sites[number];
        let option = if row[0] == "siteurl" { &mut site.siteurl } else { &mut site.home };
        option.get_or_insert_with(|| row.swap_remove(1));
    };
    source.rows_of_each(&wishes, &mut take).await.context("read the site's options")?;
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
