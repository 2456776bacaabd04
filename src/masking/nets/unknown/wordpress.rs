//! What is known of a WordPress site where names of tables and keys do not tell: its nets, and which posts are for everybody.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use wildmatch::WildMatch;

use crate::contract::masking_rules::When;
use crate::data::tables::{Column, Table};
use crate::formats::{self, FieldPath, Scalar, ValueEditor};
use crate::masking::assignment::MaskedSite;
use crate::masking::nets::Net;
use crate::masking::table::{Condition, Expected, TableMask};

/// Stands in a condition for the ids of published posts, and for what they and the rates of a shop are called.
const PUBLISHED: &str = "@published";
const TITLES: &str = "@titles";

/// What is called after what everybody may see: hashes of titles, whatever their case.
#[derive(Debug, Default)]
pub(crate) struct Titles {
    hashes: Vec<u64>,
}

impl Titles {
    pub(crate) fn add(&mut self, title: &str) {
        self.hashes.push(Self::hash(title));
    }

    pub(crate) fn sorted(mut self) -> Self {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self
    }

    pub(crate) fn hold(&self, title: &str) -> bool {
        self.hashes.binary_search(&Self::hash(title)).is_ok()
    }

    fn hash(title: &str) -> u64 {
        xxhash_rust::xxh3::xxh3_64(title.trim().to_lowercase().as_bytes())
    }
}

/// The tables whose rows are called after what is sold.
pub(crate) const ITEM_TABLES: &[&str] = &["woocommerce_order_items", "edd_order_items"];

/// Adds what the ways to ship and to pay are called that a setting of a shop has.
pub(crate) fn add_rates(titles: &mut Titles, setting: &str) {
    let rates = Rates { titles: RefCell::new(std::mem::take(titles)) };
    let _ = formats::edited(setting.as_bytes(), &FieldPath::named(""), &rates, 0);
    *titles = rates.titles.into_inner();
}

struct Rates {
    titles: RefCell<Titles>,
}

impl ValueEditor for Rates {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        if matches!(path.name, "title" | "method_title" | "label") {
            self.titles.borrow_mut().add(&String::from_utf8_lossy(text));
            return None;
        }
        formats::edited(text, path, self, depth).ok().flatten()
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordPressFile {
    nets: Vec<NetLine>,
    public_types: Vec<Vec<String>>,
}

/// A net for columns of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetLine {
    table: String,
    columns: Vec<String>,
    #[serde(default)]
    when: Vec<When>,
    net: NetName,
    /// Why the rest stays that is of no shape and nobody known.
    because: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NetName {
    None,
    Search,
    Settings,
    Close,
}

impl From<NetName> for Net {
    fn from(name: NetName) -> Self {
        match name {
            NetName::None => Self::None,
            NetName::Search => Self::Search,
            NetName::Settings => Self::Settings,
            NetName::Close => Self::Close,
        }
    }
}

static FILE: LazyLock<WordPressFile> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("wordpress.yaml")).expect("our own list is valid"));

/// Types of posts of which everybody may see the published ones, wherever they are registered.
pub(crate) fn public_types() -> impl Iterator<Item = &'static str> {
    FILE.public_types.iter().flatten().map(String::as_str)
}

/// Options that tell of more such types.
pub(crate) const TYPES_OPTIONS: &[&str] = &["rewrite_rules", "cptui_post_types", "wpcf-custom-types"];
/// The type of post that keeps such a type.
pub(crate) const TYPES_TYPE: &str = "acf-post-type";

/// The types that a setting says are public: those under whose name pages are found, or that it lists.
pub(crate) fn stored_types(value: &str) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for mark in ["index.php?", "post_type="] {
        for (at, _) in value.match_indices(mark) {
            let rest = &value[at + mark.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
            types.insert(rest[..end].to_owned());
        }
    }
    let listed = ListedTypes::default();
    let _ = formats::edited(value.as_bytes(), &FieldPath::named(""), &listed, 0);
    types.extend(listed.found.into_inner().into_iter().filter(|(_, is_public)| *is_public).map(|(name, _)| name));
    types
}

/// Reads which types a setting lists.
#[derive(Default)]
struct ListedTypes {
    found: RefCell<Vec<(String, bool)>>,
}

impl ListedTypes {
    fn public(&self, is_public: bool) {
        if let Some(last) = self.found.borrow_mut().last_mut() {
            last.1 = is_public;
        }
    }
}

impl ValueEditor for ListedTypes {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], _: usize) -> Option<Vec<u8>> {
        match path.name {
            "name" | "post_type" | "slug" => {
                self.found.borrow_mut().push((String::from_utf8_lossy(text).into_owned(), false));
            }
            "public" => self.public(matches!(text, b"1" | b"true" | b"public")),
            _ => {}
        }
        None
    }

    fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Scalar> {
        if path.name == "public" {
            self.public(scalar != Scalar::False);
        }
        None
    }
}

