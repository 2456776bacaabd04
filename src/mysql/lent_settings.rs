//! Settings of the target's whole server that are others while rows come: what each was stands beside the mark of the database that is
//! filled, so that whoever drops it, this copy or the next, puts it back; not while another copy needs it still.

use anyhow::{Context as _, Result, ensure};

use super::catalog::MARK_TABLE;
use super::session::connect::Family;
use super::session::fault::Fault;
use super::session::sql;
use super::target_server::{NAMED_AS_OURS, TargetServer};
use crate::error::Failure;

/// Copies into one server change its settings one at a time.
const LOCK: &str = "'railstage server settings'";
/// So long does one wait for the other, in seconds.
const LOCK_WITHIN_SECS: u32 = 20;

/// A setting that is another one while rows come.
struct Setting {
    name: &'static str,
    /// How it is asked for, and in which column the answer has it.
    ask: (&'static str, usize),
    meanwhile: &'static str,
    values: Values,
}

/// What a setting may be, and what makes it that. What was noted may be anybody's text, so nothing else is ever run.
enum Values {
    /// One of these, each with its statement.
    Words(&'static [(&'static str, &'static str)]),
    /// A number, which the statement ends with.
    Number { least: u64, most: u64, statement: &'static str },
}

/// What a copy needs of the target's whole server while its rows come.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted {
    /// That it does not wait for what a crash would cost: nothing is on it that anybody would miss.
    pub(super) may_crash: bool,
    /// That it takes values as long as there are.
    pub(super) takes_long_values: bool,
}

/// Whether the server takes rows from its clients; without that nothing comes.
const TAKES_ROWS: Setting = Setting {
    name: "local_infile",
    ask: ("SELECT @@GLOBAL.local_infile", 0),
    meanwhile: "1",
    values: Values::Words(&[("0", "SET GLOBAL local_infile = OFF"), ("1", "SET GLOBAL local_infile = ON")]),
};
/// Whether each transaction waits for the disk. What comes counts only when all has come.
const WAITS_FOR_DISK: Setting = Setting {
    name: "innodb_flush_log_at_trx_commit",
    ask: ("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", 0),
    meanwhile: "2",
    values: Values::Words(&[
        ("1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"),
        ("2", "SET GLOBAL innodb_flush_log_at_trx_commit = 2"),
        ("3", "SET GLOBAL innodb_flush_log_at_trx_commit = 3"),
    ]),
};
/// Whether a crash is survived: only where nothing is on the server that anybody would miss.
const SURVIVES_CRASH: Setting = Setting {
    name: "redo_log",
    ask: ("SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'", 1),
    meanwhile: "OFF",
    values: Values::Words(&[
        ("ON", "ALTER INSTANCE ENABLE INNODB REDO_LOG"),
        ("OFF", "ALTER INSTANCE DISABLE INNODB REDO_LOG"),
    ]),
};
/// How long a value may be that the server makes another of as it takes it. A session has what was set when it began.
const LONGEST_VALUE: Setting = Setting {
    name: "max_allowed_packet",
    ask: ("SELECT @@GLOBAL.max_allowed_packet", 0),
    meanwhile: "1073741824",
    values: Values::Number { least: 1024, most: 1 << 30, statement: "SET GLOBAL max_allowed_packet = " },
};

impl Setting {
    const ALL: [Self; 4] = [TAKES_ROWS, WAITS_FOR_DISK, SURVIVES_CRASH, LONGEST_VALUE];

    fn is_wanted(&self, wanted: Wanted) -> bool {
        (wanted.may_crash || self.name != SURVIVES_CRASH.name)
            && (wanted.takes_long_values || self.name != LONGEST_VALUE.name)
    }

    fn statement(&self, value: &str) -> Option<String> {
        match self.values {
            Values::Words(words) => {
                words.iter().find(|(known, _)| *known == value).map(|(_, statement)| (*statement).to_owned())
            }
            Values::Number { least, most, statement } => {
                let number = value.parse::<u64>().ok().filter(|number| (least..=most).contains(number))?;
                Some(format!("{statement}{number}"))
            }
        }
    }
}

/// What a copy has noted of a setting.
struct Noted {
    setting: String,
    was: String,
    /// Whether the copy is at work.
    is_held: bool,
}

impl TargetServer {
    /// Has the server take rows while a database is filled, and as fast as may be.
    pub(super) async fn lend_settings(&mut self, database: &str, wanted: Wanted) -> Result<()> {
        self.settings_alone(async |server| {
            let noted = server.noted_elsewhere(database).await?;
            for setting in Setting::ALL.iter().filter(|setting| setting.is_wanted(wanted)) {
                server.lend(database, setting, &noted).await?;
            }
            Ok(())
        })
        .await
    }

