//! What railstage knows of WordPress data: what a site is, which of it holds URLs and must be rewritten, and which
//! never may be.

use std::collections::{HashMap, HashSet};

use wildmatch::WildMatch;

use crate::data::switches;
use crate::data::tables::Table;

/// Columns that are left as they are: `user_pass` is a hash, and `option_name` and `meta_key` are what plugins look their
/// values up by.
pub(crate) fn is_never_rewritten(column: &str) -> bool {
    ["user_pass", "option_name", "meta_key"].iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// Whether a column identifies posts for feed readers, by a URL that nobody visits and that the site shows in its feeds.
pub(crate) fn is_guid(column: &str) -> bool {
    column.eq_ignore_ascii_case("guid")
}

/// Columns that name what the row's value is.
pub(crate) fn is_key_column(column: &str) -> bool {
    ["option_name", "meta_key"].iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// Values that must keep production's URL: a plugin knows by it that it runs in a copy, and would charge customers if it
/// named the copy.
pub(crate) fn is_never_rewritten_value(key: &[u8]) -> bool {
    switches::tells_of_a_copy(key)
}

/// The tables of a WordPress site: where they are, and how their names begin.
///
/// They are known by their shape, whatever the prefix is: options or users make a site, so that what a backup under
/// another prefix left of one is taken for one as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SiteTables {
    pub(crate) schema: String,
    pub(crate) prefix: String,
    /// Whether it has users of its own; the sites of a network share those of the first.
    pub(crate) has_users: bool,
    has_options: bool,
    has_posts: bool,
}

impl SiteTables {
    /// Those in a database, by schema and prefix.
    pub(crate) fn all(tables: &[&Table]) -> Vec<Self> {
        let mut sites: Vec<Self> = Vec::new();
        let names: HashSet<_> = tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).collect();
        let mut known = HashMap::new();
        for table in tables {
            let has =
                |columns: &[&str]| columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name));
            let options = table.name.strip_suffix("options").filter(|_| has(&["option_name", "option_value"]));
            let users = table.name.strip_suffix("users").filter(|_| has(&["user_login", "user_pass", "user_email"]));
            let Some(prefix) = options.or(users) else { continue };
            let at = *known.entry((table.schema.as_str(), prefix)).or_insert_with(|| {
                let has_posts = names.contains(&(table.schema.as_str(), format!("{prefix}posts").as_str()));
                let (schema, prefix) = (table.schema.clone(), prefix.to_owned());
                sites.push(Self { schema, prefix, has_users: false, has_options: false, has_posts });
                sites.len() - 1
            });
            sites[at].has_options |= options.is_some();
            sites[at].has_users |= users.is_some();
        }
        sites.sort();
        sites
    }

    /// Whether people can visit it: it has posts, and options that tell its address.
    pub(crate) fn can_be_visited(&self) -> bool {
        self.has_options && self.has_posts
    }

    /// Whether a table is the site's one of the name that `glob` matches without its prefix, or a part of that.
    pub(crate) fn owns(&self, table: &Table, glob: &str) -> bool {
        let mut own = table.names.iter().filter_map(|name| self.without_prefix(name)).peekable();
        // Of most tables nobody asks what the glob means.
        own.peek().is_some() && {
            let glob = WildMatch::new(glob);
            own.any(|name| glob.matches(name))
        }
    }

    /// What its one of a table's names is without the prefix.
    fn without_prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(&self.schema)?.strip_prefix('.')?.strip_prefix(&self.prefix)
    }
}

impl AsRef<SiteTables> for SiteTables {
    fn as_ref(&self) -> &SiteTables {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::{column, table};

    fn with(name: &str, columns: &[&str]) -> Table {
        Table { columns: columns.iter().map(|name| column(name)).collect(), ..table(name) }
    }

    #[test]
    fn a_site_is_known_by_the_shape_of_its_tables() {
        let tables = [
            with("wp_options", &["option_id", "option_name", "option_value"]),
            with("wp_posts", &["ID"]),
            with("wp_users", &["ID", "user_login", "user_pass", "user_email"]),
            with("old_options", &["option_name", "option_value"]),
            with("wp_2_options", &["option_name", "option_value"]),
            with("wp_2_posts", &["ID"]),
            with("shop_options", &["name", "value"]),
            with("users", &["login"]),
        ];
        let sites = SiteTables::all(&tables.iter().collect::<Vec<_>>());
        let told: Vec<_> =
            sites.iter().map(|site| (site.prefix.as_str(), site.has_users, site.can_be_visited())).collect();
        assert_eq!(told, [("old_", false, false), ("wp_", true, true), ("wp_2_", false, true)]);
        assert!(sites[1].owns(&tables[1], "p?sts") && !sites[2].owns(&tables[1], "posts"));
    }
}
