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

/// The target's database is nobody else's yet: commits need not be synced one by one (the swap's is). Parallel index builds would need more shared memory than Railway's
/// 64 MB; event triggers that have been copied must not run on our own commands.
const TARGET: &[(&str, &str)] = &[
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("synchronous_commit", "off"),
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

/// What of the text's settings holds where the new database computes as the source's own sessions do. Rows and schema are
/// read the same under any value of the others: dates and times come as ISO with their offsets, intervals with their signs,
/// bytes in hexadecimal. These few would change what is read, so `xmloption` and `array_nulls` are named where the
/// source's are others; in which locale money is printed, both ends agree upon (`Spelling`).
const COMPUTE: &[(&str, &str)] = &[
    ("client_encoding", "UTF8"),
    ("client_min_messages", "warning"),
    ("row_security", "off"),
    ("lc_monetary", "C"),
    XML_OPTION,
    ARRAY_NULLS,
];
const XML_OPTION: (&str, &str) = ("xmloption", "content");
const ARRAY_NULLS: (&str, &str) = ("array_nulls", "on");

/// What is read otherwise than under the source's own settings.
pub(crate) const READ_AS: &[(&str, &str)] = &[XML_OPTION, ARRAY_NULLS];

/// Settings of PostgreSQL's own that decide what is computed of the same values: those of the source's sessions hold while
/// the new database is filled. Every other one has no say there, whatever it is called and however it is spelled: role,
/// limits, read-only, replication role, libraries, memory, durability, logs. Settings with a dot in their names are an
/// extension's or an application's, and hold.
const DECIDING: &[&str] = &[
    "backslash_quote",
    "bytea_output",
    "DateStyle",
    "default_statistics_target",
    "default_toast_compression",
    "default_text_search_config",
    "extra_float_digits",
    "IntervalStyle",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "quote_all_identifiers",
    "search_path",
    "standard_conforming_strings",
    "timezone_abbreviations",
    "TimeZone",
    "transform_null_equals",
    "xmlbinary",
];

/// What else of a server's own settings governs how a site's sessions behave.
const GOVERNING: &[&str] = &[
    "array_nulls",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "statement_timeout",
    "transaction_timeout",
    "xmloption",
];

/// Whether a setting decides what is computed.
pub(crate) fn decides(name: &str) -> bool {
    name.contains('.') || DECIDING.iter().any(|deciding| deciding.eq_ignore_ascii_case(name))
}

/// The settings of a server that govern the sessions of a site: those that decide what is computed, and a few more.
pub(crate) fn governing() -> Vec<&'static str> {
    [DECIDING, GOVERNING].concat()
}

/// What begins a transaction in which a query of ours runs as it would in any other session of ours, wherever that is.
pub(crate) fn begin_pinned() -> Vec<String> {
    let pins = TEXT.iter().map(|(name, value)| format!("SET LOCAL {name} = '{value}'"));
    std::iter::once("BEGIN READ ONLY".to_owned()).chain(pins).collect()
}

/// What a session is for; it decides the settings it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads the source.
    Read,
    /// Works in the new database.
    Fill,
    /// Computes in the new database, with the source's own settings beside these.
    Compute,
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
    let (text, own) = match purpose {
        Purpose::Read => (TEXT, SOURCE),
        Purpose::Fill => (TEXT, TARGET),
        Purpose::Compute => (COMPUTE, TARGET),
        Purpose::Administer => (TEXT, ADMINISTER),
    };
    [text, UNLIMITED, own].concat().into_iter().unzip()
}
