//! What a database is apart from its contents: encoding, locale, limits and settings of its own.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

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
    /// Role (none: all roles), setting, value as the catalog keeps it.
    settings: Vec<(Option<String>, String, String)>,
    pub(crate) comment: Option<String>,
    pub(crate) has_public_schema: bool,
    /// The search path that the source's own sessions run with.
    pub(crate) search_path: String,
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
                    pg_catalog.shobj_description(oid, 'pg_database'),
                    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'),
                    {SEARCH_PATH}
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
            comment: row.get(7),
            has_public_schema: row.get(8),
            search_path: match row.get(9) {
                Some(path) => path,
                None => servers_search_path(source).await?,
            },
            settings: read_settings(source).await.context("read the source database's settings")?,
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
        let roles: Vec<String> = self.settings.iter().filter_map(|(role, ..)| role.clone()).collect();
        let there = session
            .rows(
                "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname::text = ANY ($1)",
                &[(&roles, Type::TEXT_ARRAY)],
            )
            .await?;
        let there: Vec<String> = there.iter().map(|row| row.get(0)).collect();
        let mut skipped = Vec::new();
        for (role, setting, value) in &self.settings {
            let of = role.as_ref().map_or("the database".to_owned(), |role| format!("role {role}"));
            let object = format!("setting {setting} of {of}");
            let whose = match role {
                None => format!("ALTER DATABASE {database}"),
                Some(role) if there.contains(role) => format!("ALTER ROLE {} IN DATABASE {database}", sql::ident(role)),
                Some(_) => {
                    skipped.push(Skipped::new(object, "the role is not on the target"));
                    continue;
                }
            };
            let set = format!("{whose} SET {} TO {}", setting_name(setting), setting_value(setting, value));
            match session.run(&set).await {
                // A version may not know it any more, and a login may not be allowed to set it.
                Err(fault) if !fault.sqlstate.is_empty() => skipped.push(Skipped::new(object, fault.to_string())),
                done => done.with_context(|| format!("give the new database the source's {object}"))?,
            }
        }
        Ok(skipped)
    }
}

/// The search path that the login has in this database; our own sessions have none, and so cannot tell.
const SEARCH_PATH: &str = "
    (SELECT pg_catalog.substr(c.pair, pg_catalog.strpos(c.pair, '=') + 1)
       FROM pg_catalog.pg_db_role_setting AS s, pg_catalog.unnest(s.setconfig) AS c(pair)
      WHERE s.setdatabase IN (0, pg_database.oid)
        AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user))
        AND pg_catalog.starts_with(c.pair, 'search_path=')
      ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1)";

/// The path of the server's own settings, where they may be read, or else PostgreSQL's.
async fn servers_search_path(source: &SourceSession) -> Result<String> {
    let read = "SELECT setting FROM pg_catalog.pg_file_settings WHERE name = 'search_path' AND applied";
    let rows = if source.is_superuser() { source.rows(read, &[]).await? } else { Vec::new() };
    match rows.first() {
        Some(row) => Ok(row.get(0)),
        None => source.value("SELECT boot_val FROM pg_catalog.pg_settings WHERE name = 'search_path'").await,
    }
}

async fn read_settings(source: &SourceSession) -> Result<Vec<(Option<String>, String, String)>> {
    let rows = source
        .rows(
            "SELECT r.rolname::text, pg_catalog.split_part(c.pair, '=', 1), pg_catalog.substr(c.pair, pg_catalog.strpos(c.pair, '=') + 1)
               FROM pg_catalog.pg_db_role_setting AS s
               JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
               LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole,
                    LATERAL pg_catalog.unnest(s.setconfig) AS c(pair)
              WHERE s.setrole = 0 OR r.rolname IS NOT NULL",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// `a.b` of an extension's setting is two names.
fn setting_name(name: &str) -> String {
    name.split('.').map(sql::ident).collect::<Vec<_>>().join(".")
}

/// Settings that the catalog keeps as a list of quoted names; as one literal the list would become a single name.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

fn setting_value(name: &str, value: &str) -> String {
    if !LISTS.contains(&name.to_lowercase().as_str()) {
        return sql::literal(value);
    }
    let names: Vec<_> = names_in(value).iter().map(|name| sql::literal(name)).collect();
    if names.is_empty() { "''".to_owned() } else { names.join(", ") }
}

/// `"a b", c` as `a b` and `c`.
fn names_in(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut in_quotes, mut was_quoted) = (String::new(), false, false);
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') => name.extend(chars.next()),
            '"' => (in_quotes, was_quoted) = (!in_quotes, true),
            ',' if !in_quotes => names.push((std::mem::take(&mut name), std::mem::take(&mut was_quoted))),
            c if c.is_whitespace() && !in_quotes => {}
            c => name.push(c),
        }
    }
    names.push((name, was_quoted));
    names.into_iter().filter(|(name, was_quoted)| *was_quoted || !name.is_empty()).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_setting_stays_a_list() {
        assert_eq!(setting_value("search_path", "\"$user\", public, \"a, \"\"b\""), "'$user', 'public', 'a, \"b'");
        assert_eq!(setting_value("search_path", "\"\""), "''");
        assert_eq!(setting_value("work_mem", "4MB"), "'4MB'");
        assert_eq!(setting_name("app.tenant"), "\"app\".\"tenant\"");
    }
}
