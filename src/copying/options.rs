//! What a copy may be told.

use std::path::PathBuf;
use std::time::Duration;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::contract::made_with::MadeWith;
use crate::copying::together::Together;
use crate::external::process_env::ProcessEnv;
use crate::masking::Masking;
use crate::rewriting::UrlPair;

/// What a copy may be told.
///
/// ```
/// use railstage::copying::{CopyOptions, Verify};
/// use railstage::masking::{Key, Masking};
/// use railstage::rewriting::UrlPair;
///
/// let options = CopyOptions {
///     rewrite: vec![UrlPair::parse("https://shop.example.com", "https://staging.example.com")?],
///     masking: Some(Masking::new(Key::random())),
///     exclude_table_data: vec!["*_log".to_owned()],
///     ..CopyOptions::default()
/// };
/// assert_eq!((options.jobs, options.verify), (2, Verify::Digest));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Names the copy: a second one of the same name into the same target finds the first and does nothing. A copy
    /// without a name is always made.
    pub copy_id: String,
    /// URLs that are rewritten on the way.
    pub rewrite: Vec<UrlPair>,
    /// Whether URLs, and people where they are masked, are rewritten in literals of the schema itself: in defaults, functions,
    /// views, comments.
    pub rewrite_schema: bool,
    /// Whether URLs are rewritten in columns called `guid` too, by which feed readers know a post, and which a site shows in
    /// its feeds and answers.
    pub rewrite_guid: bool,
    /// Whether the copy fails when an old host is left anywhere in it.
    pub fail_on_left: bool,
    /// How people are masked; `None` copies them as they are.
    pub masking: Option<Masking>,
    /// Whether queues, outboxes and schedules are emptied or switched off, so that nothing in them acts in the copy. Where
    /// people are masked they always are.
    pub defuse: bool,
    /// Tables that are none of these though they look so, or may act all the same: globs as in `exclude_table_data`.
    pub keep_queues: Vec<String>,
    /// Globs (`*`, `?`) on `table` or `schema.table`: these tables come without their rows, and so do their partitions and
    /// what inherits from them, unless the glob stands after `only:`.
    pub exclude_table_data: Vec<String>,
    /// How many tables are copied at a time, each over a session of its own on either end.
    pub jobs: usize,
    /// Tables larger than this, in bytes, are copied in several ranges at a time.
    pub cut_bytes: u64,
    /// Tables whose values have so many bytes or more on average travel in binary where their types allow it, since that
    /// is less work at both ends; shorter values would be longer in binary. 0: all tables whose types allow it.
    pub binary_from_bytes: u64,
    /// A limit on what is read from the source, in megabytes (1,000,000 bytes) per second.
    pub max_mb_per_s: Option<f64>,
    /// Whether what goes over the lines to MariaDB and MySQL is compressed.
    pub compress: Compress,
    /// How long a dry run may search the rows for what a copy would fail on; `None`: it reads the catalog alone.
    pub search_rows_for: Option<Duration>,
    /// How tables are checked before the swap.
    pub verify: Verify,
    /// A transfer that moves no byte for so long is given up, and so is a server that does not answer.
    pub stall: Duration,
    /// How long the source's snapshot may be held: while it is, the source cannot clean up after its own changes.
    pub snapshot_max_age: Duration,
    /// How long the source's writers may be held so that all sessions see the same moment, where a server cannot share one.
    pub max_write_pause: Duration,
    /// Whether the target's server was made for this copy: should it crash while it is filled, it may be lost with all that is on it.
    pub target_is_new: bool,
    /// How many times the whole is tried, each time with a snapshot of its own, when a line or a server fails.
    pub attempts: u32,
    /// Copies of other databases with which this one takes its place, when all are built.
    pub together: Option<Together>,
    /// The program that reads the schema: a name to be found on PATH, or a path.
    pub pg_dump: PathBuf,
    /// The variables that this process was started with: where programs are, and what they are handed on.
    pub env: ProcessEnv,
}

impl Default for CopyOptions {
    /// Two pairs of sessions, which production hardly notices; two minutes of silence are a broken line.
    fn default() -> Self {
        Self {
            copy_id: String::new(),
            rewrite: Vec::new(),
            rewrite_schema: false,
            rewrite_guid: false,
            fail_on_left: false,
            masking: None,
            defuse: false,
            keep_queues: Vec::new(),
            exclude_table_data: Vec::new(),
            jobs: 2,
            cut_bytes: 1 << 30,
            binary_from_bytes: 24,
            max_mb_per_s: None,
            compress: Compress::Auto,
            search_rows_for: None,
            verify: Verify::Digest,
            stall: Duration::from_mins(2),
            snapshot_max_age: Duration::from_hours(1),
            max_write_pause: Duration::from_millis(500),
            target_is_new: false,
            attempts: 3,
            together: None,
            pg_dump: PathBuf::from("pg_dump"),
            env: ProcessEnv::default(),
        }
    }
}

impl CopyOptions {
    /// Whether queues come along as they are.
    pub(crate) fn may_act(&self) -> bool {
        !self.defuse && self.masking.is_none()
    }

