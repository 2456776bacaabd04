//! Which posts of a site are published: everybody may see them, so they are nobody's secret.

use std::collections::BTreeSet;

use anyhow::Result;
use roaring::RoaringTreemap;

use super::row_condition::RowCondition;
use super::source_tables::{RowsWish, SourceTables};
use crate::data::tables::Table;
use crate::masking::nets::unknown::wordpress::{self, Titles};
use crate::rewriting::sites_of_tables::SitesOfTables;
use crate::rewriting::wordpress::SiteTables;

/// Those that every such table has; what tells of passwords and parents may be missing.
const COLUMNS: &[&str] = &["ID", "post_status", "post_type"];
const PASSWORD: &str = "post_password";
const PARENT: &str = "post_parent";
const TITLE: &str = "post_title";

/// What is published on a site.
#[derive(Default)]
pub(super) struct Published {
    pub(super) posts: RoaringTreemap,
    /// What these and its rates are called, where rows are called after them.
    pub(super) titles: Titles,
}

/// Of each site the ids of the posts that have been published, without a password, and are of a type that is for everybody. All
/// sites are asked the same at a time: a network has thousands.
pub(super) async fn of_each(
    source: &mut impl SourceTables,
    tables: &[&Table],
    sites: &[SiteTables],
) -> Result<Vec<Published>> {
    let own = SitesOfTables::new(sites).tables_of_each(tables);
    let site = |(site, own): (&SiteTables, Vec<usize>)| SitePosts::of(site, &own, tables);
    let mut sites: Vec<_> = sites.iter().zip(own).map(site).collect();
    ask(source, &mut sites, SitePosts::types, SitePosts::add_types).await?;
    ask(source, &mut sites, SitePosts::wanted, SitePosts::add).await?;
    ask(source, &mut sites, SitePosts::rates, SitePosts::add_rates).await?;
    Ok(sites.into_iter().map(SitePosts::published).collect())
}

/// Asks the same of each site.
async fn ask<'t>(
    source: &mut impl SourceTables,
    sites: &mut [SitePosts<'t>],
    wishes: impl Fn(&SitePosts<'t>) -> Vec<RowsWish>,
    take: impl Fn(&mut SitePosts<'t>, &[String]) + Send + Sync,
) -> Result<()> {
    let wishes = sites.iter().enumerate().flat_map(|(at, site)| wishes(site).into_iter().map(move |wish| (at, wish)));
    let (of, wishes): (Vec<usize>, Vec<_>) = wishes.unzip();
    source.rows_of_each(&wishes, &mut |number, row| take(&mut sites[of[number]], &row)).await
}

/// A site whose posts are looked at.
struct SitePosts<'t> {
    tables: &'t [&'t Table],
    posts: Vec<usize>,
    options: Vec<usize>,
    rates: Vec<usize>,
    /// Whether rows are called after what is sold.
    has_items: bool,
    /// Types for everybody, beside those that every site has.
    types: BTreeSet<String>,
    /// What is attached to a post, and to which.
    attached: Vec<(u64, u64)>,
    published: Published,
}

