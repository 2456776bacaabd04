//! A time to live: an ISO-8601 duration of days to seconds, such as `P7D` or `PT36H`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, SpanRelativeTo, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What the schema and `railstage` accept: days to seconds, each a whole number, in this order.
const PATTERN: &str = r"^P(?=\d|T\d)(\d{1,5}D)?(T(?=\d)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}S)?)?$";

/// A length of time that is more than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ttl(SignedDuration);

impl Ttl {
    /// `days` days.
    pub const fn days(days: i64) -> Self {
        Self(SignedDuration::from_hours(24 * days))
    }

    /// `hours` hours.
    pub const fn hours(hours: i64) -> Self {
        Self(SignedDuration::from_hours(hours))
    }

    /// `minutes` minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self(SignedDuration::from_mins(minutes))
    }

    /// How long it is.
    pub(crate) fn duration(self) -> Duration {
        self.0.unsigned_abs()
    }

    /// How long it is, for counting with times.
    pub(crate) fn signed(self) -> SignedDuration {
        self.0
    }

    /// `start` plus this time.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }
}

impl TryFrom<String> for Ttl {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        let span = SpanParser::new()
            .parse_span(&text)
            .map_err(|_| anyhow!("`{text}` is not an ISO-8601 duration such as `P7D`"))?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours())?;
        ensure!(duration > SignedDuration::ZERO, "`{text}` is no time at all; expected a duration such as `P7D`");
        Ok(Self(duration))
    }
}

impl From<Ttl> for String {
    fn from(ttl: Ttl) -> Self {
        ttl.to_string()
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            secs if secs % 86_400 == 0 => write!(f, "P{}D", secs / 86_400),
            secs if secs % 3_600 == 0 => write!(f, "PT{}H", secs / 3_600),
            secs if secs % 60 == 0 => write!(f, "PT{}M", secs / 60),
            secs => write!(f, "PT{secs}S"),
        }
    }
}

impl JsonSchema for Ttl {
    fn schema_name() -> Cow<'static, str> {
        "Ttl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "x-expects": "an ISO-8601 duration of days to seconds, such as `P7D` or `PT36H`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ttl(text: &str) -> Result<Ttl> {
        Ttl::try_from(text.to_owned())
    }

    #[test]
    fn days_to_seconds_are_read() {
        assert_eq!(ttl("P7D").unwrap(), Ttl::days(7));
        assert_eq!(ttl("P1DT12H").unwrap(), ttl("PT36H").unwrap());
        for text in ["P7D", "PT36H", "PT90M", "PT90S"] {
            assert_eq!(ttl(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn zero_negative_and_calendar_lengths_are_refused() {
        for text in ["P0D", "PT0S", "-P1D", "P1M", "P1Y", "7 days", "P", ""] {
            assert!(ttl(text).is_err(), "{text}");
        }
    }
}
