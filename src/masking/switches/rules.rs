//! What is known of plugins' switches as rules of the preset, so that each has its line in the sheet.

use crate::contract::masking_rules::{MaskingRule, When};
use crate::contract::transformer::Transformer;
use crate::data::switches::{self, KeyTable, PluginSettings, Whole};

/// A rule for each table that a plugin's settings may be in.
pub(in crate::masking) fn rules() -> impl Iterator<Item = MaskingRule> {
    let places = |plugin: &'static PluginSettings| places(plugin.table).iter().map(move |place| rule(plugin, *place));
    switches::all().iter().flat_map(places)
}

/// A table without its prefix, and its columns of keys and of values.
type Place = [&'static str; 3];

fn places(table: KeyTable) -> &'static [Place] {
    match table {
        KeyTable::Options => &[["options", "option_name", "option_value"], ["sitemeta", "meta_key", "meta_value"]],
        KeyTable::Postmeta => &[["postmeta", "meta_key", "meta_value"]],
        KeyTable::Usermeta => &[["usermeta", "meta_key", "meta_value"]],
    }
}

fn rule(plugin: &PluginSettings, [table, key, value]: Place) -> MaskingRule {
    let (matches, one_of) = plugin.keys.iter().cloned().partition(|key| switches::is_glob(key));
    let (transformer, what) = match plugin.whole {
        None if plugin.off.is_empty() => (Transformer::Settings, "credentials are blank"),
        None => (Transformer::Settings, "in test mode or off; credentials are blank"),
        Some(Whole::Stays) => (Transformer::Keep, "it tells the plugin that this is a copy"),
        Some(Whole::Empty) => (Transformer::Empty, "it opens production's account"),
        Some(Whole::Dropped) => (Transformer::DropRows, "it opens production's account"),
    };
    MaskingRule {
        instead: false,
        table: table.to_owned(),
        column: (plugin.whole != Some(Whole::Dropped)).then(|| value.to_owned()),
        when: Some(When { column: key.to_owned(), one_of, matches }),
        transformer,
        value: None,
        because: Some(format!("{}: {}", plugin.plugin, plugin.because.as_deref().unwrap_or(what))),
    }
}