    /// What decides what becomes of the data.
    pub(crate) fn made_with(&self) -> MadeWith {
        let Self { rewrite, rewrite_schema, rewrite_guid, masking, defuse, keep_queues, exclude_table_data, .. } = self;
        let hash = |text: String| HEXLOWER.encode(&Sha256::digest(text)[..8]);
        let version = env!("CARGO_PKG_VERSION");
        let rules = format!(
            "{version} {rewrite_schema} {rewrite_guid} {masking:?} {defuse} {keep_queues:?} {exclude_table_data:?}"
        );
        let key = masking.as_ref().map(|masking| hash(masking.key.fingerprint()));
        MadeWith { rules: hash(rules), key, urls: hash(format!("{rewrite:?}")) }
    }

    /// A hash of all that decides what the copy holds.
    pub(crate) fn asked(&self) -> String {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            copy_id: _,
            rewrite,
            rewrite_schema,
            rewrite_guid,
            fail_on_left,
            masking,
            defuse,
            keep_queues,
            exclude_table_data,
            jobs: _,
            cut_bytes: _,
            binary_from_bytes: _,
            max_mb_per_s: _,
            compress: _,
            verify,
            stall: _,
            snapshot_max_age: _,
            max_write_pause: _,
            target_is_new: _,
            attempts: _,
            together: _,
            pg_dump: _,
            env: _,
            search_rows_for: _,
        } = self;
        let key = masking.as_ref().map(|masking| masking.key.fingerprint());
        let version = env!("CARGO_PKG_VERSION");
        let asked = format!(
            "{version} {rewrite:?} {rewrite_schema} {rewrite_guid} {fail_on_left} {masking:?} {key:?} {defuse} {keep_queues:?} {exclude_table_data:?} {verify:?}"
        );
        HEXLOWER.encode(&Sha256::digest(asked))
    }
}

/// Whether what goes over a line is compressed, which saves the line's time and costs the server's processor some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Compress {
    /// Where the line is found to be slow.
    #[default]
    Auto,
    /// Wherever the server can.
    Always,
    /// Nowhere.
    Never,
}

/// How tables are checked before the swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Every row is read back and compared by a digest of 64 bits per table.
    #[default]
    Digest,
    /// Rows are counted.
    Count,
    /// Nothing is read back; the server's own count of rows taken is compared all the same.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::Unknown;
    use crate::masking::{KeepUsers, Key};
    use crate::secret::Secret;

    #[test]
    fn whatever_changes_the_copy_is_asked_for_anew() {
        let masking = |token: &str| Some(Masking::new(Key::of_run(&Secret::new(token), "run")));
        let plain = CopyOptions { masking: masking("the token of an account"), ..CopyOptions::default() };
        let named = KeepUsers { administrators: false, named: vec!["zoe".to_owned()] };
        let rules = crate::masking::RulesFile::read("rules: [{table: a, column: b, transformer: text}]").unwrap();
        let with = |change: &dyn Fn(&mut Masking)| {
            let mut options = plain.clone();
            change(options.masking.as_mut().unwrap());
            options
        };
        let others = [
            CopyOptions { masking: None, ..plain.clone() },
            CopyOptions { masking: masking("the token of another"), ..plain.clone() },
            CopyOptions { exclude_table_data: vec!["a".to_owned()], ..plain.clone() },
            CopyOptions {
                rewrite: vec![UrlPair::parse("https://a.example", "https://b.example").unwrap()],
                ..plain.clone()
            },
            CopyOptions { rewrite_guid: true, ..plain.clone() },
            CopyOptions { fail_on_left: true, ..plain.clone() },
            CopyOptions { defuse: true, ..plain.clone() },
            CopyOptions { keep_queues: vec!["jobs".to_owned()], ..plain.clone() },
            CopyOptions { verify: Verify::Count, ..plain.clone() },
            with(&|masking| masking.keep_users = named.clone()),
            with(&|masking| masking.rules = rules.clone()),
            with(&|masking| masking.unknown = Unknown::Refuse),
        ];
        let same = CopyOptions { jobs: 4, attempts: 1, copy_id: "another".to_owned(), ..plain.clone() };
        assert_eq!(same.asked(), plain.asked());
        let all: std::collections::BTreeSet<_> = others.iter().chain([&plain]).map(CopyOptions::asked).collect();
        assert_eq!(all.len(), others.len() + 1);
    }

    #[test]
    fn what_a_copy_was_made_with_tells_rules_key_and_urls_apart() {
        let masking = |run: &str| Some(Masking::new(Key::of_run(&Secret::new("the token of an account"), run)));
        let plain = CopyOptions { masking: masking("run"), ..CopyOptions::default() };
        let rewrite = vec![UrlPair::parse("https://a.example", "https://b.example").unwrap()];
        for (other, what) in [
            (CopyOptions { jobs: 4, copy_id: "another".to_owned(), ..plain.clone() }, ""),
            (CopyOptions { exclude_table_data: vec!["a".to_owned()], ..plain.clone() }, "rules"),
            (CopyOptions { masking: masking("another run"), ..plain.clone() }, "masking key"),
            (CopyOptions { rewrite, ..plain.clone() }, "URLs"),
            (CopyOptions { masking: None, ..plain.clone() }, "rules masking key"),
        ] {
            assert_eq!(other.made_with().unlike(&plain.made_with()).join(" "), what);
        }
    }
}
