//! The sites of a database whose people are masked: what each publishes, and which users keep their logins.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::{matching_rows, published_posts};
use crate::masking::Masking;
use crate::masking::assignment::MaskedSite;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::rewriting::wordpress::SiteTables;

/// The sites whose people are masked, each with the users that keep their logins.
pub(super) async fn of(source: &SourceSession, tables: &Relations, masking: &Masking) -> Result<Vec<MaskedSite>> {
    let sites = SiteTables::all(&tables.tables());
    let mut kept = Vec::new();
    let mut found = BTreeSet::new();
    for site in sites.iter().filter(|site| site.has_users) {
        let users = kept_users(source, &tables.all, site, masking)
            .await
            .context("look for the users that keep their logins")?;
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
    let mut masked = Vec::new();
    for site in sites {
        let (published, titles) =
            published_posts::of(source, &tables.all, &site).await.context("look for what is published")?;
        let (published, titles) = (Arc::new(published), Arc::new(titles));
        masked.push(MaskedSite { kept_users: of(&site), published, titles, site });
    }
    Ok(masked)
}

struct User {
    id: String,
    login: String,
    email: String,
}

/// The users of a site that keep their logins: those who are named, and who are administrators anywhere in its network.
async fn kept_users(
    source: &SourceSession,
    relations: &[Relation],
    site: &SiteTables,
    masking: &Masking,
) -> Result<Vec<User>> {
    let mut administrators = Vec::new();
    for meta in
        relations.iter().filter(|relation| masking.keep_users.administrators && site.owns(&relation.table, "usermeta"))
    {
        const IS_ADMINISTRATOR: &str = "s:13:\"administrator\";b:1;";
        let condition = format!("{{1}} LIKE '%capabilities' AND {{2}} LIKE '%{IS_ADMINISTRATOR}%'");
        let is_one = |row: &[String]| row[1].ends_with("capabilities") && row[2].contains(IS_ADMINISTRATOR);
        let rows =
            matching_rows::texts(source, meta, &["user_id", "meta_key", "meta_value"], &condition, &[], is_one).await?;
        let is_of_site = |key: &str| {
            let blog = key.strip_prefix(&site.prefix).and_then(|key| key.strip_suffix("capabilities"));
            let is_number =
                |blog: &str| blog.ends_with('_') && blog[..blog.len() - 1].bytes().all(|b| b.is_ascii_digit());
            blog.is_some_and(|blog| blog.is_empty() || is_number(blog))
        };
        administrators.extend(rows.into_iter().filter(|row| is_of_site(&row[1])).map(|mut row| row.swap_remove(0)));
    }
    let named = &masking.keep_users.named;
    let is_kept =
        |row: &[String]| administrators.contains(&row[0]) || named.contains(&row[1]) || named.contains(&row[2]);
    let mut rows = Vec::new();
    for users in relations.iter().filter(|relation| site.owns(&relation.table, "users")) {
        rows.extend(
            matching_rows::texts(
                source,
                users,
                &["ID", "user_login", "user_email"],
                "{0} = ANY ($1) OR {1} = ANY ($2) OR {2} = ANY ($2)",
                &[(&administrators, Type::TEXT_ARRAY), (named, Type::TEXT_ARRAY)],
                is_kept,
            )
            .await?,
        );
    }
    let user = |row: Vec<String>| match <[String; 3]>::try_from(row) {
        Ok([id, login, email]) => Some(User { id, login, email }),
        Err(_) => None,
    };
    Ok(rows.into_iter().filter_map(user).collect())
}
