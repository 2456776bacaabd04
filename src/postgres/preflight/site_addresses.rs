//! Where the WordPress sites of a database are.

use anyhow::Result;

use super::asked_tables::AskedTables;
use super::catalog::Relations;
use crate::copying::inspection::SiteAddress;
use crate::copying::wordpress_sites;
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
        let mut asked = AskedTables { source: &source, tables: &tables };
        let addresses = wordpress_sites::addresses(&mut asked, &tables.tables()).await?;
        source.close().await;
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
