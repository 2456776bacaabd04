//! The masker of values: it goes into whatever structure there is, and decides on each text in it by the name of its
//! field, else by what it looks like.

use std::cell::{Cell, RefCell};
use std::net::Ipv6Addr;

use super::fields;
use super::records::Records;
use crate::contract::transformer::Transformer;
use crate::formats::{self, FieldPath, Scalar, ValueEditor};
use crate::masking::nets::{Caught, Net, NetCounts, Nets, people, shapes, unknown};
use crate::masking::switches::{Decision, LiveSwitch, Plan};
use crate::masking::transformers::ValueLimits;

/// A longer text is no name, number or address.
const LONGEST_PERSONAL: usize = 200;

/// Masks what is personal or secret within a value, and says what it looks for.
pub(in crate::masking) struct ValueMasker<'a> {
    nets: &'a Nets,
    /// Whether fields with a person's name, number or address are masked.
    is_personal: bool,
    /// Whether switches are put where no money moves.
    is_settings: bool,
    /// What is put where in the settings at hand.
    plan: RefCell<Plan>,
    /// Whether free text and what may be a name are masked.
    is_closed: bool,
    /// Whether a value that is one word is masked as well.
    hides_words: bool,
    /// Who has a record in the value at hand.
    records: Records,
    counts: Cell<NetCounts>,
}

impl<'a> ValueMasker<'a> {
    /// For values that are about a person.
    pub(in crate::masking) fn personal(nets: &'a Nets) -> Self {
        Self { is_personal: true, ..Self::searching(nets) }
    }

    /// For values that are about the site; fields named like a person's are labels more often than not.
    pub(in crate::masking) fn settings(nets: &'a Nets) -> Self {
        Self { is_settings: true, ..Self::searching(nets) }
    }

    /// For values of which nothing is known.
    fn searching(nets: &'a Nets) -> Self {
        Self {
            nets,
            is_personal: false,
            is_settings: false,
            plan: RefCell::default(),
            is_closed: false,
            hides_words: false,
            records: Records::default(),
            counts: Cell::default(),
        }
    }

    /// For values that no rule speaks of.
    pub(in crate::masking) fn of(net: Net, nets: &'a Nets) -> Self {
        match net {
            Net::None | Net::Search => Self::searching(nets),
            Net::Settings => Self::settings(nets),
            Net::Close => Self { is_closed: true, ..Self::personal(nets) },
            Net::Words => Self { hides_words: true, ..Self::of(Net::Close, nets) },
        }
    }

    /// How many texts each net has changed.
    pub(in crate::masking) fn counts(&self) -> NetCounts {
        self.counts.get()
    }

    /// Switches in the last value that look live, and that nothing tells how to put off.
    pub(in crate::masking) fn live(&self) -> Vec<LiveSwitch> {
        self.plan.borrow().live().to_vec()
    }

    fn caught<T>(&self, caught: Caught, new: Option<T>) -> Option<T> {
        if new.is_some() {
            let mut counts = self.counts.get();
            counts.count(caught);
            self.counts.set(counts);
        }
        new
    }

    /// The value with what is masked in it, or `None` when it stays. `field` is the name of the whole.
    pub(in crate::masking) fn masked(&self, value: &[u8], field: &str) -> Option<Vec<u8>> {
        if self.is_settings {
            let plan = Plan::of(field, value);
            if let Some(whole) = plan.whole() {
                return self.switched(whole);
            }
            self.plan.replace(plan);
        }
        let (before, path) = (self.counts.get(), FieldPath::named(field));
        self.records.begin();
        let mut new = self.text(&path, value, 0);
        if self.records.end() {
            self.counts.set(before);
            if self.is_settings {
                self.plan.replace(Plan::of(field, value));
            }
            new = self.text(&path, value, 0);
        }
        let added = self.plan.borrow().added(new.as_deref().unwrap_or(value));
        // A number that is what it is to be is written anew.
        self.caught(Caught::Setting, added).or(new).filter(|new| new != value)
    }

    fn switched<T>(&self, decision: Decision<T>) -> Option<T> {
        match decision {
            Decision::Stays => None,
            Decision::Put(new) => self.caught(Caught::Setting, Some(new)),
        }
    }

    fn plain_text(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let plan = self.plan.borrow();
        if !plan.is_empty()
            && let Some(decision) = plan.text(path, text)
        {
            return self.switched(decision);
        }
        if text.is_empty() {
            return None;
        }
        if !is_flag(text) && fields::is_secret(path) || fields::holds_key(path, text) {
            return self.caught(Caught::Setting, Some(Vec::new()));
        }
        self.records.look(path);
        let by_name = if self.is_personal { fields::personal(path.name) } else { None };
        if let Some(transformer) = by_name
            .or_else(|| self.records.transformer(path, text))
            .filter(|transformer| is_plausible(*transformer, text))
        {
            self.note(path, transformer, text);
            let transformer = by_value(transformer, text);
            return self.caught(Caught::Field, transformer.masked(self.nets, "", text, ValueLimits::default()));
        }
        if self.is_personal && fields::is_reference(path, text) {
            return self.caught(Caught::Field, Transformer::Id.masked(self.nets, "", text, ValueLimits::default()));
        }
        if self.hides_words
            && path.around.is_none()
            && let Some(new) = unknown::other_word(self.nets, text)
        {
            return self.caught(Caught::Unknown, Some(new));
        }
        if self.is_closed
            && let Some(new) = unknown::masked(self.nets, path, text)
        {
            // What stands within a tag stays, unless it is somebody's.
            let within = memchr::memchr(b'<', &new).and_then(|_| self.content(path, &new));
            return self.caught(Caught::Unknown, Some(within.unwrap_or(new)));
        }
        self.known_whole(path, text).or_else(|| self.content(path, text))
    }

