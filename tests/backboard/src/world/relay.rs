//! The relay of a world, and what is behind it.

use super::{World, refused};
use crate::model::Start;
use crate::relay::{Deed, Relayed, names};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl World {
    /// Where the relay listens, on 127.0.0.1.
    pub fn relay_port(&self) -> u16 {
        self.relay.port
    }

    /// The relay's host key, as a line of OpenSSH.
    pub fn relay_host_key(&self) -> &str {
        &self.relay.host_key
    }

    /// What `railway` and its `ssh` need beside [`World::cli_env`] to find this relay; a library is compiled for it. Their `HOME` must be
    /// a folder of the test's own.
    pub fn relay_cli_env(&self) -> Result<Vec<(String, String)>> {
        let library = names::compile(&self.backend.runtime.folder)?;
        Ok(names::environment(&library, self.relay.port))
    }

    /// A file of known hosts in which the relay is, as `railway` calls it then.
    pub fn relay_known_hosts(&self) -> String {
        names::known_host(&self.relay.host_key)
    }

    /// Puts the relay so far away that a byte and its answer take this long more, for connections from now on.
    pub fn set_relay_round_trip(&self, round_trip: Duration) {
        self.relay.set_round_trip(round_trip);
    }

    /// Cuts every connection to the relay that there is.
    pub fn cut_relay(&self) {
        self.relay.cut();
    }

    /// All that was done by way of the relay.
    pub fn relayed(&self) -> Vec<Relayed> {
        self.backend.relayed.all()
    }

    /// The commands that were sent to an environment by way of the relay, whether or not they ran.
    pub fn commands_in(&self, environment: &str) -> Result<Vec<String>> {
        let id = self.environment_id(environment)?;
        let all = self.relayed().into_iter().filter(|one| one.environment_id.as_deref() == Some(&id));
        Ok(all.filter_map(|one| if let Deed::Command { text, .. } = one.deed { Some(text) } else { None }).collect())
    }

    /// The id of a service's instance in an environment, which is the relay's user.
    pub fn instance_id(&self, environment: &str, service: &str) -> Result<String> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        let model = self.backend.current();
        let instance = model.environment(id).and_then(|one| one.instance(service)).map_err(refused)?;
        Ok(instance.id.to_string())
    }

    /// The keys that are registered, by their names.
    pub fn ssh_keys(&self) -> Vec<String> {
        self.backend.current().ssh_keys.iter().map(|key| key.name.clone()).collect()
    }

    /// Registers a public key with the account behind Railway's back, as the dashboard does.
    pub fn register_ssh_key(&self, name: &str, public_key: &str) -> Result<()> {
        self.change(|model| model.register_key(name, public_key, false, std::time::Instant::now()).map(drop))
    }

    /// Lets the volume of a service hold no more than this, from its next deployment on. It is in memory then, empty at first and gone
    /// with its container; its folder here stays as it is.
    pub fn limit_volume(&self, environment: &str, service: &str, bytes: u64) -> Result<()> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        self.backend.runtime.containers.limit(id, found, bytes);
        Ok(())
    }

    /// Has a service be of an image whose commands are this user's, or root's, and which has busybox and no other program, or all; from
    /// its next deployment on in each environment, and at once in production.
    pub fn set_image(&self, service: &str, user: Option<u32>, only_busybox: bool) -> Result<()> {
        let found = self.find_service(service)?;
        self.backend.runtime.containers.set_image(found, user, only_busybox);
        Ok(())
    }

    /// How many bytes the commands in a running container were fed.
    pub fn fed(&self, environment: &str, service: &str) -> Result<u64> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        let container = self.backend.runtime.containers.of(id, found);
        Ok(container.map_or(0, |container| container.fed.load(Ordering::Relaxed)))
    }

    /// Puts a service to sleep, so that no command runs in it until one of its domains is visited.
    pub fn put_to_sleep(&self, environment: &str, service: &str) -> Result<()> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        let slept = self.backend.runtime.containers.put_to_sleep(id, found);
        ensure!(slept, "`{service}` does not run");
        Ok(())
    }

    /// Starts the container of a service anew, as after a crash: what ran in it ends, and what it has not in a volume is gone.
    pub fn restart_container(&self, environment: &str, service: &str) -> Result<()> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        let container = self.backend.runtime.containers.of(id, found);
        container.with_context(|| format!("`{service}` does not run"))?.end();
        Ok(())
    }

    /// Has the repository of a service set its start command, whatever its settings say.
    pub fn start_by_itself(&self, service: &str, command: &str) -> Result<()> {
        self.set_start(service, Start::ByItself(command.to_owned()))
    }

    /// Has a service be of an image without a shell.
    pub fn take_shell(&self, service: &str) -> Result<()> {
        self.set_start(service, Start::WithoutShell)
    }

    fn set_start(&self, service: &str, start: Start) -> Result<()> {
        let id = self.find_service(service)?;
        self.change(|model| {
            let mut all = model.projects.iter_mut().flat_map(|project| &mut project.services);
            all.find(|row| row.id == id).ok_or("Service not found")?.start = start;
            Ok(())
        })
    }

    /// The folder on this machine that is the volume of a service which is no database.
    pub fn volume(&self, environment: &str, service: &str) -> Result<PathBuf> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        let volume = self.backend.volume_of(id, found)?;
        volume.with_context(|| format!("`{service}` has no volume"))
    }
}
