//! Kestra's execution API, as far as it is read: what runs have given account of to `notify-staging`.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::error::Failure;
use crate::external::http::{self, Client};
use crate::external::process_env::ProcessEnv;
use crate::secret::Secret;

/// Where Kestra answers, such as `https://kestra.example.com`.
pub(crate) const URL_VARIABLE: &str = "RAILSTAGE_KESTRA_URL";

/// The log-in of Kestra's open source edition, `user:password`.
pub(crate) const LOGIN_VARIABLE: &str = "RAILSTAGE_KESTRA_LOGIN";

/// How many executions one page has, and how many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 5;

/// The execution API of one Kestra.
pub(crate) struct Executions {
    client: Client,
    url: String,
    login: Option<Secret>,
}

/// One execution of `notify-staging`, as far as it is read.
#[derive(Deserialize)]
struct Execution<T> {
    inputs: Option<Inputs<T>>,
}

#[derive(Deserialize)]
struct Inputs<T> {
    #[serde(default)]
    event: String,
    #[serde(default)]
    flow_id: String,
    #[serde(default)]
    of_execution: String,
    about: Option<About<T>>,
}

/// What an execution is about; what another version wrote otherwise is left.
#[derive(Deserialize)]
#[serde(untagged)]
enum About<T> {
    Known(T),
    Unknown(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Page<T> {
    results: Vec<Execution<T>>,
}

/// Something that an execution has told.
pub(crate) struct Told<T> {
    pub flow_id: String,
    pub execution_id: String,
    pub about: T,
}

impl Executions {
    /// The Kestra that the environment names.
    ///
    /// # Errors
    /// Invalid input when it names none, or one whose log-in would go over an open line.
    pub(crate) fn of(env: &ProcessEnv) -> Result<Self> {
        let none = || Failure::invalid(format!("`history`: there is no {URL_VARIABLE}"));
        let url = env
            .text(URL_VARIABLE)
            .with_context(|| none().hint("set it to where Kestra answers, such as `https://kestra.example.com`"))?;
        let url = url.trim_end_matches('/').to_owned();
        let login = env.secret(LOGIN_VARIABLE);
        let is_loopback = ["http://127.0.0.1:", "http://localhost:"].iter().any(|own| url.starts_with(own));
        ensure!(
            url.starts_with("https://") || is_loopback,
            Failure::invalid(format!("{URL_VARIABLE} is no address of `https://`"))
        );
        Ok(Self { client: http::client()?, url, login })
    }

    /// What was told by events of this kind, as far as it is understood; the newest executions are read, up to 500.
    ///
    /// # Errors
    /// When Kestra cannot be asked, or answers otherwise than it does.
    pub(crate) async fn told<T: serde::de::DeserializeOwned>(&self, event: &str) -> Result<Vec<Told<T>>> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let query =
                format!("namespace=railstage&flowId=notify-staging&sort=state.startDate:desc&size={PAGE}&page={page}");
            let address = format!("{}/api/v1/main/executions/search?{query}", self.url);
            let answer = http::json(&self.client, &address, self.login.as_ref()).await;
            let Page { results } = answer.with_context(|| {
                Failure::outside(format!("ask Kestra at {} for past runs", self.url))
                    .hint(format!("{URL_VARIABLE} and {LOGIN_VARIABLE} say where it answers and who asks"))
            })?;
            let is_last = results.len() < PAGE;
            for inputs in results.into_iter().filter_map(|execution| execution.inputs).filter(|i| i.event == event) {
                let Inputs { flow_id, of_execution, about, .. } = inputs;
                if let Some(About::Known(about)) = about {
                    all.push(Told { flow_id, execution_id: of_execution, about });
                }
            }
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}
