//! The signature of a record: what is written into the variable `RAILSTAGE`, and what its value proves when it is read.
//!
//! A value is `<version>.<base64 of the exact JSON>.<HMAC-SHA256, hex>`; without a key the last part is missing. Version 1 was
//! bare JSON. The variable can be written by whoever may change the environment, so nothing of it counts that is not signed.

use std::fmt;

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::Sha256;

use crate::contract::environment_type::EnvironmentType;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::made::Made;
use crate::contract::record::{DatabaseRecord, Record, State, VERSION};
use crate::error::Failure;
use crate::secret::Secret;

/// The variable with the key that signs records.
pub(crate) const KEY_VARIABLE: &str = "RAILSTAGE_RECORD_KEY";

/// The variable with the key before that one: it signs nothing any more, but what it has signed counts.
pub(crate) const OLD_KEY_VARIABLE: &str = "RAILSTAGE_RECORD_KEY_OLD";

/// Shorter keys could be guessed by trying.
const SHORTEST_KEY: usize = 16;

/// So many letters has a short hash: 50 bits, of which nobody can try one without the key.
const SHORT_HASH: usize = 10;

/// The keys that sign records and prove them.
#[derive(Clone, Default)]
pub(crate) struct RecordKeys {
    current: Option<Hmac<Sha256>>,
    old: Option<Hmac<Sha256>>,
}

/// What Railway itself says of the environment in which a record is found.
pub(crate) struct Place<'a> {
    pub(crate) project_id: &'a ProjectId,
    pub(crate) environment_id: &'a EnvironmentId,
    pub(crate) created_at: Timestamp,
    /// What it was copied from.
    pub(crate) source_id: Option<&'a EnvironmentId>,
}

/// What an environment's record proves.
#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    /// There is none, or one that speaks of another environment: a copy of a copy inherits it.
    Absent,
    /// Ours.
    Signed(Box<Record>),
    /// Of version 1, or written without a key: it may be ours, and may be anyone's.
    Unsigned(Box<Record>),
    Unreadable(Unreadable),
}

impl Reading {
    /// The record, signed or not: good enough to be told, and to be more careful by.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Signed(record) | Self::Unsigned(record) => Some(record),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Sealed,
    Damaged,
    LaterVersion,
    NoKey,
    WronglySigned,
    Contradicted,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed => "it is sealed",
            Self::Damaged => "it is damaged",
            Self::LaterVersion => "a later version of railstage wrote it",
            Self::NoKey => "RAILSTAGE_RECORD_KEY is not set",
            Self::WronglySigned => "it is signed with another key than RAILSTAGE_RECORD_KEY, or was changed",
            Self::Contradicted => "Railway says otherwise about the environment",
        })
    }
}

impl RecordKeys {
    /// The keys of this process.
    ///
    /// # Errors
    /// Invalid input when one is too short to keep, or the old one is all there is.
    pub(crate) fn new(current: Option<&Secret>, old: Option<&Secret>) -> Result<Self> {
        let key = |name: &str, secret: Option<&Secret>| {
            let Some(secret) = secret else { return Ok(None) };
            ensure!(
                secret.expose().len() >= SHORTEST_KEY,
                Failure::invalid(format!("{name} is shorter than {SHORTEST_KEY} characters"))
                    .hint("set it to 32 or more random characters, the same for every run and for the sweep")
            );
            let mac = Hmac::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
            Ok(Some(mac))
        };
        let keys = Self { current: key(KEY_VARIABLE, current)?, old: key(OLD_KEY_VARIABLE, old)? };
        ensure!(
            keys.current.is_some() || keys.old.is_none(),
            Failure::invalid(format!("{OLD_KEY_VARIABLE} is set, and {KEY_VARIABLE} is not"))
        );
        Ok(keys)
    }

    /// Whether what is written now is signed.
    pub(crate) fn can_sign(&self) -> bool {
        self.current.is_some()
    }

    /// Hashes of a text that nobody can make without a key, short enough to be handed around: by the key that signs now and by the one before it,
    /// as far as there are any.
    pub(crate) fn short_hashes(&self, text: &str) -> Vec<String> {
        let keys = [&self.current, &self.old];
        let of = |key: &Hmac<Sha256>| {
            // Nothing that is signed begins so.
            let whole = mac(key, &format!("plan\0{text}")).finalize().into_bytes();
            BASE32_NOPAD.encode(&whole)[..SHORT_HASH].to_lowercase()
        };
        keys.into_iter().flatten().map(of).collect()
    }

    /// Bytes that nobody can make without a key, the same every time; without one there are none.
    pub(crate) fn derived(&self, what: &str) -> Option<[u8; 32]> {
        let key = self.current.as_ref()?;
        // Nothing that is signed begins so.
        Some(mac(key, &format!("derived\0{what}")).finalize().into_bytes().into())
    }

