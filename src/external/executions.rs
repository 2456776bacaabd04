//! Kestra's execution API, as far as it is read: what runs have given account of to `notify-staging`.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
struct Execution {
    inputs: Option<Inputs>,
    trigger: Option<Trigger>,
}

/// The execution that started it: Kestra's own word for it.
#[derive(Deserialize)]
struct Trigger {
    variables: Option<Starter>,
}

#[derive(Deserialize)]
struct Starter {
    #[serde(rename = "flowId", default)]
    flow_id: String,
}

#[derive(Deserialize)]
struct Inputs {
    #[serde(default)]
    execution_id: String,
    /// What the other execution gave out, as JSON.
    #[serde(default)]
    outputs: String,
}

#[derive(Deserialize)]
struct Outputs<T> {
    account: T,
}

#[derive(Deserialize)]
struct Page {
    results: Vec<Execution>,
}

/// The account that an execution has given.
pub(crate) struct Told<T> {
    pub flow_id: String,
    pub execution_id: String,
    pub account: T,
}

impl Execution {
    /// What another version wrote otherwise is left.
    fn told<T: DeserializeOwned>(self) -> Option<Told<T>> {
        let Inputs { execution_id, outputs } = self.inputs?;
        let flow_id = self.trigger?.variables?.flow_id;
        let Outputs { account } = serde_json::from_str(&outputs).ok()?;
        Some(Told { flow_id, execution_id, account })
    }
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

    /// The accounts that were told, as far as they are understood; the newest executions are read, up to 500.
    ///
    /// # Errors
    /// When Kestra cannot be asked, or answers otherwise than it does.
    pub(crate) async fn accounts<T: DeserializeOwned>(&self) -> Result<Vec<Told<T>>> {
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
            all.extend(results.into_iter().filter_map(Execution::told));
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}
