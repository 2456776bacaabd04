//! Whether two databases are the same, to the last bit and in the servers' own words, whatever tables they have.

use std::collections::BTreeMap;

use super::Ends;
use super::ends::Database;

/// Checks that all tables, all rows with what is computed in them, and, between servers of one version, how tables are made are equal.
pub(super) fn assert_same(ends: &Ends, what: &str) {
    let (here, there) = (rows(&ends.source), rows(&ends.target));
    assert!(!here.is_empty() && here.keys().eq(there.keys()), "{what}: {:?} {:?}", here.keys(), there.keys());
    for (table, rows) in &here {
        let differing = rows.iter().zip(&there[table]).find(|(here, there)| here != there);
        assert!(differing.is_none() && rows.len() == there[table].len(), "{what}: {table}: {differing:?}");
    }
    if ends.source.version() == ends.target.version() {
        assert_eq!(made(&ends.target), made(&ends.source), "{what}");
    }
}

/// The rows of each table, in no order, each value so that none looks like another.
fn rows(database: &Database) -> BTreeMap<String, Vec<String>> {
    let columns = "SELECT REPLACE(HEX(TABLE_NAME), '\n', ''), CONCAT('`', REPLACE(COLUMN_NAME, '`', '``'), '`'), DATA_TYPE FROM information_schema.COLUMNS
                    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'railstage%'
                      AND TABLE_NAME IN (SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%BASE TABLE%' OR TABLE_TYPE LIKE 'SYSTEM VERSIONED')
                    ORDER BY TABLE_NAME, ORDINAL_POSITION";
    let mut selects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in database.sql(columns).unwrap() {
        let mut fields = line.split('\t').map(unescaped);
        let (table, column, kind) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let value = match kind.to_lowercase().as_str() {
            // Zero has a sign.
            "float" => format!("CONCAT({column}, ' ', {column}+0e0)"),
            "enum" | "set" => format!("{column}+0"),
            "bit" | "vector" => format!("HEX({column})"),
            "json" => format!("HEX(CAST({column} AS CHAR))"),
            kind if kind.contains("geom")
                || kind.contains("point")
                || kind.contains("polygon")
                || kind.contains("linestring") =>
            {
                format!("HEX({column})")
            }
            _ => format!("HEX(CAST({column} AS BINARY))"),
        };
        selects.entry(table).or_default().push(value);
    }
    let mut all = BTreeMap::new();
    let mut script = "SET time_zone = '+00:00';".to_owned();
    for (table, columns) in &selects {
        let name = String::from_utf8(data_encoding::HEXUPPER.decode(table.as_bytes()).unwrap()).unwrap();
        script += &format!("SELECT '{table}:', {} FROM `{}`;\n", columns.join(", "), name.replace('`', "``"));
        all.insert(table.clone(), Vec::new());
    }
    for line in database.sql(&script).unwrap() {
        let (table, row) = line.split_once(":\t").unwrap_or_else(|| panic!("{line}"));
        all.get_mut(table).unwrap().push(row.to_owned());
    }
    for rows in all.values_mut() {
        rows.sort();
    }
    all
}

/// What the client has escaped.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
}

/// How the tables are made, a line each part, in no order: keys that come later stand later.
pub(super) fn made(database: &Database) -> Vec<String> {
    let names = "SELECT HEX(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'railstage%' AND TABLE_TYPE <> 'VIEW'";
    let mut script = String::new();
    for name in database.sql(names).unwrap() {
        let name = String::from_utf8(data_encoding::HEXUPPER.decode(name.as_bytes()).unwrap()).unwrap();
        script += &format!("SHOW CREATE TABLE `{}`;\n", name.replace('`', "``"));
    }
    let shown = database.sql(&script).unwrap();
    let mut lines: Vec<_> =
        shown.iter().flat_map(|line| line.split("\\n")).map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}
