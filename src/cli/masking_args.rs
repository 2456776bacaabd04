//! The arguments that say how people are masked, where no request does.

use anyhow::Result;
use clap::builder::EnumValueParser;
use clap::{Arg, ArgAction, ArgMatches};

use crate::cli::process_env;
use crate::masking::{self, KeepUsers, Key, Masking, MaskingRule, OnResidue, RulesFile, Unknown};

/// Those of `copy-db`.
pub(super) fn masking_args() -> [Arg; 7] {
    [
        Arg::new("anonymize")
            .long("anonymize")
            .action(ArgAction::SetTrue)
            .help("Mask personal data on the way, by the WordPress preset and --rules; RAILSTAGE_MASKING_KEY keeps the same strangers from copy to copy"),
        Arg::new("defuse")
            .long("defuse")
            .action(ArgAction::SetTrue)
            .help("Empty queues, outboxes and schedules, or switch them off, so that nothing in them acts in the copy; --anonymize does so as well"),
        Arg::new("keep-queue")
            .long("keep-queue")
            .value_name("GLOB")
            .action(ArgAction::Append)
            .help("Copy this table (schema.table or table) as it is, though it looks like a queue; may be given several times"),
        Arg::new("rules")
            .long("rules")
            .value_name("FILE")
            .requires("anonymize")
            .help("Masking rules that go before the preset's (YAML; schema masking-rules)"),
        Arg::new("keep-user")
            .long("keep-user")
            .value_name("LOGIN")
            .action(ArgAction::Append)
            .requires("anonymize")
            .help("A WordPress user, by login or e-mail address, who keeps login and password; may be given several times [default: administrators]"),
        Arg::new("unknown")
            .long("unknown")
            .value_name("WHAT")
            .value_parser(EnumValueParser::<Unknown>::new())
            .default_value("mask")
            .requires("anonymize")
            .help("What becomes of free text and what may be names, in tables that refer to people, where no rule speaks of them: masked, kept, or refused until there is a rule for each"),
        Arg::new("residue")
            .long("residue")
            .value_name("HOW")
            .default_value("fail")
            .value_parser(EnumValueParser::<OnResidue>::new())
            .help("What becomes of a copy in which people or secrets of the source are found after masking"),
    ]
}

/// The masking that they ask for, if any.
pub(super) fn masking(matches: &ArgMatches) -> Result<Option<Masking>> {
    if !matches.get_flag("anonymize") {
        return Ok(None);
    }
    let (rules, keep_users, key) = (rules(matches)?, keep_users(matches), key()?);
    let unknown = *matches.get_one("unknown").expect("it has a default");
    let residue = *matches.get_one("residue").expect("it has a default");
    Ok(Some(Masking { key, rules, keep_users, unknown, residue }))
}

/// The rules of `--rules`.
pub(super) fn rules(matches: &ArgMatches) -> Result<Vec<MaskingRule>> {
    matches.get_one::<String>("rules").map_or(Ok(Vec::new()), |path| RulesFile::open(path))
}

/// The users of `--keep-user`.
pub(super) fn keep_users(matches: &ArgMatches) -> KeepUsers {
    match matches.get_many::<String>("keep-user") {
        Some(names) => KeepUsers::parse(&names.cloned().collect::<Vec<_>>()),
        None => KeepUsers::default(),
    }
}

/// The site's key, or one of this run alone.
pub(super) fn key() -> Result<Key> {
    process_env().secret(masking::KEY_VARIABLE).map_or_else(|| Ok(Key::random()), |secret| Key::of_site(&secret))
}
