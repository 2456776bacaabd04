//! Where the sites of a network are in a copy, which has one host: each but the main one under a path of its own.
//!
//! Railway makes no host below one of its own, and a custom domain is one name, so what was a host of its own becomes the
//! first part of a path: `de.example.com` is `/de` of the copy where `example.com` is the main site, and `other.test`
//! is `/other-test`. A site that is a path of the main site's host stays that.

use std::collections::BTreeSet;

use url::Url;

use crate::engines::{InNetwork, SiteAddress};
use crate::rewriting::UrlPair;

/// The old URLs of a network's sites, each with the copy's in its place.
pub(super) fn pairs(sites: &[SiteAddress], public: &str) -> Vec<UrlPair> {
    let of = |place| sites.iter().filter(move |site| site.place == place);
    let roots = |site: &SiteAddress| site.urls.iter().filter_map(|url| Root::of(url)).collect::<Vec<_>>();
    let main: BTreeSet<String> = of(InNetwork::Main).flat_map(roots).map(|root| root.host).collect();
    let is_main = |host: &str| main.iter().any(|main| bare(main) == bare(host));
    let others: Vec<Vec<Root>> = of(InNetwork::Other).map(roots).collect();
    // Paths that are taken.
    let mut paths: BTreeSet<String> =
        others.iter().flatten().filter(|root| is_main(&root.host)).filter_map(Root::first_part).collect();
    let mut pairs: Vec<UrlPair> = main.iter().map(|host| pair(host, "", public, "")).collect();
    for roots in others {
        let own: Vec<_> = roots.into_iter().filter(|root| !is_main(&root.host)).collect();
        let Some(first) = own.first() else { continue };
        let path = unused(&mut paths, &first.path_in_copy(&main));
        let mut hosts: BTreeSet<&str> = BTreeSet::new();
        for root in own.iter().filter(|root| hosts.insert(&root.host)) {
            // What lies below the site's own path comes along.
            let below = if root.host == first.host { first.path.as_str() } else { "" };
            pairs.push(pair(&root.host, below, public, &path));
        }
    }
    pairs
}

fn pair(host: &str, path: &str, public: &str, new_path: &str) -> UrlPair {
    UrlPair { old: format!("https://{host}{path}"), new: format!("https://{public}{new_path}") }
}

fn bare(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// A path that no site has; it is taken then.
fn unused(paths: &mut BTreeSet<String>, wished: &str) -> String {
    let names = std::iter::once(wished.to_owned()).chain((2..).map(|number| format!("{wished}-{number}")));
    let name = names.into_iter().find(|name| !paths.contains(name)).unwrap_or_default();
    paths.insert(name.clone());
    name
}

/// A site's host, with its port where it has one, and its path without the last slash.
struct Root {
    host: String,
    path: String,
}

impl Root {
    fn of(url: &str) -> Option<Self> {
        let host = super::host_of(url)?;
        let path = Url::parse(url).ok()?.path().trim_end_matches('/').to_owned();
        Some(Self { host, path })
    }

    fn first_part(&self) -> Option<String> {
        let part = self.path.split('/').nth(1)?;
        Some(format!("/{part}"))
    }

    /// One part, since that is as far as WordPress looks for a site.
    fn path_in_copy(&self, main: &BTreeSet<String>) -> String {
        let below = main.iter().find_map(|main| self.host.strip_suffix(bare(main))?.strip_suffix('.'));
        let named = format!("{}{}", below.unwrap_or(bare(&self.host)), self.path);
        let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        format!("/{}", named.chars().map(sign).collect::<String>().trim_matches('-'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(sites: &[(InNetwork, &[&str])]) -> Vec<String> {
        let sites: Vec<_> = sites
            .iter()
            .map(|(place, urls)| SiteAddress { urls: urls.iter().map(|&url| url.to_owned()).collect(), place: *place })
            .collect();
        pairs(&sites, "copy.test").iter().map(|pair| format!("{} {}", pair.old, pair.new)).collect()
    }

    #[test]
    fn each_site_of_a_network_gets_a_path_of_its_own() {
        use InNetwork::{Alone, Main, Other};
        let sites: &[(InNetwork, &[&str])] = &[
            (Main, &["https://example.com/", "https://www.example.com"]),
            (Other, &["https://de.example.com/", "http://de.example.com"]),
            (Other, &["https://example.com/blog/", "https://example.com/blog"]),
            (Other, &["https://blog.example.com/"]),
            (Other, &["https://a.b.example.com/"]),
            (Other, &["https://mapped.test/", "https://mapped.test/wp"]),
            (Other, &["https://mapped.test/shop/"]),
            (Other, &["https://fr.example.com/", "https://www.francais.test"]),
            (Alone, &["https://alone.test"]),
        ];
        assert_eq!(
            mapped(sites),
            [
                "https://example.com https://copy.test",
                "https://www.example.com https://copy.test",
                "https://de.example.com https://copy.test/de",
                "https://blog.example.com https://copy.test/blog-2",
                "https://a.b.example.com https://copy.test/a-b",
                "https://mapped.test https://copy.test/mapped-test",
                "https://mapped.test/shop https://copy.test/mapped-test-shop",
                "https://fr.example.com https://copy.test/fr",
                "https://www.francais.test https://copy.test/fr",
            ]
        );
        assert_eq!(mapped(&[(Alone, &["https://a.test"])]), [""; 0]);
    }
}
