//! Between which servers a copy can be made, and of which tables.

use anyhow::{Context as _, Result, ensure};

use super::catalog::{LOWER_CASE_NAMES, MARK_TABLE, NOTE_TABLE, TableList};
use super::session::connect::{Family, Version};
use super::session::source_session::SourceSession;
use super::session::sql;
use super::target_server::TargetServer;
use crate::error::{Failure, listed};

/// Engines whose rows are read as those of any other: they are kept on the server itself, and a table is read in one piece.
const READ_AS_THEY_ARE: &[&str] = &["InnoDB", "MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV"];

/// Refuses two servers between which no copy can be made.
pub(super) fn versions_fit(source: (Family, Version), target: (Family, Version)) -> Result<()> {
    let ((source_family, source), (target_family, target)) = (source, target);
    ensure!(
        source_family == target_family,
        Failure::invalid(format!(
            "the source is a {} server and the target a {} server, which share neither collations nor types",
            source_family.name(),
            target_family.name()
        ))
        .hint(format!("copy into a {} server", source_family.name()))
    );
    let number = |(major, minor, _): Version| (major, minor);
    ensure!(
        number(target) >= number(source),
        Failure::invalid(format!(
            "the target's {} {}.{} is older than the source's {}.{}",
            target_family.name(),
            target.0,
            target.1,
            source.0,
            source.1
        ))
        .hint("copy into a server of the same or a newer version")
    );
    Ok(())
}

/// Refuses a server that calls itself MySQL, and keeps its tables in another way.
pub(super) async fn is_itself(source: &mut SourceSession, target: &mut TargetServer) -> Result<()> {
    const AURORA: &str = "SHOW VARIABLES LIKE 'aurora\\_version'";
    let is_aurora = !source.rows(AURORA).await.context("ask what the source is")?.is_empty()
        || !target.session.rows(AURORA).await.context("ask what the target is")?.is_empty();
    ensure!(
        !is_aurora,
        Failure::invalid("Aurora answers there, which is no MySQL that copies are made of or into")
            .hint("copy from and into servers of MySQL or MariaDB; Aurora's data come with a dump")
    );
    Ok(())
}

/// Refuses to copy a database into itself, whatever the two URLs call it: what is locked at the target is seen at the source.
pub(super) async fn two_databases(source: &mut SourceSession, target: &mut TargetServer) -> Result<()> {
    let name = format!("railstage {:016x}", rand::random::<u64>());
    let lock = sql::literal(&name);
    target.session.rows(&format!("SELECT GET_LOCK({lock}, 0)")).await.context("tell the two servers apart")?;
    let seen =
        source.row(&format!("SELECT IS_USED_LOCK({lock}) IS NOT NULL")).await.context("tell the two servers apart")?;
    target.session.rows(&format!("SELECT RELEASE_LOCK({lock})")).await.context("tell the two servers apart")?;
    let is_same_database = source.database().eq_ignore_ascii_case(&target.database);
    ensure!(
        !(seen.flag(0) && is_same_database),
        Failure::invalid("source and target are the same database")
            .hint("check the target's URL: it would be replaced by itself")
    );
    Ok(())
}

/// Refuses servers that tell names apart in different ways: tables would be lost, or not be found.
pub(super) async fn names_agree(source: &mut SourceSession, target: &mut TargetServer) -> Result<()> {
    let here: Option<u8> = source.row(LOWER_CASE_NAMES).await?.number(0);
    let there: Option<u8> = target.session.row(LOWER_CASE_NAMES).await?.number(0);
    ensure!(
        here == there,
        Failure::invalid(format!(
            "`lower_case_table_names` is {} on the source and {} on the target",
            here.unwrap_or_default(),
            there.unwrap_or_default()
        ))
        .hint("make the target's server anew with the source's setting: it cannot be changed later")
    );
    Ok(())
}

/// Refuses tables that cannot be read as what they are.
pub(super) fn tables_can_be_read(list: &TableList) -> Result<()> {
    let mut told = Vec::new();
    for (name, kind) in &list.0 {
        let is_known = READ_AS_THEY_ARE.iter().any(|engine| engine.eq_ignore_ascii_case(&kind.engine));
        if kind.of_type != "BASE TABLE" {
            told.push(format!("`{name}` is a {}", kind.of_type.to_lowercase()));
        } else if !is_known {
            let engine = if kind.engine.is_empty() { "an engine that is not there" } else { kind.engine.as_str() };
            told.push(format!("`{name}` is kept by {engine}"));
        }
    }
    ensure!(
        told.is_empty(),
        Failure::invalid(format!("tables cannot be copied as what they are: {}", listed(&told))).hint(
            "tables of other servers and tables with a history are not copied: drop them, or make them ordinary ones"
        )
    );
    Ok(())
}

/// Refuses tables that are called as ours and are none: ours say what a copy is, and are not copied.
pub(super) async fn no_table_is_called_as_ours(source: &mut SourceSession) -> Result<()> {
    for (name, columns) in [(NOTE_TABLE, "note,pending"), (MARK_TABLE, "setting,was,holder")] {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.COLUMNS
              WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} AND FIND_IN_SET(COLUMN_NAME, {}) = 0",
            sql::literal(name),
            sql::literal(columns)
        );
        ensure!(
            !source.row(&sql).await.context("look for tables that are called as ours")?.flag(0),
            Failure::invalid(format!("table `{name}` is called as one of railstage's own, which are not copied"))
                .hint("call the table something else")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_be_newer_but_never_older_or_of_the_other_family() {
        let maria = |version| (Family::MariaDb, version);
        let mysql = |version| (Family::MySql, version);
        for (source, target, words) in [
            (maria((10, 11, 5)), maria((10, 11, 2)), None),
            (maria((10, 11, 5)), maria((11, 8, 2)), None),
            (mysql((9, 7, 0)), mysql((26, 7, 0)), None),
            (mysql((9, 7, 0)), mysql((9, 4, 0)), Some("older than the source's 9.7")),
            (mysql((26, 7, 0)), mysql((9, 7, 0)), Some("older than the source's 26.7")),
            (mysql((9, 4, 0)), maria((11, 8, 0)), Some("share neither")),
        ] {
            let told = versions_fit(source, target).err().map(|error| error.to_string());
            assert_eq!(told.is_none(), words.is_none(), "{told:?}");
            assert!(told.is_none_or(|told| told.contains(words.unwrap())));
        }
    }
}
