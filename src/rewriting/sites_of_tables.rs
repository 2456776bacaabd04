//! Whose a table is, where there are many WordPress sites: found by the beginnings of its names, so that in a network of thousands of
//! sites no table is held against each of them.

use std::collections::HashMap;

use super::wordpress::SiteTables;
use crate::data::tables::Table;

/// Sites, by where they are.
pub(crate) struct SitesOfTables<'s, S> {
    sites: &'s [S],
    /// By schema and prefix.
    places: HashMap<(&'s str, &'s str), usize>,
}

impl<'s, S: AsRef<SiteTables>> SitesOfTables<'s, S> {
    pub(crate) fn new(sites: &'s [S]) -> Self {
        let place = |(place, site): (usize, &'s S)| {
            let site = site.as_ref();
            ((site.schema.as_str(), site.prefix.as_str()), place)
        };
        Self { sites, places: sites.iter().enumerate().map(place).collect() }
    }

    /// The sites whose prefix a table's name begins with, in their order: no other one owns it.
    pub(crate) fn of(&self, table: &Table) -> Vec<&'s S> {
        self.places_of(table).into_iter().map(|place| &self.sites[place]).collect()
    }

    /// By site, in their order, the places of the tables whose names begin with its prefix.
    pub(crate) fn tables_of_each(&self, tables: &[&Table]) -> Vec<Vec<usize>> {
        let mut of_each = vec![Vec::new(); self.sites.len()];
        for (number, table) in tables.iter().enumerate() {
            for place in self.places_of(table) {
                of_each[place].push(number);
            }
        }
        of_each
    }

    fn places_of(&self, table: &Table) -> Vec<usize> {
        let mut places = Vec::new();
        for name in &table.names {
            // Both what is before the point and what is behind it may have one.
            for (point, _) in name.match_indices('.') {
                let (schema, name) = (&name[..point], &name[point + 1..]);
                let prefixes = name.char_indices().map(|(at, _)| &name[..at]).chain([name]);
                places.extend(prefixes.filter_map(|prefix| self.places.get(&(schema, prefix))));
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::{column, table};

    #[test]
    fn the_sites_of_a_table_are_those_that_may_own_it() {
        let options = |schema: &str, name: &str| Table {
            schema: schema.to_owned(),
            columns: ["option_name", "option_value"].map(column).into(),
            names: vec![name.to_owned(), format!("{schema}.{name}")],
            ..table(name)
        };
        let tables = [
            options("shop", "wp_options"),
            options("shop", "wp_2_options"),
            options("shop", "wp_22_options"),
            options("shop", "käse.options"),
            options("a.b", "options"),
        ];
        let tables: Vec<_> = tables.iter().collect();
        let sites = SiteTables::all(&tables);
        let of_tables = SitesOfTables::new(&sites);
        for table in &tables {
            let owners: Vec<_> = sites.iter().filter(|site| site.owns(table, "*")).collect();
            assert_eq!(of_tables.of(table), owners, "{}", table.name);
            assert!(!owners.is_empty());
        }
        for (site, own) in sites.iter().zip(of_tables.tables_of_each(&tables)) {
            let owned: Vec<_> = (0..tables.len()).filter(|place| site.owns(tables[*place], "*")).collect();
            assert_eq!(own, owned, "{}", site.prefix);
        }
    }
}
