//! The `railway` program: the one place that starts it, counts its calls and reads what it says when it fails.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::error::{Exit, Failure};
use crate::external::process::{Child, ChildOutput};
use crate::external::process_env::ProcessEnv;
use crate::secret::Secret;

/// The variable that holds the account token.
pub(crate) const TOKEN_VARIABLE: &str = "RAILWAY_API_TOKEN";

/// Variables that choose Railway's backend.
const PASS: &[&str] = &["RAILWAY_ENV", "RAILWAY_BACKBOARD_URL"];

/// How long one HTTP request may take; copying a large environment was seen to take two minutes.
const REQUEST_DEADLINE: Duration = Duration::from_mins(5);

/// How often a call is sent that is safe to repeat, and how long we wait in between, at first.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(800);

/// The `railway` program with a token, a home directory of its own and a count of its calls.
pub(crate) struct Railway {
    program: PathBuf,
    inherited: ProcessEnv,
    token: Secret,
    home: TempDir,
    calls: AtomicU32,
    requests: AtomicU32,
}

/// Trouble that passes, at Railway or on the way to it: a 5xx, a limit of the rate, a line that broke. Whoever waits for
/// something goes on waiting; it stands in the chain of an error's causes.
#[derive(Debug)]
pub(crate) struct Weather {
    /// What was said of it.
    said: String,
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

    fn error(said: String, wait: Option<Duration>) -> anyhow::Error {
        anyhow::Error::new(Self { said: said.clone(), wait }).context(Failure::outside(said))
    }
}

/// What a call costs and whether it may be sent again when nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Part of waiting; not counted as a call, sent once: the loop that waits repeats it, whatever the [`Weather`].
    Poll,
    /// Counted; harmless to repeat.
    Repeatable,
    /// Counted; sent again only when Railway said that it did nothing.
    Once,
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

/// How a call failed, and so what may be done about it.
enum Trouble {
    /// Nothing was done; try again, after this time if one was named.
    Throttled(Option<Duration>),
    /// Nobody knows what was done.
    Unknown(anyhow::Error),
    Final(anyhow::Error),
}

impl Railway {
    /// The `railway` program on PATH, signed in with `RAILWAY_API_TOKEN`.
    ///
    /// # Errors
    /// [`Exit::Program`] when there is no token, or no such program.
    pub(crate) fn sign_in(env: &ProcessEnv) -> Result<Self> {
        let token = env.secret(TOKEN_VARIABLE).ok_or_else(|| {
            Failure::new(Exit::Program, format!("there is no {TOKEN_VARIABLE}"))
                .hint("set it to a Railway account token; in Kestra, as the secret RAILWAY_API_TOKEN")
        })?;
        let home =
            tempfile::Builder::new().prefix("railstage-").tempdir().context("make a home directory for `railway`")?;
        Ok(Self {
            program: env.find("railway")?,
            inherited: env.clone(),
            token,
            home,
            calls: AtomicU32::new(0),
            requests: AtomicU32::new(0),
        })
    }

    /// How many calls were made, polls aside.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many requests were sent, polls and repetitions included.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The program's version.
    pub(crate) async fn version(&self) -> Result<String> {
        let child = Child::new(&self.program, &self.inherited, Duration::from_secs(20))
            .args(["--version"])
            .env("HOME", self.home_path());
        let finished = child.run().await?;
        Ok(String::from_utf8_lossy(&finished.stdout).trim().trim_start_matches("railway ").to_owned())
    }

