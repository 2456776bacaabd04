//! A table as this server has it: how it is read, so that the same value has the same bytes on both ends, and how it is filled.

use std::borrow::Cow;
use std::sync::Arc;

use super::{letters, load_text};
use crate::copying::dry_run::DryRunTable;
use crate::copying::treatment::TreatedTable;
use crate::data::tables::Table;
use crate::masking::residue::Places;
use crate::masking::table::TableMask;
use crate::mysql::session::connect::Family;
use crate::mysql::session::sql;

/// How a column's values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Travel {
    /// In the bytes in which they are kept.
    AsKept,
    /// As a number of twice the length: a server prints fewer digits of a short one than it has.
    AsDouble,
    /// As its number among those that there may be: by its text it would be taken for another one.
    AsMember,
    /// As text of a character set that a server would not take as bytes: what is JSON.
    AsText,
    /// As UTF-8 where they are looked into, since they are kept in another character set.
    AsUtf8,
    /// As they are kept, which is in latin1 by name, and looked into as what the bytes are.
    AsLatin,
}

/// A table and how it travels.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) table: Table,
    /// By column of the table.
    pub(crate) travels: Arc<[Travel]>,
    /// Whether its engine takes part in a snapshot.
    pub(crate) is_in_snapshot: bool,
    /// What the server's engine for it is called.
    pub(crate) engine: String,
    /// The first column of the primary key, where that is a number in whose order the rows are.
    pub(crate) ordered_by: Option<String>,
    /// Whether the server counts its rows: then it may take rows of one session at a time.
    pub(crate) is_counted: bool,
    /// How its rows are masked.
    pub(crate) mask: Option<Arc<TableMask>>,
    /// What is decided on its places, where the copy of it is searched for people.
    pub(crate) places: Option<Arc<Places>>,
}

impl Relation {
    /// `database.table`, for people.
    pub(crate) fn label(&self) -> String {
        self.table.label()
    }

    /// The columns that are ENUMs.
    pub(crate) fn enums(&self) -> Vec<String> {
        let enums = self.table.columns.iter().filter(|column| column.type_name.starts_with("enum("));
        enums.map(|column| column.name.clone()).collect()
    }

