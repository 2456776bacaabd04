//! How what is written out on one end is spelled, to be read on the other: the locale of money, whether a backslash in a
//! string stands for itself (both the source's own, since the target computes by them), and the encoding of the dump.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// How values and statements are spelled between the ends.
#[derive(Clone, Debug)]
pub(crate) struct Spelling {
    money_locale: String,
    /// `standard_conforming_strings`.
    plain_backslashes: bool,
    /// The encoding of the dump.
    encoding: &'static str,
}

impl Spelling {
    /// The source's own, unless the target's server does not know its locale of money.
    pub(crate) async fn agree(
        money_locale: &str,
        plain_backslashes: bool,
        database_encoding: &str,
        target: &Session,
    ) -> Result<Self> {
        let sql = "SELECT pg_catalog.set_config('lc_monetary', $1, true)";
        let is_known = match target.rows(sql, &[(&money_locale, Type::TEXT)]).await {
            Err(fault) if !fault.sqlstate.is_empty() => false,
            asked => asked.map(|_| true).context("ask the target for the source's locale of money")?,
        };
        let money_locale = if is_known { money_locale } else { "C" }.to_owned();
        // In SQL_ASCII a server converts nothing.
        let encoding = if database_encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" };
        Ok(Self { money_locale, plain_backslashes, encoding })
    }

    /// Whether a backslash in a string without an `E` before it stands for itself.
    pub(crate) fn has_plain_backslashes(&self) -> bool {
        self.plain_backslashes
    }

    pub(crate) fn encoding(&self) -> &'static str {
        self.encoding
    }

    fn strings(&self) -> &'static str {
        if self.plain_backslashes { "on" } else { "off" }
    }

    /// What a session with a server is started with to spell so.
    pub(crate) fn options(&self) -> String {
        let locale: String = self
            .money_locale
            .chars()
            .flat_map(|c| [(c == '\\' || c.is_whitespace()).then_some('\\'), Some(c)].into_iter().flatten())
            .collect();
        format!(" -c standard_conforming_strings={} -c lc_monetary={locale}", self.strings())
    }

    /// Sets a session to read statements that are spelled so.
    pub(crate) async fn apply(&self, target: &Session) -> Result<()> {
        let locale = sql::literal(&self.money_locale);
        let set = format!("SET standard_conforming_strings = {}; SET lc_monetary = {locale}", self.strings());
        target.run(&set).await.context("read statements as the source writes them")
    }

    /// What lets money be printed so: `set` is SET, or SET LOCAL for one transaction.
    pub(crate) fn of_money(&self, set: &str) -> String {
        format!("{set} lc_monetary = {}", sql::literal(&self.money_locale))
    }
}

/// Whether anything in the database is of the type `money`.
pub(crate) async fn has_money(source: &SourceSession) -> Result<bool> {
    source.value(MONEY).await.context("look for values of type `money`")
}

const MONEY: &str = "
    SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE atttypid IN (790, 791) AND attrelid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typbasetype IN (790, 791))
           OR EXISTS (SELECT FROM pg_catalog.pg_range WHERE rngsubtype IN (790, 791))";