    /// A known login or company, which is told by the name of its field.
    fn known_whole(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok().filter(|text| people::may_be_whole(self.nets, text))?;
        let new = people::masked_whole(self.nets, fields::personal(path.name)?, text);
        self.caught(Caught::Person, new).map(String::into_bytes)
    }

    fn content(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let readable = std::str::from_utf8(text).ok()?;
        let shaped = self.caught(Caught::Shape, shapes::masked(self.nets, readable, path));
        let rest = shaped.as_deref().unwrap_or(readable);
        let known = self.caught(Caught::Person, people::masked(self.nets, rest));
        // Other numbers than those of telephones and networks are long, and keys have letters.
        let is_number = || !text.iter().any(u8::is_ascii_alphabetic);
        if known.is_some() || shaped.is_some() && (memchr::memchr2(b'@', b':', text).is_some() || is_number()) {
            self.records.note(path, text);
        }
        known.or(shaped).map(String::into_bytes)
    }

    /// A field that is named for somebody's address or number tells whose record it stands in.
    fn note(&self, path: &FieldPath<'_>, transformer: Transformer, text: &[u8]) {
        if matches!(transformer, Transformer::Email | Transformer::Phone | Transformer::Ip) {
            self.records.note(path, text);
        }
    }
}

impl ValueEditor for ValueMasker<'_> {
    /// What cannot be read as a structure is a text itself.
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        formats::edited(text, path, self, depth).unwrap_or_else(|_| self.plain_text(path, text))
    }

    /// People stand as keys, too: by their address, or by name.
    fn key(&self, path: &FieldPath<'_>, key: &[u8]) -> Option<Vec<u8>> {
        let is_word = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-');
        if key.iter().all(is_word) { None } else { self.content(path, key) }
    }

    fn label(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let name = std::str::from_utf8(text).ok()?;
        if fields::personal(name).is_some() {
            return None;
        }
        let unknown = if self.is_closed { unknown::masked(self.nets, path, text) } else { None };
        self.caught(Caught::Unknown, unknown).or_else(|| self.key(path, text))
    }

    /// What cannot be looked into might be about anybody.
    fn opaque(&self, path: &FieldPath<'_>) -> Option<Vec<u8>> {
        let is_closed = self.is_closed || fields::is_secret(path);
        self.caught(Caught::Unknown, is_closed.then(Vec::new))
    }

    fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Scalar> {
        let plan = self.plan.borrow();
        if !plan.is_empty()
            && let Some(decision) = plan.scalar(path, scalar)
        {
            return self.switched(decision);
        }
        let is_number = scalar == Scalar::Number;
        let is_personal = || {
            (self.is_personal || self.records.hold(path))
                && matches!(
                    fields::personal(path.name),
                    Some(
                        Transformer::Phone
                            | Transformer::Id
                            | Transformer::Card
                            | Transformer::OfficialNumber
                            | Transformer::Coordinates
                    )
                )
        };
        (is_number && (fields::is_secret(path) || is_personal())).then_some(Scalar::Number)
    }
}

/// The transformer for what a text is where that is plainly something else than the name of its field says: an `adresse` may be
/// one of the post or of e-mail, and profiles are told by a name or by a page.
pub(in crate::masking) fn by_value(by_name: Transformer, text: &[u8]) -> Transformer {
    let readable = || std::str::from_utf8(text).map(str::trim).unwrap_or_default();
    if memchr::memchr(b'@', text).is_some() && shapes::is_email(readable()) {
        return Transformer::Email;
    }
    if by_name != Transformer::Ip && memchr::memchr(b':', text).is_some() && readable().parse::<Ipv6Addr>().is_ok() {
        return Transformer::Ip;
    }
    let is_page = || memchr::memmem::find(text, b"://").is_some();
    if by_name == Transformer::Login && is_page() { Transformer::Url } else { by_name }
}

/// Whether a text is a choice rather than a secret or a name.
fn is_flag(text: &[u8]) -> bool {
    const FLAGS: &[&[u8]] = &[b"yes", b"no", b"on", b"off", b"true", b"false", b"0", b"1"];
    text.len() <= 5 && FLAGS.iter().any(|flag| text.eq_ignore_ascii_case(flag))
}

/// Whether a text can be what the name of its field says.
pub(in crate::masking) fn is_plausible(transformer: Transformer, text: &[u8]) -> bool {
    if text.len() > LONGEST_PERSONAL && transformer != Transformer::Text || is_flag(text) {
        return false;
    }
    let digits = || text.iter().filter(|b| b.is_ascii_digit()).count();
    let is_markup = || memchr::memchr2(b'<', b'{', text).is_some() || memchr::memmem::find(text, b"://").is_some();
    match transformer {
        // Addresses are known by what they look like, and in a letter stand among other lines.
        Transformer::Email => memchr::memchr(b'@', text).is_some() && memchr::memchr(b'\n', text).is_none(),
        Transformer::Phone => digits() >= 5,
        Transformer::Ip => digits() > 0 && memchr::memchr2(b'.', b':', text).is_some(),
        Transformer::Date => digits() >= 4,
        Transformer::Coordinates | Transformer::Device => digits() >= 2,
        Transformer::Card | Transformer::OfficialNumber => digits() > 0 && !is_markup(),
        Transformer::Url => true,
        Transformer::Login => memchr::memchr2(b'<', b'{', text).is_none(),
        Transformer::Id | Transformer::Iban | Transformer::Postcode => !is_markup(),
        _ => !is_markup() && text.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80),
    }
}
