//! What a file defines: by `define()` and by `const`, with the literals that decide each value.

use std::ops::Range;

use crate::files::php::lexer::{Kind, Token};

/// Functions that give what a container's variable holds, or their last argument; the first is of WordPress's own image.
const WITH_DEFAULT: &[&str] = &["getenv_docker", "env", "getenv_or"];

/// All that a file defines.
pub(super) struct Settings {
    pub(super) all: Vec<Setting>,
}

/// One constant, where it is given a value.
pub(super) struct Setting {
    /// None where it is computed, too, or has letters that no constant has.
    constant: Option<String>,
    pub(super) line: usize,
    /// The bytes of its value.
    pub(super) value: Range<usize>,
    /// The literal that is its value, or those that are where nothing else is known.
    pub(super) literals: Vec<Literal>,
}

/// A value as it is written.
pub(super) struct Literal {
    pub(super) place: Range<usize>,
    /// None for `null`, `false` and the like.
    pub(super) value: Option<Vec<u8>>,
    /// Whether it is one string in double quotes.
    pub(super) is_double: bool,
}

impl Setting {
    /// Empty where it is not known.
    pub(super) fn name(&self) -> &str {
        self.constant.as_deref().unwrap_or_default()
    }
}

impl Settings {
    pub(super) fn of(source: &[u8], tokens: &[Token]) -> Self {
        let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
        let reader = Reader { source, code: &code, brackets: brackets(&code) };
        let all = (0..code.len()).flat_map(|at| match reader.word(at) {
            word if word.eq_ignore_ascii_case(b"define") => reader.define(at).into_iter().collect(),
            word if word.eq_ignore_ascii_case(b"const") => reader.constants(at),
            _ => Vec::new(),
        });
        Self { all: all.collect() }
    }

    /// The first literal of a constant's.
    pub(super) fn literal(&self, name: &str) -> Option<&[u8]> {
        let of_name = self.all.iter().filter(|setting| setting.name() == name).flat_map(|setting| &setting.literals);
        of_name.into_iter().find_map(|literal| literal.value.as_deref())
    }
}

/// Reads code without its comments.
struct Reader<'a> {
    source: &'a [u8],
    code: &'a [&'a Token],
    brackets: Vec<Bracket>,
}

/// A token's place among brackets.
#[derive(Clone, Copy, Default)]
struct Bracket {
    /// Where the one that opens here closes.
    closes: Option<usize>,
    /// The innermost that is open here.
    within: Option<usize>,
}

fn brackets(code: &[&Token]) -> Vec<Bracket> {
    let (mut brackets, mut open) = (vec![Bracket::default(); code.len()], Vec::new());
    for (at, token) in code.iter().enumerate() {
        if matches!(token.kind, Kind::Sign(b')' | b']' | b'}')) {
            let closed: Option<usize> = open.pop();
            if let Some(opened) = closed {
                brackets[opened].closes = Some(at);
            }
        }
        brackets[at].within = open.last().copied();
        if matches!(token.kind, Kind::Sign(b'(' | b'[' | b'{')) {
            open.push(at);
        }
    }
    brackets
}