    /// The variable's value for a record.
    pub(crate) fn value(&self, record: &Record) -> String {
        let json = serde_json::to_string(record).expect("a record is plain data");
        let signed = format!("{VERSION}.{}", STANDARD.encode(json));
        match &self.current {
            Some(key) => format!("{signed}.{}", HEXLOWER.encode(&mac(key, &signed).finalize().into_bytes())),
            None => signed,
        }
    }

    /// Reads the variable's value in an environment; `None` is a sealed one.
    pub(crate) fn read(&self, value: Option<&str>, place: &Place<'_>) -> Reading {
        let Some(value) = value else { return Reading::Unreadable(Unreadable::Sealed) };
        let read = if value.starts_with('{') { Ok((version_1(value, place), None)) } else { parts(value) };
        let (record, mac) = match read {
            Ok((Ok(record), mac)) => (record, mac),
            Ok((Err(why), _)) | Err(why) => return Reading::Unreadable(why),
        };
        if record.environment_id != *place.environment_id {
            return Reading::Absent;
        }
        if let Some((signed, mac)) = mac
            && let Err(why) = self.verify(signed, mac)
        {
            return Reading::Unreadable(why);
        }
        let is_source = place.source_id.is_none_or(|id| *id == record.source_id);
        if record.project_id != *place.project_id || record.environment_created_at != place.created_at || !is_source {
            return Reading::Unreadable(Unreadable::Contradicted);
        }
        if mac.is_some() { Reading::Signed(Box::new(record)) } else { Reading::Unsigned(Box::new(record)) }
    }

    fn verify(&self, signed: &str, mac_hex: &str) -> Result<(), Unreadable> {
        if !self.can_sign() {
            return Err(Unreadable::NoKey);
        }
        let given = HEXLOWER.decode(mac_hex.as_bytes()).map_err(|_| Unreadable::Damaged)?;
        let is_by = |key: &Hmac<Sha256>| mac(key, signed).verify_slice(&given).is_ok();
        let is_ours = [&self.current, &self.old].into_iter().flatten().any(is_by);
        if is_ours { Ok(()) } else { Err(Unreadable::WronglySigned) }
    }
}

impl fmt::Debug for RecordKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn mac(key: &Hmac<Sha256>, signed: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(b"railstage record\0");
    mac.update(signed.as_bytes());
    mac
}

/// A record, and what is signed of it with the signature.
type Parts<'a> = (Result<Record, Unreadable>, Option<(&'a str, &'a str)>);

/// Takes apart a value of version 2.
fn parts(value: &str) -> Result<Parts<'_>, Unreadable> {
    let (version, rest) = value.split_once('.').ok_or(Unreadable::Damaged)?;
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(later) if later > VERSION => return Err(Unreadable::LaterVersion),
        _ => return Err(Unreadable::Damaged),
    }
    let (body, mac) = match rest.split_once('.') {
        Some((body, mac)) => (body, Some((&value[..version.len() + 1 + body.len()], mac))),
        None => (rest, None),
    };
    let json = STANDARD.decode(body).map_err(|_| Unreadable::Damaged)?;
    Ok((serde_json::from_slice(&json).map_err(|_| Unreadable::Damaged), mac))
}

/// What version 1 wrote, as far as it is not in a [`Record`] as it is.
#[derive(Deserialize)]
struct Version1 {
    environment_id: EnvironmentId,
    run_id: String,
    run_hash: String,
    source_id: EnvironmentId,
    source_name: String,
    target_name: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    give_up_at: Timestamp,
    state: State,
    keep: bool,
    environment_type: EnvironmentType,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    databases: Vec<DatabaseRecord>,
}

fn version_1(value: &str, place: &Place<'_>) -> Result<Record, Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_json::from_str(value).map_err(|_| Unreadable::Damaged)?;
    if head.version != 1 {
        return Err(if head.version > VERSION { Unreadable::LaterVersion } else { Unreadable::Damaged });
    }
    let old: Version1 = serde_json::from_str(value).map_err(|_| Unreadable::Damaged)?;
    Ok(Record {
        project_id: place.project_id.clone(),
        environment_id: old.environment_id,
        environment_created_at: place.created_at,
        run_id: old.run_id,
        run_hash: old.run_hash,
        key_hash: None,
        request_hash: None,
        source_id: old.source_id,
        source_name: old.source_name,
        ancestors: Vec::new(),
        owner: None,
        target_name: old.target_name,
        client: None,
        created_at: old.created_at,
        ready_at: None,
        ttl: None,
        expires_at: old.expires_at,
        warned: Vec::new(),
        give_up_at: old.give_up_at,
        state: old.state,
        lease: None,
        changed_by: None,
        refreshing: None,
        refreshed: None,
        keep: old.keep,
        environment_type: old.environment_type,
        domains: old.domains,
        domain_seen_at: None,
        databases: old.databases,
        files: Vec::new(),
        held: Vec::new(),
        made: Made::default(),
    })
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
