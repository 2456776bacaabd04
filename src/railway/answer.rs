//! What an answer of the `railway` program means: data, a refusal by Railway, or trouble that passes.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Exit, Failure};
use crate::external::process::ChildOutput;

/// Trouble that passes, at Railway or on the way to it: a 5xx, a limit of the rate, a line that broke. Whoever waits for
/// something goes on waiting; it stands in the chain of an error's causes.
#[derive(Debug)]
pub(crate) struct Weather {
    /// What was said of it.
    said: String,
    /// Whether the call may have done its work all the same.
    pub(crate) may_be_done: bool,
    /// When Railway allows the next request, where it said so.
    pub(crate) wait: Option<Duration>,
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl std::error::Error for Weather {}

impl Weather {
    /// The weather behind an error, if that is what it is.
    pub(crate) fn behind(error: &anyhow::Error) -> Option<&Self> {
        error.downcast_ref()
    }

    /// Railway did nothing, since it limits the rate of calls; the next is allowed after this time, if one was named.
    fn throttled(wait: Option<Duration>) -> Self {
        let next = wait.map_or(String::new(), |wait| format!("; the next is allowed in {} s", wait.as_secs()));
        Self { said: format!("Railway limits the rate of calls{next}"), may_be_done: false, wait }
    }

    /// Nobody knows what Railway did.
    fn unknown(said: impl Into<String>) -> Self {
        Self { said: said.into(), may_be_done: true, wait: None }
    }

    pub(super) fn into_error(self) -> anyhow::Error {
        let failure = Failure::outside(self.said.clone());
        anyhow::Error::new(self).context(failure)
    }
}

/// How a call failed, and so what may be done about it.
pub(super) enum Trouble {
    Passing(Weather),
    Final(anyhow::Error),
}

/// The `errors` of a GraphQL answer.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphqlErrors(Vec<GraphqlError>);

#[derive(Debug, Deserialize)]
struct GraphqlError {
    message: String,
    #[serde(default)]
    path: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Value>,
    errors: Option<GraphqlErrors>,
}

impl GraphqlErrors {
    /// What Railway said of the root field with this alias.
    pub(crate) fn at(&self, alias: &str) -> Option<&str> {
        let hit = |e: &&GraphqlError| e.path.as_ref().and_then(|p| p.first()?.as_str()) == Some(alias);
        self.0.iter().find(hit).map(|e| e.message.as_str())
    }

    /// Whether any message contains `words`, whatever the case.
    pub(crate) fn say(&self, words: &str) -> bool {
        self.0.iter().any(|e| e.message.to_lowercase().contains(words))
    }
}

impl fmt::Display for GraphqlErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.0.iter().map(|e| e.message.as_str()).collect();
        write!(f, "Railway says: {}", messages.join("; "))
    }
}

impl std::error::Error for GraphqlErrors {}

/// What a call came to: the `data` of its answer, or what went wrong.
pub(super) fn judge(finished: &ChildOutput) -> Result<Value, Trouble> {
    if !finished.status.success() {
        return Err(trouble(&finished.last_words()));
    }
    let answer: Answer = serde_json::from_slice(&finished.stdout)
        .map_err(|_| Trouble::Passing(Weather::unknown("`railway` printed something that is not a GraphQL answer")))?;
    match (answer.errors, answer.data) {
        (Some(errors), _) if !errors.0.is_empty() => Err(refusal(errors)),
        (_, Some(data)) => Ok(data),
        _ => Err(Trouble::Passing(Weather::unknown("Railway sent an answer without data"))),
    }
}

fn refusal(errors: GraphqlErrors) -> Trouble {
    if errors.say("too quickly") || errors.say("rate limit") {
        return Trouble::Passing(Weather::throttled(pause_in(&errors.to_string().to_lowercase())));
    }
    if errors.say("not authorized") {
        return Trouble::Final(anyhow::Error::new(errors).context(not_signed_in()));
    }
    let text = errors.to_string();
    Trouble::Final(anyhow::Error::new(errors).context(Failure::outside(text)))
}

/// What the program's last words mean (its texts: RAILWAY CLI `src/errors.rs`, `src/client.rs`).
pub(super) fn trouble(words: &str) -> Trouble {
    let lower = words.to_lowercase();
    if lower.contains("ratelimited") || lower.contains("http 429") {
        return Trouble::Passing(Weather::throttled(pause_in(&lower)));
    }
    if lower.contains("unauthorized") || lower.contains("invalid railway_") {
        return Trouble::Final(anyhow::Error::new(Failure::outside(words)).context(not_signed_in()));
    }
    let unknown = [
        "failed to fetch",
        "timed out",
        "http 5",
        "status code 5",
        "decoding response",
        "not valid json",
        "error sending",
    ];
    let said = format!("`railway` failed: {words}");
    if unknown.iter().any(|sign| lower.contains(sign)) {
        Trouble::Passing(Weather::unknown(said))
    } else {
        Trouble::Final(Failure::outside(said).into())
    }
}

/// `… Try again in 37 seconds`, `… in about 60 minutes`, `… 1 environment per 30 seconds.`
fn pause_in(words: &str) -> Option<Duration> {
    let mut previous = "";
    for word in words.split_whitespace() {
        if let Ok(amount) = previous.parse::<u64>() {
            match word.trim_end_matches(|c: char| !c.is_alphabetic()) {
                "second" | "seconds" => return Some(Duration::from_secs(amount)),
                "minute" | "minutes" => return Some(Duration::from_secs(60 * amount)),
                _ => {}
            }
        }
        previous = word;
    }
    None
}

fn not_signed_in() -> Failure {
    Failure::new(Exit::Program, "Railway does not accept the token")
        .hint("RAILWAY_API_TOKEN must be an account token that can see the project; a project token (RAILWAY_TOKEN) cannot make environments")
}

/// Reads `data`. Serde's own message would quote the answer, which holds variables in clear: only the place is told.
pub(super) fn read<T: DeserializeOwned>(data: Value) -> Result<T> {
    serde_json::from_value(data).map_err(|e| {
        let kind = std::any::type_name::<T>();
        Failure::outside(format!("Railway's answer has another shape than expected ({kind}, {:?})", e.classify()))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_read_from_the_programs_text() {
        assert_eq!(pause_in("you are being ratelimited. try again in 37 seconds"), Some(Duration::from_secs(37)));
        assert_eq!(pause_in("try again in about 60 minutes"), Some(Duration::from_hours(1)));
        assert_eq!(pause_in("this workspace allows 1 environment per 30 seconds."), Some(Duration::from_secs(30)));
        assert_eq!(pause_in("please try again later"), None);
    }

    #[test]
    fn a_throttle_is_not_taken_for_a_bad_token() {
        assert!(matches!(
            trouble("You are being ratelimited. Please try again later"),
            Trouble::Passing(Weather { may_be_done: false, .. })
        ));
        assert!(
            matches!(trouble("Unauthorized. Please check that your RAILWAY_API_TOKEN is valid"), Trouble::Final(e) if Exit::of(&e) == Exit::Program)
        );
    }

    #[test]
    fn a_gateway_timeout_leaves_the_outcome_unknown() {
        assert!(matches!(
            trouble("Railway API request failed with HTTP 504 Gateway Timeout"),
            Trouble::Passing(Weather { may_be_done: true, .. })
        ));
    }
}
