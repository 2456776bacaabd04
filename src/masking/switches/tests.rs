use super::generic::{position, spelled};
use crate::data::switches::{self, PluginSettings, Whole, Word};
use crate::masking::key::Key;
use crate::masking::nets::Nets;
use crate::masking::values::ValueMasker;

fn masked(key: &str, value: &str) -> Option<String> {
    let nets = Nets::new(Key::random());
    ValueMasker::settings(&nets).masked(value.as_bytes(), key).map(|new| String::from_utf8(new).unwrap())
}

/// A value in the making: what stands at which path.
#[derive(Clone, Default)]
struct Settings {
    members: Vec<(String, Node)>,
}

#[derive(Clone)]
enum Node {
    Leaf(Leaf),
    Inner(Settings),
}

#[derive(Clone, Debug, PartialEq)]
enum Leaf {
    Text(String),
    Flag(bool),
    Number(u8),
}

impl Settings {
    fn with(mut self, path: &str, leaf: Leaf) -> Self {
        self.put(path, leaf);
        self
    }

    fn put(&mut self, path: &str, leaf: Leaf) {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let at = self.members.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.members.push((name.to_owned(), Node::Inner(Self::default())));
            self.members.len() - 1
        });
        match (&mut self.members[at].1, rest) {
            (Node::Inner(inner), Some(rest)) => inner.put(rest, leaf),
            (node, _) => *node = Node::Leaf(leaf),
        }
    }

    fn php(&self) -> String {
        let member = |(name, node): &(String, Node)| {
            let value = match node {
                Node::Inner(inner) => inner.php(),
                Node::Leaf(Leaf::Text(text)) => string(text),
                Node::Leaf(Leaf::Flag(flag)) => format!("b:{};", u8::from(*flag)),
                Node::Leaf(Leaf::Number(number)) => format!("i:{number};"),
            };
            string(name) + &value
        };
        format!("a:{}:{{{}}}", self.members.len(), self.members.iter().map(member).collect::<String>())
    }

    fn json(&self) -> String {
        let member = |(name, node): &(String, Node)| {
            let value = match node {
                Node::Inner(inner) => inner.json(),
                Node::Leaf(Leaf::Text(text)) => format!("\"{text}\""),
                Node::Leaf(Leaf::Flag(flag)) => flag.to_string(),
                Node::Leaf(Leaf::Number(number)) => number.to_string(),
            };
            format!("\"{name}\":{value}")
        };
        format!("{{{}}}", self.members.iter().map(member).collect::<Vec<_>>().join(","))
    }

    /// In every form in which a site may keep it; those within another are read, but nothing is added to them.
    fn forms(&self) -> Vec<String> {
        vec![self.php(), self.json(), string(&self.php()), string(&self.json())]
    }
}

