//! The names of fields that tell of their values, read once from the list beside this file.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use crate::contract::transformer::Transformer;

/// The whole list: names in small letters, without accents, with `_` between words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    personal: HashMap<Transformer, Vec<String>>,
    pub(super) in_records: HashMap<Transformer, HashSet<String>>,
    pub(super) births: Vec<String>,
    secrets: Vec<String>,
    pub(super) secrets_within: Vec<String>,
    opens_within: Vec<String>,
    pub(super) opens_words: HashSet<String>,
    pub(super) plain_keys: HashSet<String>,
    pub(super) keyish: HashSet<String>,
    pub(super) references: HashSet<String>,
    pub(super) providers: HashSet<String>,
    pub(super) ends: Vec<String>,
    pub(super) versions: HashSet<String>,
    pub(super) things: HashSet<String>,
    /// By name.
    #[serde(skip)]
    pub(super) meanings: HashMap<String, Meaning>,
    /// Finds those of `opens_within`.
    #[serde(skip)]
    pub(super) opening: Option<AhoCorasick>,
}

/// What a name tells of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Personal(Transformer),
    Secret,
}

pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names: Names = serde_yaml::from_str(include_str!("names.yaml")).expect("our own list is valid");
    let personal = names
        .personal
        .iter()
        .flat_map(|(transformer, names)| names.iter().map(|name| (name.clone(), Meaning::Personal(*transformer))));
    let secret = names.secrets.iter().map(|name| (name.clone(), Meaning::Secret));
    names.meanings = personal.chain(secret).collect();
    names.opening = Some(AhoCorasick::new(&names.opens_within).expect("a few words"));
    names
});

/// A letter without its accent, as names are compared; `None` where it is none of the list's alphabets.
pub(super) fn plain(letter: char) -> &'static [u8] {
    const PLAIN: &[(&str, &str)] = &[
        ("àáâãäåāăąÀÁÂÃÄÅĀĂĄ", "a"),
        ("çćčÇĆČ", "c"),
        ("ďđĎĐð", "d"),
        ("èéêëēęěÈÉÊËĒĘĚ", "e"),
        ("ğĞ", "g"),
        ("ìíîïīıİÌÍÎÏĪ", "i"),
        ("łľĺŁĽĹ", "l"),
        ("ñńňÑŃŇ", "n"),
        ("òóôõöøőōÒÓÔÕÖØŐŌ", "o"),
        ("ŕřŔŘ", "r"),
        ("śşšșŚŞŠȘ", "s"),
        ("ťțţŤȚŢ", "t"),
        ("ùúûüůűūÙÚÛÜŮŰŪ", "u"),
        ("ýÿÝŸ", "y"),
        ("źżžŹŻŽ", "z"),
        ("ßẞ", "ss"),
        ("æÆ", "ae"),
        ("œŒ", "oe"),
        ("άΆ", "α"),
        ("έΈ", "ε"),
        ("ήΉ", "η"),
        ("ίΊϊΐ", "ι"),
        ("όΌ", "ο"),
        ("ύΎϋ", "υ"),
        ("ώΏ", "ω"),
        ("ё", "е"),
    ];
    PLAIN.iter().find(|(letters, _)| letters.contains(letter)).map_or(b"", |(_, plain)| plain.as_bytes())
}
