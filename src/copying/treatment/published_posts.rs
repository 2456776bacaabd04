//! Which posts of a site are published: everybody may see them, so they are nobody's secret.

use std::collections::HashSet;

use anyhow::Result;
use roaring::RoaringTreemap;

use super::row_condition::RowCondition;
use super::source_tables::SourceTables;
use crate::data::tables::Table;
use crate::masking::nets::unknown::wordpress::{self, Titles};
use crate::rewriting::wordpress::SiteTables;

/// Those that every such table has; what tells of passwords and parents may be missing.
const COLUMNS: &[&str] = &["ID", "post_status", "post_type"];
const PASSWORD: &str = "post_password";
const PARENT: &str = "post_parent";
const TITLE: &str = "post_title";

/// The ids of the posts of a site that have been published, without a password, and are of a type that is for everybody; and
/// what these and its rates are called, where rows are called after them.
pub(super) async fn of(
    source: &mut impl SourceTables,
    tables: &[&Table],
    site: &SiteTables,
) -> Result<(RoaringTreemap, Titles)> {
    let own = |name: &'static str| {
        let is_it = move |place: &usize| tables[*place].excluded_by.is_none() && site.owns(tables[*place], name);
        (0..tables.len()).filter(is_it)
    };
    let has =
        |place: usize, name: &str| tables[place].columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let has_all = |place: &usize| COLUMNS.iter().all(|name| has(*place, name));
    let (mut published, mut titles) = (RoaringTreemap::new(), Titles::default());
    let has_items = wordpress::ITEM_TABLES.iter().any(|name| own(name).next().is_some());
    if own("posts").all(|place| !has_all(&place)) {
        return Ok((published, titles));
    }
    let mut types: HashSet<String> = wordpress::public_types().map(str::to_owned).collect();
    for options in own("options") {
        let when = RowCondition::is_of(0, wordpress::TYPES_OPTIONS);
        for row in source.rows(options, &["option_name", "option_value"], &when).await? {
            types.extend(wordpress::stored_types(&row[1]));
        }
    }
    for posts in own("posts").filter(|place| has_all(place) && has(*place, "post_content")) {
        let columns = ["post_type", "post_status", "post_content"];
        let when = RowCondition::All(vec![RowCondition::is(0, wordpress::TYPES_TYPE), RowCondition::is(1, "publish")]);
        for row in source.rows(posts, &columns, &when).await? {
            types.extend(wordpress::stored_types(&row[2]));
        }
    }
    for posts in own("posts").filter(has_all) {
        let title = if has_items { TITLE } else { COLUMNS[1] };
        let columns = [COLUMNS[0], COLUMNS[1], COLUMNS[2], PASSWORD, PARENT, title];
        // What is missing is read as the status, which is neither empty nor a number.
        let columns = columns.map(|name| if has(posts, name) { name } else { COLUMNS[1] });
        let is_attached = RowCondition::All(vec![RowCondition::is(1, "inherit"), RowCondition::is(2, "attachment")]);
        let mut when = vec![RowCondition::OneOf(vec![RowCondition::is(1, "publish"), is_attached])];
        when.extend(has(posts, PASSWORD).then(|| RowCondition::is(3, "")));
        // What is attached to a post is published when that is.
        let mut attached = Vec::new();
        let mut take = |row: Vec<String>| {
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
        source.each_row(posts, &columns, &RowCondition::All(when), &mut take).await?;
        let are_shown = attached.into_iter().filter(|(_, parent)| *parent == 0 || published.contains(*parent));
        let shown: Vec<u64> = are_shown.map(|(id, _)| id).collect();
        published.extend(shown);
    }
    if has_items {
        for options in own("options") {
            let when = RowCondition::All(vec![
                RowCondition::Begins(0, vec!["woocommerce_".to_owned()]),
                RowCondition::Ends(0, "_settings".to_owned()),
            ]);
            for row in source.rows(options, &["option_name", "option_value"], &when).await? {
                wordpress::add_rates(&mut titles, &row[1]);
            }
        }
        // What a shop calls its rates and its ways to ship and to pay.
        for rates in own("woocommerce_tax_rates") {
            for row in source.rows(rates, &["tax_rate_name"], &RowCondition::Always).await? {
                titles.add(&row[0]);
            }
        }
    }
    Ok((published, titles.sorted()))
}
