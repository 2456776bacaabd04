//! Where a page names a host in a link, and whether it links within itself.

use schemars::JsonSchema;
use serde::Serialize;

/// How many places are told.
const MOST_TOLD: usize = 5;

/// How much of a link is told, characters.
const LONGEST: usize = 120;

/// Where a page names one of production's hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Place {
    /// Line of the page, from 1.
    pub line: usize,
    /// The link, without what follows a `?` or `#`.
    pub link: String,
}

/// The places in which a page names production's hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Places {
    /// The first five.
    pub first: Vec<Place>,
    /// How many there are.
    pub all: usize,
}

impl Places {
    /// Where `page` names one of `hosts`.
    pub(super) fn of<'h>(page: &str, hosts: impl Iterator<Item = &'h str>) -> Self {
        let lower = page.to_ascii_lowercase();
        let mut at: Vec<_> = hosts.flat_map(|host| found(&lower, &host.to_ascii_lowercase())).collect();
        at.sort_unstable();
        at.dedup();
        let first = at.iter().take(MOST_TOLD);
        let place = |at: &usize| Place { line: page[..*at].matches('\n').count() + 1, link: link(page, *at) };
        Self { first: first.map(place).collect(), all: at.len() }
    }
}

/// Whether `page` names `host` in a link.
pub(super) fn names(page: &str, host: &str) -> bool {
    !found(&page.to_ascii_lowercase(), &host.to_ascii_lowercase()).is_empty()
}

/// Whether `page` links to, or loads, something of its own site without naming a host.
pub(super) fn links_within(page: &str) -> bool {
    let lower = page.to_ascii_lowercase();
    ["href=", "src=", "action="].iter().any(|attribute| {
        let mut values = lower.split(attribute).skip(1).map(|rest| rest.trim_start_matches(['"', '\'']));
        values.any(|value| {
            let mut letters = value.chars();
            let is_path = letters.next() == Some('/') && letters.next() != Some('/');
            let end = value.find(|c: char| "\"' >".contains(c)).unwrap_or(value.len());
            is_path
                || (value[..end].contains('.')
                    && !value[..end].contains([':', '\\'])
                    && !value.starts_with("//")
                    && !value.starts_with('#'))
        })
    })
}

/// Where a text in small letters names a host in a URL, and not as a part of a longer name.
fn found(lower: &str, host: &str) -> Vec<usize> {
    if host.is_empty() {
        return Vec::new();
    }
    let named = lower.match_indices(host).filter(|(at, _)| {
        let (before, after) = (&lower[..*at], &lower[at + host.len()..]);
        let starts = before.ends_with("//") || before.ends_with(r"\/\/");
        let mut rest = after.chars();
        let ends = match rest.next() {
            Some('.') => !rest.next().is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => !c.is_ascii_alphanumeric() && c != '-',
            None => true,
        };
        starts && ends
    });
    named.map(|(at, _)| at).collect()
}

/// The link around a host, as far as it may be told: what follows a `?` may be somebody's.
fn link(page: &str, host_at: usize) -> String {
    let is_of_link = |c: char| c.is_ascii_graphic() && !"\"'<>()?#".contains(c);
    let scheme = page[..host_at].chars().rev().take_while(|c| c.is_ascii_alphabetic() || r":\/".contains(*c)).count();
    page[host_at - scheme.min(host_at)..].chars().take_while(|c| is_of_link(*c)).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_by_a_url_only_and_whole() {
        assert!(names(r#"<a href="https://shop.example/x">"#, "shop.example"));
        assert!(names(r#"<a href="HTTPS://Shop.Example/x">"#, "shop.example"));
        assert!(names(r#"{"u":"https:\/\/shop.example\/"}"#, "shop.example"));
        assert!(!names("https://shop.example.au/", "shop.example"));
        assert!(!names("write to info@shop.example", "shop.example"));
        assert!(!names("https://my-shop.example/", "shop.example"));
    }

    #[test]
    fn the_first_five_places_are_told_without_what_may_be_somebodys() {
        let line = "<img src=\"https://shop.example/uploads/é.png?token=canary#x\">\n";
        let places = Places::of(&format!("\n{}", line.repeat(7)), ["shop.example", "other.example"].into_iter());
        assert_eq!((places.first.len(), places.all), (5, 7));
        assert_eq!(places.first[0], Place { line: 2, link: "https://shop.example/uploads/".to_owned() });
        let script = Places::of(r#"{"u":"https:\/\/shop.example\/a?b"}"#, ["shop.example"].into_iter());
        assert_eq!(script.first[0].link, r"https:\/\/shop.example\/a");
    }

    #[test]
    fn a_link_within_names_no_host() {
        for page in ["<a href='/cart'>", "<script src=app.js>", "<form action=\"/login\">", "<img src=\"a/b.png\">"] {
            assert!(links_within(page), "{page}");
        }
        for page in
            ["<a href=\"https://shop.example/\">", "<img src='//cdn.example/x.png'>", "<a href=\"#top\">", "text"]
        {
            assert!(!links_within(page), "{page}");
        }
    }
}