impl<'t> SitePosts<'t> {
    fn of(site: &SiteTables, own: &[usize], tables: &'t [&'t Table]) -> Self {
        let called = |name: &str| -> Vec<usize> {
            let is_it = |place: &usize| tables[*place].excluded_by.is_none() && site.owns(tables[*place], name);
            own.iter().copied().filter(is_it).collect()
        };
        let mut site = Self {
            tables,
            posts: called("posts"),
            options: Vec::new(),
            rates: Vec::new(),
            has_items: wordpress::ITEM_TABLES.iter().any(|name| !called(name).is_empty()),
            types: BTreeSet::new(),
            attached: Vec::new(),
            published: Published::default(),
        };
        site.posts.retain(|place| COLUMNS.iter().all(|name| tables[*place].column(name).is_some()));
        if !site.posts.is_empty() {
            site.options = called("options");
            site.rates = if site.has_items { called("woocommerce_tax_rates") } else { Vec::new() };
        }
        site
    }

    /// What tells of types that are for everybody.
    fn types(&self) -> Vec<RowsWish> {
        let of_options = |table: &usize| RowsWish {
            table: *table,
            columns: vec!["option_name", "option_value"],
            when: RowCondition::is_of(0, wordpress::TYPES_OPTIONS),
        };
        let with_texts = self.posts.iter().filter(|place| self.tables[**place].column("post_content").is_some());
        let of_posts = with_texts.map(|table| RowsWish {
            table: *table,
            columns: vec!["post_type", "post_content", "post_status"],
            when: RowCondition::All(vec![RowCondition::is(0, wordpress::TYPES_TYPE), RowCondition::is(2, "publish")]),
        });
        self.options.iter().map(of_options).chain(of_posts).collect()
    }

    fn add_types(&mut self, row: &[String]) {
        self.types.extend(wordpress::stored_types(&row[1]));
    }

    /// The posts that may be published.
    fn wanted(&self) -> Vec<RowsWish> {
        let wish = |table: &usize| {
            let title = if self.has_items { TITLE } else { COLUMNS[1] };
            let columns = [COLUMNS[0], COLUMNS[1], COLUMNS[2], PASSWORD, PARENT, title];
            // What is missing is read as the status, which is neither empty nor a number.
            let columns =
                columns.map(|name| if self.tables[*table].column(name).is_some() { name } else { COLUMNS[1] });
            let is_attached =
                RowCondition::All(vec![RowCondition::is(1, "inherit"), RowCondition::is(2, "attachment")]);
            let mut when = vec![RowCondition::OneOf(vec![RowCondition::is(1, "publish"), is_attached])];
            when.extend(self.tables[*table].column(PASSWORD).map(|_| RowCondition::is(3, "")));
            RowsWish { table: *table, columns: columns.to_vec(), when: RowCondition::All(when) }
        };
        self.posts.iter().map(wish).collect()
    }

    fn add(&mut self, row: &[String]) {
        let Ok(id) = row[0].parse::<u64>() else { return };
        let is_public = || self.types.contains(&row[2]) || wordpress::public_types().any(|own| own == row[2]);
        match row[4].parse::<u64>() {
            _ if row[1] == "publish" && is_public() => {
                self.published.posts.insert(id);
                if self.has_items {
                    self.published.titles.add(&row[5]);
                }
            }
            Ok(parent) if row[1] == "inherit" => self.attached.push((id, parent)),
            _ => {}
        }
    }

    /// What a shop calls its rates and its ways to ship and to pay.
    fn rates(&self) -> Vec<RowsWish> {
        if !self.has_items {
            return Vec::new();
        }
        let of_options = |table: &usize| RowsWish {
            table: *table,
            columns: vec!["option_name", "option_value"],
            when: RowCondition::All(vec![
                RowCondition::Begins(0, vec!["woocommerce_".to_owned()]),
                RowCondition::Ends(0, "_settings".to_owned()),
            ]),
        };
        let of_rates =
            |table: &usize| RowsWish { table: *table, columns: vec!["tax_rate_name"], when: RowCondition::Always };
        self.options.iter().map(of_options).chain(self.rates.iter().map(of_rates)).collect()
    }

    fn add_rates(&mut self, row: &[String]) {
        match row {
            [rate] => self.published.titles.add(rate),
            [_, setting] => wordpress::add_rates(&mut self.published.titles, setting),
            _ => {}
        }
    }

    fn published(mut self) -> Published {
        // What is attached to a post is published when that is.
        let posts = &self.published.posts;
        let are_shown = self.attached.iter().filter(|(_, parent)| *parent == 0 || posts.contains(*parent));
        let shown: Vec<u64> = are_shown.map(|(id, _)| *id).collect();
        self.published.posts.extend(shown);
        Published { titles: self.published.titles.sorted(), ..self.published }
    }
}
