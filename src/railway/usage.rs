//! What an environment or a service has used, by Railway's own account, and what that costs by one dated table of its prices.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::model::edges;
use super::program::{Railway, Weight};
use crate::contract::ids::{EnvironmentId, ProjectId, ServiceId};

const USE: &str = include_str!("documents/use.graphql");

/// Railway charges by the minute, and its month has thirty days.
const MINUTES_IN_A_MONTH: f64 = 43_200.0;

/// What Railway charges, in US dollars, without what a plan includes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Prices {
    /// The day on which they were Railway's.
    pub as_of: &'static str,
    pub vcpu_month: f64,
    pub memory_gb_month: f64,
    /// Of volumes, and of their backups.
    pub disk_gb_month: f64,
    pub egress_gb: f64,
}

/// The prices that costs are told by: those in the published source of Railway's CLI 5.71.0 (`src/commands/usage.rs`).
pub(crate) const PRICES: Prices =
    Prices { as_of: "2026-11-26", vcpu_month: 20.0, memory_gb_month: 10.0, disk_gb_month: 0.15, egress_gb: 0.05 };

/// What was used: minutes of a vCPU and of a GB, and GB that went out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    vcpu_minutes: f64,
    memory_gb_minutes: f64,
    disk_gb_minutes: f64,
    egress_gb: f64,
}

impl Used {
    /// What it costs, in US dollars.
    pub(crate) fn cost_usd(self) -> f64 {
        let Prices { as_of: _, vcpu_month, memory_gb_month, disk_gb_month, egress_gb } = PRICES;
        let months = |minutes: f64, price: f64| minutes / MINUTES_IN_A_MONTH * price;
        months(self.vcpu_minutes, vcpu_month)
            + months(self.memory_gb_minutes, memory_gb_month)
            + months(self.disk_gb_minutes, disk_gb_month)
            + self.egress_gb * egress_gb
    }

    fn plus(self, other: Self) -> Self {
        Self {
            vcpu_minutes: self.vcpu_minutes + other.vcpu_minutes,
            memory_gb_minutes: self.memory_gb_minutes + other.memory_gb_minutes,
            disk_gb_minutes: self.disk_gb_minutes + other.disk_gb_minutes,
            egress_gb: self.egress_gb + other.egress_gb,
        }
    }

    fn add(&mut self, measurement: &str, value: f64) {
        match measurement {
            "CPU_USAGE" => self.vcpu_minutes += value,
            "MEMORY_USAGE_GB" => self.memory_gb_minutes += value,
            "DISK_USAGE_GB" | "BACKUP_USAGE_GB" => self.disk_gb_minutes += value,
            "NETWORK_TX_GB" => self.egress_gb += value,
            _ => {}
        }
    }
}

/// What Railway tells of the use of a project.
#[derive(Default)]
pub(crate) struct Usage {
    /// By environment and service; a volume's use is no service's.
    used: BTreeMap<(EnvironmentId, Option<ServiceId>), Used>,
    /// By environment and volume.
    volume_mb: BTreeMap<(EnvironmentId, String), f64>,
}

impl Usage {
    /// What an environment has used; `None` where Railway tells nothing of it.
    pub(crate) fn of(&self, environment_id: &EnvironmentId) -> Option<Used> {
        let own = self.used.iter().filter(|((id, _), _)| id == environment_id).map(|(_, used)| *used);
        own.reduce(Used::plus)
    }

    /// What one of its services has used, or its volumes.
    pub(crate) fn of_service(&self, environment_id: &EnvironmentId, service_id: Option<&ServiceId>) -> Option<Used> {
        self.used.get(&(environment_id.clone(), service_id.cloned())).copied()
    }

    /// How many bytes its volumes hold; `None` where Railway tells nothing of it.
    pub(crate) fn volume_bytes(&self, environment_id: &EnvironmentId) -> Option<u64> {
        let own = self.volume_mb.iter().filter(|((id, _), _)| id == environment_id);
        own.map(|(_, mb)| bytes(*mb)).reduce(u64::saturating_add)
    }

    /// How many bytes one of its volumes holds; `None` where Railway tells nothing of it.
    pub(crate) fn bytes_of_volume(&self, environment_id: &EnvironmentId, volume_id: &str) -> Option<u64> {
        self.volume_mb.get(&(environment_id.clone(), volume_id.to_owned())).copied().map(bytes)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no volume is that large, or less than empty"
)]
fn bytes(mb: f64) -> u64 {
    (mb.max(0.0) * 1e6) as u64
}

#[derive(Deserialize)]
struct Data {
    usage: Vec<Measured>,
    project: Sizes,
}

#[derive(Deserialize)]
struct Measured {
    measurement: String,
    value: f64,
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tags {
    environment_id: Option<EnvironmentId>,
    service_id: Option<ServiceId>,
}

#[derive(Deserialize)]
struct Sizes {
    #[serde(deserialize_with = "edges")]
    environments: Vec<EnvironmentSize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentSize {
    id: EnvironmentId,
    #[serde(deserialize_with = "edges")]
    volume_instances: Vec<Volume>,
}

#[derive(Deserialize)]
struct Volume {
    #[serde(rename = "volumeId")]
    volume_id: String,
    #[serde(rename = "currentSizeMB")]
    current_size_mb: f64,
}

impl Railway {
    /// What each environment of a project has used since `start`, and what its volumes hold now.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn usage(&self, project_id: &ProjectId, start: Timestamp) -> Result<Usage> {
        let variables = json!({ "projectId": project_id, "start": start });
        let data: Data = self.send(USE, &variables, Weight::Repeatable).await.context("read what the project used")?;
        let mut usage = Usage::default();
        for Measured { measurement, value, tags } in data.usage {
            let Some(environment_id) = tags.environment_id else { continue };
            let used = usage.used.entry((environment_id, tags.service_id)).or_default();
            used.add(&measurement, value);
        }
        for EnvironmentSize { id, volume_instances } in data.project.environments {
            let own = volume_instances.into_iter();
            usage.volume_mb.extend(own.map(|volume| ((id.clone(), volume.volume_id), volume.current_size_mb)));
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_each_costs_what_the_table_says() {
        let mut used = Used::default();
        for (measurement, value) in [
            ("CPU_USAGE", MINUTES_IN_A_MONTH),
            ("MEMORY_USAGE_GB", MINUTES_IN_A_MONTH),
            ("DISK_USAGE_GB", MINUTES_IN_A_MONTH),
            ("NETWORK_TX_GB", 2.0),
            ("CPU_LIMIT", 1e9),
        ] {
            used.add(measurement, value);
        }
        assert!((used.cost_usd() - 30.25).abs() < 1e-9, "{}", used.cost_usd());
    }
}
