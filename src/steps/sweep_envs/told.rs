//! What a sweep tells: of every environment why it went or stays.

use schemars::JsonSchema;
use serde::Serialize;

use super::warnings::Warning;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::environment::removal::Asked;
use crate::running::shown::table;

/// What the sweep did, or in a dry run would have done.
#[derive(Default, Serialize, JsonSchema)]
pub(in crate::steps) struct Output {
    pub dry_run: bool,
    /// Deleted and verified gone; in a dry run, what would be.
    pub deleted: Vec<Swept>,
    /// Every other environment, each with what keeps it.
    pub spared: Vec<Spared>,
    /// Copies whose end is near, and of which nobody was warned at this mark before; none in a dry run.
    pub warned: Vec<Warning>,
    /// Copies that stay and had TCP proxies open, which a step that was killed had left so: closed now.
    pub closed: Vec<String>,
    /// Services of gates that were left of copies which are gone: deleted, or in a dry run what would be.
    pub gates: Vec<String>,
    /// How many SSH keys that steps had left on the account, and whose time is up, are removed; none in a dry run.
    pub ssh_keys: usize,
    /// Railway was asked to delete them, and they were not seen to be gone.
    pub left: Vec<Swept>,
    /// Projects that may be copied and that the policy has left out of the sweep: nothing deletes their copies.
    pub unswept: Vec<ProjectId>,
}

/// A copy whose time is up.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Swept {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: String,
    /// Why its time is up.
    pub reason: String,
}

/// An environment that stays.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Spared {
    pub project_id: ProjectId,
    pub name: String,
    /// Whether it is a copy that railstage made.
    pub ours: bool,
    /// What keeps it.
    pub reason: String,
}

impl Output {
    /// For a person: what becomes of each, and whose end is near.
    pub(super) fn shown(&self) -> String {
        let (deleted, left) = (if self.dry_run { "would be deleted" } else { "deleted" }, "NOT gone, asked to be");
        let swept = |what: &str, of: &[Swept]| -> Vec<_> {
            of.iter().map(|one| [one.name.clone(), format!("{what}: it {}", one.reason)]).collect()
        };
        let mut rows: Vec<[String; 2]> = swept(deleted, &self.deleted);
        rows.extend(swept(left, &self.left));
        rows.extend(self.gates.iter().map(|gate| [gate.clone(), format!("{deleted}: it is a gate without a copy")]));
        rows.extend(self.spared.iter().map(|one| [one.name.clone(), format!("stays: it {}", one.reason)]));
        let warned: String = self.warned.iter().map(|warning| format!("\n{}", warning.message)).collect();
        format!("{}{warned}", table(["ENVIRONMENT", "WHAT BECOMES OF IT"], &rows))
    }

    /// What was not done, for whoever reads the error alone.
    pub(super) fn undone(&self) -> String {
        let names: Vec<_> = self.deleted.iter().map(|swept| format!("`{}`", swept.name)).collect();
        let what = if names.is_empty() { "no copy".to_owned() } else { names.join(", ") };
        format!("nothing was deleted; by our clock {what} would have been")
    }
}

impl Swept {
    pub(super) fn of(asked: Asked, reason: String) -> Self {
        let Asked { project_id, environment_id, name, .. } = asked;
        Self { project_id, environment_id, name, reason }
    }
}
