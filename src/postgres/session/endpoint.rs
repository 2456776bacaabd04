//! Where a database is reached: server, database and login; it opens no connection.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::copying::options::CopyOptions;
use crate::copying::throttle::Throttle;
use crate::relay::Line;
use crate::secret::Secret;

/// What the servers' lists of sessions show, unless the URL says otherwise.
pub(super) const APPLICATION: &str = "railstage";
/// For each host, unless the URL says otherwise.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A catalog of a hundred thousand tables is read in less.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// How a connection is encrypted and what the server must prove; the words are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whether SCRAM is tied to the TLS channel; the words are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// One server and database, with the login. `Display` shows where it is and never the login's password.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    pub(crate) database: String,
    pub(crate) tls: TlsMode,
    pub(crate) root_cert: Option<PathBuf>,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) options: Option<String>,
    pub(crate) application_name: String,
    pub(crate) connect_timeout: Duration,
    /// How long a server may be silent that has been asked something.
    pub(crate) answer_within: Duration,
    /// The line to the container of the server, where it is reached through the relay; `hosts` is then the container's loopback.
    pub(crate) through: Option<Arc<Line>>,
    /// A limit that all sessions of one copy share on what they read there.
    pub(crate) throttle: Arc<Throttle>,
    /// The login that the site itself writes with, where this one is another and only reads.
    pub(crate) written_by: Option<String>,
    /// Whether a session may ask for no event triggers in its first packet; known once one was opened.
    pub(crate) silences_event_triggers: Arc<OnceLock<bool>>,
}

impl Endpoint {
    /// A database behind a TCP proxy, whose certificate proves nothing: encrypted, and proved by the password, which the server
    /// must know and tie to this very line (`SCRAM-SHA-256-PLUS`); whoever stands in between learns nothing to log in with.
    pub fn of_proxy(host: &str, port: u16, user: &str, password: &str, database: &str) -> Self {
        Self {
            hosts: vec![(host.to_owned(), port)],
            user: user.to_owned(),
            password: Some(Secret::new(password)),
            database: database.to_owned(),
            tls: TlsMode::Require,
            root_cert: None,
            channel_binding: ChannelBinding::Require,
            options: None,
            application_name: APPLICATION.to_owned(),
            connect_timeout: CONNECT_WITHIN,
            answer_within: ANSWER_WITHIN,
            through: None,
            throttle: Arc::default(),
            written_by: None,
            silences_event_triggers: Arc::default(),
        }
    }

    /// A database in a container that the relay leads to. The relay's host key and the id of the service instance prove the server, and the line is
    /// encrypted: nothing more is asked of it, not even a password, which PostgreSQL's own image wants of nobody at its loopback.
    pub(crate) fn of_container(line: Arc<Line>, port: u16, user: &str, password: &str, database: &str) -> Self {
        Self {
            tls: TlsMode::Disable,
            channel_binding: ChannelBinding::Disable,
            through: Some(line),
            ..Self::of_proxy("127.0.0.1", port, user, password, database)
        }
    }

    /// The same where the server has no TLS, or keeps no proof of the password: whoever answers is believed.
    pub(crate) fn over_weak_line(self) -> Self {
        Self { tls: TlsMode::Prefer, channel_binding: ChannelBinding::Prefer, ..self }
    }

    /// The same with a limit on what is read there, in megabytes per second.
    pub(crate) fn no_faster_than(self, max_mb_per_s: Option<f64>) -> Self {
        Self { throttle: Arc::new(Throttle::new(max_mb_per_s)), ..self }
    }

    /// The same for a copy: as patient and as sparing as its options say.
    pub(crate) fn for_copy(&self, options: &CopyOptions) -> Self {
        Self { answer_within: options.stall, ..self.clone() }.no_faster_than(options.max_mb_per_s)
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The options of its URL, to which others can be added.
    pub(crate) fn closed_options(&self) -> String {
        let mut options = self.options.clone().unwrap_or_default();
        let slashes = options.bytes().rev().take_while(|b| *b == b'\\').count();
        // One that escapes nothing would escape the blank before what comes next.
        options.extend((slashes % 2 == 1).then_some('\\'));
        options
    }

    /// The settings in the options of its URL, by name: `-c name=value`, `-cname=value` or `--name=value`.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let (mut words, mut word, mut is_escaped) = (Vec::new(), String::new(), false);
        for c in self.closed_options().chars().chain([' ']) {
            match c {
                '\\' if !is_escaped => is_escaped = true,
                c if c.is_ascii_whitespace() && !is_escaped => words.push(std::mem::take(&mut word)),
                c => {
                    is_escaped = false;
                    word.push(c);
                }
            }
        }
        let mut words = words.into_iter().filter(|word| !word.is_empty());
        let mut settings = Vec::new();
        while let Some(word) = words.next() {
            let pair = match word.as_str() {
                "-c" => words.next(),
                word => word.strip_prefix("--").or(word.strip_prefix("-c")).map(str::to_owned),
            };
            if let Some((name, value)) = pair.as_deref().and_then(|pair| pair.split_once('=')) {
                settings.push((name.replace('-', "_"), value.to_owned()));
            }
        }
        settings
    }

    /// The same server and login, another database.
    pub(crate) fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = &self.through {
            return write!(f, "{line}/{}", self.database);
        }
        let hosts: Vec<_> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        write!(f, "{}/{}", hosts.join(","), self.database)
    }
}

/// Whether `host` is a directory with a Unix socket in it.
pub(crate) fn is_socket_dir(host: &str) -> bool {
    Path::new(host).is_absolute()
}