    async fn lend(&mut self, database: &str, setting: &Setting, noted: &[Noted]) -> Result<()> {
        let (ask, column) = setting.ask;
        let what = || format!("ask for the target's `{}`", setting.name);
        let now = self.session.rows(ask).await.with_context(what)?.first().map(|row| row.text(column));
        // A server that has it not needs nothing.
        let Some(now) = now.filter(|now| setting.statement(now).is_some()) else { return Ok(()) };
        // Another copy has changed it, whether it lives or not.
        let earlier = noted.iter().find(|noted| noted.setting == setting.name).map(|noted| noted.was.clone());
        let is_there = now == setting.meanwhile;
        if is_there && earlier.is_none() {
            return Ok(());
        }
        let (table, holder) = (sql::qualified(database, MARK_TABLE), sql::literal(&self.lock_name()));
        let (name, was) = (sql::literal(setting.name), sql::literal(&earlier.unwrap_or(now)));
        let note = format!("INSERT INTO {table} (setting, was, holder) VALUES ({name}, {was}, {holder})");
        self.session.run(&note).await.context("note a setting of the target's server")?;
        let Some(statement) = setting.statement(setting.meanwhile).filter(|_| !is_there) else { return Ok(()) };
        match self.session.run_whenever(&statement).await {
            Err(fault) if setting.name == TAKES_ROWS.name => {
                let told = format!(
                    "the target's server takes no rows from its clients (`local_infile`), and this login may not change that: {fault}"
                );
                let hint = "use its `root`, or SET GLOBAL local_infile = ON there";
                Err(Failure::invalid(told).hint(hint).into())
            }
            // Then it comes all the same, and more slowly; who may not change it could not put it back.
            Err(Fault { number: Some(_), .. }) => {
                let forget = format!("DELETE FROM {table} WHERE setting = {name}");
                self.session.run(&forget).await.map(drop).context("forget a setting of the target's server")
            }
            set => set.map(drop).context("change a setting of the target's server"),
        }
    }

    /// Puts back what was noted for a database.
    pub(super) async fn put_settings_back(&mut self, database: &str) -> Result<()> {
        if self.noted(database).await?.is_empty() {
            return Ok(());
        }
        self.settings_alone(async |server| {
            let elsewhere = server.noted_elsewhere(database).await?;
            for Noted { setting, was, .. } in server.noted(database).await? {
                let is_needed = elsewhere.iter().any(|noted| noted.is_held && noted.setting == setting);
                let known = Setting::ALL.into_iter().find(|known| known.name == setting);
                let Some(statement) = known.and_then(|known| known.statement(&was)).filter(|_| !is_needed) else {
                    continue;
                };
                let set = server.session.run_whenever(&statement).await;
                set.with_context(|| format!("set `{setting}` back on the target"))?;
            }
            let table = sql::qualified(database, MARK_TABLE);
            server.session.run(&format!("DELETE FROM {table}")).await.context("note that settings are put back")?;
            Ok(())
        })
        .await
    }

    /// Does something while no other copy changes a setting.
    async fn settings_alone(&mut self, work: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let take = format!("SELECT GET_LOCK({LOCK}, {LOCK_WITHIN_SECS})");
        let rows = self.session.rows_whenever(&take).await.context("take the lock on the target's settings")?;
        ensure!(
            rows.first().is_some_and(|row| row.flag(0)),
            Failure::outside("another copy into the target's server has changed its settings for long")
                .hint("run the copy again")
        );
        let done = work(self).await;
        let released = self.session.rows(&format!("SELECT RELEASE_LOCK({LOCK})")).await;
        done?;
        released.map(drop).context("release the lock on the target's settings")
    }

    /// What all other copies into any database of the server have noted.
    async fn noted_elsewhere(&mut self, database: &str) -> Result<Vec<Noted>> {
        let (own, mark) = (sql::literal(database), sql::literal(MARK_TABLE));
        let list = format!(
            "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = {mark} AND TABLE_SCHEMA {NAMED_AS_OURS} AND TABLE_SCHEMA <> {own}"
        );
        let rows = self.session.rows(&list).await.context("look what other copies have changed")?;
        let mut all = Vec::new();
        for row in rows {
            all.extend(self.noted(&row.text(0)).await?);
        }
        Ok(all)
    }

    async fn noted(&mut self, database: &str) -> Result<Vec<Noted>> {
        let table = sql::qualified(database, MARK_TABLE);
        let ask = format!("SELECT setting, was, IS_USED_LOCK(holder) IS NOT NULL FROM {table}");
        let rows = match self.session.rows(&ask).await {
            // It was dropped meanwhile, or an older version of ours has made it.
            Err(fault) if matches!(fault.number, Some(1049 | 1054 | 1146)) => Vec::new(),
            rows => rows.context("look what a copy has changed")?,
        };
        Ok(rows.iter().map(|row| Noted { setting: row.text(0), was: row.text(1), is_held: row.flag(2) }).collect())
    }

    /// Whether there is nothing on the server that a crash could cost: tables of nobody but ours, and one that can do without its log.
    pub(super) async fn holds_nothing(&mut self) -> Result<bool> {
        if self.session.family != Family::MySql {
            return Ok(false);
        }
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.TABLES
              WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') AND TABLE_SCHEMA NOT {NAMED_AS_OURS}"
        );
        Ok(!self.session.row(&sql).await.context("look what is on the target's server")?.flag(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_run_for_what_a_setting_cannot_have_been() {
        let set = |value| LONGEST_VALUE.statement(value);
        assert_eq!(set("16777216").as_deref(), Some("SET GLOBAL max_allowed_packet = 16777216"));
        for value in ["", "1", "1073741825", "-5", "16777216; DROP DATABASE x", " 16777216", "1e9", "0x1000000"] {
            assert_eq!(set(value), None, "{value}");
        }
        assert_eq!(TAKES_ROWS.statement("1 OR 1"), None);
        for setting in Setting::ALL {
            assert!(setting.statement(setting.meanwhile).is_some(), "{}", setting.name);
        }
    }
}
