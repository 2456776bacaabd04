//! The login that a source is read with: what speaks against it, and the SQL that makes a better one for this very database.

use anyhow::{Context as _, Result};

use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::classified;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// What is wrong with the login, and with the server where a superuser is its login, though a copy can be made.
pub(crate) fn warnings(source: &SourceSession) -> Vec<String> {
    warnings_about(source.commands_server(), source.reads_no_views(), source.version())
}

fn warnings_about(commands_server: bool, reads_no_views: bool, version: &str) -> Vec<String> {
    let login = "its login is a superuser, or may run programs on the server or read its files: use one that only reads (`railstage source-login` prints the SQL for it)".to_owned();
    let server = format!(
        "PostgreSQL {version} cannot be kept from reading a view that somebody puts in a table's or a sequence's place (CVE-2024-7348): update it, at least to 17, 16.4, 15.8 or 14.13"
    );
    match (commands_server, reads_no_views) {
        (true, true) => vec![login],
        (true, false) => vec![login, server],
        (false, _) => Vec::new(),
    }
}

/// The SQL for a login that can read the whole database and nothing else, with notes for who runs it.
///
/// # Errors
/// When the database cannot be reached.
pub async fn source_login(endpoint: &Endpoint, role: &str) -> Result<String> {
    let read = async {
        let source = SourceSession::open(endpoint, None).await?;
        let needs = source.row(NEEDS, &[]).await.context("look at what the login must read")?;
        let schemas = source.rows(SCHEMAS, &[]).await.context("list the schemas")?;
        let needs = Needs {
            version: source.version().to_owned(),
            major: source.major(),
            database: needs.get(0),
            has_policies: needs.get(1),
            has_large_objects: needs.get(2),
            schemas: schemas.iter().map(|row| row.get(0)).collect(),
        };
        source.close().await;
        anyhow::Ok(needs.sql(role))
    };
    read.await.map_err(classified)
}

/// What decides which rights a login needs.
struct Needs {
    version: String,
    major: i32,
    database: String,
    has_policies: bool,
    has_large_objects: bool,
    schemas: Vec<String>,
}

const NEEDS: &str = "
    SELECT pg_catalog.current_database()::pg_catalog.text,
           EXISTS (SELECT FROM pg_catalog.pg_class WHERE relrowsecurity),
           EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)";

const SCHEMAS: &str = "
    SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace
     WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' ORDER BY 1";

impl Needs {
    fn sql(&self, role: &str) -> String {
        let quoted = sql::ident(role);
        // A name of a database may hold an end of line, which would end the comment.
        let database = self.database.replace(char::is_control, " ");
        let mut lines = vec![
            format!(
                "-- A login that reads the database `{database}` (PostgreSQL {}) and can do nothing else.",
                self.version
            ),
            "-- Run this in that database as a superuser, then give the role a password, in psql by:".to_owned(),
            format!("--     \\password {role}"),
            format!("CREATE ROLE {quoted} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;"),
            format!("GRANT CONNECT ON DATABASE {} TO {quoted};", sql::ident(&self.database)),
        ];
        if self.major >= 14 {
            lines.push(format!("GRANT pg_read_all_data TO {quoted};"));
        } else {
            lines.push(
                "-- Before PostgreSQL 14 rights are given schema by schema: run these again for new tables.".to_owned(),
            );
            for schema in self.schemas.iter().map(|schema| sql::ident(schema)) {
                lines.push(format!("GRANT USAGE ON SCHEMA {schema} TO {quoted};"));
                lines.push(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {quoted};"));
                lines.push(format!("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted};"));
            }
        }
        if self.has_policies {
            lines.push("-- Row-level security would hide rows from it.".to_owned());
            lines.push(format!("ALTER ROLE {quoted} BYPASSRLS;"));
        }
        if self.has_large_objects {
            lines.push("-- Each large object has rights of its own: run this again for new ones.".to_owned());
            lines.push(format!(
                "DO $$ DECLARE number pg_catalog.oid; BEGIN\n  FOR number IN SELECT oid FROM pg_catalog.pg_largeobject_metadata LOOP\n    EXECUTE pg_catalog.format('GRANT SELECT ON LARGE OBJECT %s TO %I', number, {});\n  END LOOP;\nEND $$;",
                sql::literal(role)
            ));
        }
        if self.major >= 17 {
            lines.push("-- So that no event trigger of yours runs in its sessions.".to_owned());
            lines.push(format!("GRANT SET ON PARAMETER event_triggers TO {quoted};"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(major: i32) -> Needs {
        Needs {
            version: major.to_string(),
            major,
            database: "shop\nDROP".to_owned(),
            has_policies: false,
            has_large_objects: false,
            schemas: vec!["public".to_owned()],
        }
    }

    #[test]
    fn a_server_that_lets_views_be_read_is_named_where_the_login_could_do_harm() {
        assert!(
            warnings_about(true, false, "16.3")[1].starts_with("PostgreSQL 16.3 cannot be kept from reading a view")
        );
        assert_eq!(warnings_about(true, true, "16.4").len(), 1);
        assert_eq!(warnings_about(false, false, "16.3"), Vec::<String>::new());
    }

    #[test]
    fn only_what_a_database_needs_is_granted() {
        let plain = needs(16).sql("reader");
        assert!(plain.contains("GRANT pg_read_all_data TO \"reader\";"), "{plain}");
        for word in ["BYPASSRLS", "LARGE OBJECT", "event_triggers", "ON ALL TABLES", "\nDROP` "] {
            assert!(!plain.contains(word), "{plain}");
        }
        let all = Needs { has_policies: true, has_large_objects: true, ..needs(17) }.sql("reader");
        for word in [
            "ALTER ROLE \"reader\" BYPASSRLS;",
            "GRANT SELECT ON LARGE OBJECT",
            "GRANT SET ON PARAMETER event_triggers",
        ] {
            assert!(all.contains(word), "{all}");
        }
        assert!(needs(13).sql("reader").contains("GRANT SELECT ON ALL TABLES IN SCHEMA \"public\" TO \"reader\";"));
    }
}
