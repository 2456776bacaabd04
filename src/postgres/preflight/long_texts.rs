//! Texts of a schema that are too long to be held: a dump of it has each in one piece.

use anyhow::{Context as _, Result, ensure};
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::postgres::session::source_session::SourceSession;

/// No text that a person wrote is longer.
const MOST_BYTES: i32 = 16 << 20;

/// Refuses comments and bodies of functions that are longer, by their names.
pub(crate) async fn are_few(source: &SourceSession) -> Result<()> {
    let rows = source.rows(LONG, &[(&MOST_BYTES, Type::INT4)]).await.context("look for long texts in the schema")?;
    let names: Vec<String> = rows
        .iter()
        .map(|row| format!("{} ({} MB)", row.get::<_, String>(0), row.get::<_, i32>(1) / 1_000_000))
        .collect();
    ensure!(
        names.is_empty(),
        Failure::invalid(format!(
            "texts of the source's schema are longer than {} MiB, and are not held: {}",
            MOST_BYTES >> 20,
            names.join(", ")
        ))
        .hint("shorten them on the source, such as by `COMMENT ON … IS NULL`")
    );
    Ok(())
}

/// The length is known without the text being read.
const LONG: &str = "
    SELECT 'comment on ' || pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid), pg_catalog.octet_length(d.description)
      FROM pg_catalog.pg_description AS d WHERE pg_catalog.octet_length(d.description) > $1
    UNION ALL
    SELECT 'body of ' || pg_catalog.pg_describe_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0), pg_catalog.octet_length(p.prosrc)
      FROM pg_catalog.pg_proc AS p WHERE pg_catalog.octet_length(p.prosrc) > $1
    ORDER BY 1 LIMIT 20";
