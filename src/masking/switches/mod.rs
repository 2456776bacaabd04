//! Switches: which of a site's settings move money, send mail or pull data, and what is put there in a copy.
//!
//! `data/switches` lists what is known of plugins. A value is looked through once (`survey`), since what is put in one
//! place may depend on what stands in another; what was found makes a [`Plan`], which the masker of values asks at each
//! text. Of what no list has, `generic` puts off only what says itself how.

mod add;
mod generic;
mod rules;
mod survey;

#[cfg(test)]
mod credentials_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unlisted_tests;

use std::borrow::Cow;

use wildmatch::WildMatch;

use crate::data::switches::{self, PluginSettings, Whole, Word};
use crate::formats::{FieldPath, Scalar};
pub(super) use rules::rules;
use survey::{Found, Seen, joined, survey};

/// What is put where in one value.
#[derive(Default)]
pub(super) struct Plan {
    puts: Vec<Put>,
    blanks: Vec<WildMatch>,
    whole: Option<Whole>,
    /// Switches that are put where there is none.
    adds: Vec<(String, Word)>,
    live: Vec<LiveSwitch>,
}

/// A switch that looks live and that nothing tells how to put off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LiveSwitch {
    pub(crate) path: String,
    /// Whether nothing stands there in the copy.
    pub(crate) is_blank: bool,
}

/// What is put at a path.
struct Put {
    path: String,
    /// The first of them, unless one of them stands there.
    words: Vec<Word>,
}

/// What becomes of what stands at a path.
pub(super) enum Decision<T> {
    Stays,
    Put(T),
}

impl Plan {
    /// What is put into the value of a key.
    pub(super) fn of(key: &str, value: &[u8]) -> Self {
        let mut plan = Self::default();
        let known = switches::of(key);
        let has_switches = known.iter().any(|plugin| !plugin.off.is_empty());
        if !has_switches && !generic::speaks_of_a_switch(key, value) {
            plan.blank_all(&known);
            return plan;
        }
        let found = survey(key, value);
        for plugin in &known {
            plan.put_off(plugin, &found);
        }
        plan.blank_all(&known);
        generic::plan_flags(key, &found, &mut plan);
        if !has_switches {
            generic::plan_modes(key, &found, &mut plan);
            generic::plan_accounts(key, &found, &mut plan);
        }
        plan
    }

    fn blank_all(&mut self, known: &[&PluginSettings]) {
        self.whole = known.iter().find_map(|plugin| plugin.whole);
        let globs = known.iter().flat_map(|plugin| &plugin.blank);
        self.blanks = globs.map(|glob| WildMatch::new(glob)).collect();
    }

    /// Puts the switches of a plugin off. Where one is not there it is added, or what goes before it is put instead.
    fn put_off(&mut self, plugin: &PluginSettings, found: &[Found]) {
        let at = |glob: &str| {
            let glob = WildMatch::new(glob);
            found.iter().filter(move |one| glob.matches(&one.path))
        };
        let mut is_missing = false;
        for (path, words) in &plugin.off {
            let words = words.as_slice();
            let fitting = at(path).filter(|one| can_stand_for(&words[0], &one.seen));
            let before = self.puts.len();
            self.puts.extend(fitting.map(|one| Put { path: one.path.clone(), words: words.to_vec() }));
            if self.puts.len() == before {
                is_missing = true;
                let is_plain = at(path).next().is_none() && !path.is_empty() && !path.contains(['.', '*']);
                if is_plain && plugin.beside.as_ref().is_none_or(|beside| at(beside).next().is_some()) {
                    self.adds.push((path.clone(), words[0].clone()));
                }
            }
        }
        for (path, words) in plugin.otherwise.iter().filter(|_| is_missing) {
            self.puts.extend(at(path).map(|one| Put { path: one.path.clone(), words: words.as_slice().to_vec() }));
        }
    }

