//! What Railway has rendered for services, and where their TCP proxies listen: one document for all that are asked of.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch::Batch;
use super::calls::take;
use super::program::{Railway, Weight};
use crate::contract::ids::{EnvironmentId, ProjectId, ServiceId};
use crate::secret::learn;

/// Rendered variables by name; a sealed one has no value.
pub(crate) type Rendered = BTreeMap<String, Option<String>>;

/// A service in one environment.
pub(super) type Instance<'a> = (&'a EnvironmentId, &'a ServiceId);

/// Where a service's TCP proxy listens, and what is rendered for the service.
pub(crate) struct Reachable {
    /// `None` as long as Railway has not made the proxy.
    pub proxy: Option<(String, u16)>,
    pub variables: Rendered,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TcpProxy {
    domain: String,
    proxy_port: u16,
    application_port: u16,
    sync_status: String,
}

impl Railway {
    /// The rendered variables of several services.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn rendered(
        &self,
        project_id: &ProjectId,
        services: &[Instance<'_>],
        weight: Weight,
    ) -> Result<Vec<Rendered>> {
        let mut batch = Batch::query();
        for (n, (environment_id, service_id)) in services.iter().enumerate() {
            rendered_field(&mut batch, &format!("variables{n}"), project_id, environment_id, service_id);
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (document, variables) = batch.into_parts();
        let mut data: Map<String, Value> = self.send(&document, &variables, weight).await.context("read variables")?;
        (0..services.len()).map(|n| take_rendered(&mut data, &format!("variables{n}"))).collect()
    }

    /// Where the TCP proxies of services are that lead to a port of theirs, in the order of `services`.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn reachable(
        &self,
        project_id: &ProjectId,
        services: &[(Instance<'_>, u16)],
        weight: Weight,
    ) -> Result<Vec<Reachable>> {
        let mut batch = Batch::query();
        for (n, ((environment_id, service_id), _)) in services.iter().enumerate() {
            rendered_field(&mut batch, &format!("variables{n}"), project_id, environment_id, service_id);
            let arguments =
                [("environmentId", "String!", json!(environment_id)), ("serviceId", "String!", json!(service_id))];
            let selection = "{ domain proxyPort applicationPort syncStatus }";
            batch.field(&format!("proxies{n}"), "tcpProxies", arguments, selection);
        }
        let (document, variables) = batch.into_parts();
        let mut data: Map<String, Value> =
            self.send(&document, &variables, weight).await.context("read TCP proxies")?;
        services
            .iter()
            .enumerate()
            .map(|(n, (_, port))| {
                let proxies: Vec<TcpProxy> = take(&mut data, &format!("proxies{n}"))?;
                let live = proxies.into_iter().find(|p| p.application_port == *port && p.sync_status == "ACTIVE");
                let variables = take_rendered(&mut data, &format!("variables{n}"))?;
                Ok(Reachable { proxy: live.map(|p| (p.domain, p.proxy_port)), variables })
            })
            .collect()
    }
}

fn rendered_field(
    batch: &mut Batch,
    alias: &str,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    service_id: &ServiceId,
) {
    let arguments = [
        ("projectId", "String!", json!(project_id)),
        ("environmentId", "String!", json!(environment_id)),
        ("serviceId", "String!", json!(service_id)),
    ];
    batch.field(alias, "variablesForServiceDeployment", arguments, "");
}

fn take_rendered(data: &mut Map<String, Value>, alias: &str) -> Result<Rendered> {
    let rendered: Rendered = take(data, alias)?;
    for (name, value) in &rendered {
        learn(name, value.as_deref().unwrap_or_default());
    }
    Ok(rendered)
}