    /// What of it is treated before its rows come.
    pub(crate) fn treated(&mut self) -> TreatedTable<'_> {
        TreatedTable { table: &mut self.table, mask: &mut self.mask, places: &mut self.places }
    }

    /// What a copy would do to it.
    pub(crate) fn dry_run(&self) -> DryRunTable {
        DryRunTable::of(&self.table, self.mask.as_deref())
    }

    /// Its name on the source, quoted.
    pub(crate) fn in_source(&self) -> String {
        sql::qualified(&self.table.schema, &self.table.name)
    }

    /// A column as it is asked for by whoever reads single values, so that [`Self::read`] reads them.
    pub(crate) fn shown(&self, column: usize) -> String {
        let name = sql::ident(&self.table.columns[column].name);
        match self.travels[column] {
            Travel::AsUtf8 => format!("CONVERT({name} USING utf8mb4)"),
            Travel::AsDouble | Travel::AsMember | Travel::AsKept | Travel::AsText | Travel::AsLatin => name,
        }
    }

    /// What is asked for of a column, perhaps its beginning alone, as servers tell it from others: by its bytes and nothing else.
    pub(crate) fn by_bytes(&self, column: usize, shown: &str, family: Family) -> String {
        // Bytes are as long as the column may be, so that they take several times as long to compare.
        let collation = match family {
            Family::MariaDb => "utf8mb4_nopad_bin",
            Family::MySql => "utf8mb4_0900_bin",
        };
        let is_text = self.table.columns[column].column_type.is_plain_text();
        if is_text && self.travels[column] != Travel::AsLatin {
            format!("CONVERT({shown} USING utf8mb4) COLLATE {collation}")
        } else {
            format!("CAST({shown} AS BINARY)")
        }
    }

    /// A value of a column that was asked for so, as UTF-8.
    pub(crate) fn read<'v>(&self, column: usize, value: &'v [u8]) -> Cow<'v, [u8]> {
        if self.travels[column] == Travel::AsLatin { letters::read(value) } else { value.into() }
    }

    /// The query that reads it in a database, or some of it. `is_looked_into`: what is in it may be changed.
    pub(crate) fn select(&self, database: &str, family: Family, is_looked_into: bool, only: Option<&str>) -> String {
        let columns = self.table.columns.iter().zip(&*self.travels).map(|(column, travel)| {
            let name = sql::ident(&column.name);
            match travel {
                // An addition would lose the sign of zero.
                Travel::AsDouble => format!("{name}*1e0"),
                Travel::AsMember => format!("{name}+0"),
                Travel::AsUtf8 if is_looked_into => format!("CONVERT({name} USING utf8mb4)"),
                Travel::AsUtf8 | Travel::AsKept | Travel::AsText | Travel::AsLatin => name,
            }
        });
        // What a site reads shall stay in the server's cache.
        let cache = if family == Family::MariaDb { "SQL_NO_CACHE " } else { "" };
        let columns = columns.collect::<Vec<_>>().join(", ");
        // Else a server might read all of it for a large part.
        let only = only.map_or_else(String::new, |only| format!(" FORCE INDEX (PRIMARY) WHERE {only}"));
        format!("SELECT {cache}{columns} FROM {}{only}", sql::qualified(database, &self.table.name))
    }

    /// The statement that fills it in a database, out of a file of this name, quoted.
    pub(crate) fn load(&self, database: &str, is_looked_into: bool, file: &str) -> String {
        let (mut names, mut sets) = (Vec::new(), Vec::new());
        for (number, (column, travel)) in self.table.columns.iter().zip(&*self.travels).enumerate() {
            let name = sql::ident(&column.name);
            if *travel == Travel::AsText || *travel == Travel::AsUtf8 && is_looked_into {
                names.push(format!("@c{number}"));
                sets.push(format!("{name} = CONVERT(@c{number} USING utf8mb4)"));
            } else if *travel == Travel::AsMember {
                names.push(format!("@c{number}"));
                sets.push(format!("{name} = CAST(@c{number} AS UNSIGNED)"));
            } else {
                names.push(name);
            }
        }
        let set = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(", ")) };
        let (table, format, names) = (sql::qualified(database, &self.table.name), load_text::FORMAT, names.join(", "));
        format!("LOAD DATA LOCAL INFILE {file} INTO TABLE {table} CHARACTER SET binary {format} ({names}){set}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::{column, table};

    #[test]
    fn a_column_is_read_and_filled_as_its_type_needs() {
        let columns = ["kept", "fl`oat", "json", "latin"].map(column);
        let relation = Relation {
            table: Table { columns: columns.into_iter().collect(), ..table("t") },
            travels: [Travel::AsKept, Travel::AsDouble, Travel::AsText, Travel::AsUtf8].into(),
            is_in_snapshot: true,
            engine: "InnoDB".to_owned(),
            ordered_by: None,
            is_counted: false,
            mask: None,
            places: None,
        };
        assert_eq!(
            relation.select("d", Family::MySql, false, None),
            "SELECT `kept`, `fl``oat`*1e0, `json`, `latin` FROM `d`.`t`"
        );
        assert_eq!(
            relation.select("d", Family::MariaDb, true, Some("`kept` < 5")),
            "SELECT SQL_NO_CACHE `kept`, `fl``oat`*1e0, `json`, CONVERT(`latin` USING utf8mb4) FROM `d`.`t` FORCE INDEX (PRIMARY) WHERE `kept` < 5"
        );
        let load = relation.load("d", true, "'f'");
        assert!(load.ends_with(
            "(`kept`, `fl``oat`, @c2, @c3) SET `json` = CONVERT(@c2 USING utf8mb4), `latin` = CONVERT(@c3 USING utf8mb4)"
        ));
        assert!(
            relation
                .load("d", false, "'f'")
                .ends_with("(`kept`, `fl``oat`, @c2, `latin`) SET `json` = CONVERT(@c2 USING utf8mb4)")
        );
    }
}
