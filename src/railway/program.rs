//! The `railway` program: the one place that starts it, counts its calls and sends them again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Trouble, judge, read, trouble};
use crate::contract::ids::{DeploymentId, EnvironmentId, ProjectId, ServiceId};
use crate::error::{Exit, Failure};
use crate::external::privacy::{self, PrivateFolder};
use crate::external::process::Child;
use crate::external::process_env::ProcessEnv;
use crate::secret::Secret;

/// The variable that holds the account token.
pub(crate) const TOKEN_VARIABLE: &str = "RAILWAY_API_TOKEN";

/// Variables that choose Railway's backend.
const PASS: &[&str] = &["RAILWAY_ENV", "RAILWAY_BACKBOARD_URL"];

/// How long one HTTP request may take; copying a large environment was seen to take two minutes.
const REQUEST_DEADLINE: Duration = Duration::from_mins(5);

/// How long an upload may take, with all that is packed for it.
const UPLOAD_DEADLINE: Duration = Duration::from_mins(8);

/// How often a call is sent that is safe to repeat, and how long we wait in between, at first.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(800);

/// The `railway` program with a token, a home directory of its own and a count of its calls.
pub(crate) struct Railway {
    program: PathBuf,
    inherited: ProcessEnv,
    home: PrivateFolder,
    calls: AtomicU32,
    requests: AtomicU32,
}

/// What a call costs and whether it may be sent again when nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Part of waiting; not counted as a call, sent once: the loop that waits repeats it, whatever the [`super::Weather`].
    Poll,
    /// Counted; harmless to repeat.
    Repeatable,
    /// Counted; sent again only when Railway said that it did nothing.
    Once,
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
        let home = privacy::private_folder()?;
        write_token(&home, &token)?;
        Ok(Self::at_home(env.find("railway")?, env.clone(), home))
    }

    /// Nobody's: there is no token and no program, and every call fails.
    ///
    /// # Errors
    /// When no folder can be made.
    pub(crate) fn signed_out() -> Result<Self> {
        Ok(Self::at_home(PathBuf::new(), ProcessEnv::default(), privacy::private_folder()?))
    }

    fn at_home(program: PathBuf, inherited: ProcessEnv, home: PrivateFolder) -> Self {
        Self { program, inherited, home, calls: AtomicU32::new(0), requests: AtomicU32::new(0) }
    }

    /// Where Railway's edge answers: what the program itself talks to (`src/config.rs` of the CLI).
    pub(crate) fn address(&self) -> String {
        if let Some(url) = self.inherited.text("RAILWAY_BACKBOARD_URL") {
            return url.to_owned();
        }
        let host = match self.inherited.text("RAILWAY_ENV") {
            Some("staging") => "railway-staging.com",
            Some("dev" | "develop") => "railway-develop.com",
            _ => "railway.com",
        };
        format!("https://backboard.{host}/graphql/v2")
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
    /// [`Exit::Program`] when Railway does not accept the token, [`Exit::Outside`] with a [`super::GraphqlErrors`] behind it when it
    /// refuses the document, [`Exit::Outside`] when it cannot be reached, is
    /// throttled for long, or answers nonsense; then [`super::Weather`] is behind it.
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
            let weather = match self.once(document, variables).await {
                Ok(data) => return read(data),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(weather)) => weather,
            };
            let may_be_sent_again = match weight {
                Weight::Poll => false,
                Weight::Repeatable => true,
                Weight::Once => !weather.may_be_done,
            };
            if !may_be_sent_again || attempt >= ATTEMPTS || weather.wait > Some(REQUEST_DEADLINE) {
                return Err(weather.into_error());
            }
            let wait = weather.wait.unwrap_or(pause);
            tracing::info!("Railway did not take the call; sending it again in {:.1} s", wait.as_secs_f32());
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    async fn once(&self, document: &str, variables: &Value) -> Result<Value, Trouble> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let child = self
            .child(REQUEST_DEADLINE + Duration::from_secs(10))
            .args(["api", document, "--variables", "@-", "--compact", "--allow-errors"])
            .stdin(variables.to_string().into_bytes());
        let finished = child.run().await.map_err(Trouble::Final)?;
        judge(&finished)
    }

    /// Uploads files as a service's source and deploys them; returns the deployment's id.
    ///
    /// # Errors
    /// As `send`, and [`super::Weather`].
    pub(crate) async fn up(
        &self,
        project_id: &ProjectId,
        environment_id: &EnvironmentId,
        service_id: &ServiceId,
        files: &Path,
        message: &str,
    ) -> Result<DeploymentId> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Uploaded {
            deployment_id: DeploymentId,
        }
        let (project, environment, service) = (project_id.as_ref(), environment_id.as_ref(), service_id.as_ref());
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        // Files that the repository itself would ignore are part of the commit all the same.
        let child = self.child(UPLOAD_DEADLINE).args([OsStr::new("up"), files.as_os_str()]).args([
            "--path-as-root",
            "--no-gitignore",
            "--detach",
            "--json",
            "--project",
            project,
            "--environment",
            environment,
            "--service",
            service,
            "--message",
            message,
        ]);
        let finished = child.run().await?;
        let failed = |what: &str| Failure::outside(format!("`railway up` {what}"));
        if !finished.status.success() {
            return Err(match trouble(&finished.last_words()) {
                Trouble::Passing(weather) => weather.into_error(),
                Trouble::Final(error) => error,
            });
        }
        let uploaded: Uploaded = serde_json::from_slice(&finished.stdout).map_err(|_| failed("tells no deployment"))?;
        Ok(uploaded.deployment_id)
    }

    /// A call of the program, signed in.
    fn child(&self, deadline: Duration) -> Child {
        let child = Child::new(&self.program, &self.inherited, deadline)
            .cwd(self.home.path())
            .env("HOME", self.home_path())
            .env("RAILWAY_HTTP_TIMEOUT", REQUEST_DEADLINE.as_secs().to_string())
            .pass(PASS);
        QUIET.iter().fold(child, |child, (name, value)| child.env(*name, *value))
    }

    fn home_path(&self) -> String {
        self.home.path().to_string_lossy().into_owned()
    }
}

/// Signs `railway` in by its configuration file: its environment could be read by every process of our account.
fn write_token(home: &PrivateFolder, token: &Secret) -> Result<()> {
    let folder = home.path().join(".railway");
    std::fs::create_dir(&folder).context("make the folder of `railway`")?;
    let config = Secret::new(json!({ "projects": {}, "user": { "token": token.expose() } }).to_string());
    // The file is called after the backend that `RAILWAY_ENV` chooses (the CLI's `src/config.rs`).
    for name in ["config.json", "config-staging.json", "config-dev.json"] {
        privacy::write_secret(&folder, name, &config)?;
    }
    Ok(())
}

/// Keeps the program from calling anyone but the backend.
const QUIET: &[(&str, &str)] = &[
    ("RAILWAY_NO_TELEMETRY", "1"),
    ("RAILWAY_NO_AUTO_UPDATE", "1"),
    ("RAILWAY_AGENT_ADVISORY", "0"),
    ("CI", "true"),
    ("NO_COLOR", "1"),
];
