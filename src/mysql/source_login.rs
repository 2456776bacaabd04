//! The SQL for a login that a source can be read with, of one database and nothing else.

use anyhow::{Context as _, Result};

use super::session::connect::{Family, Version};
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::source_session::SourceSession;
use super::session::sql;

/// Since this version MariaDB shows routines by a right on one database.
const MARIADB_SHOWS_ROUTINES: Version = (11, 3, 0);
/// Since this version MySQL shows routines by a right of its own.
const MYSQL_SHOWS_ROUTINES: Version = (8, 0, 20);

/// What decides which rights a login needs.
struct Needs {
    family: Family,
    version: Version,
    version_text: String,
    database: String,
    has_views: bool,
    has_triggers: bool,
    has_events: bool,
    has_routines: bool,
}

/// The SQL for a login that can read the whole database and nothing else, with notes for who runs it.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn source_login(endpoint: &Endpoint, role: &str) -> Result<String> {
    let read = async {
        let mut source = SourceSession::open(endpoint).await?;
        let row = source.row(NEEDS).await.context("look at what the login must read")?;
        let needs = Needs {
            family: source.family(),
            version: source.version(),
            version_text: source.version_text().to_owned(),
            database: endpoint.database.clone(),
            has_views: row.flag(0),
            has_triggers: row.flag(1),
            has_events: row.flag(2),
            has_routines: row.flag(3),
        };
        source.close().await;
        anyhow::Ok(needs.sql(role))
    };
    read.await.map_err(classified)
}

const NEEDS: &str = "
    SELECT EXISTS (SELECT 1 FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()),
           EXISTS (SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()),
           EXISTS (SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()),
           EXISTS (SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE())";

impl Needs {
    fn sql(&self, role: &str) -> String {
        let login = format!("{}@'%'", sql::literal(role));
        // The name of a database is a pattern here, and may hold an end of line, which would end a comment.
        let pattern = self.database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
        let on = format!("ON {}.*", sql::ident(&pattern));
        let (database, role) = (self.database.replace(char::is_control, " "), role.replace(char::is_control, " "));
        let family = self.family.name();
        let mut lines = vec![
            format!(
                "-- A login that reads the database `{database}` ({family} {}) and can do nothing else.",
                self.version_text
            ),
            format!("-- Run this as `root`, then give `{role}` a password, by which it can log in:"),
            "--     ALTER USER … IDENTIFIED BY '…' ACCOUNT UNLOCK;".to_owned(),
            format!("CREATE USER {login} ACCOUNT LOCK;"),
            format!("GRANT SELECT, LOCK TABLES {on} TO {login};"),
        ];
        if self.has_views {
            lines.push(format!("GRANT SHOW VIEW {on} TO {login};"));
        }
        if self.has_triggers || self.has_events {
            lines.push(
                "-- No lesser right shows how these are made. What it makes with it can do no more than it can."
                    .to_owned(),
            );
            lines.extend(self.has_triggers.then(|| format!("GRANT TRIGGER {on} TO {login};")));
            lines.extend(self.has_events.then(|| format!("GRANT EVENT {on} TO {login};")));
        }
        if self.has_routines {
            lines.push(match self.family {
                Family::MariaDb if self.version >= MARIADB_SHOWS_ROUTINES => {
                    format!("GRANT SHOW CREATE ROUTINE {on} TO {login};")
                }
                Family::MySql if self.version >= MYSQL_SHOWS_ROUTINES => {
                    format!("-- There is no such right on one database.\nGRANT SHOW_ROUTINE ON *.* TO {login};")
                }
                Family::MariaDb => {
                    format!("-- There is no lesser right to see how routines are made.\nGRANT SELECT ON mysql.proc TO {login};")
                }
                Family::MySql => {
                    format!("-- There is no lesser right to see how routines are made.\nGRANT SELECT ON *.* TO {login};")
                }
            });
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_database_needs_is_granted_and_no_name_gets_out_of_its_quotes() {
        let needs = |has_all: bool, family, version| Needs {
            family,
            version,
            version_text: "1".to_owned(),
            database: "shop_`x\nDROP".to_owned(),
            has_views: has_all,
            has_triggers: has_all,
            has_events: has_all,
            has_routines: has_all,
        };
        let plain = needs(false, Family::MariaDb, (11, 8, 0)).sql("o'neil\n");
        assert!(plain.contains("GRANT SELECT, LOCK TABLES ON `shop\\_``x\nDROP`.* TO 'o''neil\n'@'%';"), "{plain}");
        assert!(
            !plain.contains("TRIGGER") && !plain.contains("ROUTINE") && plain.contains("`shop_`x DROP`"),
            "{plain}"
        );
        for (family, version, right) in [
            (Family::MariaDb, (11, 3, 0), "GRANT SHOW CREATE ROUTINE ON `shop"),
            (Family::MariaDb, (10, 11, 0), "GRANT SELECT ON mysql.proc"),
            (Family::MySql, (9, 7, 0), "GRANT SHOW_ROUTINE ON *.*"),
        ] {
            let all = needs(true, family, version).sql("reader");
            for right in [right, "GRANT SHOW VIEW ON", "GRANT TRIGGER ON", "GRANT EVENT ON"] {
                assert!(all.contains(right), "{all}");
            }
        }
    }
}
