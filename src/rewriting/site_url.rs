//! The site that a URL names, and a search for its host; what a URL looks like in a text is in `urls.rs`.

use anyhow::{Context as _, Result};
use memchr::memmem::Finder;
use url::Url;

use crate::error::Failure;

/// The parts of an `http` or `https` URL that rewriting compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SiteUrl {
    pub(super) scheme: String,
    pub(super) host: String,
    /// `None` for the scheme's own port.
    pub(super) port: Option<u16>,
    /// Without the last slash, so empty for a whole host.
    pub(super) path: String,
}

impl SiteUrl {
    /// Reads a URL, or a bare host for which `https` is assumed.
    ///
    /// # Errors
    /// Invalid input when it is neither, or has more than a scheme, a host, a port and a path.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Failure::invalid(format!("`{text}` {why}"))
                .hint("give a URL such as `https://www.example.com`, or its host")
        };
        let trimmed = text.trim();
        let full = match trimmed.split_once("//") {
            Some(("", rest)) => format!("https://{rest}"),
            Some((scheme, _)) if scheme.ends_with(':') => trimmed.to_owned(),
            _ => format!("https://{trimmed}"),
        };
        let url = Url::parse(&full).with_context(|| refuse("is neither a URL nor a host"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("is not an `http` or `https` URL").into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("has more than a scheme, a host, a port and a path").into());
        }
        let host = url.host_str().with_context(|| refuse("has no host"))?;
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port: url.port(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The host, and the port after this colon.
    pub(super) fn authority(&self, colon: &[u8]) -> Vec<u8> {
        let mut bytes = self.host.clone().into_bytes();
        if let Some(port) = self.port {
            bytes.extend_from_slice(colon);
            bytes.extend_from_slice(port.to_string().as_bytes());
        }
        bytes
    }

    /// How much of a URL it pins down; the longest goes first.
    pub(super) fn len(&self) -> usize {
        self.authority(b":").len() + self.path.len()
    }
}

impl std::fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, String::from_utf8_lossy(&self.authority(b":")), self.path)
    }
}

/// Finds a host in upper, lower or mixed case.
#[derive(Clone, Debug)]
pub(super) struct HostFinder {
    host: Vec<u8>,
    search: Search,
}

#[derive(Clone, Debug)]
enum Search {
    /// A host without letters has one spelling.
    Exact(Box<Finder<'static>>),
    /// The letter of the host that is rarest in prose, and where it stands.
    Rarest { letter: u8, offset: usize },
}

/// From the rarest in English to the most frequent.
const LETTERS: &[u8] = b"zqjxkvbpygfwmucldrhsnioate";

impl HostFinder {
    pub(super) fn new(host: &str) -> Self {
        let host = host.to_ascii_lowercase().into_bytes();
        let rarest = LETTERS.iter().find_map(|&letter| Some((letter, memchr::memchr(letter, &host)?)));
        let search = match rarest {
            Some((letter, offset)) => Search::Rarest { letter, offset },
            None => Search::Exact(Box::new(Finder::new(&host).into_owned())),
        };
        Self { host, search }
    }

    /// The first occurrence at or after `from`.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match &self.search {
            Search::Exact(finder) => finder.find(text.get(from..)?).map(|at| from + at),
            Search::Rarest { letter, offset } => {
                let mut at = from + offset;
                loop {
                    at += memchr::memchr2(*letter, letter.to_ascii_uppercase(), text.get(at..)?)?;
                    let start = at - offset;
                    if text.get(start..start + self.host.len())?.eq_ignore_ascii_case(&self.host) {
                        return Some(start);
                    }
                    at += 1;
                }
            }
        }
    }
}
