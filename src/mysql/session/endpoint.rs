//! Where a database is reached: server, database and login; it opens no connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER;

use crate::copying::options::{Compress, CopyOptions};
use crate::copying::throttle::Throttle;
use crate::error::Failure;
use crate::relay::Line;
use crate::secret::Secret;

/// Where a server listens, unless the URL says otherwise.
pub(super) const PORT: u16 = 3306;
/// For a connection, unless the URL says otherwise.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A catalog of twenty thousand tables is read in less.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// How a line is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// Where the server offers it.
    Prefer,
    Require,
}

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(pub(super) [u8; 32]);

impl Fingerprint {
    /// Reads one as people write it: 64 hexadecimal digits, with colons or without.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.to_lowercase().replace(':', "");
        HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One server and database, with the login. `Display` shows where it is and never the login's password.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    pub(crate) database: String,
    pub(crate) tls: TlsMode,
    /// Certificates of which the server must have one; with none, any.
    pub(crate) pinned: Vec<Fingerprint>,
    /// Whether a server is refused that nothing proves.
    pub(crate) must_be_proven: bool,
    pub(crate) connect_timeout: Duration,
    /// How long a server may be silent that has been asked something.
    pub(crate) answer_within: Duration,
    /// Whether sessions are compressed, where the server can.
    pub(crate) is_compressed: bool,
    /// The line to the container of the server, where it is reached through the relay; `host` is then the container's loopback.
    pub(crate) through: Option<Arc<Line>>,
    /// A limit that all sessions of one copy share on what they read there.
    pub(crate) throttle: Arc<Throttle>,
}

impl Endpoint {
    /// A database behind a TCP proxy, over TLS.
    pub fn of_proxy(host: &str, port: u16, user: &str, password: &str, database: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            user: user.to_owned(),
            password: Some(Secret::new(password)),
            database: database.to_owned(),
            tls: TlsMode::Require,
            pinned: Vec::new(),
            must_be_proven: false,
            connect_timeout: CONNECT_WITHIN,
            answer_within: ANSWER_WITHIN,
            is_compressed: false,
            through: None,
            throttle: Arc::default(),
        }
    }

    /// A database in a container that the relay leads to. The relay's host key and the id of the service instance prove the server, and the line is
    /// encrypted; TLS within it is used where the server has it, since some logins ask for it.
    pub(crate) fn of_container(line: Arc<Line>, port: u16, user: &str, password: &str, database: &str) -> Self {
        Self {
            tls: TlsMode::Prefer,
            through: Some(line),
            ..Self::of_proxy("127.0.0.1", port, user, password, database)
        }
    }

    /// The same where the server must have one of these certificates, if there are any, or be proven at all.
    ///
    /// # Errors
    /// Invalid input for what is no SHA-256.
    pub(crate) fn proven_by(self, pinned: &[String], must_be_proven: bool) -> Result<Self> {
        let read = |text: &String| {
            Fingerprint::parse(text)
                .with_context(|| Failure::invalid(format!("`{text}` is no SHA-256 of a certificate")))
        };
        Ok(Self { pinned: pinned.iter().map(read).collect::<Result<_>>()?, must_be_proven, ..self })
    }

    /// The same where the server has no TLS: whoever answers is believed.
    pub(crate) fn over_weak_line(self) -> Self {
        Self { tls: TlsMode::Prefer, ..self }
    }

    /// The same with a limit on what is read there, in megabytes per second.
    pub(crate) fn no_faster_than(self, max_mb_per_s: Option<f64>) -> Self {
        Self { throttle: Arc::new(Throttle::new(max_mb_per_s)), ..self }
    }

    /// The same for a copy: as patient and as sparing as its options say.
    pub(crate) fn for_copy(&self, options: &CopyOptions) -> Self {
        let is_compressed = options.compress == Compress::Always;
        Self { answer_within: options.stall, is_compressed, ..self.clone() }.no_faster_than(options.max_mb_per_s)
    }

    /// The same over a line that is slow, or is not.
    pub(crate) fn over_slow_line(&self, is_slow: bool) -> Self {
        Self { is_compressed: self.is_compressed || is_slow, ..self.clone() }
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The same server and login, another database.
    pub(crate) fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.through {
            Some(line) => write!(f, "{line}/{}", self.database),
            None => write!(f, "{}:{}/{}", self.host, self.port, self.database),
        }
    }
}
