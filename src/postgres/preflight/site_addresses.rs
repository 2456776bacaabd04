//! Where the WordPress sites of a database are, by their own words and by those of the network that they are in.

use anyhow::{Context as _, Result};

use super::catalog::Relations;
use super::{inspect, matching_rows};
use crate::copying::inspection::{InNetwork, SiteAddress, WordPressSite};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::classified;
use crate::postgres::session::source_session::SourceSession;

/// What the WordPress sites in a database call themselves (`siteurl`, `home`), and what their networks call them.
///
/// # Errors
/// When the database cannot be reached or read.
pub(crate) async fn site_addresses(source: &Endpoint) -> Result<Vec<SiteAddress>> {
    let read = async {
        let source = SourceSession::open(source, None).await?;
        let tables = Relations::read(&source, &[]).await?;
        let mut sites = inspect::sites(&source, &tables).await?;
        let mut addresses = Vec::new();
        for relation in tables.all.iter().filter(|relation| is_network(relation)) {
            addresses.extend(of_network(&source, &tables, relation, &mut sites).await?);
        }
        source.close().await;
        let alone = |site: WordPressSite| SiteAddress { urls: urls(&site), place: InNetwork::Alone };
        addresses.extend(sites.into_iter().map(alone));
        anyhow::Ok(addresses)
    };
    read.await.map_err(classified)
}

/// The URLs of [`site_addresses`], each once.
///
/// # Errors
/// When the database cannot be reached or read.
pub async fn site_urls(source: &Endpoint) -> Result<Vec<String>> {
    let mut urls: Vec<_> = site_addresses(source).await?.into_iter().flat_map(|site| site.urls).collect();
    urls.sort();
    urls.dedup();
    Ok(urls)
}

fn urls(site: &WordPressSite) -> Vec<String> {
    [&site.siteurl, &site.home].into_iter().flatten().cloned().collect()
}

fn has(relation: &Relation, name: &str, columns: &[&str]) -> bool {
    let table = &relation.table;
    table.name.ends_with(name) && columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name))
}

/// Whether a table lists the sites of a network.
fn is_network(relation: &Relation) -> bool {
    has(relation, "blogs", &["blog_id", "domain", "path"])
}

/// The sites of a network, which are taken out of `sites`.
async fn of_network(
    source: &SourceSession,
    tables: &Relations,
    blogs: &Relation,
    sites: &mut Vec<WordPressSite>,
) -> Result<Vec<SiteAddress>> {
    let (schema, prefix) = (&blogs.table.schema, blogs.table.name.trim_end_matches("blogs"));
    let is_networks =
        |relation: &&Relation| relation.table.schema == *schema && relation.table.name == format!("{prefix}site");
    let networks = tables.all.iter().filter(|relation| has(relation, "site", &["domain", "path"])).find(is_networks);
    let oids = [Some(blogs), networks].into_iter().flatten().map(|relation| relation.oid).collect();
    let readable = inspect::readable(source, oids).await?;
    if !readable.contains(&blogs.oid) {
        return Ok(Vec::new());
    }
    let mut main = Vec::new();
    if let Some(networks) = networks.filter(|networks| readable.contains(&networks.oid)) {
        let rows = matching_rows::texts(source, networks, &["domain", "path"], "true", &[], |_| true);
        main = rows.await.context("read the networks' addresses")?;
    }
    let columns = ["blog_id", "domain", "path"];
    let rows = matching_rows::texts(source, blogs, &columns, "true", &[], |_| true);
    let rows = rows.await.context("read the addresses of a network's sites")?;
    let mut addresses = Vec::new();
    for row in rows {
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
