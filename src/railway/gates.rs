//! Gates of ours, set aside from an environment's services: nobody copies, starts or compares one, and a host of a gate counts
//! as that of what it leads to.

use std::mem;

use super::model::{CustomDomain, Environment, ServiceDomain, ServiceInstance};
use crate::contract::gate::{self, Route, Routes};
use crate::contract::ids::ServiceId;

impl Environment {
    pub(super) fn set_gates_aside(&mut self) {
        let all = mem::take(&mut self.service_instances);
        let is_gate = |service: &ServiceInstance| gate::run_hash(&service.service_name).is_some();
        (self.gates, self.service_instances) = all.into_iter().partition(is_gate);
        for n in 0..self.gates.len() {
            let id = self.gates[n].service_id.clone();
            let (routes, domains) = (self.routes(&id), mem::take(&mut self.gates[n].domains));
            for domain in domains.service_domains {
                let gate = Some(id.clone());
                match self.behind(&routes, &domain.domain) {
                    Some((service, port)) => {
                        let domain = ServiceDomain { target_port: Some(port), gate, ..domain };
                        service.domains.service_domains.push(domain);
                    }
                    None => self.gates[n].domains.service_domains.push(domain),
                }
            }
            for domain in domains.custom_domains {
                let gate = Some(id.clone());
                match self.behind(&routes, &domain.domain) {
                    Some((service, port)) => {
                        let domain = CustomDomain { target_port: Some(port), gate, ..domain };
                        service.domains.custom_domains.push(domain);
                    }
                    None => self.gates[n].domains.custom_domains.push(domain),
                }
            }
        }
    }

    /// Where a gate leads, by its own account.
    fn routes(&self, gate: &ServiceId) -> Routes {
        let written = self.variables(gate).find(|(name, _)| *name == gate::ROUTES);
        let json = written.and_then(|(_, variable)| variable.value.as_deref());
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    fn behind(&mut self, routes: &Routes, host: &str) -> Option<(&mut ServiceInstance, u16)> {
        let Route { service, port } = gate::route(routes, host)?;
        let behind = self.service_instances.iter_mut().find(|one| one.service_id == *service)?;
        Some((behind, *port))
    }
}