/// Whether a site's table has nets of its own, which then are in the mask.
pub(super) fn cast(table: &Table, site: &MaskedSite, caught: &[usize], mask: &mut TableMask) {
    for line in FILE.nets.iter().filter(|line| site.site.owns(table, &line.table)) {
        let is_it = |column: &Column, name: &String| name == "*" || column.name.eq_ignore_ascii_case(name);
        let conditions: Option<Vec<_>> = line.when.iter().map(|when| conditions(table, when, site)).collect();
        let Some(conditions) = conditions else { continue };
        for column in caught.iter().copied() {
            if !line.columns.iter().any(|name| is_it(&table.columns[column], name)) {
                continue;
            }
            let nets = &mut mask.column_nets[column];
            if conditions.is_empty() && !nets.is_known {
                nets.net = line.net.into();
                nets.is_known = true;
            } else if !nets.is_known {
                nets.in_rows.push((conditions.clone(), line.net.into()));
            }
        }
    }
}

/// Why values of a column stay that are of no shape and nobody known, each with the rows that it is about.
pub(crate) fn stays_because(table: &Table, column: usize, site: &MaskedSite) -> Vec<String> {
    let name = &table.columns[column].name;
    let is_it = |line: &&'static NetLine| {
        site.site.owns(table, &line.table)
            && line.columns.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(name))
    };
    let told = |line: &'static NetLine| Some(line.because.as_ref()?.to_owned() + &line.rows());
    let mut all: Vec<_> = FILE.nets.iter().filter(is_it).filter_map(told).collect();
    all.dedup();
    all
}

impl NetLine {
    /// Of which rows it is, for people.
    fn rows(&'static self) -> String {
        let of = |when: &'static When| {
            let told = |value: &'static String| if value.is_empty() { "(none)" } else { value.as_str() };
            let values: Vec<_> = when.one_of.iter().chain(&when.matches).map(told).collect();
            match values.as_slice() {
                [PUBLISHED] => "the post is published, of a public type and without a password".to_owned(),
                [TITLES] => "it is called as a published post or a rate is".to_owned(),
                values => format!("{} = {}", when.column, values.join(", ")),
            }
        };
        let rows: Vec<_> = self.when.iter().map(of).collect();
        if rows.is_empty() { String::new() } else { format!(", where {}", rows.join(" and ")) }
    }
}

/// The conditions of which one must hold, if the table has the column.
fn conditions(table: &Table, when: &When, site: &MaskedSite) -> Option<Vec<Condition>> {
    let column = table.column(&when.column)?;
    let exactly = when.one_of.iter().map(|text| match text.as_str() {
        PUBLISHED => Expected::Published(site.published.clone()),
        TITLES => Expected::Title(site.titles.clone()),
        text => Expected::Exactly(text.to_owned()),
    });
    let globs = when.matches.iter().map(|glob| Expected::Glob(WildMatch::new_case_insensitive(glob)));
    Some(exactly.chain(globs).map(|expected| Condition { column, expected }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sold_and_how_it_is_sent_has_a_title() {
        let mut titles = Titles::default();
        titles.add("Blue Lamp ");
        add_rates(&mut titles, r#"a:2:{s:5:"title";s:9:"Flat rate";s:4:"cost";s:3:"5.0";}"#);
        let titles = titles.sorted();
        assert!(["Blue lamp", "Flat rate"].iter().all(|title| titles.hold(title)));
        assert!(!titles.hold("Blue lamp for Zoë") && !titles.hold("5.0"));
    }

    #[test]
    fn types_that_a_site_says_are_public_are_found() {
        let rules = r#"a:2:{s:21:"portfolio/([^/]+)/?$";s:46:"index.php?portfolio=$matches[1]&page=$matches[2]";s:8:"recipe/?";s:26:"index.php?post_type=recipe";}"#;
        assert!(stored_types(rules).is_superset(&BTreeSet::from(["portfolio".to_owned(), "recipe".to_owned()])));
        let listed = r#"a:2:{s:4:"shop";a:2:{s:4:"name";s:4:"shop";s:6:"public";s:4:"true";}s:3:"log";a:2:{s:4:"name";s:3:"log";s:6:"public";s:5:"false";}}"#;
        assert_eq!(stored_types(listed), BTreeSet::from(["shop".to_owned()]));
        let own = r#"a:2:{s:9:"post_type";s:5:"boats";s:6:"public";b:1;}"#;
        assert_eq!(stored_types(own), BTreeSet::from(["boats".to_owned()]));
        assert!(public_types().any(|name| name == "product"));
    }
}
