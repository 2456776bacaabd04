//! Materialized views: they are filled anew on the target, and one that then holds other rows than the source's is named.

use anyhow::{Context as _, Result};

use crate::copying::report::Skipped;
use crate::postgres::session::connect::Session;
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
    /// Number and digest of its rows, where they can be read at little cost.
    contents: Option<Contents>,
}

type Contents = (i64, Option<String>);

/// The source's filled materialized views, in the order in which they can be filled.
pub(crate) async fn filled(source: &SourceSession) -> Result<Vec<View>> {
    let rows = source.rows(VIEWS, &[]).await.context("list the source's materialized views")?;
    let mut views = Vec::new();
    for row in rows {
        let (schema, name, size): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        let (label, quoted) = (format!("{schema}.{name}"), sql::qualified(&schema, &name));
        let contents = if size <= COMPARED_BYTES && row.get(3) {
            let rows = source.rows(&contents(&quoted), &[]).await;
            let rows = rows.with_context(|| format!("read the materialized view `{label}`"))?;
            rows.first().map(|row| (row.get(0), row.get(1)))
        } else {
            None
        };
        views.push(View { label, quoted, contents });
    }
    Ok(views)
}

/// Fills the views, each after those it reads. What one reads through a function is in no catalog, so those that find
/// another one empty are tried again after the rest. Those are named that do not hold what the source's do.
pub(crate) async fn refresh(views: Vec<View>, target: &Session) -> Result<Vec<Skipped>> {
    let mut left: Vec<&View> = views.iter().collect();
    while !left.is_empty() {
        let mut early = Vec::new();
        let mut last = None;
        for view in &left {
            match target.run(&format!("REFRESH MATERIALIZED VIEW {}", view.quoted)).await {
                Err(fault) if fault.sqlstate == NOT_FILLED => {
                    early.push(*view);
                    last = Some(fault);
                }
                done => done.with_context(|| format!("fill the materialized view `{}`", view.label))?,
            }
        }
        if let (true, Some(fault)) = (early.len() == left.len(), last) {
            let context = format!("fill the materialized view `{}`", early[0].label);
            return Err(anyhow::Error::from(fault).context(context));
        }
        left = early;
    }
    let mut skipped = Vec::new();
    // The search path decides how names within values are printed: as on the source.
    target.run("BEGIN READ ONLY; SET LOCAL search_path = ''").await?;
    for view in &views {
        let reason = match &view.contents {
            None => "it was filled anew, and is too large, or hidden from the login, to be compared",
            Some(on_source) => {
                let row = target.row(&contents(&view.quoted), &[]).await;
                let row = row.with_context(|| format!("read the materialized view `{}`", view.label))?;
                if *on_source == (row.get(0), row.get(1)) {
                    continue;
                }
                "it was filled anew, and its query gives other rows now"
            }
        };
        skipped.push(Skipped::new(format!("rows of materialized view {} as they were", view.label), reason));
    }
    target.run("COMMIT").await?;
    Ok(skipped)
}

fn contents(quoted: &str) -> String {
    format!(
        "SELECT pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended((v.*)::text COLLATE pg_catalog.\"C\", 0))::text
           FROM {quoted} AS v"
    )
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
    SELECT n.nspname::text, c.relname::text, pg_catalog.pg_table_size(c.oid), pg_catalog.has_table_privilege(c.oid, 'SELECT')
      FROM depth JOIN pg_catalog.pg_class AS c ON c.oid = depth.view JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'm' AND c.relispopulated
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     GROUP BY 1, 2, 3, 4 ORDER BY max(depth.n), 1, 2";
