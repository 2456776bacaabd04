//! What can be done about something that cannot be made in the new database, judged by what it is and what its server said.

use std::fmt;

use super::fault::Fault;

/// What was being done when a server refused it, and what to change.
#[derive(Debug)]
pub(crate) struct Remedy {
    what: String,
    pub(crate) hint: String,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Something was not found: by its bare name, if it is there.
const NOT_FOUND: &[&str] = &["42883", "42P01", "42704", "3F000"];
/// From this version on indexes are made and views are filled under a search path that no setting changes.
pub(crate) const SAFE_SEARCH_PATH_SINCE: i32 = 17;

/// The error of an entry of a dump, of this kind, that could not be made on a server of this version.
pub(crate) fn of_entry(kind: &str, label: &str, fault: Fault, major: i32) -> anyhow::Error {
    let what = format!("make {label} on the target");
    match entry_hint(kind, &fault.sqlstate, major) {
        Some(hint) => anyhow::Error::from(fault).context(Remedy { what, hint }),
        None => anyhow::Error::from(fault).context(what),
    }
}

fn entry_hint(kind: &str, sqlstate: &str, major: i32) -> Option<String> {
    let computed = matches!(kind, "INDEX" | "CONSTRAINT" | "CHECK CONSTRAINT");
    Some(match sqlstate {
        _ if computed && NOT_FOUND.contains(&sqlstate) => {
            format!("{}, on the source", search_path("indexes are made", major))
        }
        "23503" => format!(
            "rows refer to others that are not there: mask both sides of the key by the same rule, mend or delete the rows on the source, or {LEAVE_OUT}"
        ),
        "23505" | "23P01" if computed => format!(
            "rows are alike that must not be: where masking made them so, mask that column by a rule that keeps what is unique; where two URLs became one, set or keep one of them by a rule, or rewrite one of the two only; or {LEAVE_OUT}"
        ),
        "23514" => format!(
            "rows do not fit it: where masking changed them, choose a rule that fits; where they do not fit on the source either, mend them there or make it NOT VALID; or {LEAVE_OUT}"
        ),
        "54000" if kind == "INDEX" || kind == "CONSTRAINT" => format!(
            "a value is too long for it here, compressed by either method: shorten it on the source, index a hash or the beginning of it, or {LEAVE_OUT}"
        ),
        // What a function says, and not the server about itself.
        _ if computed && (sqlstate.starts_with('P') || sqlstate.starts_with("22") || sqlstate.starts_with("38")) => {
            format!("a function that it calls fails in the copy: mend it on the source, or {LEAVE_OUT}")
        }
        _ => return None,
    })
}

const LEAVE_OUT: &str = "leave the table's rows out (`--exclude-table-data`)";

/// Why something is not found that is there, and what helps.
fn search_path(what: &str, major: i32) -> String {
    let why = if major >= SAFE_SEARCH_PATH_SINCE {
        format!("{what} under the search path `pg_catalog, pg_temp` alone since PostgreSQL {SAFE_SEARCH_PATH_SINCE}")
    } else {
        "something is called by its bare name".to_owned()
    };
    format!(
        "{why}: name the schemas in what is called, or give each function that is called a path of its own (ALTER FUNCTION … SET search_path = …)"
    )
}

/// What is told of a materialized view, quoted, that a server of this version cannot fill; `None` where the failure is the
/// server's own, and another attempt may get past it.
pub(crate) fn of_view(quoted: &str, fault: &Fault, major: i32) -> Option<String> {
    let sqlstate = fault.sqlstate.as_str();
    let is_servers = ["53", "57P", "58000", "58030", "XX001", "XX002"].iter().any(|class| sqlstate.starts_with(class));
    if sqlstate.is_empty() || is_servers {
        return None;
    }
    let remedy = if NOT_FOUND.contains(&sqlstate) {
        search_path("views are filled", major)
    } else if sqlstate.starts_with("HV") || sqlstate.starts_with("08") {
        "give the copy a way to the other server, if it may have one".to_owned()
    } else {
        "mend what it reads".to_owned()
    };
    Some(format!("it could not be filled: {fault}; {remedy}, then REFRESH MATERIALIZED VIEW {quoted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_found_on_a_newer_server_is_told_with_the_reason() {
        let hint = entry_hint("INDEX", "42883", 17).unwrap();
        assert!(hint.contains("`pg_catalog, pg_temp`") && hint.contains("SET search_path"), "{hint}");
        assert!(!entry_hint("INDEX", "42883", 16).unwrap().contains("pg_temp"));
        assert_eq!(entry_hint("TABLE", "42883", 17), None, "nothing of it is computed");
        assert_eq!(entry_hint("INDEX", "53100", 17), None, "the disk is full, whatever was made");
    }
}
