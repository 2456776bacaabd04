//! Materialized views: they are filled anew on the target, and one that then holds other rows than the source's is named.

use anyhow::{Context as _, Result};

use super::contents::{self, Contents};
use crate::copying::report::Skipped;
use crate::postgres::preflight::catalog_queries::CALLING;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::remedy;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The SQLSTATE of reading a materialized view that holds nothing yet.
const NOT_FILLED: &str = "55000";

/// A larger view is not read on the source for the sake of a comparison.
const COMPARED_BYTES: i64 = 1 << 30;

/// A materialized view that is filled on the source.
pub(crate) struct View {
    /// `schema.view`, for people.
    label: String,
    quoted: String,
    columns: Vec<String>,
    /// Number and digest of its rows, where they can be read at little cost.
    contents: Option<Contents>,
}

/// The source's filled materialized views, in the order in which they can be filled.
pub(crate) async fn filled(source: &SourceSession) -> Result<Vec<View>> {
    let rows =
        source.rows(&VIEWS.replace("{CALLING}", CALLING), &[]).await.context("list the source's materialized views")?;
    let until = contents::deadline();
    let mut views = Vec::new();
    for row in rows {
        let (schema, name, size): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        let (label, quoted) = (format!("{schema}.{name}"), sql::qualified(&schema, &name));
        let columns: Vec<String> = row.get::<_, Option<Vec<String>>>(4).unwrap_or_default();
        let may_be_planned = !source.commands_server() || row.get(5);
        let contents = if size <= COMPARED_BYTES && row.get(3) && may_be_planned {
            let query = format!("{} WHERE {}", contents::query(&quoted, &columns), sql::is_still(&quoted, row.get(6)));
            let pages = if row.get(8) { row.get::<_, i64>(7).max(0).cast_unsigned() } else { 0 };
            let read = contents::read(source, &query, pages, size.max(0).cast_unsigned(), until).await;
            read.with_context(|| format!("read the materialized view `{label}`"))?
        } else {
            None
        };
        views.push(View { label, quoted, columns, contents });
    }
    Ok(views)
}

/// Fills the views, each after those it reads. What one reads through a function is in no catalog, so those that find
/// another one empty are tried again after the rest. One that cannot be filled leaves the copy whole: it stays empty, as do
/// those that read it, and is named. So are those that do not hold what the source's do.
pub(crate) async fn refresh(views: Vec<View>, target: &Session) -> Result<Vec<Skipped>> {
    let (mut left, mut filled, mut skipped): (Vec<&View>, Vec<&View>, _) =
        (views.iter().collect(), Vec::new(), Vec::new());
    while !left.is_empty() {
        let mut early = Vec::new();
        for view in &left {
            match target.run(&format!("REFRESH MATERIALIZED VIEW {}", view.quoted)).await {
                Ok(()) => filled.push(*view),
                Err(fault) if fault.sqlstate == NOT_FILLED => early.push((*view, fault)),
                Err(fault) => skipped.push(unfilled(view, fault, target)?),
            }
        }
        if early.len() == left.len() {
            skipped.extend(
                early.drain(..).map(|(view, fault)| unfilled(view, fault, target)).collect::<Result<Vec<_>>>()?,
            );
        }
        left = early.into_iter().map(|(view, _)| view).collect();
    }
    for view in filled {
        let reason = match &view.contents {
            None => {
                "it was filled anew, and takes too long to be read, or is hidden from the login, or could run code of its owner, to be compared"
            }
            Some(on_source) => {
                let there = contents::read_back(target, &view.quoted, &view.columns).await;
                let there = there.with_context(|| format!("read the materialized view `{}`", view.label))?;
                if there == *on_source {
                    continue;
                }
                "it was filled anew, and its query gives other rows now"
            }
        };
        skipped.push(Skipped::new(format!("rows of materialized view {} as they were", view.label), reason));
    }
    Ok(skipped)
}

/// What is told of a view that stays empty, unless that is the server's own trouble.
fn unfilled(view: &View, fault: Fault, target: &Session) -> Result<Skipped> {
    match remedy::of_view(&view.quoted, &fault, target.major()) {
        Some(reason) => Ok(Skipped::new(format!("rows of materialized view {}", view.label), reason)),
        None => Err(anyhow::Error::from(fault).context(format!("fill the materialized view `{}`", view.label))),
    }
}

/// A view's depth is the longest way from it, through any views, down to tables.
const VIEWS: &str = "
    WITH RECURSIVE reads(view, what) AS (
        SELECT DISTINCT r.ev_class, d.refobjid
          FROM pg_catalog.pg_rewrite AS r
          JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
           AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
          JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm')),
    depth(view, n) AS (
        SELECT c.oid, 0 FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('v', 'm')
        UNION
        SELECT reads.view, depth.n + 1 FROM depth JOIN reads ON reads.what = depth.view WHERE depth.n < 1000)
    SELECT n.nspname::text, c.relname::text, coalesce(pg_catalog.pg_table_size(c.oid), 0), coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
           (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           owner.rolsuper AND calling.relid IS NULL, c.oid,
           coalesce(pg_catalog.pg_relation_size(c.oid), 0) / pg_catalog.current_setting('block_size')::int8, m.amname = 'heap'
      FROM depth JOIN pg_catalog.pg_class AS c ON c.oid = depth.view JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
      LEFT JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
      LEFT JOIN (SELECT DISTINCT relid FROM ({CALLING}) AS x) AS calling ON calling.relid = c.oid
     WHERE c.relkind = 'm' AND c.relispopulated
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     GROUP BY c.oid, n.nspname, c.relname, owner.rolsuper, calling.relid, m.amname ORDER BY max(depth.n), 1, 2";
