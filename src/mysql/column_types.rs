//! What is known of the types of MariaDB and MySQL, by their names in the catalog: one table.

use super::rows::relation::Travel;
use super::session::connect::Family;
use crate::data::tables::{ColumnType, Letters};

/// Character sets whose bytes are UTF-8 as they stand.
const OF_UTF8: &[&str] = &["utf8mb4", "utf8mb3", "utf8", "ascii"];

const TYPES: &[(&str, ColumnType)] = &[
    ("char", ColumnType::Text),
    ("varchar", ColumnType::Text),
    ("tinytext", ColumnType::Text),
    ("text", ColumnType::Text),
    ("mediumtext", ColumnType::Text),
    ("longtext", ColumnType::Text),
    ("json", ColumnType::NormalizedJson),
    ("binary", ColumnType::Bytes),
    ("varbinary", ColumnType::Bytes),
    ("tinyblob", ColumnType::Bytes),
    ("blob", ColumnType::Bytes),
    ("mediumblob", ColumnType::Bytes),
    ("longblob", ColumnType::Bytes),
    ("tinyint", ColumnType::Integer),
    ("smallint", ColumnType::Integer),
    ("mediumint", ColumnType::Integer),
    ("int", ColumnType::Integer),
    ("bigint", ColumnType::LongInteger),
    ("decimal", ColumnType::Decimal),
    ("date", ColumnType::Date),
    ("datetime", ColumnType::Timestamp),
    ("timestamp", ColumnType::Timestamp),
    ("inet4", ColumnType::InetAddress),
    ("inet6", ColumnType::InetAddress),
    ("float", ColumnType::Scalar),
    ("double", ColumnType::Scalar),
    ("bit", ColumnType::Scalar),
    ("time", ColumnType::Scalar),
    ("year", ColumnType::Scalar),
    ("enum", ColumnType::Scalar),
    ("set", ColumnType::Scalar),
    ("uuid", ColumnType::Scalar),
];

/// What the values of a type of this name are.
pub(super) fn column_type(name: &str) -> ColumnType {
    TYPES.iter().find(|(known, _)| *known == name).map_or(ColumnType::Other, |(_, column_type)| *column_type)
}

/// Whether the server counts the bytes of a type's values, and not their characters.
pub(super) fn counts_bytes(name: &str) -> bool {
    name.ends_with("text") || name.ends_with("blob") || name.ends_with("binary")
}

/// How the values of a column travel, by its type, in a word and with all that belongs to it, and its character set, which is empty
/// where it has none.
pub(super) fn travel(family: Family, type_name: &str, whole_type: &str, charset: &str) -> Travel {
    match type_name {
        // Where nothing is a member, it is not the value that was none of them.
        "enum"
            if whole_type.contains("('',")
                || whole_type.contains(",'',")
                || whole_type.ends_with(",'')")
                || whole_type.ends_with("('')") =>
        {
            Travel::AsMember
        }
        "float" => Travel::AsDouble,
        // MariaDB's is a text.
        "json" if family == Family::MySql => Travel::AsText,
        // As bytes they would be those in which they are kept.
        "uuid" | "inet4" | "inet6" => Travel::AsText,
        _ if column_type(type_name).is_plain_text() && charset == "latin1" => Travel::AsLatin,
        _ if column_type(type_name).is_plain_text() && !charset.is_empty() && !OF_UTF8.contains(&charset) => {
            Travel::AsUtf8
        }
        _ => Travel::AsKept,
    }
}

/// Which letters a character set has, which is empty where a type has none.
pub(super) fn letters(charset: &str) -> Letters {
    match charset {
        "" | "binary" | "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" => Letters::All,
        "utf8mb3" | "utf8" | "ucs2" => Letters::Basic,
        _ => Letters::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_travels_so_that_no_value_is_lost() {
        for (family, name, charset, wanted) in [
            (Family::MySql, "float", "", Travel::AsDouble),
            (Family::MySql, "double", "", Travel::AsKept),
            (Family::MySql, "json", "", Travel::AsText),
            (Family::MariaDb, "longtext", "utf8mb4", Travel::AsKept),
            (Family::MariaDb, "inet6", "", Travel::AsText),
            (Family::MariaDb, "varchar", "latin1", Travel::AsLatin),
            (Family::MariaDb, "varchar", "gbk", Travel::AsUtf8),
            (Family::MySql, "enum", "latin1", Travel::AsKept),
            (Family::MySql, "geometry", "", Travel::AsKept),
        ] {
            assert_eq!(travel(family, name, "", charset), wanted, "{name}");
        }
        for (whole, wanted) in [
            ("enum('','a')", Travel::AsMember),
            ("enum('a','')", Travel::AsMember),
            ("enum('a','it''s')", Travel::AsKept),
        ] {
            assert_eq!(travel(Family::MySql, "enum", whole, "utf8mb4"), wanted, "{whole}");
        }
        assert_eq!(column_type("vector"), ColumnType::Other);
    }
}
