//! The session settings that both ends get, so that the same value has the same text on each.

/// Settings under which COPY text means the same on both ends, whatever role, database or server configure.
const TEXT: &[(&str, &str)] = &[
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("extra_float_digits", "3"),
    ("lc_monetary", "C"),
    ("quote_all_identifiers", "off"),
    ("row_security", "off"),
    ("search_path", ""),
    ("standard_conforming_strings", "on"),
    ("xmloption", "content"),
    ("client_min_messages", "warning"),
];

/// No limit of a role or database may end a long copy; our own watchdog does (COPY FROM STDIN waiting for its
/// client is covered by none of them anyway).
const UNLIMITED: &[(&str, &str)] = &[
    ("statement_timeout", "0"),
    ("transaction_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "5s"),
];

/// On the source a lost worker lets go within a minute, and a lock is waited for only briefly: whoever queues behind
/// us waits as well.
///
/// A view that somebody puts in the place of something else is not read, and no constraint is looked into when a read is
/// planned: either could call functions of whoever owns it.
///
/// Our queries join whole catalogs. Where a server has no statistics of them it believes each to have a row, and would look
/// through all of one for each row of another; and it would compile what it believes to be dear.
/// Rows come in the order in which they are asked for, and a copy takes no more of the server than a processor a session.
const SOURCE: &[(&str, &str)] = &[
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("synchronize_seqscans", "off"),
    ("restrict_nonsystem_relation_kind", RESTRICTED),
    ("constraint_exclusion", "off"),
    ("enable_nestloop", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
];

/// Kinds of relation that a session on a source may not read.
pub(crate) const RESTRICTED: &str = "view,foreign-table";

/// The target's database is nobody else's yet: commits need not be synced one by one (the swap's is), and large
/// values are compressed by the faster method. Parallel index builds would need more shared memory than Railway's
/// 64 MB; event triggers that have been copied must not run on our own commands.
const TARGET: &[(&str, &str)] = &[
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("synchronous_commit", "off"),
    ("default_toast_compression", "lz4"),
    ("maintenance_work_mem", "256MB"),
    ("max_parallel_maintenance_workers", "0"),
    ("check_function_bodies", "off"),
    ("default_transaction_read_only", "off"),
    ("event_triggers", "off"),
];

/// The swap must be on disk when it is answered, and with it all that was written before.
const ADMINISTER: &[(&str, &str)] = &[
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("synchronous_commit", "on"),
    ("default_transaction_read_only", "off"),
];

/// What a session is for; it decides the settings it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads the source.
    Read,
    /// Fills the new database.
    Fill,
    /// Creates, renames and drops databases on the target's server.
    Administer,
}

/// Sets what the server knows of the given settings and this login may change, in one round trip: which settings
/// there are depends on the version, and a server refuses a whole startup packet over one it does not know.
pub(crate) const APPLY: &str = "
    SELECT pg_catalog.set_config(s.name, wanted.value, false)
      FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS wanted(name, value)
      JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) = pg_catalog.lower(wanted.name)
     WHERE (s.context = 'user' OR s.context = 'superuser' AND pg_catalog.current_setting('is_superuser') = 'on')
       AND (s.enumvals IS NULL OR wanted.value = ANY (s.enumvals))";

/// Names and values for a purpose.
pub(crate) fn for_purpose(purpose: Purpose) -> (Vec<&'static str>, Vec<&'static str>) {
    let own = match purpose {
        Purpose::Read => SOURCE,
        Purpose::Fill => TARGET,
        Purpose::Administer => ADMINISTER,
    };
    [TEXT, UNLIMITED, own].concat().into_iter().unzip()
}
