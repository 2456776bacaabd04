//! Switches of plugins that no list has: each is put off in its own words, or the plugin by a flag beside it.
//!
//! What a plugin calls its test is not guessed: of `mode: live` only `live` is known, so the flag by which the plugin is
//! enabled goes, or the switch is blank and named. What nobody writes as a word beside such a switch opens an account.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::survey::{Found, Seen};
use super::{LiveSwitch, Plan, Put};
use crate::data::switches::Word;
use crate::formats::Scalar;
use crate::masking::values::{is_named, is_unwritable};

/// Flags that are on where no money moves.
const TESTS: &[&str] = &[
    "testmode",
    "test_mode",
    "test_mode_enabled",
    "enable_test_mode",
    "is_test",
    "is_test_mode",
    "use_test",
    "sandbox",
    "sandbox_mode",
    "sandbox_on",
    "sandbox_enabled",
    "sandboxmode",
    "enable_sandbox",
    "is_sandbox",
    "use_sandbox",
    "demo_mode",
    "development_mode",
    "testmodus",
    "test_modus",
    "mode_test",
    "modo_test",
    "modo_prueba",
    "modo_pruebas",
    "modo_de_prueba",
    "modo_teste",
    "modalita_test",
    "modalita_di_test",
    "testlage",
    "testtilstand",
    "tryb_testowy",
    "testovaci_rezim",
];
/// Flags that are on where money moves.
const LIVES: &[&str] =
    &["livemode", "live_mode", "is_live", "go_live", "production_mode", "is_production", "use_live", "livemodus"];
/// The same, where money is spoken of or something secret stands beside.
const BARE_LIVES: &[&str] = &["live", "production"];
/// Texts that say in which mode something runs.
const MODES: &[&str] = &[
    "mode",
    "environment",
    "env",
    "api_type",
    "status",
    "server_mode",
    "modus",
    "modo",
    "modalita",
    "umgebung",
    "entorno",
    "ambiente",
    "environnement",
    "omgeving",
    "srodowisko",
    "miljo",
];
/// Their words for live.
const LIVE_WORDS: &[&str] = &[
    "live",
    "production",
    "prod",
    "real",
    "produktion",
    "produktiv",
    "produccion",
    "produzione",
    "producao",
    "productie",
    "produkcja",
    "produkce",
    "producción",
    "produção",
];
/// Flags by which something runs at all.
const ENABLED: &[&str] = &[
    "enabled",
    "enable",
    "is_enabled",
    "active",
    "is_active",
    "aktiv",
    "aktiviert",
    "activo",
    "activado",
    "attivo",
    "actif",
    "ativo",
    "actief",
];
/// What the names of settings that bill or send speak of.
const BILLS: &[&str] = &[
    "pay", "stripe", "checkout", "gateway", "billing", "charge", "donat", "invoice", "merchant", "smtp", "mail", "sms",
    "subscri", "shipping", "terminal",
];
/// Flags in words, each with its opposite.
const PAIRS: &[(&[u8], &[u8])] =
    &[(b"no", b"yes"), (b"0", b"1"), (b"false", b"true"), (b"off", b"on"), (b"disabled", b"enabled")];

/// Letters without which no name or word of a switch is written.
static LETTERS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let letters = ["test", "sandbox", "live", "prod", "demo", "prueba", "development"];
    AhoCorasick::builder().ascii_case_insensitive(true).build(letters).expect("a few words")
});

/// Whether the letters of a switch's name are there at all, or the key says that the whole value opens an account.
pub(super) fn speaks_of_a_switch(key: &str, value: &[u8]) -> bool {
    LETTERS.is_match(key) || LETTERS.is_match(value) || is_unwritable(value) && is_about_money(key)
}

/// Plans for flags: each says itself which way is on.
pub(super) fn plan_flags(key: &str, found: &[Found], plan: &mut Plan) {
    for one in found.iter().filter(|one| plan.put(&one.path).is_none()).collect::<Vec<_>>() {
        let name = name_of(&one.path, key);
        let position = match () {
            () if is_named(name, TESTS) => true,
            () if is_named(name, LIVES) => false,
            () => continue,
        };
        let is_number = matches!(one.seen, Seen::Scalar(Scalar::Number));
        if is_number || position_of(&one.seen).is_some_and(|now| now != position) {
            plan.puts.push(Put { path: one.path.clone(), words: vec![word(position, &one.seen, found)] });
        }
    }
}

/// Plans for modes: where one is live, what is enabled beside it is put off, or else it is blank and named.
pub(super) fn plan_modes(key: &str, found: &[Found], plan: &mut Plan) {
    if !bills(key, found) {
        // Of a mode that is a setting of its own nothing beside it tells what it is of.
        let modes = found.iter().filter(|one| one.path.is_empty() && is_live(one, key));
        plan.live.extend(modes.map(|_| LiveSwitch { path: String::new(), is_blank: false }));
        return;
    }
    for one in found.iter().filter(|one| is_live(one, key)) {
        let beside = |names| {
            let is_one = move |flag: &&Found| is_beside(flag, one) && is_named(name_of(&flag.path, key), names);
            found.iter().filter(is_one)
        };
        for flag in beside(ENABLED).filter(|flag| position_of(&flag.seen) != Some(false)) {
            plan.puts.push(Put { path: flag.path.clone(), words: vec![word(false, &flag.seen, found)] });
        }
        if beside(ENABLED).next().is_none() && beside(TESTS).next().is_none() {
            plan.puts.push(Put { path: one.path.clone(), words: vec![Word::Text(String::new())] });
            plan.live.push(LiveSwitch { path: one.path.clone(), is_blank: true });
        }
    }
    for one in found.iter().filter(|one| is_named(name_of(&one.path, key), BARE_LIVES)) {
        if !one.is_secret && plan.put(&one.path).is_none() && position_of(&one.seen) == Some(true) {
            plan.puts.push(Put { path: one.path.clone(), words: vec![word(false, &one.seen, found)] });
        }
    }
}

