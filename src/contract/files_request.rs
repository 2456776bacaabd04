//! What a request says of files: which of a volume's come along, and what is done when they are there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::contract::bounds::Refusal;
use crate::contract::policy::Policy;

/// What becomes of the files on one service's volume.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesRequest {
    /// Name of the service whose volume it is; an app's.
    pub service: String,
    /// What of the volume comes along.
    #[serde(default)]
    pub mode: FilesMode,
    /// Files that come along though they would be left behind, as globs of their paths in the volume (`wp-content/updraft/keep.zip`, `**/*.log`).
    #[serde(default)]
    pub include: Vec<String>,
    /// Files and folders that stay behind, as globs of their paths in the volume.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// How a second run knows what it need not send again.
    #[serde(default)]
    pub compare: Compare,
}

/// What of a volume comes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilesMode {
    /// All but what is left behind by the list, or by the request.
    #[default]
    Copy,
    /// Nothing: the volume comes up empty.
    Empty,
    /// As `copy`, but for WordPress's uploads: the copy's pages show those of production.
    Production,
}

/// How a file that is there already is compared with its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compare {
    /// By size and time.
    #[default]
    Time,
    /// By a digest of what is in it.
    Digest,
}

/// A command that runs in a container of the copy when its app is up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterCommand {
    /// Name of the service in whose container it runs.
    pub service: String,
    /// The command, for the container's shell.
    #[schemars(length(min = 1, max = 2000), extend("x-expects" = "a command of at most 2000 characters"))]
    pub command: String,
    /// What becomes of the clone when it ends with another exit code than 0.
    #[serde(default)]
    pub on_failure: AfterFailure,
}

/// What becomes of a clone when a command of its `after` fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterFailure {
    /// It is told.
    #[default]
    Warn,
    /// The clone fails.
    Fail,
}

/// What becomes of links to buckets (S3), which are not copied; keys to them never come along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Buckets {
    /// Links to production's buckets stay in the data: the copy's pages show what is in them.
    #[default]
    KeepLinks,
    /// The copy knows no bucket: variables that name one come up empty.
    Empty,
}

impl FilesRequest {
    /// What of it the policy does not grant.
    pub(super) fn beyond(&self, policy: &Policy) -> Option<Refusal> {
        let glob = self.include.iter().find(|glob| !policy.may_include_files.contains(glob))?;
        let what = format!("to bring `{glob}` of service `{}` along", self.service);
        Some(Refusal::new("files.include", what, format!("may_include_files: [\"{glob}\"]")))
    }
}

impl AfterCommand {
    /// What of it the policy does not grant.
    pub(super) fn beyond(&self, policy: &Policy) -> Option<Refusal> {
        let asked = format!("{}={}", self.service, self.command);
        let is_granted = policy.after_commands.iter().any(|glob| WildMatch::new(glob).matches(&asked));
        let refusal = || Refusal::new("after.command", format!("`{asked}`"), format!("after_commands: [\"{asked}\"]"));
        (!is_granted).then(refusal)
    }
}