    /// Sends a GraphQL document and reads its `data`.
    ///
    /// # Errors
    /// [`Exit::Program`] when Railway does not accept the token, [`Exit::Outside`] with a [`GraphqlErrors`] behind it when it
    /// refuses the document, [`Exit::Outside`] when it cannot be reached, is throttled for long, or answers nonsense.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
        weight: Weight,
    ) -> Result<T> {
        if weight != Weight::Poll {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let wait = match self.once(document, variables).await {
                Ok(data) => return read(data),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Throttled(wait)) if weight == Weight::Poll => {
                    return Err(Weather::error("Railway limits the rate of calls".to_owned(), wait));
                }
                Err(Trouble::Unknown(error)) if weight == Weight::Poll => {
                    return Err(Weather::error(format!("{error:#}"), None));
                }
                Err(Trouble::Unknown(error)) if weight == Weight::Once || attempt >= ATTEMPTS => return Err(error),
                Err(Trouble::Throttled(wait)) if attempt >= ATTEMPTS || wait > Some(REQUEST_DEADLINE) => {
                    let next =
                        wait.map_or(String::new(), |wait| format!("; the next is allowed in {} s", wait.as_secs()));
                    return Err(Failure::outside(format!("Railway limits the rate of calls{next}")).into());
                }
                Err(Trouble::Throttled(wait)) => wait.unwrap_or(pause),
                Err(Trouble::Unknown(_)) => pause,
            };
            tracing::info!("Railway did not take the call; sending it again in {:.1} s", wait.as_secs_f32());
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    async fn once(&self, document: &str, variables: &Value) -> Result<Value, Trouble> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let child = Child::new(&self.program, &self.inherited, REQUEST_DEADLINE + Duration::from_secs(10))
            .args(["api", document, "--variables", "@-", "--compact", "--allow-errors"])
            .stdin(variables.to_string().into_bytes())
            .cwd(self.home.path())
            .env("HOME", self.home_path())
            .env(TOKEN_VARIABLE, self.token.expose())
            .env("RAILWAY_HTTP_TIMEOUT", REQUEST_DEADLINE.as_secs().to_string())
            .pass(PASS);
        let child = QUIET.iter().fold(child, |child, (name, value)| child.env(*name, *value));
        let finished = child.run().await.map_err(Trouble::Final)?;
        judge(&finished)
    }

    fn home_path(&self) -> String {
        self.home.path().to_string_lossy().into_owned()
    }
}

/// Keeps the program from calling anyone but the backend.
const QUIET: &[(&str, &str)] = &[
    ("RAILWAY_NO_TELEMETRY", "1"),
    ("RAILWAY_NO_AUTO_UPDATE", "1"),
    ("RAILWAY_AGENT_ADVISORY", "0"),
    ("CI", "true"),
    ("NO_COLOR", "1"),
];

fn judge(finished: &ChildOutput) -> Result<Value, Trouble> {
    if !finished.status.success() {
        return Err(trouble(&finished.last_words()));
    }
    let answer: Answer = serde_json::from_slice(&finished.stdout).map_err(|_| {
        Trouble::Unknown(Failure::outside("`railway` printed something that is not a GraphQL answer").into())
    })?;
    match (answer.errors, answer.data) {
        (Some(errors), _) if !errors.0.is_empty() => Err(refusal(errors)),
        (_, Some(data)) => Ok(data),
        _ => Err(Trouble::Unknown(Failure::outside("Railway sent an answer without data").into())),
    }
}

fn refusal(errors: GraphqlErrors) -> Trouble {
    if errors.say("too quickly") || errors.say("rate limit") {
        return Trouble::Throttled(pause_in(&errors.to_string().to_lowercase()));
    }
    if errors.say("not authorized") {
        return Trouble::Final(anyhow::Error::new(errors).context(not_signed_in()));
    }
    let text = errors.to_string();
    Trouble::Final(anyhow::Error::new(errors).context(Failure::outside(text)))
}

/// What the program's last words mean (its texts: RAILWAY CLI `src/errors.rs`, `src/client.rs`).
fn trouble(words: &str) -> Trouble {
    let lower = words.to_lowercase();
    if lower.contains("ratelimited") || lower.contains("http 429") {
        return Trouble::Throttled(pause_in(&lower));
    }
    if lower.contains("unauthorized") || lower.contains("invalid railway_") {
        return Trouble::Final(anyhow::Error::new(Failure::outside(words)).context(not_signed_in()));
    }
    let unknown = ["failed to fetch", "timed out", "http 5", "decoding response", "not valid json", "error sending"];
    let error = Failure::outside(format!("`railway` failed: {words}")).into();
    if unknown.iter().any(|sign| lower.contains(sign)) { Trouble::Unknown(error) } else { Trouble::Final(error) }
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

/// Serde's own message would quote the answer, which holds variables in clear: only the place is told.
fn read<T: DeserializeOwned>(data: Value) -> Result<T> {
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
        assert!(matches!(trouble("You are being ratelimited. Please try again later"), Trouble::Throttled(_)));
        assert!(
            matches!(trouble("Unauthorized. Please check that your RAILWAY_API_TOKEN is valid"), Trouble::Final(e) if Exit::of(&e) == Exit::Program)
        );
    }

    #[test]
    fn a_gateway_timeout_leaves_the_outcome_unknown() {
        assert!(matches!(trouble("Railway API request failed with HTTP 504 Gateway Timeout"), Trouble::Unknown(_)));
    }
}
