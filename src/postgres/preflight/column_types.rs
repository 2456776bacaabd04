//! What is known of PostgreSQL's types, by their names in `pg_type`: one table.

use crate::data::tables::ColumnType;

/// Whether every version from 14 on writes the same bytes for the same value in binary, and reads those of all others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    Same,
    /// Not known to be.
    Unknown,
}

const TYPES: &[(&str, ColumnType, Binary)] = &[
    ("text", ColumnType::Text, Binary::Same),
    ("varchar", ColumnType::Text, Binary::Same),
    ("citext", ColumnType::Text, Binary::Unknown),
    ("bpchar", ColumnType::PaddedText, Binary::Same),
    ("json", ColumnType::Json, Binary::Same),
    ("jsonb", ColumnType::NormalizedJson, Binary::Same),
    ("xml", ColumnType::Xml, Binary::Unknown),
    ("bytea", ColumnType::Bytes, Binary::Unknown),
    ("int2", ColumnType::Integer, Binary::Same),
    ("int4", ColumnType::Integer, Binary::Same),
    ("int8", ColumnType::LongInteger, Binary::Same),
    ("numeric", ColumnType::Decimal, Binary::Same),
    ("date", ColumnType::Date, Binary::Same),
    ("timestamp", ColumnType::Timestamp, Binary::Same),
    ("timestamptz", ColumnType::Timestamp, Binary::Same),
    ("inet", ColumnType::InetAddress, Binary::Same),
    ("cidr", ColumnType::InetNetwork, Binary::Same),
    ("_text", ColumnType::TextList, Binary::Unknown),
    ("_varchar", ColumnType::TextList, Binary::Unknown),
    ("hstore", ColumnType::TextList, Binary::Unknown),
    ("bool", ColumnType::Scalar, Binary::Same),
    ("float4", ColumnType::Scalar, Binary::Same),
    ("float8", ColumnType::Scalar, Binary::Same),
    ("uuid", ColumnType::Scalar, Binary::Same),
    ("time", ColumnType::Scalar, Binary::Same),
    ("timetz", ColumnType::Scalar, Binary::Same),
    ("interval", ColumnType::Scalar, Binary::Same),
];

/// What the values of a type of this name are.
pub(crate) fn column_type(name: &str) -> ColumnType {
    TYPES.iter().find(|(known, ..)| *known == name).map_or(ColumnType::Other, |(_, column_type, _)| *column_type)
}

/// Whether the binary form of a type of this name is the same on every server.
pub(crate) fn is_same_in_binary(name: &str) -> bool {
    TYPES.iter().any(|(known, _, binary)| *known == name && *binary == Binary::Same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_once() {
        let mut names: Vec<_> = TYPES.iter().map(|(name, ..)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TYPES.len());
    }

    #[test]
    fn a_type_of_no_known_name_is_neither_looked_into_nor_sent_in_binary() {
        for name in ["tsvector", "_int4", "my_enum", ""] {
            assert_eq!(column_type(name), ColumnType::Other, "{name}");
            assert!(!is_same_in_binary(name), "{name}");
        }
    }

    #[test]
    fn what_is_changed_in_binary_is_its_own_text_there() {
        let changed: Vec<_> = TYPES
            .iter()
            .filter(|(_, column_type, binary)| column_type.is_changed_as_text() && *binary == Binary::Same)
            .map(|(name, ..)| *name)
            .collect();
        // `jsonb` has its version before the text, which the format knows; nothing else may come in here unseen.
        assert_eq!(changed, ["text", "varchar", "bpchar", "json", "jsonb"]);
    }

    #[test]
    fn whole_numbers_are_those_that_the_format_reads_in_binary() {
        let integers: Vec<_> = TYPES.iter().filter(|(_, kind, _)| kind.is_integer()).map(|(name, ..)| *name).collect();
        assert_eq!(integers, ["int2", "int4", "int8"]);
        assert!(integers.iter().all(|name| is_same_in_binary(name)));
    }
}