/// Plans for what stands beside a switch of any sort, or in a setting of its own that is about money: what nobody would
/// write as a word opens an account.
pub(super) fn plan_accounts(key: &str, found: &[Found], plan: &mut Plan) {
    let bills = bills(key, found);
    let is_switch = |one: &&Found| {
        let named = |names| is_named(name_of(&one.path, key), names);
        let is_flag = matches!(one.seen, Seen::Scalar(_)) || position_of(&one.seen).is_some();
        is_flag && (named(TESTS) || named(LIVES) || bills && named(BARE_LIVES)) || bills && is_live(one, key)
    };
    let switches: Vec<&Found> = found.iter().filter(is_switch).collect();
    for one in found.iter().filter(|one| one.is_unwritable) {
        let is_own = || one.path.is_empty() && is_about_money(key);
        if plan.put(&one.path).is_none() && (is_own() || switches.iter().any(|switch| is_beside(switch, one))) {
            plan.puts.push(Put { path: one.path.clone(), words: vec![Word::Text(String::new())] });
        }
    }
}

/// Whether one of the settings of something that bills or sends says that it runs live. The name of one that is none of several may begin
/// with whose it is: `paypal_mode`.
pub(super) fn says_live(name: &str, found: &[Found]) -> bool {
    let tails: Vec<_> = std::iter::once(0).chain(name.match_indices('_').map(|(at, _)| at + 1)).collect();
    let says = |one: &Found, name: &str| {
        let is = |names| is_named(name, names);
        let position = position_of(&one.seen).filter(|_| !matches!(&one.seen, Seen::Text(text) if text.is_empty()));
        is_live(one, name)
            || is(TESTS) && position == Some(false)
            || (is(LIVES) || is(BARE_LIVES)) && position == Some(true)
    };
    bills(name, found)
        && found.iter().any(|one| match one.path.is_empty() {
            true => tails.iter().any(|from| says(one, &name[*from..])),
            false => says(one, name_of(&one.path, name)),
        })
}

/// Whether settings are of something that bills or sends: their key says so, or a secret is among them.
fn bills(key: &str, found: &[Found]) -> bool {
    found.iter().any(|one| one.is_secret) || is_about_money(key)
}

fn is_about_money(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    BILLS.iter().any(|word| key.contains(word))
}

fn is_live(found: &Found, key: &str) -> bool {
    let Seen::Text(text) = &found.seen else { return false };
    let is_live = || LIVE_WORDS.contains(&String::from_utf8_lossy(text).to_lowercase().as_str());
    is_named(name_of(&found.path, key), MODES) && is_live()
}

/// The name of a field; that of the whole is its key.
fn name_of<'a>(path: &'a str, key: &'a str) -> &'a str {
    if path.is_empty() { key } else { path.rsplit('.').next().unwrap_or(path) }
}

/// Whether a flag is about another field: it stands beside that, or beside what that is in.
fn is_beside(flag: &Found, of: &Found) -> bool {
    let around = flag.path.rsplit_once('.').map_or("", |(around, _)| around);
    !of.path.is_empty() && (around.is_empty() || of.path.strip_prefix(around).is_some_and(|rest| rest.starts_with('.')))
}

fn position_of(seen: &Seen) -> Option<bool> {
    match seen {
        Seen::Scalar(Scalar::True) => Some(true),
        Seen::Scalar(Scalar::False) => Some(false),
        Seen::Scalar(Scalar::Number) => None,
        Seen::Text(text) => position(text),
    }
}

/// What a text says as a flag. PHP keeps false as an empty one.
pub(super) fn position(text: &[u8]) -> Option<bool> {
    let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
    if text.is_empty() || PAIRS.iter().any(|(no, _)| is(no)) {
        return Some(false);
    }
    PAIRS.iter().any(|(_, yes)| is(yes)).then_some(true)
}

/// The word of a flag that stands in the place of another.
fn word(position: bool, seen: &Seen, beside: &[Found]) -> Word {
    match seen {
        Seen::Scalar(_) => Word::Flag(position),
        // An empty text does not tell its words; those beside it do.
        Seen::Text(text) if text.is_empty() => {
            let told = |found: &Found| match &found.seen {
                Seen::Text(text) => PAIRS.iter().find(|(no, yes)| *text == *no || *text == *yes),
                Seen::Scalar(_) => None,
            };
            let (_, yes) = beside.iter().find_map(told).unwrap_or(&PAIRS[1]);
            Word::Text(String::from_utf8_lossy(yes).into_owned())
        }
        Seen::Text(text) => Word::Text(String::from_utf8_lossy(spelled(position, text)).into_owned()),
    }
}

/// A flag in the words of the text in whose place it stands.
pub(super) fn spelled(position: bool, old: &[u8]) -> &[u8] {
    if self::position(old) == Some(position) {
        return old;
    }
    let pair = PAIRS.iter().find(|(no, yes)| old.eq_ignore_ascii_case(no) || old.eq_ignore_ascii_case(yes));
    match (pair, position) {
        (Some((_, yes)), true) => yes,
        (None, true) => b"1",
        // A text `off` is true to whoever asks whether there is one.
        (Some((no, _)), false) if *no != b"off" => no,
        (_, false) => b"",
    }
}
