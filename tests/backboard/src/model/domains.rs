//! Domains: globally unique, made up by Railway or brought by the owner.

use super::{Answer, HandleKind, Model, slug};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const SUFFIX: &str = "up.railway.app";
pub(crate) const TCP_PROXY_HOST: &str = "localhost";

/// The change that adds one domain; a null value takes it away.
pub(crate) fn patch_of(service: Uuid, kind: HandleKind, domain: &str, value: &Value) -> Value {
    let map = if kind == HandleKind::ServiceDomain { "serviceDomains" } else { "customDomains" };
    json!({ "services": { service.to_string(): { "networking": { map: { domain: value } } } } })
}

fn port_setting(target_port: Option<i64>) -> Value {
    target_port.map_or(json!({}), |port| json!({ "port": port }))
}

impl Model {
    /// Who answers under a host name, whether deployed or not.
    pub(crate) fn owner_of_domain(&self, domain: &str) -> Option<(Uuid, Uuid)> {
        self.environments().find_map(|environment| {
            let service = environment.config.service_ids().into_iter().find(|service| {
                [HandleKind::ServiceDomain, HandleKind::CustomDomain]
                    .iter()
                    .any(|kind| environment.config.keys(*service, *kind).iter().any(|one| one == domain))
            })?;
            Some((environment.id, service))
        })
    }

    /// Where the edge sends a request: a custom domain counts only once it is verified.
    pub(crate) fn route(&self, host: &str) -> Option<(Uuid, Uuid)> {
        let (environment, service) = self.owner_of_domain(host)?;
        let custom = self.environment(environment).ok()?.handle(service, HandleKind::CustomDomain, host);
        custom.is_none_or(|handle| handle.verified).then_some((environment, service))
    }

    /// The port of a service that a domain leads to.
    pub(crate) fn target_port(&self, environment: Uuid, service: Uuid, host: &str) -> Option<i64> {
        let networking = &self.environment(environment).ok()?.config.service(service)["networking"];
        let of = |kind: &str| networking[kind][host]["port"].as_i64();
        of("serviceDomains").or_else(|| of("customDomains"))
    }

    pub(crate) fn domain_is_free(&self, domain: &str) -> bool {
        !self.foreign_domains.contains(domain) && self.owner_of_domain(domain).is_none()
    }

    pub(crate) fn refuse_taken_domain(&self, domain: &str) -> Answer<()> {
        if self.domain_is_free(domain) {
            return Ok(());
        }
        Err(super::Refusal(format!("The domain {domain} is not available")))
    }

    /// `<service>-<environment>.up.railway.app`, with a random tail when that is taken.
    pub(crate) fn free_label(&self, service: Uuid, any_environment: Uuid, environment_name: &str) -> String {
        let name = self.service_name(any_environment, service).unwrap_or("service");
        let label = format!("{}-{}", slug(name), slug(environment_name));
        let plain = format!("{label}.{SUFFIX}");
        if self.domain_is_free(&plain) {
            return plain;
        }
        format!("{label}-{}.{SUFFIX}", &Uuid::new_v4().simple().to_string()[..4])
    }

    pub(crate) fn create_service_domain(
        &mut self,
        environment: Uuid,
        service: Uuid,
        target_port: Option<i64>,
    ) -> Answer<String> {
        self.environment(environment)?.instance(service)?;
        let name = self.environment(environment)?.name.clone();
        let domain = self.free_label(service, environment, &name);
        let patch = patch_of(service, HandleKind::ServiceDomain, &domain, &port_setting(target_port));
        self.change(environment, &patch, false)?;
        Ok(domain)
    }

    /// Renames a Railway domain, or gives it another port; `domain` is the full name.
    pub(crate) fn update_service_domain(
        &mut self,
        environment: Uuid,
        id: Uuid,
        domain: &str,
        target_port: Option<i64>,
    ) -> Answer<()> {
        let found = self.environment(environment)?.handle_by_id(HandleKind::ServiceDomain, id);
        let (service, before) = found.ok_or("ServiceDomain not found")?;
        let label = domain.strip_suffix(SUFFIX).and_then(|rest| rest.strip_suffix('.')).unwrap_or_default();
        let is_label = !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_label {
            return Err(format!("{domain} is not a valid {SUFFIX} domain").as_str().into());
        }
        let old =
            self.environment(environment)?.config.service(service)["networking"]["serviceDomains"][&before].clone();
        let setting = target_port.map_or(old, |port| port_setting(Some(port)));
        if before == domain {
            return self.change(environment, &patch_of(service, HandleKind::ServiceDomain, domain, &setting), false);
        }
        self.refuse_taken_domain(domain)?;
        let handle = self.environment(environment)?.handle(service, HandleKind::ServiceDomain, &before).cloned();
        self.change(environment, &patch_of(service, HandleKind::ServiceDomain, &before, &Value::Null), false)?;
        self.change(environment, &patch_of(service, HandleKind::ServiceDomain, domain, &setting), false)?;
        if let Some(handle) = handle {
            let key = HandleKind::ServiceDomain.key(domain);
            self.environment_mut(environment)?.instance_mut(service)?.handles.insert(key, handle);
        }
        Ok(())
    }

    pub(crate) fn create_custom_domain(
        &mut self,
        environment: Uuid,
        service: Uuid,
        domain: &str,
        target_port: Option<i64>,
    ) -> Answer<()> {
        self.environment(environment)?.instance(service)?;
        self.refuse_taken_domain(domain)?;
        let patch = patch_of(service, HandleKind::CustomDomain, domain, &port_setting(target_port));
        self.change(environment, &patch, false)
    }

    pub(crate) fn delete_domain(&mut self, kind: HandleKind, id: Uuid) -> Answer<()> {
        let found = self.environments().find_map(|one| Some((one.id, one.handle_by_id(kind, id)?)));
        let (environment, (service, domain)) = found.ok_or("Domain not found")?;
        self.change(environment, &patch_of(service, kind, &domain, &Value::Null), false)
    }

    pub(crate) fn create_tcp_proxy(&mut self, environment: Uuid, service: Uuid, port: i64) -> Answer<()> {
        self.environment(environment)?.instance(service)?;
        self.change_tcp_proxy(environment, service, &port.to_string(), &json!({}))
    }

    pub(crate) fn delete_tcp_proxy(&mut self, id: Uuid) -> Answer<()> {
        let found = self.environments().find_map(|one| Some((one.id, one.handle_by_id(HandleKind::TcpProxy, id)?)));
        let (environment, (service, port)) = found.ok_or("TCPProxy not found")?;
        self.change_tcp_proxy(environment, service, &port, &Value::Null)
    }

    fn change_tcp_proxy(&mut self, environment: Uuid, service: Uuid, port: &str, value: &Value) -> Answer<()> {
        let change = json!({ "networking": { "tcpProxies": { port: value } } });
        self.change(environment, &json!({ "services": { service.to_string(): change } }), false)
    }
}
