//! The sites of a database whose people are masked: what each publishes, and which users keep their logins.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::published_posts::{self, Published};
use super::row_condition::RowCondition;
use super::source_tables::SourceTables;
use crate::data::tables::Table;
use crate::masking::Masking;
use crate::masking::assignment::MaskedSite;
use crate::rewriting::wordpress::SiteTables;

/// The sites whose people are masked, each with the users that keep their logins.
pub(super) async fn of(
    source: &mut impl SourceTables,
    tables: &[&Table],
    masking: &Masking,
) -> Result<Vec<MaskedSite>> {
    let sites = SiteTables::all(tables);
    let mut kept = Vec::new();
    let mut found = BTreeSet::new();
    for site in sites.iter().filter(|site| site.has_users) {
        let users =
            kept_users(source, tables, site, masking).await.context("look for the users that keep their logins")?;
        found.extend(users.iter().flat_map(|user| [user.login.clone(), user.email.clone()]));
        kept.push((site.clone(), Arc::new(users.into_iter().map(|user| user.id).collect::<HashSet<_>>())));
    }
    for name in masking.keep_users.named.iter().filter(|name| !kept.is_empty() && !found.contains(*name)) {
        tracing::warn!("`keep_users`: there is no user `{name}`");
    }
    // The sites of a network have the users of the one whose prefix theirs begins with.
    let of = |site: &SiteTables| {
        let same = kept.iter().filter(|(own, _)| own.schema == site.schema && site.prefix.starts_with(&own.prefix));
        same.max_by_key(|(own, _)| own.prefix.len()).map(|(_, users)| users.clone()).unwrap_or_default()
    };
    let published = published_posts::of_each(source, tables, &sites).await.context("look for what is published")?;
    let masked = |(site, published): (SiteTables, Published)| {
        let Published { posts, titles } = published;
        MaskedSite { kept_users: of(&site), published: Arc::new(posts), titles: Arc::new(titles), site }
    };
    Ok(sites.into_iter().zip(published).map(masked).collect())
}

struct User {
    id: String,
    login: String,
    email: String,
}

/// The users of a site that keep their logins: those who are named, and who are administrators anywhere in its network.
async fn kept_users(
    source: &mut impl SourceTables,
    tables: &[&Table],
    site: &SiteTables,
    masking: &Masking,
) -> Result<Vec<User>> {
    const IS_ADMINISTRATOR: &str = "s:13:\"administrator\";b:1;";
    let mut administrators = Vec::new();
    let is_asked = |place: &usize| masking.keep_users.administrators && site.owns(tables[*place], "usermeta");
    for meta in (0..tables.len()).filter(is_asked) {
        let when = RowCondition::All(vec![
            RowCondition::Ends(1, "capabilities".to_owned()),
            RowCondition::Contains(2, IS_ADMINISTRATOR.to_owned()),
        ]);
        let rows = source.rows(meta, &["user_id", "meta_key", "meta_value"], &when).await?;
        let is_of_site = |key: &str| {
            let blog = key.strip_prefix(&site.prefix).and_then(|key| key.strip_suffix("capabilities"));
            let is_number =
                |blog: &str| blog.ends_with('_') && blog[..blog.len() - 1].bytes().all(|b| b.is_ascii_digit());
            blog.is_some_and(|blog| blog.is_empty() || is_number(blog))
        };
        administrators.extend(rows.into_iter().filter(|row| is_of_site(&row[1])).map(|mut row| row.swap_remove(0)));
    }
    let named = &masking.keep_users.named;
    let is_kept = RowCondition::OneOf(vec![
        RowCondition::Is(0, administrators),
        RowCondition::Is(1, named.clone()),
        RowCondition::Is(2, named.clone()),
    ]);
    let mut rows = Vec::new();
    for users in (0..tables.len()).filter(|place| site.owns(tables[*place], "users")) {
        rows.extend(source.rows(users, &["ID", "user_login", "user_email"], &is_kept).await?);
    }
    let user = |row: Vec<String>| match <[String; 3]>::try_from(row) {
        Ok([id, login, email]) => Some(User { id, login, email }),
        Err(_) => None,
    };
    Ok(rows.into_iter().filter_map(user).collect())
}
