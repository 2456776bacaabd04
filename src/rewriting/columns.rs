//! Columns that are about one URL together: the domain and the path of a site, and a hash beside a URL.

use super::Rewriter;
use super::site_url::SiteUrl;
use crate::data::tables::Column;

/// The columns of a table that hold a site's address in two parts, as `wp_blogs` and `wp_site` do.
pub(crate) fn address_columns(columns: &[Column]) -> Option<(usize, usize)> {
    let at = |name: &str| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let pair = (at("domain")?, at("path")?);
    let is_text = |i: usize| columns[i].column_type.is_plain_text() && !columns[i].is_key;
    (is_text(pair.0) && is_text(pair.1)).then_some(pair)
}

/// The columns of a table that hold a URL and a hash of it, by which a plugin looks the URL up: Yoast's
/// `wp_yoast_indexable`. Yoast makes the hash anew whenever it saves the row.
pub(crate) fn hash_columns(columns: &[Column]) -> Option<(usize, usize)> {
    let at = |name: &str| columns.iter().position(|column| column.name == name);
    Some((at("permalink")?, at("permalink_hash")?))
}

impl Rewriter {
    /// The new domain and path of a site, when they are those of an old URL.
    pub(crate) fn address(&self, domain: &[u8], path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let (domain, path) = (std::str::from_utf8(domain).ok()?, std::str::from_utf8(path).ok()?);
        let site = SiteUrl::parse(domain).ok().filter(|site| site.path.is_empty())?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        self.hosts.iter().flat_map(|host| &host.pairs).find_map(|(old, new)| {
            let rest = path.trim_end_matches('/').strip_prefix(old.path.as_str())?;
            let is_it = old.host == site.host && old.port == site.port && (rest.is_empty() || rest.starts_with('/'));
            let end = if path.ends_with('/') { "/" } else { "" };
            is_it.then(|| (new.authority(b":"), format!("{}{rest}{end}", new.path).into_bytes()))
        })
    }
}
