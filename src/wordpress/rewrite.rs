//! Rewrites a site's URLs in any value: plain, escaped, or inside PHP-serialized data and JSON nested in each other.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rewrite_hosts::Rule;
use super::rewrite_json as json;
use super::rewrite_tokens::{self as tokens, Token};
use crate::error::Failure;

/// Deeper nesting than any plugin writes; it bounds the work on hostile data.
const DEEPEST: usize = 32;
/// Values with more broken strings than this are no serialized data; it bounds the work on hostile data.
const MOST_BROKEN: usize = 1000;

/// An old URL (or bare host) and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UrlPair {
    /// The URL or host that is replaced.
    pub old: String,
    /// The URL or host that takes its place.
    pub new: String,
}

impl UrlPair {
    /// Reads a pair and checks that both are URLs or hosts.
    ///
    /// # Errors
    /// Invalid input when one of them is not.
    pub fn parse(old: &str, new: &str) -> Result<Self> {
        let pair = Self { old: old.to_owned(), new: new.to_owned() };
        Rewriter::new(std::slice::from_ref(&pair))?;
        Ok(pair)
    }
}

impl FromStr for UrlPair {
    type Err = anyhow::Error;

    /// Reads `OLD=NEW`.
    fn from_str(text: &str) -> Result<Self> {
        let (old, new) = text.split_once('=').with_context(|| format!("read `{text}`: it is not OLD=NEW"))?;
        Self::parse(old, new)
    }
}

impl fmt::Display for UrlPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.old, self.new)
    }
}

/// A value that had the old host in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The new value; equal to the old one when `replaced` is 0.
    pub bytes: Vec<u8>,
    /// How many URLs and hosts were replaced.
    pub replaced: usize,
    /// Whether serialized data in it has a wrong length; what is inside such a string was left alone.
    pub malformed: bool,
}

/// Rewrites by a list of pairs, the longest old URL first.
///
/// A URL's host is matched as a whole host, after `//` in whatever escaping, or as the whole value; never as a part of
/// a longer host, of an e-mail address or of prose. Hosts are matched in lower case, as WordPress stores them.
#[derive(Clone, Debug)]
pub struct Rewriter {
    rules: Vec<Rule>,
}

/// A replacement of `start..end`.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) bytes: Vec<u8>,
}

/// What is to be changed in a value.
#[derive(Default)]
struct Plan {
    edits: Vec<Edit>,
    replaced: usize,
    broken: usize,
}

