//! What is masked in a WordPress database without being asked for: the rules of `preset.yaml`, for each site that is found.

use std::sync::LazyLock;

use wildmatch::WildMatch;

use crate::data::tables::Table;
use crate::masking::{Rule, RulesFile};

/// Stands in a condition for the ids of the users who keep their login.
pub(crate) const KEPT_USERS: &str = "@kept_users";

static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| RulesFile::read(include_str!("preset.yaml")).expect("our own preset is valid"));

/// The preset's rules; their tables have no prefix.
pub(crate) fn rules() -> &'static [Rule] {
    &RULES
}

/// A site by where its tables are and how their names begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    pub(crate) schema: String,
    pub(crate) prefix: String,
    /// Whether it has users of its own; the sites of a network share those of the first.
    pub(crate) has_users: bool,
}

impl Site {
    /// The sites in a database, known by the shape of their tables: whatever their prefix is, backups under another one
    /// are sites as well.
    pub(crate) fn all(tables: &[&Table]) -> Vec<Self> {
        let mut sites: Vec<Self> = Vec::new();
        for table in tables {
            let has =
                |columns: &[&str]| columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name));
            let options = table.name.strip_suffix("options").filter(|_| has(&["option_name", "option_value"]));
            let users = table.name.strip_suffix("users").filter(|_| has(&["user_login", "user_pass", "user_email"]));
            let Some(prefix) = options.or(users) else { continue };
            let known = sites.iter_mut().find(|site| site.schema == table.schema && site.prefix == prefix);
            match known {
                Some(site) => site.has_users |= users.is_some(),
                None => sites.push(Self {
                    schema: table.schema.clone(),
                    prefix: prefix.to_owned(),
                    has_users: users.is_some(),
                }),
            }
        }
        sites.sort();
        sites
    }

    /// Whether a table is the site's one of the name that `glob` matches without its prefix.
    pub(crate) fn owns(&self, table: &Table, glob: &str) -> bool {
        let name = table.name.strip_prefix(&self.prefix).filter(|_| table.schema == self.schema);
        name.is_some_and(|name| WildMatch::new(glob).matches(name))
    }
}
