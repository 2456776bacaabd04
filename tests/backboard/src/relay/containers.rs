//! The containers that run, and the folders that are their volumes.

use super::container::{Container, Inside};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// By environment and service.
pub(crate) struct Containers {
    folder: PathBuf,
    running: Mutex<HashMap<(Uuid, Uuid), Arc<Container>>>,
}

impl Containers {
    pub(crate) fn new(folder: PathBuf) -> Containers {
        Containers { folder, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<(Uuid, Uuid), Arc<Container>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new container takes the place of the one that ran, whose processes end.
    pub(crate) fn start(&self, environment: Uuid, service: Uuid, inside: Inside) {
        let container = Container::new(inside, self.folder.clone());
        let before = self.running().insert((environment, service), container);
        before.iter().for_each(|one| one.end());
    }

    pub(crate) fn of(&self, environment: Uuid, service: Uuid) -> Option<Arc<Container>> {
        self.running().get(&(environment, service)).cloned()
    }

    pub(crate) fn stop_where(&self, wanted: impl Fn(&(Uuid, Uuid)) -> bool) {
        let stopped: Vec<_> = self.running().extract_if(|key, _| wanted(key)).map(|(_, one)| one).collect();
        stopped.iter().for_each(|one| one.end());
    }

    /// The folder of a volume in one environment, empty at first: no copy of an environment takes anything over.
    pub(crate) fn volume(&self, environment: Uuid, volume: &str) -> Result<PathBuf> {
        let folder = self.folder.join("volumes").join(environment.to_string()).join(volume);
        fs::create_dir_all(&folder).with_context(|| format!("create `{}`", folder.display()))?;
        Ok(folder)
    }

    /// Removes the volumes of an environment.
    pub(crate) fn forget(&self, environment: Uuid) {
        fs::remove_dir_all(self.folder.join("volumes").join(environment.to_string())).ok();
    }
}
