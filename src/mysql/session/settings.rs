//! The session settings that both ends get, so that the same value has the same bytes on each.

use super::connect::{Family, Version};

/// What a session is for; it decides the settings it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads the source: its catalog, in UTF-8.
    Read,
    /// Reads rows, of the source or of the new database, in the bytes in which they are kept.
    Rows,
    /// Works in the new database.
    Fill,
    /// Creates, renames and drops databases on the target's server.
    Administer,
}

/// What makes a session one that writes nothing. It must come first: a transaction that is only called READ ONLY lets every
/// change of a definition through.
const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// No limit of a server may end a long copy; our own watchdog does.
const UNLIMITED: &str = "net_read_timeout = 3600, net_write_timeout = 3600, wait_timeout = 28800";

/// On the target, dates and zeroes are taken as they are, an engine that is not there is an error, and a folder of the source's
/// machine is nothing.
const FILL_MODE: &str = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_DIR_IN_CREATE";

/// So many warnings a server can list, and no more.
pub(super) const LISTED_WARNINGS: u16 = 65_535;

/// The statements that set a session up, in order.
pub(crate) fn for_purpose(purpose: Purpose, family: Family, version: Version) -> Vec<String> {
    let mut statements = Vec::new();
    if matches!(purpose, Purpose::Read | Purpose::Rows) {
        statements.push(READ_ONLY.to_owned());
    }
    statements.push("SET NAMES utf8mb4".to_owned());
    let mode = if purpose == Purpose::Fill { FILL_MODE } else { "" };
    let limit = match family {
        Family::MySql => "max_execution_time",
        Family::MariaDb => "max_statement_time",
    };
    let lock_wait = if purpose == Purpose::Fill { 86_400 } else { 5 };
    statements.push(format!(
        "SET SESSION sql_mode = '{mode}', time_zone = '+00:00', {limit} = 0, lock_wait_timeout = {lock_wait}, sql_quote_show_create = 1, group_concat_max_len = 1048576, {UNLIMITED}"
    ));
    match purpose {
        Purpose::Read | Purpose::Rows => {
            statements.push("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned());
            if family == Family::MySql {
                statements.push("SET SESSION information_schema_stats_expiry = 0".to_owned());
            }
            // A key that the server has made itself is a column like any other.
            if family == Family::MySql && version >= (8, 0, 30) {
                statements.push("SET SESSION show_gipk_in_create_table_and_information_schema = ON".to_owned());
            }
        }
        Purpose::Fill => {
            // MariaDB fills an empty table in another way when neither is checked, which costs half as much again.
            let unique = u8::from(family == Family::MariaDb);
            statements.push(format!(
                "SET SESSION foreign_key_checks = 0, unique_checks = {unique}, max_error_count = {LISTED_WARNINGS}"
            ));
            // What was let in on the source once is its own.
            if family == Family::MariaDb {
                statements.push("SET SESSION check_constraint_checks = 0".to_owned());
            }
            if family == Family::MySql && version >= (8, 0, 30) {
                statements.push("SET SESSION sql_generate_invisible_primary_key = OFF".to_owned());
            }
            if family == Family::MySql && version >= (8, 0, 13) {
                statements.push("SET SESSION sql_require_primary_key = OFF".to_owned());
            }
        }
        Purpose::Administer => {}
    }
    if purpose == Purpose::Rows {
        statements.push("SET SESSION character_set_results = NULL".to_owned());
    }
    statements
}