    /// The value with the switches that were not there; `None` when none is added.
    pub(super) fn added(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut new = None;
        for (name, word) in &self.adds {
            new = add::member(new.as_deref().unwrap_or(value), name, word).or(new);
        }
        new
    }

    /// Whether nothing is put where something stands.
    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.blanks.is_empty()
    }

    pub(super) fn live(&self) -> &[LiveSwitch] {
        &self.live
    }

    fn put(&self, path: &str) -> Option<&Put> {
        self.puts.iter().find(|put| put.path == path)
    }

    /// Whether this path, or what it is a part of, is blank.
    fn is_blank(&self, path: &str) -> bool {
        let mut ends = memchr::memchr_iter(b'.', path.as_bytes()).chain([path.len()]);
        !self.blanks.is_empty() && ends.any(|end| self.blanks.iter().any(|glob| glob.matches(&path[..end])))
    }

    /// What becomes of the value whatever is in it.
    pub(super) fn whole(&self) -> Option<Decision<Vec<u8>>> {
        match self.whole? {
            Whole::Stays => Some(Decision::Stays),
            Whole::Empty | Whole::Dropped => Some(Decision::Put(Vec::new())),
        }
    }

    /// What becomes of a text; `None` when no switch is there.
    pub(super) fn text(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Decision<Vec<u8>>> {
        let path = joined(path);
        let Some(put) = self.put(&path) else {
            return (!text.is_empty() && self.is_blank(&path)).then(|| Decision::Put(Vec::new()));
        };
        if put.words.iter().any(|word| *as_text(word, text) == *text) {
            return Some(Decision::Stays);
        }
        Some(Decision::Put(as_text(&put.words[0], text).into_owned()))
    }

    /// The same for what is no text.
    pub(super) fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Decision<Scalar>> {
        let path = joined(path);
        let new = match self.put(&path) {
            Some(put) if as_flag(&put.words[0])? => Scalar::True,
            // The number that stands in the place of another is 0.
            Some(_) if scalar == Scalar::Number => Scalar::Number,
            Some(_) => Scalar::False,
            None if scalar == Scalar::Number && self.is_blank(&path) => Scalar::Number,
            None => return None,
        };
        Some(if new == scalar && new != Scalar::Number { Decision::Stays } else { Decision::Put(new) })
    }
}

/// Whether a setting says, in its own words or in its plugin's, that something runs live which has a test as well.
pub(crate) fn says_live(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let found = survey(&name, value.as_bytes());
    let is_on = |path: &str, words: &[Word]| {
        let glob = WildMatch::new(path);
        found.iter().filter(|one| glob.matches(&one.path)).any(|one| match &one.seen {
            Seen::Text(text) => !text.is_empty() && !words.iter().any(|word| *as_text(word, text) == **text),
            Seen::Scalar(_) => false,
        })
    };
    switches::of(&name).iter().flat_map(|plugin| &plugin.off).any(|(path, words)| is_on(path, words.as_slice()))
        || generic::says_live(&name, &found)
}

/// Whether a word can be put where something of this kind stands.
fn can_stand_for(word: &Word, seen: &Seen) -> bool {
    matches!(seen, Seen::Text(_)) || as_flag(word).is_some()
}

/// A word as a flag, if it is one.
fn as_flag(word: &Word) -> Option<bool> {
    match word {
        Word::Flag(flag) => Some(*flag),
        Word::Number(number) => Some(*number != 0),
        Word::Text(text) => generic::position(text.as_bytes()),
    }
}

/// A word as a text in the place of another: a flag is spelled as that one is.
fn as_text<'a>(word: &'a Word, old: &'a [u8]) -> Cow<'a, [u8]> {
    match word {
        Word::Text(text) => Cow::Borrowed(text.as_bytes()),
        Word::Flag(flag) => Cow::Borrowed(generic::spelled(*flag, old)),
        Word::Number(number @ (0 | 1)) => Cow::Borrowed(generic::spelled(*number == 1, old)),
        Word::Number(number) => Cow::Owned(number.to_string().into_bytes()),
    }
}
