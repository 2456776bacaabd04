//! What a database is apart from its contents: encoding, locale, limits and settings of its own.

use anyhow::{Context as _, Result};

use super::carried_settings;
use super::site_settings::SiteSettings;
use crate::copying::report::Skipped;
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The source database's own properties.
pub(crate) struct DatabaseProperties {
    /// The name of the encoding, such as `UTF8`.
    pub(crate) encoding: String,
    collate: String,
    ctype: String,
    /// `c` libc, `i` ICU, `b` builtin.
    provider: String,
    locale: Option<String>,
    icu_rules: Option<String>,
    connection_limit: i32,
    pub(crate) has_comment: bool,
    pub(crate) has_public_schema: bool,
    pub(crate) site: SiteSettings,
}

impl DatabaseProperties {
    pub(crate) async fn read(source: &SourceSession) -> Result<Self> {
        let locale = match source.major() {
            17.. => "datlocprovider::text, datlocale, daticurules",
            16 => "datlocprovider::text, daticulocale, daticurules",
            15 => "datlocprovider::text, daticulocale, NULL::text",
            _ => "'c', NULL::text, NULL::text",
        };
        let query = format!(
            "SELECT pg_catalog.pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text, {locale}, datconnlimit,
                    pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL,
                    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public')
               FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
        );
        let row = source.row(&query, &[]).await.context("read the source database's properties")?;
        Ok(Self {
            encoding: row.get(0),
            collate: row.get(1),
            ctype: row.get(2),
            provider: row.get(3),
            locale: row.get(4),
            icu_rules: row.get(5),
            connection_limit: row.get(6),
            has_comment: row.get(7),
            has_public_schema: row.get(8),
            site: Box::pin(SiteSettings::read(source)).await?,
        })
    }

    /// The statement that makes an empty database of this shape.
    pub(crate) fn create_statement(&self, name: &str, owner: Option<&str>, target_major: i32) -> String {
        let mut create = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            sql::ident(name),
            sql::literal(&self.encoding),
            sql::literal(&self.collate),
            sql::literal(&self.ctype)
        );
        let mut add = |word: &str, value: &str| create.push_str(&format!(" {word} {value}"));
        if let Some(owner) = owner {
            add("OWNER", &sql::ident(owner));
        }
        if target_major >= 15 {
            let (provider, word) = match self.provider.as_str() {
                "i" => ("icu", "ICU_LOCALE"),
                "b" => ("builtin", "BUILTIN_LOCALE"),
                _ => ("libc", ""),
            };
            add("LOCALE_PROVIDER", provider);
            if let (Some(locale), false) = (&self.locale, word.is_empty()) {
                add(word, &sql::literal(locale));
            }
            if let Some(rules) = &self.icu_rules {
                add("ICU_RULES", &sql::literal(rules));
            }
        }
        create
    }

    /// Gives a database the source's limit and settings. Those that the target cannot have are returned.
    pub(crate) async fn apply_settings(&self, session: &Session, name: &str) -> Result<Vec<Skipped>> {
        let database = sql::ident(name);
        let limit = format!("ALTER DATABASE {database} CONNECTION LIMIT {}", self.connection_limit);
        session.run(&limit).await.context("give the new database the source's connection limit")?;
        carried_settings::apply(&self.site, session, name).await
    }
}
