//! What the schema itself says of production, its hosts, and people's addresses: what new texts are put in the place of old ones, and
//! what is told of the rest. Where texts stand, each engine knows.

use super::options::CopyOptions;
use super::report::SchemaText;
use crate::masking::{self, Key};
use crate::rewriting::{Rewriter, UrlPair};

/// The domain of the strangers that addresses become.
const NOBODYS: &str = "@example.invalid";

/// Looks into the texts of a schema.
pub(crate) struct SchemaTexts<'a> {
    rewriter: Rewriter,
    /// Knows every host of production, that of the server itself, too.
    hosts: Rewriter,
    /// Under which people are masked, if they are.
    key: Option<&'a Key>,
    rewrites: bool,
}

impl<'a> SchemaTexts<'a> {
    /// `servers` are the source's own hosts.
    pub(crate) fn of<'h>(servers: impl Iterator<Item = &'h str>, options: &'a CopyOptions) -> Self {
        let named = servers
            .filter(|host| is_somewhere(host))
            .filter_map(|host| UrlPair::parse(host, "https://example.invalid").ok());
        Self {
            rewriter: Rewriter::new(&options.rewrite),
            hosts: Rewriter::new(&options.rewrite.iter().cloned().chain(named).collect::<Vec<_>>()),
            key: options.masking.as_ref().map(|masking| &masking.key),
            rewrites: options.rewrite_schema,
        }
    }

    /// Whether texts are to be rewritten.
    pub(crate) fn rewrites(&self) -> bool {
        self.rewrites
    }

    /// What stands in the place of a text, if that is another one.
    pub(crate) fn new_text(&self, text: &str) -> Option<String> {
        let urls = self.rewriter.rewrite_text(text);
        let people = self.key.and_then(|key| masking::masked_addresses(key, urls.as_deref().unwrap_or(text)));
        people.or(urls).filter(|new| new != text)
    }

    /// What is told of an object, by the text that makes it and how many literals of that were rewritten.
    pub(crate) fn told(&self, object: String, text: &str, rewritten: u64) -> Option<SchemaText> {
        let hosts = self.hosts.count(text.as_bytes());
        let addresses = masking::addresses_in(text).filter(|address| !address.ends_with(NOBODYS)).count() as u64;
        (hosts + addresses + rewritten > 0).then_some(SchemaText { object, hosts, addresses, rewritten })
    }
}

/// Whether a host is one that means the same elsewhere.
fn is_somewhere(host: &str) -> bool {
    host != "localhost" && !host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
