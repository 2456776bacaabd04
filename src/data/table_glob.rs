//! A glob on the names of tables, as callers write it: which tables it means.

use wildmatch::WildMatch;

use super::tables::Table;

/// What a glob begins with that means a table alone, and none that is a part of it or inherits from it.
const ONLY: &str = "only:";

/// A glob on the names of tables. The name of a whole means its parts, and that of a parent its children.
pub(crate) struct TableGlob {
    names: WildMatch,
    is_only: bool,
}

impl TableGlob {
    pub(crate) fn new(glob: &str) -> Self {
        let names = glob.strip_prefix(ONLY);
        Self { names: WildMatch::new(names.unwrap_or(glob)), is_only: names.is_some() }
    }

    /// Whether it means a table, and not what that is a part of.
    pub(crate) fn is_only(&self) -> bool {
        self.is_only
    }

    /// Whether it means a table.
    pub(crate) fn is_about(&self, table: &Table) -> bool {
        self.matches(&table.names)
    }

    /// Whether it means a table of these names: see [`Table::names`].
    pub(crate) fn matches(&self, names: &[String]) -> bool {
        let most = if self.is_only { Table::OWN_NAMES } else { names.len() };
        names.iter().take(most).any(|name| self.names.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_means_its_parts_unless_it_is_meant_alone() {
        let part = ["people_2024", "crm.people_2024", "people", "crm.people"].map(str::to_owned);
        for (glob, is_about) in [
            ("people", true),
            ("crm.people", true),
            ("peo*", true),
            ("only:people", false),
            ("only:crm.people_2024", true),
            ("only:people*", true),
            ("other", false),
        ] {
            assert_eq!(TableGlob::new(glob).matches(&part), is_about, "{glob}");
        }
    }
}
