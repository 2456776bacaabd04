//! The site that a URL names; what a URL looks like in a text is in `urls.rs`.

use anyhow::{Context as _, Result};
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
