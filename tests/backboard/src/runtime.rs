//! What runs behind the state: a server per deployed database, a task per deployed app, a listener per TCP proxy.

use crate::app::App;
use crate::caddy::Caddy;
use crate::database::Database;
use crate::model::{HandleKind, Model};
use crate::ports;
use crate::postgres::PgBin;
use crate::relay::Containers;
use crate::wordpress::Site;
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What becomes of the next deployments of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployOutcome {
    /// The service's name.
    pub service: String,
    /// `FAILED` or `CRASHED`.
    pub status: crate::DeploymentStatus,
    /// The lines that explain it, in the build's log or the deployment's.
    #[serde(default)]
    pub log: Vec<String>,
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

pub(crate) enum Running {
    Database(Box<Proxied>),
    App(App),
    Caddy(Box<Caddy>),
    WordPress(Box<Site>),
}

/// A database server with the TCP proxies that lead to it.
pub(crate) struct Proxied {
    server: Database,
    proxies: HashMap<u16, JoinHandle<()>>,
}

pub(crate) struct Runtime {
    pub(crate) handle: Handle,
    pub(crate) pg_bin: PgBin,
    pub(crate) folder: PathBuf,
    running: Mutex<HashMap<(Uuid, Uuid), Running>>,
    pub(crate) containers: Containers,
    outcomes: Mutex<Vec<DeployOutcome>>,
    stubborn_proxies: bool,
    outside: OnceLock<(String, String)>,
}

impl Runtime {
    pub(crate) fn new(pg_bin: PgBin, folder: PathBuf, stubborn_proxies: bool) -> Self {
        let (running, outcomes) = (Mutex::default(), Mutex::default());
        let (outside, containers) = (OnceLock::new(), Containers::new(folder.clone()));
        let handle = Handle::current();
        Runtime { handle, pg_bin, folder, running, containers, outcomes, stubborn_proxies, outside }
    }

    /// Says where containers find the world outside: a proxy, and who signs its certificates.
    pub(crate) fn open_to(&self, proxy: String, ca_pem: String) {
        self.outside.set((proxy, ca_pem)).ok();
    }

    pub(crate) fn outside(&self) -> Option<(String, String)> {
        self.outside.get().cloned()
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, HashMap<(Uuid, Uuid), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn order_outcome(&self, outcome: DeployOutcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    }

    pub(crate) fn take_outcome(&self, service: &str) -> Option<DeployOutcome> {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let position = outcomes.iter().position(|outcome| outcome.service == service)?;
        outcomes[position].times = outcomes[position].times.saturating_sub(1);
        let outcome = outcomes[position].clone();
        if outcome.times == 0 {
            outcomes.remove(position);
        }
        Some(outcome)
    }

    /// The ordered outcomes that no deployment has had yet.
    pub(crate) fn waiting_outcomes(&self) -> Vec<DeployOutcome> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear_outcomes(&self) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The port of a running database, whatever its proxies.
    pub(crate) fn database_port(&self, environment: Uuid, service: Uuid) -> Option<u16> {
        match self.running().get(&(environment, service))? {
            Running::Database(database) => Some(database.server.port()),
            Running::App(_) | Running::Caddy(_) | Running::WordPress(_) => None,
        }
    }

    /// Where the files of a running database are.
    pub(crate) fn database_folder(&self, environment: Uuid, service: Uuid) -> Option<PathBuf> {
        match self.running().get(&(environment, service))? {
            Running::Database(database) => Some(database.server.data_folder()),
            Running::App(_) | Running::Caddy(_) | Running::WordPress(_) => None,
        }
    }

    /// A running database's own login, without the proxy.
    pub(crate) fn database_url(&self, environment: Uuid, service: Uuid) -> Option<String> {
        match self.running().get(&(environment, service))? {
            Running::Database(database) => Some(database.server.url()),
            Running::App(_) | Running::Caddy(_) | Running::WordPress(_) => None,
        }
    }

    /// Runs statements as `root` of a running database that is no Postgres.
    pub(crate) fn sql(&self, environment: Uuid, service: Uuid, statements: &str) -> Result<Vec<String>> {
        match self.running().get(&(environment, service)) {
            Some(Running::Database(database)) => database.server.sql(statements),
            _ => bail!("no database runs there"),
        }
    }

    pub(crate) fn app(&self, environment: Uuid, service: Uuid) -> Option<App> {
        match self.running().get(&(environment, service))? {
            Running::App(app) => Some(app.clone()),
            Running::Database(_) | Running::Caddy(_) | Running::WordPress(_) => None,
        }
    }

    /// The port of its container at which a running program listens, and where that is here.
    pub(crate) fn program(&self, environment: Uuid, service: Uuid) -> Option<(i64, u16)> {
        match self.running().get(&(environment, service))? {
            Running::Caddy(caddy) => Some(caddy.ports),
            Running::WordPress(site) => Some((crate::wordpress::PORT, site.port())),
            Running::Database(_) | Running::App(_) => None,
        }
    }

    /// What WordPress has sent by mail in an environment.
    pub(crate) fn mails(&self, environment: Uuid) -> Vec<String> {
        let running = self.running();
        let of_it = running.iter().filter(|((of, _), _)| *of == environment).map(|(_, one)| one);
        let sites = of_it.filter_map(|one| if let Running::WordPress(site) = one { Some(site.mails()) } else { None });
        sites.flatten().collect()
    }

    /// Starts the proxies that are configured and whose database runs, and ends all others.
    pub(crate) fn match_proxies(&self, model: &Model) {
        let _context = self.handle.enter();
        for ((environment, service), running) in self.running().iter_mut() {
            let Running::Database(database) = running else { continue };
            let Proxied { server, proxies } = &mut **database;
            let wanted: Vec<u16> = model
                .environment(*environment)
                .map(|environment| {
                    let keys = environment.config.keys(*service, HandleKind::TcpProxy);
                    let handles = keys.iter().filter_map(|key| environment.handle(*service, HandleKind::TcpProxy, key));
                    handles.filter(|handle| handle.acts).filter_map(|handle| handle.proxy_port).collect()
                })
                .unwrap_or_default();
            proxies.retain(|port, task| {
                let keep = wanted.contains(port) || self.stubborn_proxies;
                if !keep {
                    task.abort();
                }
                keep
            });
            for port in wanted {
                let std::collections::hash_map::Entry::Vacant(vacant) = proxies.entry(port) else { continue };
                match ports::listen(port) {
                    Ok(listener) => {
                        vacant.insert(self.handle.spawn(crate::proxy::forward(listener, server.port())));
                    }
                    Err(error) => eprintln!("backboard: TCP proxy: {error:#}"),
                }
            }
        }
    }

    /// Takes a running database out of what runs, its proxies ended; nobody reaches it until it is put back.
    pub(crate) fn take_database(&self, environment: Uuid, service: Uuid) -> Option<Database> {
        let mut all = self.running();
        let key = (environment, service);
        if !matches!(all.get(&key), Some(Running::Database(_))) {
            return None;
        }
        let Some(Running::Database(database)) = all.remove(&key) else { return None };
        let Proxied { server, proxies } = *database;
        for task in proxies.into_values() {
            task.abort();
        }
        Some(server)
    }

    /// Ends all that runs in one environment.
    pub(crate) fn stop_environment(&self, environment: Uuid) {
        self.stop_where(|(of, _)| *of == environment);
        self.containers.forget(environment);
    }

    /// Ends what runs of one service in one environment.
    pub(crate) fn stop_service(&self, environment: Uuid, service: Uuid) {
        self.stop_where(|key| *key == (environment, service));
    }

    pub(crate) fn stop_all(&self) {
        self.stop_where(|_| true);
    }

    fn stop_where(&self, wanted: impl Fn(&(Uuid, Uuid)) -> bool) {
        self.containers.stop_where(&wanted);
        let stopped: Vec<Running> = self.running().extract_if(|key, _| wanted(key)).map(|(_, one)| one).collect();
        for one in stopped {
            one.stop();
        }
    }
}

impl Running {
    pub(crate) fn database(server: Database) -> Self {
        Running::Database(Box::new(Proxied { server, proxies: HashMap::new() }))
    }

    pub(crate) fn stop(self) {
        match self {
            Running::App(app) => app.stop(),
            Running::Caddy(caddy) => caddy.stop(),
            Running::WordPress(site) => drop(site),
            Running::Database(database) => {
                database.proxies.into_values().for_each(|task| task.abort());
                drop(database.server);
            }
        }
    }
}
