//! Plugins' switches: by which of its settings a plugin bills, sends or pulls, what it calls that being off, and by which
//! it knows that it runs in a copy.
//!
//! The files beside this one list them by what the plugins do. Each word in them is the plugin's own, and `source` says
//! in which published file of the plugin it was found.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use wildmatch::WildMatch;

/// The lists, each a file.
const FILES: &[&str] = &[
    include_str!("payments.yaml"),
    include_str!("gateways.yaml"),
    include_str!("members.yaml"),
    include_str!("mail.yaml"),
    include_str!("accounts.yaml"),
    include_str!("outside.yaml"),
];

/// Settings of one plugin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginSettings {
    pub(crate) plugin: String,
    /// The published file of the plugin that has these words.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for who reads the list"))]
    pub(crate) source: String,
    /// Where its rows of keys and values are.
    #[serde(default)]
    pub(crate) table: KeyTable,
    /// The names of its options, or globs on them.
    pub(crate) keys: Vec<String>,
    /// By path within the value, the words that mean off; the first of them is put there. The path of a value that is no
    /// structure is empty.
    #[serde(default)]
    pub(crate) off: BTreeMap<String, OffWords>,
    /// What is put instead where a switch is not there, since the plugin then takes itself for live.
    #[serde(default)]
    pub(crate) otherwise: BTreeMap<String, OffWords>,
    /// A glob on paths, one of which must be there for a switch to be put where there is none: by default any.
    #[serde(default)]
    pub(crate) beside: Option<String>,
    /// Globs on the paths of what goes with it and opens an account.
    #[serde(default)]
    pub(crate) blank: Vec<String>,
    /// What becomes of the whole value.
    #[serde(default)]
    pub(crate) whole: Option<Whole>,
    /// Why, where that is not plain.
    #[serde(default)]
    pub(crate) because: Option<String>,
}

/// A table of keys and values, by its name without a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyTable {
    /// And a network's `sitemeta`.
    #[default]
    Options,
    Postmeta,
    Usermeta,
}

/// What becomes of a whole value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Whole {
    /// It stays, its URLs too: by it the plugin knows that it runs in a copy.
    Stays,
    /// It is blank.
    Empty,
    /// Its row stays behind.
    Dropped,
}

/// The words that mean off.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OffWords {
    One(Word),
    Any(Vec<Word>),
}

impl OffWords {
    pub(crate) fn as_slice(&self) -> &[Word] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Any(words) => words,
        }
    }
}

/// A word as its plugin keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word {
    Flag(bool),
    Number(u8),
    Text(String),
}

/// The keys of one way to name them, and whose they are.
struct Keys {
    exact: HashMap<&'static str, Vec<usize>>,
    globs: Vec<(WildMatch, usize)>,
}

impl Keys {
    fn of(plugins: &'static [PluginSettings], is_one: impl Fn(&PluginSettings) -> bool) -> Self {
        let mut keys = Self { exact: HashMap::new(), globs: Vec::new() };
        for (number, plugin) in plugins.iter().enumerate().filter(|(_, plugin)| is_one(plugin)) {
            for key in &plugin.keys {
                match is_glob(key) {
                    true => keys.globs.push((WildMatch::new(key), number)),
                    false => keys.exact.entry(key.as_str()).or_default().push(number),
                }
            }
        }
        keys
    }

    fn find(&self, key: &str) -> Vec<usize> {
        let globs = self.globs.iter().filter(|(glob, _)| glob.matches(key)).map(|(_, number)| *number);
        self.exact.get(key).into_iter().flatten().copied().chain(globs).collect()
    }
}

static PLUGINS: LazyLock<Vec<PluginSettings>> = LazyLock::new(|| {
    let read = |file: &&str| serde_yaml::from_str::<Vec<PluginSettings>>(file).expect("our own list is valid");
    FILES.iter().flat_map(read).collect()
});

static ALL: LazyLock<Keys> = LazyLock::new(|| Keys::of(&PLUGINS, |_| true));
static STAYING: LazyLock<Keys> = LazyLock::new(|| Keys::of(&PLUGINS, |plugin| plugin.whole == Some(Whole::Stays)));

/// Whether a key is a glob on keys.
pub(crate) fn is_glob(key: &str) -> bool {
    key.contains(['*', '?'])
}

/// All settings that are known.
pub(crate) fn all() -> &'static [PluginSettings] {
    &PLUGINS
}

/// What is known of the value of a key.
pub(crate) fn of(key: &str) -> Vec<&'static PluginSettings> {
    ALL.find(key).into_iter().map(|number| &PLUGINS[number]).collect()
}

/// Whether a plugin knows by the value of this key that it runs in a copy.
pub(crate) fn tells_of_a_copy(key: &[u8]) -> bool {
    std::str::from_utf8(key)
        .is_ok_and(|key| STAYING.exact.contains_key(key) || STAYING.globs.iter().any(|(glob, _)| glob.matches(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_published_source_and_does_something() {
        for plugin in all() {
            let name = &plugin.plugin;
            let (_, file) = plugin.source.split_once(' ').unwrap_or_else(|| panic!("{name}: {}", plugin.source));
            assert_eq!(file.rsplit('.').next(), Some("php"), "{name}: {}", plugin.source);
            assert!(!plugin.keys.is_empty(), "{name}");
            let is_within = !plugin.off.is_empty() || !plugin.blank.is_empty();
            assert!(is_within != plugin.whole.is_some(), "{name}");
            assert!(plugin.otherwise.is_empty() || !plugin.off.is_empty(), "{name}");
            assert!(
                plugin.off.values().chain(plugin.otherwise.values()).all(|words| !words.as_slice().is_empty()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_tells_of_a_copy_is_known_by_its_key() {
        assert!(tells_of_a_copy(b"wc_subscriptions_siteurl") && tells_of_a_copy(b"pmpro_last_known_url"));
        assert!(!tells_of_a_copy(b"siteurl") && !tells_of_a_copy(b"woocommerce_stripe_settings"));
    }
}
