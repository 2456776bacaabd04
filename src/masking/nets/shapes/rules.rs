//! The rules of shapes, read once from the data files beside this one.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::checks::Check;
use super::literals::Literals;

/// All rules, and what finds where one may hold.
pub(super) struct Rules {
    pub(super) secrets: Vec<Secret>,
    pub(super) numbers: Vec<Number>,
    /// By how many letters and digits their first piece has.
    pub(super) forms: Vec<Vec<Form>>,
    pub(super) places: Places,
    pub(super) words: Words,
    /// Finds the beginnings of secrets, and what stands for `@`.
    pub(super) literals: Literals,
    /// By literal.
    pub(super) targets: Vec<Target>,
}

/// What a literal is the beginning of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Secret(usize),
    At,
}

/// A secret that says what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) of: String,
    pub(super) begins: Vec<String>,
    #[serde(default)]
    pub(super) rest: Rest,
    #[serde(default = "sixteen")]
    pub(super) least: usize,
    /// So many points at least stand in the rest.
    #[serde(default)]
    pub(super) points: usize,
    #[serde(default)]
    pub(super) plain: bool,
    /// Whether a piece of the rest must look random.
    #[serde(default)]
    pub(super) random: bool,
    #[serde(default)]
    pub(super) keeps: bool,
    pub(super) ends: Option<String>,
    #[serde(default, rename = "is")]
    pub(super) kind: SecretKind,
    #[serde(rename = "use")]
    pub(super) use_: Option<Use>,
    pub(super) off: Option<String>,
    /// Whether it opens an account at somebody else's.
    #[serde(default = "yes")]
    pub(super) opens: bool,
    #[serde(default = "yes")]
    pub(super) data: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    #[serde(default)]
    pub(super) holds: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    #[serde(default)]
    pub(super) never: Vec<String>,
}

fn sixteen() -> usize {
    16
}

fn yes() -> bool {
    true
}

/// What may stand behind the beginning of a secret.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rest {
    #[default]
    Word,
    Alnum,
    Dotted,
    Base64,
    Hash,
    Hex,
    Upper,
    Path,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SecretKind {
    #[default]
    Secret,
    Hash,
}

/// What somebody can do with a provider's key.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Use {
    /// Charge a customer.
    Charges,
    /// Nothing that everybody may not do: it is shown to every visitor.
    Publishable,
    /// Whatever else the account behind it may, or check what a provider sends.
    Acts,
}

/// An official number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Number {
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and tests"))]
    pub(super) name: String,
    pub(super) country: String,
    forms: Vec<String>,
    pub(super) check: Check,
    pub(super) bare: Where,
    #[serde(default)]
    pub(super) written: Where,
    #[serde(default)]
    pub(super) words: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    pub(super) holds: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    #[serde(default)]
    pub(super) never: Vec<String>,
}

/// Where an official number counts as one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Where {
    #[default]
    Always,
    Home,
    Word,
}

/// How an official number is written.
pub(super) struct Form {
    pub(super) number: usize,
    pub(super) units: Vec<Unit>,
    pub(super) is_bare: bool,
    /// How many letters it begins with; two and more are its country's.
    pub(super) letters: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Digit,
    Letter,
    Either,
    Exactly(u8),
}

impl Unit {
    fn of(sign: char) -> Self {
        match sign {
            '#' => Self::Digit,
            '@' => Self::Letter,
            '*' => Self::Either,
            other => Self::Exactly(u8::try_from(other).expect("forms are in ASCII")),
        }
    }

    fn is_separator(self) -> bool {
        matches!(self, Self::Exactly(sign) if !sign.is_ascii_alphanumeric())
    }
}

/// What numbers look like in which country.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Places {
    pub(super) ibans: HashMap<String, usize>,
    pub(super) cards: Vec<Card>,
    pub(super) telephones: Vec<String>,
    pub(super) trunkless: Vec<String>,
    pub(super) languages: HashMap<String, String>,
    pub(super) currencies: HashMap<String, String>,
    pub(super) zones: HashMap<String, String>,
}

/// The cards of one issuer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    #[expect(dead_code, reason = "for people")]
    of: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) lengths: Vec<usize>,
}

/// Words that say what stands behind them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) random: Vec<String>,
    pub(super) password: Vec<String>,
    pub(super) things: Vec<String>,
    pub(super) telephones: Vec<String>,
    pub(super) versions: Vec<String>,
}

/// What stands for `@` in a URL, in HTML and in JSON.
pub(super) const AT_SIGNS: &[&str] = &["%40", "&#64;", "&#064;", "&#x40;", "&commat;", "\\u0040"];

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let secrets: Vec<Secret> = read(include_str!("secrets.yaml"));
    let words: Words = read(include_str!("words.yaml"));
    let numbers: Vec<Number> = read(include_str!("numbers.yaml"));
    let mut literals: Vec<(String, Target)> = Vec::new();
    for (i, secret) in secrets.iter().enumerate().filter(|(_, secret)| secret.data) {
        literals.extend(secret.begins.iter().map(|begin| (begin.clone(), Target::Secret(i))));
    }
    literals.extend(AT_SIGNS.iter().map(|sign| ((*sign).to_owned(), Target::At)));
    let (literals, targets): (Vec<_>, Vec<_>) = literals.into_iter().unzip();
    let literals = Literals::new(&literals);
    Rules {
        forms: forms(&numbers),
        secrets,
        numbers,
        places: read(include_str!("places.yaml")),
        words,
        literals,
        targets,
    }
});

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> T {
    serde_yaml::from_str(text).expect("our own list is valid")
}

fn forms(numbers: &[Number]) -> Vec<Vec<Form>> {
    let mut forms: Vec<Vec<Form>> = Vec::new();
    let mut put = |number: usize, units: Vec<Unit>, is_bare: bool| {
        let piece = units.iter().take_while(|unit| !unit.is_separator()).count();
        if forms.len() <= piece {
            forms.resize_with(piece + 1, Vec::new);
        }
        let is_letter = |unit: &&Unit| matches!(unit, Unit::Exactly(sign) if sign.is_ascii_uppercase());
        let letters = units.iter().take_while(is_letter).count();
        forms[piece].push(Form { number, units, is_bare, letters });
    };
    for (i, number) in numbers.iter().enumerate() {
        for form in &number.forms {
            let units: Vec<Unit> = form.chars().map(Unit::of).collect();
            let bare: Vec<Unit> = units.iter().copied().filter(|unit| !unit.is_separator()).collect();
            if bare.len() < units.len() {
                put(i, units, false);
            }
            put(i, bare, true);
        }
    }
    forms
}