impl<'a> Reader<'a> {
    /// A name's letters; none of anything else.
    fn word(&self, at: usize) -> &'a [u8] {
        self.code.get(at).filter(|token| token.kind == Kind::Name).map_or(b"", |t| &self.source[t.place.clone()])
    }

    fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.code.get(at).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    /// Whether two signs stand together at a place.
    fn is_pair(&self, at: usize, pair: [u8; 2]) -> bool {
        let is_both = self.is_sign(at, pair[0]) && self.is_sign(at + 1, pair[1]);
        is_both && self.code[at].place.end == self.code[at + 1].place.start
    }

    /// Whether a name is a function's own, and not of a class, a namespace or a definition.
    fn is_call(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return self.is_sign(at + 1, b'(') };
        let is_of = |pair| before.checked_sub(1).is_some_and(|first| self.is_pair(first, pair));
        let is_in_namespace =
            self.is_sign(before, b'\\') && before.checked_sub(1).is_some_and(|n| !self.word(n).is_empty());
        let is_made =
            ["function", "new", "fn"].iter().any(|word| self.word(before).eq_ignore_ascii_case(word.as_bytes()));
        self.is_sign(at + 1, b'(') && !is_of(*b"->") && !is_of(*b"::") && !is_in_namespace && !is_made
    }

    /// Where the bracket that opens at a place closes.
    fn closing(&self, open: usize) -> Option<usize> {
        self.brackets.get(open)?.closes
    }

    /// The parts of what stands between two places that commas part.
    fn parts(&self, within: Range<usize>) -> Vec<Range<usize>> {
        let (mut parts, mut begin, mut at) = (Vec::new(), within.start, within.start);
        while at < within.end {
            match self.code[at].kind {
                Kind::Sign(b'(' | b'[' | b'{') => at = self.closing(at).unwrap_or(within.end),
                Kind::Sign(b',') => {
                    parts.push(begin..at);
                    begin = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        parts.push(begin..within.end);
        parts.retain(|part| !part.is_empty());
        parts
    }

    fn define(&self, at: usize) -> Option<Setting> {
        if !self.is_call(at) {
            return None;
        }
        let close = self.closing(at + 1)?;
        let (mut name, mut value) = (None, None);
        for (n, part) in self.parts(at + 2..close).into_iter().enumerate() {
            let is_named = self.is_sign(part.start + 1, b':') && !self.is_sign(part.start + 2, b':');
            let (label, part) = match is_named {
                true => (self.word(part.start), part.start + 2..part.end),
                false => (b"".as_slice(), part),
            };
            match (label, n) {
                (b"constant_name", _) | (b"", 0) => name = Some(part),
                (b"value", _) | (b"", 1) => value = Some(part),
                _ => {}
            }
        }
        let name = self.joined(name?).and_then(|literal| literal.value);
        let constant = name.and_then(|name| String::from_utf8(name).ok());
        let is_plain = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        Some(self.setting(constant.map(|name| name.trim_start_matches('\\').to_owned()).filter(is_plain), at, value?))
    }

    /// `const X = 1, Y = 2;`
    fn constants(&self, at: usize) -> Vec<Setting> {
        let end = (at..self.code.len()).find(|at| self.is_sign(*at, b';')).unwrap_or(self.code.len());
        let parts = self.parts(at + 1..end).into_iter();
        let settings = parts.filter_map(|part| {
            let equals = part.clone().find(|at| self.is_sign(*at, b'='))?;
            let name =
                String::from_utf8(self.word(equals.checked_sub(1)?).to_vec()).ok().filter(|name| !name.is_empty())?;
            (equals + 1 < part.end).then(|| self.setting(Some(name), equals - 1, equals + 1..part.end))
        });
        settings.collect()
    }

    fn setting(&self, constant: Option<String>, at: usize, value: Range<usize>) -> Setting {
        let literals = match self.joined(value.clone()) {
            Some(literal) => vec![literal],
            None => self.defaults(value.clone()),
        };
        let bytes = self.place(&value);
        Setting { constant, line: self.code[at].line, value: bytes, literals }
    }

    fn place(&self, code: &Range<usize>) -> Range<usize> {
        self.code[code.start].place.start..self.code[code.end - 1].place.end
    }

    /// Strings that are put together, or one word or number: a value that nothing decides but what stands there.
    fn joined(&self, mut code: Range<usize>) -> Option<Literal> {
        while code.len() > 2 && self.is_sign(code.start, b'(') && self.closing(code.start) == Some(code.end - 1) {
            code = code.start + 1..code.end - 1;
        }
        let place = (!code.is_empty()).then(|| self.place(&code))?;
        let first = self.code[code.start];
        let word = self.word(code.start).to_ascii_lowercase();
        let is_plain = first.kind == Kind::Number || [b"null".as_slice(), b"false", b"true"].contains(&word.as_slice());
        if code.len() == 1 && is_plain {
            return Some(Literal { place, value: None, is_double: false });
        }
        let mut value = Vec::new();
        for (n, at) in code.clone().enumerate() {
            match &self.code[at].kind {
                Kind::Text(text) if n % 2 == 0 && text.is_constant => value.extend_from_slice(&text.value),
                Kind::Sign(b'.') if n % 2 == 1 && at + 1 < code.end => {}
                _ => return None,
            }
        }
        let is_double = code.len() == 1 && matches!(&first.kind, Kind::Text(text) if text.is_double);
        Some(Literal { place, value: Some(value), is_double })
    }

    /// The literals of a computed value that stand where nothing else is known: behind `?:` and `??`, and as defaults of variables.
    fn defaults(&self, code: Range<usize>) -> Vec<Literal> {
        let is_default = |at: usize| {
            let ends = at + 1 >= code.end || [b')', b',', b';'].iter().any(|sign| self.is_sign(at + 1, *sign));
            let is_behind = at >= 2 && (self.is_pair(at - 2, *b"?:") || self.is_pair(at - 2, *b"??"));
            ends && (is_behind || self.is_default_of_call(at))
        };
        let found = code.clone().filter(|at| is_default(*at)).filter_map(|at| self.joined(at..at + 1));
        found.filter(|literal| literal.value.is_some()).collect()
    }

    /// Whether a token is the second argument of a function that has a default there, with nothing more in it.
    fn is_default_of_call(&self, at: usize) -> bool {
        let open = self.brackets[at].within;
        let Some((open, name)) = open.and_then(|open| Some((open, open.checked_sub(1)?))) else { return false };
        let is_known = WITH_DEFAULT.iter().any(|known| self.word(name).eq_ignore_ascii_case(known.as_bytes()));
        let parts = self.closing(open).map(|close| self.parts(open + 1..close)).unwrap_or_default();
        is_known && parts.get(1) == Some(&(at..at + 1))
    }
}
