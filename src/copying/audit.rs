//! What an audit of a copy says: an output for people, so no secret is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::note::CopyNote;
use super::report::MOST_LISTED;
use crate::inert;
use crate::masking::Proof;
use crate::masking::nets::people::PeopleDigest;

/// What a search of a copy, at any time after it was made, has found.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct AuditReport {
    /// The copy's name.
    pub database: String,
    /// The moment of the source that was copied (RFC 3339), if a copy of ours made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_at: Option<String>,
    /// How many people the source knew then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_then: Option<u64>,
    /// Whether the source knows others now than then; absent where the copy does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_changed: Option<bool>,
    /// Whom it knew then, in a number.
    #[serde(skip)]
    digest_then: Option<String>,
    /// Who was searched for, and what was found.
    pub proof: Proof,
}

impl AuditReport {
    /// An audit of a copy that says this of itself.
    pub(crate) fn of(note: Option<CopyNote>) -> Self {
        let report = note.map(|note| note.report);
        let proof = report.as_ref().and_then(|report| report.masking.as_ref()?.proof.as_ref());
        let (people_then, digest_then) = (proof.map(|proof| proof.people), proof.and_then(|p| p.people_digest.clone()));
        let snapshot_at = report.map(|report| report.snapshot_at);
        Self { snapshot_at, people_then, digest_then, ..Self::default() }
    }

    /// Whom the source knew then.
    pub(crate) fn people_digest(&self) -> Option<PeopleDigest> {
        self.digest_then.as_ref()?.parse().ok()
    }

    /// Whether nothing is left that a copy fails of.
    pub fn is_clean(&self) -> bool {
        self.proof.failing().next().is_none()
    }

    /// The same with no list longer than an output has.
    pub(crate) fn cut(self) -> Self {
        let (proof, _) = self.proof.cut(MOST_LISTED);
        Self { proof, ..self }
    }

    /// The report in a few lines for a person.
    pub fn summary(&self) -> String {
        let of = match &self.snapshot_at {
            Some(at) => format!("a copy of the source as it was at {at}"),
            None => "not known to be a copy of ours".to_owned(),
        };
        let mut lines = vec![format!("audited `{}`, {of}", self.database)];
        let now = self.proof.people;
        let is_changed = self.people_changed.or(self.people_then.map(|then| then != now)).unwrap_or_default();
        lines.extend(self.people_then.filter(|_| is_changed).map(|then| {
            format!("people have changed since: the source knew {then} then, and knows {now} now, of whom the copy is searched for")
        }));
        let (told, more) = self.proof.clone().cut(MOST_LISTED);
        lines.extend(told.lines());
        lines.extend((more > 0).then(|| format!("{more} more, which are not listed")));
        inert::lines(&lines)
    }
}
