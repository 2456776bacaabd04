//! Which posts of a site are published: everybody may see them, so they are nobody's secret.

use std::collections::HashSet;

use anyhow::Result;
use roaring::RoaringTreemap;
use tokio_postgres::types::Type;

use super::matching_rows;
use crate::masking::nets::unknown::wordpress::{self, Titles};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::rewriting::wordpress::SiteTables;

/// Those that every such table has; what tells of passwords and parents may be missing.
const COLUMNS: &[&str] = &["ID", "post_status", "post_type"];
const PASSWORD: &str = "post_password";
const PARENT: &str = "post_parent";
const TITLE: &str = "post_title";

/// The ids of the posts of a site that have been published, without a password, and are of a type that is for everybody; and
/// what these and its rates are called, where rows are called after them.
pub(super) async fn of(
    source: &SourceSession,
    relations: &[Relation],
    site: &SiteTables,
) -> Result<(RoaringTreemap, Titles)> {
    let own = |name| {
        let is_it = move |relation: &&Relation| site.owns(&relation.table, name);
        relations.iter().filter(|relation| relation.table.excluded_by.is_none()).filter(is_it)
    };
    let has_all = |relation: &&Relation| {
        let has = |name: &&str| relation.table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        COLUMNS.iter().all(has)
    };
    let (mut published, mut titles) = (RoaringTreemap::new(), Titles::default());
    let has_items = wordpress::ITEM_TABLES.iter().any(|name| own(name).next().is_some());
    if own("posts").all(|relation| !has_all(&relation)) {
        return Ok((published, titles));
    }
    let mut types: HashSet<String> = wordpress::public_types().map(str::to_owned).collect();
    let names: Vec<String> = wordpress::TYPES_OPTIONS.iter().map(|name| (*name).to_owned()).collect();
    for options in own("options") {
        let is_one = |row: &[String]| names.contains(&row[0]);
        let columns = ["option_name", "option_value"];
        let names = [(&names as _, Type::TEXT_ARRAY)];
        for row in matching_rows::texts(source, options, &columns, "{0} = ANY ($1)", &names, is_one).await? {
            types.extend(wordpress::stored_types(&row[1]));
        }
    }
    for posts in own("posts").filter(has_all) {
        let is_one = |row: &[String]| row[0] == wordpress::TYPES_TYPE && row[1] == "publish";
        let columns = ["post_type", "post_status", "post_content"];
        let condition = format!("{{0}} = '{}' AND {{1}} = 'publish'", wordpress::TYPES_TYPE);
        for row in matching_rows::texts(source, posts, &columns, &condition, &[], is_one).await? {
            types.extend(wordpress::stored_types(&row[2]));
        }
    }
    for posts in own("posts").filter(has_all) {
        let has = |name: &str| posts.table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let title = if has_items { TITLE } else { COLUMNS[1] };
        let columns = [COLUMNS[0], COLUMNS[1], COLUMNS[2], PASSWORD, PARENT, title];
        // What is missing is read as the status, which is neither empty nor a number.
        let columns = columns.map(|name| if has(name) { name } else { COLUMNS[1] });
        let is_open = |row: &[String]| row[3].is_empty() || !has(PASSWORD);
        let is_one =
            |row: &[String]| (row[1] == "publish" || row[1] == "inherit" && row[2] == "attachment") && is_open(row);
        let open = if has(PASSWORD) { " AND {3} = ''" } else { "" };
        let condition = format!("({{1}} = 'publish' OR {{1}} = 'inherit' AND {{2}} = 'attachment'){open}");
        // What is attached to a post is published when that is.
        let mut attached = Vec::new();
        let take = |row: Vec<String>| {
            let Ok(id) = row[0].parse::<u64>() else { return };
            match row[4].parse::<u64>() {
                _ if row[1] == "publish" && types.contains(&row[2]) => {
                    published.insert(id);
                    if has_items {
                        titles.add(&row[5]);
                    }
                }
                Ok(parent) if row[1] == "inherit" => attached.push((id, parent)),
                _ => {}
            }
        };
        matching_rows::each(source, posts, &columns, &condition, &[], is_one, take).await?;
        let are_shown = attached.into_iter().filter(|(_, parent)| *parent == 0 || published.contains(*parent));
        let shown: Vec<u64> = are_shown.map(|(id, _)| id).collect();
        published.extend(shown);
    }
    if has_items {
        rates(source, relations, site, &mut titles).await?;
    }
    Ok((published, titles.sorted()))
}

/// Adds what a shop calls its rates and its ways to ship and to pay.
async fn rates(source: &SourceSession, relations: &[Relation], site: &SiteTables, titles: &mut Titles) -> Result<()> {
    for relation in relations.iter().filter(|relation| relation.table.excluded_by.is_none()) {
        if site.owns(&relation.table, "options") {
            let is_one = |row: &[String]| row[0].starts_with("woocommerce_") && row[0].ends_with("_settings");
            let condition = "{0} LIKE 'woocommerce%settings'";
            let columns = ["option_name", "option_value"];
            for row in matching_rows::texts(source, relation, &columns, condition, &[], is_one).await? {
                wordpress::add_rates(titles, &row[1]);
            }
        }
        if site.owns(&relation.table, "woocommerce_tax_rates") {
            for row in matching_rows::texts(source, relation, &["tax_rate_name"], "true", &[], |_| true).await? {
                titles.add(&row[0]);
            }
        }
    }
    Ok(())
}