impl Rewriter {
    /// # Errors
    /// Invalid input when a pair is not two URLs or hosts.
    pub fn new(pairs: &[UrlPair]) -> Result<Self> {
        let mut rules = Vec::new();
        for pair in pairs {
            match Rule::new(&pair.old, &pair.new) {
                Ok(rule) => rules.extend(rule),
                Err(error) => bail!(
                    Failure::invalid(format!("rewrite `{pair}`: {error:#}"))
                        .hint("give URLs such as `https://www.example.com=https://staging.example.com`")
                ),
            }
        }
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.old_len()));
        Ok(Self { rules })
    }

    /// Whether there is nothing to rewrite.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether an old host's letters occur at all; a host is never escaped, so this holds for any encoding of a value.
    pub fn may_match(&self, text: &[u8]) -> bool {
        self.rules.iter().any(|rule| rule.is_in(text))
    }

    /// The rewritten value, or `None` when no old host is in it.
    pub fn rewrite(&self, value: &[u8]) -> Option<Rewritten> {
        self.rewrite_as(value, true)
    }

    /// The rewritten text, or `None` when nothing in it changes.
    pub fn rewrite_text(&self, text: &str) -> Option<String> {
        let rewritten = self.rewrite(text.as_bytes()).filter(|rewritten| rewritten.replaced > 0)?;
        String::from_utf8(rewritten.bytes).ok()
    }

    /// As [`Self::rewrite`], for a value of the type `jsonb`, whose keys stay: the server would sort changed ones anew.
    pub fn rewrite_jsonb(&self, value: &[u8]) -> Option<Rewritten> {
        self.rewrite_as(value, false)
    }

    fn rewrite_as(&self, value: &[u8], keys: bool) -> Option<Rewritten> {
        if !self.may_match(value) {
            return None;
        }
        let mut plan = Plan::default();
        self.plan(value, keys, 0, &mut plan);
        if plan.replaced == 0 && plan.broken == 0 {
            return None;
        }
        plan.edits.sort_by_key(|edit| edit.start);
        let mut bytes = Vec::with_capacity(value.len() + 16 * plan.edits.len());
        let mut done = 0;
        for edit in &plan.edits {
            bytes.extend_from_slice(&value[done..edit.start]);
            bytes.extend_from_slice(&edit.bytes);
            done = edit.end;
        }
        bytes.extend_from_slice(&value[done..]);
        Some(Rewritten { bytes, replaced: plan.replaced, malformed: plan.broken > 0 })
    }

    /// Plans the edits of one layer: a whole value, the body of a serialized string, or a decoded JSON string.
    fn plan(&self, text: &[u8], keys: bool, depth: usize, plan: &mut Plan) {
        if !self.may_match(text) {
            return;
        }
        if depth > DEEPEST {
            plan.broken += 1;
            return;
        }
        if let Some(edit) = self.rules.iter().find_map(|rule| rule.whole(text)) {
            plan.replaced += 1;
            plan.edits.push(edit);
        } else if let Some(strings) = json::strings(text) {
            for string in strings.iter().filter(|string| keys || !string.is_key) {
                self.plan_string(text, string, depth, plan);
            }
        } else {
            self.plan_text(text, depth, plan);
        }
    }

    fn plan_string(&self, text: &[u8], string: &json::JsonString, depth: usize, plan: &mut Plan) {
        let raw = &text[string.start..string.end];
        if !self.may_match(raw) {
            return;
        }
        match json::decode(raw) {
            Some(decoded) => self.plan_decoded(&decoded, string.start, depth, plan),
            None => self.plan_at(raw, string.start, depth, plan),
        }
    }

    /// Plans a layer that begins at `start` of the layer around it.
    fn plan_at(&self, text: &[u8], start: usize, depth: usize, plan: &mut Plan) {
        let from = plan.edits.len();
        self.plan(text, true, depth + 1, plan);
        for edit in &mut plan.edits[from..] {
            (edit.start, edit.end) = (edit.start + start, edit.end + start);
        }
    }

    /// Plans a layer that the layer around it holds in escaped form.
    fn plan_decoded(&self, decoded: &json::Decoded, start: usize, depth: usize, plan: &mut Plan) {
        let from = plan.edits.len();
        self.plan(&decoded.bytes, true, depth + 1, plan);
        for edit in &mut plan.edits[from..] {
            (edit.start, edit.end) = (decoded.origin[edit.start] + start, decoded.origin[edit.end] + start);
            json::escape(&mut edit.bytes);
        }
    }

    /// Text with serialized strings in it, or none.
    fn plan_text(&self, text: &[u8], depth: usize, plan: &mut Plan) {
        let mut done = 0;
        while let Some(token) = tokens::next(text, done) {
            self.plan_plain(text, done, token.start(), plan);
            done = token.end();
            let from = plan.edits.len();
            match &token {
                Token::Broken { .. } => {
                    plan.broken += 1;
                    if plan.broken > MOST_BROKEN {
                        return;
                    }
                    continue;
                }
                Token::Plain(string) => self.plan_at(&text[string.body.clone()], string.body.start, depth, plan),
                Token::Escaped(string) => match json::decode(&text[string.body.clone()]) {
                    Some(decoded) => self.plan_decoded(&decoded, string.body.start, depth, plan),
                    None => self.plan_at(&text[string.body.clone()], string.body.start, depth, plan),
                },
            }
            if let Some(edit) = token.relabelled(text, &plan.edits[from..]) {
                plan.edits.push(edit);
            }
        }
        self.plan_plain(text, done, text.len(), plan);
    }

    fn plan_plain(&self, text: &[u8], start: usize, end: usize, plan: &mut Plan) {
        let from = plan.edits.len();
        for rule in &self.rules {
            for (host, scheme) in rule.urls(&text[start..end]) {
                let host = host.moved(start);
                // Where a longer rule has been already, it keeps what it did.
                if plan.edits[from..].iter().all(|other| host.end <= other.start || other.end <= host.start) {
                    plan.edits.push(host);
                    plan.edits.extend(scheme.map(|scheme| scheme.moved(start)));
                    plan.replaced += 1;
                }
            }
        }
    }
}

impl Edit {
    fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by, bytes: self.bytes }
    }
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
