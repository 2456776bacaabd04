//! What a look at a source says about it, before anything is copied.

use anyhow::{Context as _, Result};

use super::catalog::{self, TableList};
use super::compatibility;
use super::note_table::Note;
use super::objects::Objects;
use super::preflight::asked_tables::AskedTables;
use super::preflight::treated;
use super::rows::relation::Relation;
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::login::Proof;
use super::session::source_session::SourceSession;
use super::session::sql;
use super::target_server::TargetServer;
use crate::copying::dry_run::{Contents, schema_of};
use crate::copying::inspection::{SiteAddress, SourceReport, TargetReport, WordPressSite};
use crate::copying::treatment::DatabaseMasking;
use crate::copying::wordpress_sites;
use crate::error::refused;
use crate::masking::Masking;

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
    let list = TableList::read(&mut source).await?;
    let relations = catalog::relations(&mut source, &list, &[]).await?;
    let (_, skipped) = Objects::read(&mut source).await?;
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
        wordpress: site(endpoint, &relations).await?,
        problems: refused(compatibility::tables_can_be_read(&list))?.err().into_iter().collect(),
        skipped,
        unproven_certificate: match source.proof() {
            Proof::Nothing(met) => Some(met.to_string()),
            Proof::InClear | Proof::Password(_) | Proof::Pinned(_) | Proof::Instance { .. } => None,
        },
        ..SourceReport::default()
    };
    source.close().await;
    Ok(report.cut())
}

/// Looks at a target.
///
/// # Errors
/// When it cannot be reached, is read-only, or another copy into it is under way.
pub(super) async fn inspect_target(endpoint: &Endpoint) -> Result<TargetReport> {
    let read = async {
        let mut target_server = TargetServer::open(endpoint).await?;
        let database = sql::literal(&endpoint.database);
        let sql = format!(
            "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0), COUNT(*),
                    (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = {database})
               FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} AND TABLE_TYPE = 'BASE TABLE'"
        );
        let row = target_server.session.row(&sql).await.context("look at the target")?;
        let sql = "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'CREATE'";
        let may_make = target_server.session.row(sql).await.context("ask what the target's login may")?.flag(0);
        let note = Note::read(&mut target_server.session, &endpoint.database).await?;
        let report = TargetReport {
            database: endpoint.database.clone(),
            server: target_server.session.family.name().to_owned(),
            version: target_server.session.version_text.clone(),
            major: target_server.session.version.0.into(),
            size_bytes: row.number(0).unwrap_or_default(),
            tables: row.number(1).unwrap_or_default(),
            sessions: row.number(2).unwrap_or_default(),
            copy_id: note.map(|note| note.note.copy_id),
            leftovers: target_server.leftovers().await?,
            problems: (!may_make).then(|| "its login may not make databases".to_owned()).into_iter().collect(),
        };
        target_server.session.close().await;
        anyhow::Ok(report)
    };
    read.await.map_err(classified)
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

/// What the WordPress sites in a database call themselves (`siteurl`, `home`), and what their networks call them.
///
/// # Errors
/// When it cannot be reached or read.
pub(crate) async fn site_addresses(endpoint: &Endpoint) -> Result<Vec<SiteAddress>> {
    let read = async {
        let relations = relations(endpoint, &[]).await?;
        let mut source = SourceSession::open_to_look(endpoint).await?;
        let mut asked = AskedTables { source: &mut source, relations: &relations };
        let addresses = wordpress_sites::addresses(&mut asked, &treated::tables(&relations)).await?;
        source.close().await;
        Ok(addresses)
    };
    read.await.map_err(classified)
}

/// The WordPress site in a database, if there is one.
async fn site(endpoint: &Endpoint, relations: &[Relation]) -> Result<Option<WordPressSite>> {
    let mut source = SourceSession::open_to_look(endpoint).await?;
    let mut asked = AskedTables { source: &mut source, relations };
    let sites = wordpress_sites::sites(&mut asked, &treated::tables(relations)).await?;
    source.close().await;
    Ok(sites.into_iter().next())
}

pub(super) async fn relations(endpoint: &Endpoint, exclude: &[String]) -> Result<Vec<Relation>> {
    let mut source = SourceSession::open(endpoint).await?;
    let list = TableList::read(&mut source).await?;
    let relations = catalog::relations(&mut source, &list, exclude).await?;
    source.close().await;
    Ok(relations)
}

/// What is told of a server that nothing proves.
fn unproven(proof: Proof) -> Option<String> {
    match proof {
        Proof::Password(_) | Proof::Pinned(_) | Proof::Instance { .. } => None,
        Proof::InClear => Some(
            "the line is in clear: whoever is in between reads it, and could answer in the server's place".to_owned(),
        ),
        Proof::Nothing(met) => Some(format!(
            "nothing proves the server: if {met} is the SHA-256 of its certificate, add `certificate_sha256={met}` to the URL, or it to `pinned_certificates` of the policy, and another one is refused"
        )),
    }
}
