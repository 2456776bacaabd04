//! What a look at a source says about it, before anything is copied.

use anyhow::{Context as _, Result};

use super::catalog::{self, TableList};
use super::preflight::treated;
use super::rows::relation::Relation;
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::login::Proof;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::dry_run::{Contents, schema_of};
use crate::copying::inspection::{InNetwork, SiteAddress, SourceReport};
use crate::copying::treatment::DatabaseMasking;
use crate::masking::Masking;
use crate::rewriting::wordpress::SiteTables;

/// Looks at a source; changes nothing.
///
/// # Errors
/// When it cannot be reached or read, or is a server that is not copied from.
pub async fn inspect(source: &Endpoint) -> Result<SourceReport> {
    look(source).await.map_err(classified)
}

async fn look(endpoint: &Endpoint) -> Result<SourceReport> {
    let mut source = SourceSession::open(endpoint).await?;
    let sql = "SELECT s.DEFAULT_CHARACTER_SET_NAME, s.DEFAULT_COLLATION_NAME, COUNT(t.TABLE_NAME), COALESCE(SUM(t.DATA_LENGTH), 0)
                 FROM information_schema.SCHEMATA AS s
                 LEFT JOIN information_schema.TABLES AS t ON t.TABLE_SCHEMA = s.SCHEMA_NAME AND t.TABLE_TYPE = 'BASE TABLE'
                WHERE s.SCHEMA_NAME = DATABASE() GROUP BY 1, 2";
    let row = source.row(sql).await.context("look at the database")?;
    let report = SourceReport {
        database: endpoint.database.clone(),
        server: source.family().name().to_owned(),
        version: source.version_text().to_owned(),
        major: source.version().0.into(),
        size_bytes: row.number(3).unwrap_or_default(),
        tables: row.number(2).unwrap_or_default(),
        encoding: row.text(0),
        collation: row.text(1),
        warnings: unproven(source.proof()).into_iter().collect(),
        ..SourceReport::default()
    };
    source.close().await;
    Ok(report)
}

/// Tries masking rules on a source, and looks for what would act in a copy.
///
/// # Errors
/// When it cannot be reached or read; invalid input when a rule does not fit it, or a strict masking finds what no rule speaks of.
pub(crate) async fn inspect_contents(
    source: &Endpoint,
    exclude: &[String],
    masking: Option<&Masking>,
    keep_queues: &[String],
) -> Result<Contents> {
    let read = async {
        let mut relations = relations(source, exclude).await?;
        let schema = schema_of(treated::tables(&relations));
        let mut reader = SourceSession::open_to_look(source).await?;
        let (queues, masked) = treated::laid_over(&mut reader, &mut relations, false, keep_queues, masking).await?;
        let suspects = masked?.map(DatabaseMasking::into_suspects).unwrap_or_default();
        reader.close().await;
        let tables = relations.iter().map(Relation::dry_run).collect();
        Ok(Contents { suspects, queues: queues.into_lines(), tables, schema })
    };
    read.await.map_err(classified)
}

/// Tables, columns and their types, as [`Contents`] has them.
///
/// # Errors
/// When the source cannot be reached.
pub(crate) async fn read_schema(source: &Endpoint) -> Result<String> {
    let relations = relations(source, &[]).await.map_err(classified)?;
    Ok(schema_of(treated::tables(&relations)))
}

/// What the WordPress sites in a database call themselves (`siteurl`, `home`).
///
/// # Errors
/// When it cannot be reached or read.
pub(crate) async fn site_addresses(endpoint: &Endpoint) -> Result<Vec<SiteAddress>> {
    let read = async {
        let relations = relations(endpoint, &[]).await?;
        let tables: Vec<_> = relations.iter().map(|relation| &relation.table).collect();
        let mut source = SourceSession::open(endpoint).await?;
        let mut addresses = Vec::new();
        for site in SiteTables::all(&tables).iter().filter(|site| site.can_be_visited()) {
            let Some(options) = tables.iter().find(|table| site.owns(table, "options")) else { continue };
            let table = sql::qualified(&endpoint.database, &options.name);
            let sql = format!("SELECT option_value FROM {table} WHERE option_name IN ('siteurl', 'home')");
            let rows = source.rows(&sql).await.context("read the site's options")?;
            let urls = rows.iter().map(|row| row.text(0)).filter(|url| !url.is_empty()).collect();
            addresses.push(SiteAddress { urls, place: InNetwork::Alone });
        }
        source.close().await;
        Ok(addresses)
    };
    read.await.map_err(classified)
}

async fn relations(endpoint: &Endpoint, exclude: &[String]) -> Result<Vec<Relation>> {
    let mut source = SourceSession::open(endpoint).await?;
    let list = TableList::read(&mut source).await?;
    let relations = catalog::relations(&mut source, &list, exclude).await?;
    source.close().await;
    Ok(relations)
}

/// What is told of a server that nothing proves.
fn unproven(proof: Proof) -> Option<String> {
    match proof {
        Proof::Password(_) | Proof::Pinned(_) => None,
        Proof::InClear => Some(
            "the line is in clear: whoever is in between reads it, and could answer in the server's place".to_owned(),
        ),
        Proof::Nothing(met) => Some(format!(
            "nothing proves the server: if {met} is the SHA-256 of its certificate, add `certificate_sha256={met}` to the URL, and another one is refused"
        )),
    }
}
