//! What a look at a database says about it, before anything is copied: an output for people, so no secret is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::{ONLY_SO_MANY, Skipped, cut};

/// What a source database is, read without changing anything.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SourceReport {
    /// The database's name.
    pub database: String,
    /// What the server is called, such as `PostgreSQL`.
    #[serde(default)]
    pub server: String,
    /// The server's version.
    pub version: String,
    /// The server's major version.
    pub major: i32,
    /// The database's size on disk, in bytes.
    pub size_bytes: u64,
    /// Tables with rows of their own.
    pub tables: u64,
    /// The encoding, such as `UTF8`.
    pub encoding: String,
    /// The collation, such as `en_US.utf8`.
    pub collation: String,
    /// Extensions, with their versions.
    pub extensions: Vec<String>,
    /// Large objects.
    pub large_objects: u64,
    /// The WordPress site in it, if there is one.
    pub wordpress: Option<WordPressSite>,
    /// What a copy would fail on.
    pub problems: Vec<String>,
    /// What is not as it should be, and does not stop a copy.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The SHA-256 of the certificate of a server that nothing else proves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven_certificate: Option<String>,
    /// Tables that are read as a whole and never asked about, since a query could call code of others as the login.
    #[serde(default)]
    pub read_whole: Vec<String>,
    /// What a copy would not carry over.
    pub skipped: Vec<Skipped>,
}

impl SourceReport {
    /// The same with no list longer than an output has.
    pub(crate) fn cut(mut self) -> Self {
        cut(&mut self.skipped, |more| Skipped::new(more, ONLY_SO_MANY));
        cut(&mut self.problems, |more| more);
        cut(&mut self.read_whole, |more| more);
        self
    }
}

/// A WordPress site's own words about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WordPressSite {
    /// The schema of its tables.
    pub schema: String,
    /// What the names of its tables begin with, such as `wp_`.
    pub table_prefix: String,
    /// Option `siteurl`.
    pub siteurl: Option<String>,
    /// Option `home`.
    pub home: Option<String>,
}

/// Where a site is by its own words and those of the network that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SiteAddress {
    /// URLs with host and perhaps a path; the network's first.
    pub(crate) urls: Vec<String>,
    pub(crate) place: InNetwork,
}

/// Which part a site plays in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InNetwork {
    /// It is in none.
    Alone,
    /// The network's own address is the site's.
    Main,
    Other,
}

/// What a target database is, before anything is done to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TargetReport {
    /// The database's name.
    pub database: String,
    /// What the server is called, such as `PostgreSQL`.
    #[serde(default)]
    pub server: String,
    /// The server's version.
    pub version: String,
    /// The server's major version.
    pub major: i32,
    /// The size on disk, in bytes, of the database that a copy would replace.
    pub size_bytes: u64,
    /// How many tables that database has.
    pub tables: u64,
    /// Sessions connected to it, which the swap ends.
    pub sessions: u64,
    /// The copy that it holds, if a copy of ours made it.
    pub copy_id: Option<String>,
    /// Half-built databases of earlier copies, which the next copy drops.
    pub leftovers: Vec<String>,
    /// What a copy would fail on.
    pub problems: Vec<String>,
}
