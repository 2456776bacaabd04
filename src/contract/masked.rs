//! Whether the people in a database are strangers, as records, outputs and lists say it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Whether the people in a database are strangers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Masked {
    /// Whatever is known to be personal or looks so was masked, or a rule says that it may stay, and the copy was searched.
    Full,
    /// Some was masked, and something that looks personal came along, or what came was not searched.
    Partial,
    /// People came along as they are.
    #[default]
    No,
}

impl Masked {
    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::No => "no",
        }
    }
}

impl<'de> Deserialize<'de> for Masked {
    /// Records were written that only say whether masking was on.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase", untagged)]
        enum Written {
            IsOn(bool),
            How(How),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum How {
            Full,
            Partial,
            No,
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::How(How::Full) => Self::Full,
            Written::IsOn(true) | Written::How(How::Partial) => Self::Partial,
            Written::IsOn(false) | Written::How(How::No) => Self::No,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_only_says_that_masking_was_on_does_not_say_more_now() {
        let read = |text: &str| serde_json::from_str::<Masked>(text).ok();
        assert_eq!(
            [read("true"), read("false"), read("\"full\"")],
            [Some(Masked::Partial), Some(Masked::No), Some(Masked::Full)]
        );
        assert_eq!(read("\"perhaps\""), None);
        assert_eq!(serde_json::to_string(&Masked::Partial).unwrap(), "\"partial\"");
    }
}
