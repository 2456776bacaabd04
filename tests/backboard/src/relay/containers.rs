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
    running: Mutex<Started>,
    /// Those that sleep until somebody visits them.
    asleep: Mutex<Started>,
    /// The bytes that the volumes of a service hold, where somebody wants to see one full.
    limits: Mutex<HashMap<(Uuid, Uuid), u64>>,
    /// Whose commands are in the containers of a service, and whether busybox is all their programs.
    images: Mutex<HashMap<Uuid, (Option<u32>, bool)>>,
}

type Started = HashMap<(Uuid, Uuid), Arc<Container>>;

fn of(started: &Mutex<Started>) -> MutexGuard<'_, Started> {
    started.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Containers {
    pub(crate) fn new(folder: PathBuf) -> Containers {
        Containers {
            folder,
            running: Mutex::default(),
            asleep: Mutex::default(),
            limits: Mutex::default(),
            images: Mutex::default(),
        }
    }

    /// A new container takes the place of the one that ran, whose processes end.
    pub(crate) fn start(&self, environment: Uuid, service: Uuid, mut inside: Inside) {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        inside.limit = limits.get(&(environment, service)).copied();
        drop(limits);
        let images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        (inside.user, inside.only_busybox) = images.get(&service).copied().unwrap_or_default();
        drop(images);
        let container = Container::new(inside, self.folder.clone());
        of(&self.asleep).remove(&(environment, service));
        let before = of(&self.running).insert((environment, service), container);
        if let Some(before) = before {
            before.end();
        }
    }

    pub(crate) fn of(&self, environment: Uuid, service: Uuid) -> Option<Arc<Container>> {
        of(&self.running).get(&(environment, service)).cloned()
    }

    /// From its next container on, the volumes of a service hold no more than this, and only as long as that container is there.
    pub(crate) fn limit(&self, environment: Uuid, service: Uuid, bytes: u64) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).insert((environment, service), bytes);
    }

    /// From its next containers on, a service is of an image like this.
    pub(crate) fn set_image(&self, service: Uuid, user: Option<u32>, only_busybox: bool) {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).insert(service, (user, only_busybox));
    }

    /// Ends a container that is to start again when it is woken; says whether it ran.
    pub(crate) fn put_to_sleep(&self, environment: Uuid, service: Uuid) -> bool {
        let container = of(&self.running).remove(&(environment, service));
        container.inspect(|one| one.end()).map(|one| of(&self.asleep).insert((environment, service), one)).is_some()
    }

    pub(crate) fn wake(&self, environment: Uuid, service: Uuid) {
        if let Some(container) = of(&self.asleep).remove(&(environment, service)) {
            of(&self.running).insert((environment, service), container);
        }
    }

    pub(crate) fn stop_where(&self, wanted: impl Fn(&(Uuid, Uuid)) -> bool) {
        of(&self.asleep).retain(|key, _| !wanted(key));
        let stopped: Vec<_> = of(&self.running).extract_if(|key, _| wanted(key)).map(|(_, one)| one).collect();
        for one in stopped {
            one.end();
        }
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
