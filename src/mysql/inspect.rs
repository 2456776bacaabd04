//! What a look at a source says about it, before anything is copied.

use anyhow::{Context as _, Result};

use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::login::Proof;
use super::session::source_session::SourceSession;
use crate::copying::inspection::SourceReport;

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
