//! Twins: tables that somebody has set aside, such as `users_old`, `bak_customers` and `wp_users_backup_2023`. They are masked
//! as the table is whose rows they have.

use crate::data::tables::Table;

/// Words that are put before or behind the name of what is set aside; numbers are as well, such as the day.
const ASIDE: &[&str] = &[
    "backup",
    "backups",
    "bak",
    "bkp",
    "bck",
    "bkup",
    "old",
    "orig",
    "original",
    "copy",
    "kopie",
    "copia",
    "copie",
    "archive",
    "archived",
    "archiv",
    "tmp",
    "temp",
    "prev",
    "previous",
    "before",
    "legacy",
    "save",
    "saved",
    "deleted",
    "dump",
    "snapshot",
    "sicherung",
    "alt",
    "viejo",
    "ancien",
    "vecchio",
    "new",
    "v1",
    "v2",
    "v3",
    "zz",
    "x",
];

/// A name without what says that it was set aside.
pub(crate) fn plain(name: &str) -> &str {
    let is_aside = |word: &str| {
        !word.is_empty()
            && (word.bytes().all(|b| b.is_ascii_digit()) || ASIDE.iter().any(|one| word.eq_ignore_ascii_case(one)))
    };
    let mut plain = name.trim_matches('_');
    while let Some((rest, _)) = plain.rsplit_once('_').filter(|(_, word)| is_aside(word)) {
        plain = rest.trim_end_matches('_');
    }
    while let Some((_, rest)) = plain.split_once('_').filter(|(word, _)| is_aside(word)) {
        plain = rest.trim_start_matches('_');
    }
    if plain.is_empty() { name } else { plain }
}

/// A table under the names of the one whose rows were set aside in it, if that is there: it shares columns with it.
pub(crate) fn of(table: &Table, tables: &[&Table]) -> Option<Table> {
    let name = plain(&table.name);
    if name == table.name && !is_aside_schema(&table.schema) {
        return None;
    }
    let is_twin = |other: &&&Table| {
        (other.schema != table.schema || other.name != table.name)
            && other.name.eq_ignore_ascii_case(name)
            && table.columns.iter().any(|column| other.columns.iter().any(|own| own.name == column.name))
    };
    let twin = tables.iter().filter(is_twin).min_by_key(|other| other.schema != table.schema)?;
    Some(Table { schema: twin.schema.clone(), name: twin.name.clone(), names: twin.names.clone(), ..table.clone() })
}

/// Whether a schema is one for what is set aside: `backup`, `archive_2023`.
fn is_aside_schema(schema: &str) -> bool {
    schema.split('_').all(|word| word.bytes().all(|b| b.is_ascii_digit()) || ASIDE.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tables::tests::{column, table};

    #[test]
    fn a_name_is_plain_without_what_sets_it_aside() {
        for (name, wanted) in [
            ("users_old", "users"),
            ("bak_customers", "customers"),
            ("wp_users_backup_2023", "wp_users"),
            ("_old_users_20230401", "users"),
            ("orders_bak_2", "orders"),
            ("users", "users"),
            ("household", "household"),
            ("wp_2_posts", "wp_2_posts"),
            ("old", "old"),
        ] {
            assert_eq!(plain(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_twin_shares_name_and_columns() {
        let with = |name: &str, columns: &[&str]| Table {
            columns: columns.iter().map(|name| column(name)).collect(),
            ..table(name)
        };
        let users = with("users", &["id", "email"]);
        let old = with("users_old", &["id", "email"]);
        let others = with("users_new", &["thing"]);
        let tables = [&users, &old, &others];
        assert_eq!(of(&old, &tables).map(|twin| twin.name), Some("users".to_owned()));
        assert!(of(&users, &tables).is_none() && of(&others, &tables).is_none());
        let aside = Table { schema: "backup_2023".to_owned(), ..users.clone() };
        assert_eq!(of(&aside, &[&users, &aside]).map(|twin| twin.schema), Some("public".to_owned()));
    }
}
