//! What the relay's users are: service instances, by their ids.

use crate::backend::Backend;
use std::sync::Arc;
use uuid::Uuid;

/// A service instance that is there.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) environment: Uuid,
    pub(super) service: Uuid,
    /// Of the service.
    pub(super) name: String,
}

impl Target {
    pub(super) fn find(backend: &Arc<Backend>, user: &str) -> Option<Target> {
        let id = Uuid::parse_str(user).ok()?;
        let model = backend.current();
        model.environments().find_map(|environment| {
            let (service, _) = environment.instances.iter().find(|(_, instance)| instance.id == id)?;
            let name = model.service_name(environment.id, *service).ok()?.to_owned();
            Some(Target { environment: environment.id, service: *service, name })
        })
    }

    /// Where that is, as the journal has it.
    pub(super) fn place(&self) -> (String, String) {
        (self.environment.to_string(), self.name.clone())
    }
}
