//! The backend as one shared thing: state, schema, faults, journal, and what runs behind it.

use crate::faults::Faults;
use crate::git::Git;
use crate::graphql::Tokens;
use crate::journal::Journal;
use crate::model::history::History;
use crate::model::{Effect, HandleKind, Model};
use crate::options::WorldOptions;
use crate::order::Order;
use crate::outside::Outside;
use crate::relay;
use crate::runtime::Runtime;
use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

pub(crate) struct Backend {
    pub(crate) schema: Valid<Schema>,
    pub(crate) options: WorldOptions,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) runtime: Runtime,
    pub(crate) order: Order,
    pub(crate) git: Git,
    pub(crate) outside: Outside,
    pub(crate) relayed: relay::Journal,
    tokens: Mutex<Tokens>,
    history: Mutex<History>,
    requests: AtomicU64,
    /// How far Railway's clock is from the machine's; without one it tells no time.
    clock: Mutex<Option<SignedDuration>>,
}

impl Backend {
    pub(crate) fn new(
        schema: Valid<Schema>,
        options: WorldOptions,
        tokens: Tokens,
        model: Model,
        runtime: Runtime,
    ) -> Arc<Self> {
        let git = Git::new(runtime.folder.join("git"));
        Arc::new(Backend {
            git,
            schema,
            options,
            faults: Faults::default(),
            journal: Journal::default(),
            runtime,
            order: Order::default(),
            outside: Outside::default(),
            relayed: relay::Journal::default(),
            tokens: Mutex::new(tokens),
            history: Mutex::new(History::new(model)),
            requests: AtomicU64::new(0),
            clock: Mutex::new(Some(SignedDuration::ZERO)),
        })
    }

    /// What a query sees; it may lag behind.
    pub(crate) fn read(&self) -> Arc<Model> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).lagging(self.order.age(self.options.lag))
    }

    pub(crate) fn current(&self) -> Arc<Model> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).current()
    }

    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add_project_token(&self, token: String, environment: Uuid) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).project.push((token, environment));
    }

    pub(crate) fn set_clock(&self, ahead: Option<SignedDuration>) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }

    /// The `Date` of an answer.
    pub(crate) fn date(&self) -> String {
        let ahead = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |ahead: SignedDuration| (Timestamp::now() + ahead).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        ahead.map_or("unknown".to_owned(), told)
    }

    /// The folder on this machine that is the volume of a service, if it has one and is no database.
    pub(crate) fn volume_of(&self, environment: Uuid, service: Uuid) -> anyhow::Result<Option<PathBuf>> {
        let model = self.current();
        let config = &model.environment(environment).map_err(|refusal| anyhow::anyhow!("{refusal}"))?.config;
        let volumes = config.keys(service, HandleKind::VolumeMount);
        volumes.first().map(|volume| self.runtime.containers.volume(environment, volume)).transpose()
    }

    /// Takes a key off the list behind its owner's back.
    pub(crate) fn revoke_key(self: &Arc<Self>, key: &russh::keys::PublicKey) {
        self.change(|model| {
            Arc::make_mut(model).ssh_keys.retain(|known| known.key.key_data() != key.key_data());
        });
    }

    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Changes the state and starts what follows from the change.
    pub(crate) fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut Arc<Model>) -> T) -> T {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let mut model = history.current();
        let result = change(&mut model);
        let effects =
            if model.effects.is_empty() { Vec::new() } else { std::mem::take(&mut Arc::make_mut(&mut model).effects) };
        history.replace(model);
        drop(history);
        for effect in effects {
            match effect {
                Effect::Deploy { environment, service, deployment } => {
                    tokio::spawn(crate::deploy::deploy(self.clone(), environment, service, deployment));
                }
                Effect::Stop { environment, service } => {
                    self.runtime.stop_service(environment, service);
                }
                Effect::RemoveEnvironment { environment } => {
                    tokio::spawn(crate::deploy::remove_environment(self.clone(), environment));
                }
                Effect::Note(deed) => self.relayed.note(None, deed),
            }
        }
        self.runtime.match_proxies(&self.current());
        result
    }
}
