//! What differs between two environments of a project: each key of each service, with the values of those that may be shown.
//!
//! `facts` is what is looked at in one environment, `expected` why a copy may differ from its source. A variable's value is compared and never told.

mod code;
mod expected;
mod facts;
mod own_hosts;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::expected::Expected;
pub(crate) use self::facts::marks;
use self::facts::{Key, Place, facts};
use crate::railway::Environment;

/// What of an environment can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aspect {
    /// The service itself.
    Service,
    /// Whether it is deployed.
    Deployment,
    /// Whether its source is another repository or another image.
    Repository,
    Branch,
    /// The commit that runs.
    Commit,
    Image,
    Variable,
    /// A public host.
    Domain,
    /// A volume, by the path that it is mounted at.
    Volume,
    /// A bucket, by its name.
    Bucket,
    Region,
    Replicas,
    /// A TCP proxy, by the port that it leads to.
    Proxy,
    /// Any other setting, by its path in Railway's configuration.
    Setting,
}

/// On which side something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// In the environment that is looked at, and not in the one that it is compared with.
    Added,
    /// The other way round.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Difference {
    /// The service, or `shared` for what all of them have.
    pub service: String,
    pub what: Aspect,
    /// Which of several: a variable's name, a host, a path.
    pub name: Option<String>,
    pub change: Change,
    /// How it is where it is compared with; never of a variable, nor of a setting that may hold a secret.
    pub there: Option<String>,
    /// How it is in the environment that is looked at; as `there`.
    pub here: Option<String>,
    /// Why a copy has it; absent for what nothing explains.
    pub because: Option<Because>,
    #[serde(skip)]
    key: Key,
}

/// Why a copy differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Because {
    /// A secret or a password of the copy's own.
    OwnSecret,
    /// A value that names hosts, each of them the copy's own.
    OwnHosts,
    /// It says what the copy is.
    SaysWhatItIs,
    /// The request has set it, to whatever value: whether it is the same is not told.
    Request,
    /// It was deployed into the copy since that was ready.
    Deployed,
    /// It is sealed, and Railway copies no such variable.
    Sealed,
    /// What is left out, or runs on a schedule, stays undeployed.
    LeftOut,
    /// A database's TCP proxy is open while a step needs it, or where the policy leaves it open.
    OwnProxy,
    /// A copy runs every app, whether its source does or not.
    Started,
    /// Railway itself gave the copy another when it made it.
    NotCopied,
    /// The source was changed or deployed while the copy was made.
    SourceMovedOn,
}

/// What two environments come to.
pub(crate) struct Comparison {
    /// How many keys there are on either side.
    pub compared: usize,
    /// Everything that differs, by service.
    pub differences: Vec<Difference>,
}

/// Compares `here` with `there`.
pub(crate) fn compare(there: &Environment, here: &Environment, expected: &Expected<'_>) -> Comparison {
    let (before, now) = (facts(there), facts(here));
    let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let mut found = Vec::new();
    for key in &keys {
        let (was, is) = (before.get(key), now.get(key));
        let change = match (was, is) {
            (Some(was), Some(is)) if was.compared == is.compared && !expected.is_hidden(key) => continue,
            (Some(_), Some(_)) => Change::Changed,
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
        };
        let shown = |fact: Option<&facts::Fact>| fact.and_then(|fact| fact.shown.clone());
        found.push(Difference {
            service: name_of(&key.place, there, here),
            what: key.what,
            name: (!key.name.is_empty()).then(|| key.name.clone()),
            change,
            there: shown(was),
            here: shown(is),
            because: None,
            key: (*key).clone(),
        });
    }
    without_followers(&mut found);
    for difference in &mut found {
        difference.because = expected.because(difference);
    }
    found.sort_by(|a, b| (&a.service, a.what, &a.name).cmp(&(&b.service, b.what, &b.name)));
    Comparison { compared: keys.len(), differences: found }
}

/// What of a copy's settings Railway itself gave it otherwise, as [`Difference::subject`] names each; of a copy that nobody has changed yet.
pub(crate) fn not_copied(source: &Environment, copy: &Environment, expected: &Expected<'_>) -> Vec<String> {
    let of_railway = [Aspect::Volume, Aspect::Bucket, Aspect::Region, Aspect::Replicas, Aspect::Proxy, Aspect::Setting];
    let differences = compare(source, copy, expected).differences;
    differences
        .iter()
        .filter(|d| d.because.is_none() && of_railway.contains(&d.what))
        .map(Difference::subject)
        .collect()
}

/// Takes out what another difference says already: of a service that is only on one side, all that it has, and of one that is deployed only on
/// one side, its commit.
fn without_followers(found: &mut Vec<Difference>) {
    let told = |what: Aspect| -> BTreeSet<Place> {
        let of_service = found.iter().filter(|d| d.what == what && d.change != Change::Changed);
        of_service.map(|d| d.key.place.clone()).collect()
    };
    let (services, deployments) = (told(Aspect::Service), told(Aspect::Deployment));
    found.retain(|d| d.what == Aspect::Service || !services.contains(&d.key.place));
    found.retain(|d| d.what != Aspect::Commit || !deployments.contains(&d.key.place));
}

fn name_of(place: &Place, there: &Environment, here: &Environment) -> String {
    let Place::Service(id) = place else { return "shared".to_owned() };
    let service = here.service_by_id(id).or_else(|| there.service_by_id(id));
    service.map_or_else(|| id.to_string(), |service| service.service_name.clone())
}

impl Difference {
    /// What differs, such as ``web: variable `X` ``.
    pub(crate) fn subject(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
        format!("{}: {}{name}", self.service, self.what.told())
    }

    /// For people: `web: commit 1a2b… there, 3c4d… here`.
    pub(crate) fn told(&self) -> String {
        let how = match (self.change, &self.there, &self.here) {
            (Change::Added, _, Some(here)) => format!("only here: {here}"),
            (Change::Added, _, None) => "only here".to_owned(),
            (Change::Removed, Some(there), _) => format!("only there: {there}"),
            (Change::Removed, None, _) => "only there".to_owned(),
            (Change::Changed, Some(there), Some(here)) => format!("{there} there, {here} here"),
            (Change::Changed, _, _) => "differs".to_owned(),
        };
        let because = self.because.map(|because| format!(" ({})", because.told())).unwrap_or_default();
        format!("{} {how}{because}", self.subject())
    }
}

impl Aspect {
    fn told(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Deployment => "deployment",
            Self::Repository => "repository",
            Self::Branch => "branch",
            Self::Commit => "commit",
            Self::Image => "image",
            Self::Variable => "variable",
            Self::Domain => "domain",
            Self::Volume => "volume",
            Self::Bucket => "bucket",
            Self::Region => "region",
            Self::Replicas => "replicas",
            Self::Proxy => "TCP proxy",
            Self::Setting => "setting",
        }
    }
}

impl Because {
    fn told(self) -> &'static str {
        match self {
            Self::OwnSecret => "a secret of the copy's own",
            Self::OwnHosts => "each has its own hosts",
            Self::SaysWhatItIs => "says what the copy is",
            Self::Request => "the request set it",
            Self::Deployed => "was deployed into the copy",
            Self::Sealed => "sealed, and not copied by Railway",
            Self::LeftOut => "stays undeployed in the copy",
            Self::OwnProxy => "open while a step needs it, or as the policy says",
            Self::Started => "a copy runs every app",
            Self::NotCopied => "Railway did not copy it",
            Self::SourceMovedOn => "the source was changed while the copy was made",
        }
    }
}
