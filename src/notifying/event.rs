//! What is told of an ended execution: the event that every channel carries, with an id that is the same whenever it is sent.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::contract::copied::Copied;
use crate::contract::notify_request::NotifyRequest;
use crate::running::account::Account;
use crate::running::outcome::Status;
use crate::secret::scrub;

/// The longest text that is told, characters.
const LONGEST: usize = 2_000;

/// The longest list that is told.
const MOST: usize = 100;

/// What sort of thing there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Kind {
    /// Something may be left behind, or nothing cleans up any more.
    #[serde(rename = "railstage.needs_person")]
    NeedsPerson,
    /// It failed, or was killed, and left nothing.
    #[serde(rename = "railstage.failed")]
    Failed,
    /// Copies end soon.
    #[serde(rename = "railstage.ends_soon")]
    EndsSoon,
    /// It did what it was asked for.
    #[serde(rename = "railstage.account")]
    Account,
}

/// One thing that is told once.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    #[serde(skip)]
    pub id: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it came to be.
    pub timestamp: String,
    pub data: Data,
}

/// What there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct Data {
    pub flow: String,
    pub execution: String,
    pub state: String,
    #[serde(flatten)]
    pub copy: Copy,
    pub needs_person: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What went wrong when what it made was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    pub steps: Vec<StepTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<Copied>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    pub warned: Vec<Ending>,
}

/// The copy that a run was about, as far as its flow names one.
#[derive(Debug, Serialize)]
pub(crate) struct Copy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How long a step took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepTime {
    pub step: String,
    pub seconds: f64,
}

/// A copy whose end is near.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub project_id: String,
    pub environment_id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub expires_at: String,
    pub mark: String,
}

impl Event {
    /// What is to be told of an execution; nothing of one that gave way to another for the same request.
    pub(crate) fn of(request: &NotifyRequest) -> Option<Self> {
        let given = Given(&request.outputs);
        if matches!(given.read("status"), Some(Status::AlreadyRunning | Status::Ready)) {
            return None;
        }
        let is_well = matches!(request.state.as_str(), "SUCCESS" | "WARNING");
        let data = Data {
            flow: cut(&request.flow_id),
            execution: cut(&request.execution_id),
            state: cut(&request.state),
            copy: Copy {
                project_id: given.text("project_id"),
                environment_id: given.text("environment_id"),
                environment_name: given.text("environment_name"),
                url: given.text("url"),
            },
            // Of what fell silent nobody knows what it left.
            needs_person: given.read("needs_person").unwrap_or(!is_well),
            started_at: request.started_at.as_deref().and_then(time),
            ended_at: request.ended_at.as_deref().and_then(time),
            step: given.text("step"),
            error: given.text("error"),
            rollback_error: given.text("rollback_error"),
            hint: given.text("hint"),
            steps: given.list("steps"),
            copied: given.read("copied"),
            account: given.read::<Account>("account").filter(|account| !account.copies.is_empty()).map(shortened),
            warned: given.list("warned"),
        };
        let kind = match &data {
            data if data.needs_person => Kind::NeedsPerson,
            _ if !is_well => Kind::Failed,
            data if !data.warned.is_empty() => Kind::EndsSoon,
            _ => Kind::Account,
        };
        let timestamp = data.ended_at.clone().unwrap_or_else(|| Timestamp::now().to_string());
        Some(Self { id: id(request, kind), kind, timestamp, data })
    }
}

/// The same for the same end of the same execution, whoever sends it and how often; another when that was started again.
fn id(request: &NotifyRequest, kind: Kind) -> String {
    let kind = serde_json::to_string(&kind).expect("a word");
    let ended = request.ended_at.as_deref().unwrap_or_default();
    let parts = [request.flow_id.as_str(), &request.execution_id, &request.state, ended, &kind];
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    format!("evt_{}", HEXLOWER.encode(&digest[..16]))
}

/// What an execution gave out: of another version, perhaps, or nobody's.
struct Given<'a>(&'a Map<String, Value>);

impl Given<'_> {
    /// What is not of this kind is left out.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(clean(self.0.get(name)?)).ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.read::<String>(name).filter(|text| !text.is_empty())
    }

    fn list<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        let all: Vec<Value> = self.read(name).unwrap_or_default();
        all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).take(MOST).collect()
    }
}

fn shortened(mut account: Account) -> Account {
    account.copies.truncate(MOST);
    account
}

/// Every text in it scrubbed and cut.
fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(values) => values.iter().map(clean).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), clean(value))).collect(),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    let text = scrub(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

fn time(text: &str) -> Option<String> {
    text.parse::<Timestamp>().ok().map(|time| time.to_string())
}