/// A text as PHP serializes it.
fn string(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

fn text(text: &str) -> Leaf {
    Leaf::Text(text.to_owned())
}

/// A name or path that a glob matches.
fn one_of(glob: &str) -> String {
    glob.replace('*', "x")
}

fn flag_of(word: &Word) -> Option<bool> {
    match word {
        Word::Flag(flag) => Some(*flag),
        Word::Number(number) => Some(*number != 0),
        Word::Text(text) => position(text.as_bytes()),
    }
}

/// What a live site has there, and what a copy has.
fn pairs(words: &[Word]) -> Vec<(Leaf, Leaf)> {
    let mut pairs = Vec::new();
    if let Some(off) = flag_of(&words[0]) {
        pairs.push((Leaf::Flag(!off), Leaf::Flag(off)));
        pairs.push((Leaf::Number(u8::from(!off)), Leaf::Number(u8::from(off))));
        let live: &[&str] =
            if off { &["", "0", "no", "off", "false", "disabled"] } else { &["1", "yes", "on", "true"] };
        for live in live {
            let spelled = String::from_utf8(spelled(off, live.as_bytes()).to_vec()).unwrap();
            let off = if let Word::Text(word) = &words[0] { word.clone() } else { spelled };
            pairs.push((text(live), text(&off)));
        }
    } else if let Word::Text(word) = &words[0] {
        pairs.extend(["live", "production", "LIVE", ""].map(|live| (text(live), text(word))));
    }
    for word in words {
        let off = match word {
            Word::Text(word) => text(word),
            Word::Flag(flag) => Leaf::Flag(*flag),
            Word::Number(number) => Leaf::Number(*number),
        };
        pairs.push((off.clone(), off));
    }
    pairs
}

/// The value of a plugin with one of its switches as given, and what goes with it.
fn with(plugin: &PluginSettings, path: &str, leaf: &Leaf, credential: &str) -> Settings {
    let mut settings = Settings::default().with("title", text("Card"));
    for (path, words) in &plugin.off {
        settings.put(&one_of(path), pairs(words.as_slice()).last().unwrap().1.clone());
    }
    settings.put(&one_of(path), leaf.clone());
    for glob in &plugin.blank {
        settings.put(&one_of(glob), text(credential));
    }
    settings.with("colour", text("#fff"))
}

#[test]
fn each_switch_is_put_off_in_its_plugins_own_word_and_its_credentials_are_gone() {
    for plugin in switches::all().iter().filter(|plugin| plugin.whole.is_none()) {
        for (path, words) in &plugin.off {
            for (live, off) in pairs(words.as_slice()) {
                for key in &plugin.keys {
                    let key = one_of(key);
                    if path.is_empty() {
                        let (Leaf::Text(live), Leaf::Text(off)) = (&live, &off) else { continue };
                        assert_eq!(masked(&key, live).unwrap_or_else(|| live.clone()), *off, "{key} {live}");
                        continue;
                    }
                    let before = with(plugin, path, &live, "Zz9Live").forms();
                    let after = with(plugin, path, &off, "").forms();
                    for (before, after) in before.iter().zip(&after) {
                        assert_eq!(masked(&key, before).as_ref().unwrap_or(before), after, "{key} {path}: {before}");
                    }
                }
            }
        }
    }
}

#[test]
fn credentials_without_a_switch_are_gone_too() {
    for plugin in switches::all().iter().filter(|plugin| plugin.off.is_empty()) {
        for (key, glob) in plugin.keys.iter().flat_map(|key| plugin.blank.iter().map(move |glob| (key, glob))) {
            let of = |credential: &str| Settings::default().with(&one_of(glob), text(credential)).forms();
            for (before, after) in of("Zz9Live").iter().zip(of("")) {
                assert_eq!(masked(&one_of(key), before), Some(after), "{key} {before}");
            }
        }
        for key in &plugin.keys {
            let expected = match plugin.whole {
                None => continue,
                Some(Whole::Stays) => None,
                Some(Whole::Empty | Whole::Dropped) => Some(String::new()),
            };
            for value in ["Zz9Live", r#"a:1:{s:1:"a";s:7:"Zz9Live";}"#, r#"{"a":"https://shop.example.com"}"#] {
                assert_eq!(masked(&one_of(key), value), expected, "{key}");
            }
        }
    }
}

#[test]
fn a_switch_that_is_not_there_is_put_there_or_the_plugin_is_off() {
    for plugin in switches::all() {
        for (path, words) in plugin.off.iter().filter(|(path, _)| !path.is_empty()) {
            let key = one_of(&plugin.keys[0]);
            let mut settings = Settings::default().with("title", text("Card"));
            settings = plugin.beside.iter().fold(settings, |made, beside| made.with(&one_of(beside), text("a")));
            let before = settings.php();
            if path.contains(['.', '*']) {
                assert!(!plugin.otherwise.is_empty() || !plugin.blank.is_empty(), "{key} {path}");
            } else {
                let member = match &words.as_slice()[0] {
                    Word::Text(word) => string(word),
                    Word::Flag(flag) => format!("b:{};", u8::from(*flag)),
                    Word::Number(number) => format!("i:{number};"),
                };
                let new = masked(&key, &before).unwrap_or_else(|| panic!("{key}: {before}"));
                assert!(new.contains(&(string(path) + &member)), "{key}: {new}");
                assert_eq!(masked(&key, &new), None, "{key}: {new}");
                let json = masked(&key, &settings.json()).unwrap();
                let read: serde_json::Value = serde_json::from_str(&json).unwrap();
                assert!(read.get(path).is_some() && read["title"] == "Card", "{json}");
            }
            for (path, words) in &plugin.otherwise {
                let on = match &words.as_slice()[0] {
                    Word::Flag(off) => Leaf::Flag(!off),
                    Word::Number(off) => Leaf::Number(1 - off),
                    Word::Text(_) => text("yes"),
                };
                let new = masked(&key, &settings.clone().with(path, on.clone()).php()).unwrap();
                let put = match (&words.as_slice()[0], on) {
                    (Word::Text(word), _) => text(word),
                    (_, Leaf::Flag(on)) => Leaf::Flag(!on),
                    (_, Leaf::Number(on)) => Leaf::Number(1 - on),
                    _ => unreachable!(),
                };
                let member = Settings::default().with(path.rsplit('.').next().unwrap(), put).php();
                assert!(new.contains(&member[5..member.len() - 1]), "{key}: {new}");
            }
        }
    }
}
