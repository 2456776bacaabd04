//! What is left of production in a file: in what is computed or not known, where nothing can be put in its place.

use std::fmt;

use super::settings::{Setting, Settings};
use super::{Edit, WpConfigValues};
use crate::files::php::lexer::{Kind, Token};
use crate::rewriting::Left;

/// Passwords that are shorter are words that stand in many places.
const SHORTEST: usize = 6;

/// What takes the place of a comment with a secret in it.
const LEFT_OUT: &str = "left out of the copy";

/// Something of production's that stands in a file still; its value is never told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// From 1.
    pub line: usize,
    /// The constant whose value it is in, where it is in one's.
    pub constant: Option<String>,
    pub what: What,
}

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A provider's key with which the copy could bill or send.
    LiveKey,
    /// A password of production's databases.
    Password,
    /// A database server of production's.
    Database,
    /// A host at which people visit production.
    Host,
    /// Code that PHP itself would not read.
    Unreadable,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::LiveKey => "holds a live key",
            What::Password => "holds a password of production's",
            What::Database => "names a database of production's",
            What::Host => "names production's host",
            What::Unreadable => "cannot be read: a string or a comment has no end",
        };
        match &self.constant {
            Some(constant) => write!(f, "line {}: `{constant}` {what}", self.line),
            None => write!(f, "line {}: the code {what}", self.line),
        }
    }
}

/// What stands in strings still when these edits are made.
pub(super) fn all(tokens: &[Token], settings: &Settings, edits: &[Edit], values: &WpConfigValues<'_>) -> Vec<Standing> {
    let mut found = Vec::new();
    for (place, line, value) in texts(tokens) {
        let edit = edits.iter().find(|edit| edit.place.start <= place && place < edit.place.end);
        let constant = settings.all.iter().find(|setting| setting.value.contains(&place)).map(Setting::name);
        // What was put there may be what was there, with a part of it left.
        let is_own_login = edit.is_some() && constant.is_some_and(|name| name.starts_with("DB_"));
        let what = what(edit.map_or(&value, |edit| &edit.bytes), values, is_own_login);
        let constant = constant.filter(|name| !name.is_empty()).map(str::to_owned);
        found.extend(what.map(|what| Standing { line, constant, what }));
    }
    found.sort();
    found.dedup();
    found
}

/// Comments with a secret in them, without what they say; the lines stay.
pub(super) fn comments(source: &[u8], tokens: &[Token], values: &WpConfigValues<'_>) -> Vec<Edit> {
    let comments = tokens.iter().filter(|token| token.kind == Kind::Comment).map(|token| token.place.clone());
    let secret = comments
        .filter(|place| matches!(what(&source[place.clone()], values, false), Some(What::LiveKey | What::Password)));
    let without = |place: &std::ops::Range<usize>| {
        let comment = &source[place.clone()];
        let lines = comment.iter().filter(|b| **b == b'\n').map(|_| '\n').collect::<String>();
        match comment.starts_with(b"/*") {
            true => format!("/* {LEFT_OUT}{lines} */"),
            false => format!("// {LEFT_OUT}"),
        }
    };
    secret.map(|place| Edit { bytes: without(&place).into_bytes(), place }).collect()
}

/// The strings of a file: where each begins, its line, and what is in it. Constant ones that are put together are seen whole, too.
fn texts(tokens: &[Token]) -> Vec<(usize, usize, Vec<u8>)> {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let mut texts: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    let mut is_joined = false;
    for (n, token) in code.iter().enumerate() {
        let Kind::Text(text) = &token.kind else {
            is_joined = token.kind == Kind::Sign(b'.') && n > 0 && matches!(code[n - 1].kind, Kind::Text(_));
            continue;
        };
        let before = texts.last().filter(|_| is_joined).map(|(_, _, value)| value.clone());
        let value = [before.unwrap_or_default(), text.value.clone()].concat();
        texts.push((token.place.start, token.line, value));
        is_joined = false;
    }
    texts
}

/// What of production's is in a text; the copy's own login may be spelled as production's is.
fn what(text: &[u8], values: &WpConfigValues<'_>, is_own_login: bool) -> Option<What> {
    let is_live = (values.is_live)(&String::from_utf8_lossy(text));
    let has_password = || values.old_passwords.iter().any(|password| is_in(text, password));
    let has_database = || values.old_database_hosts.iter().any(|host| names(text, host));
    let rewritten = || values.urls.rewrite(text);
    let names_host =
        || rewritten().is_some_and(|new| new.value != text || new.left.is_some_and(|left| left != Left::Mail));
    match () {
        () if is_live => Some(What::LiveKey),
        () if !is_own_login && has_password() => Some(What::Password),
        () if !is_own_login && has_database() => Some(What::Database),
        () if names_host() => Some(What::Host),
        () => None,
    }
}

fn is_in(text: &[u8], password: &str) -> bool {
    let password = password.as_bytes();
    text == password || (password.len() >= SHORTEST && memchr::memmem::find(text, password).is_some())
}

/// Whether a text names a host, and not a longer one.
fn names(text: &[u8], host: &str) -> bool {
    let (text, host) = (text.to_ascii_lowercase(), host.to_ascii_lowercase().into_bytes());
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b".-".contains(b));
    let mut found = memchr::memmem::find_iter(&text, &host);
    !host.is_empty() && found.any(|at| !is_part(text[..at].last()) && !is_part(text.get(at + host.len())))
}
