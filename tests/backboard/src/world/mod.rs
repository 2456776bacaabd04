//! A whole Railway in this process: started, asked, stopped.

mod databases;
mod fetch;
mod relay;
mod seeded;
mod settings;

pub use fetch::Fetched;

use crate::backend::Backend;
use crate::edge::{Authority, Edge};
use crate::faults::Fault;
use crate::graphql::Tokens;
use crate::journal::Entry;
use crate::model::{self, Model, variables};
use crate::options::WorldOptions;
use crate::ports::Ports;
use crate::postgres::PgBin;
use crate::relay::Relay;
use crate::runtime::{DeployOutcome, Runtime};
use crate::state::{self, EnvironmentState};
use crate::{http, leftovers, schema};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A running world; dropping it stops every server and removes every folder of it, and panics when something that was
/// ordered to go wrong never did: such a test would prove nothing.
pub struct World {
    backend: Arc<Backend>,
    graphql_port: u16,
    edge_port: u16,
    ca_file: PathBuf,
    ca_pem: String,
    relay: Relay,
    servers: Vec<JoinHandle<()>>,
    _folder: TempDir,
}

impl World {
    pub async fn start(options: WorldOptions) -> Result<World> {
        let pg_bin = match &options.pg_bin {
            Some(folder) => PgBin::at(folder)?,
            None => PgBin::find()?,
        };
        let parent = options.data_dir.clone().unwrap_or_else(std::env::temp_dir);
        leftovers::remove(&parent);
        let folder = tempfile::Builder::new().prefix(&leftovers::prefix()).tempdir_in(&parent);
        let folder = folder.with_context(|| format!("create a folder in `{}`", parent.display()))?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;

        let runtime = Runtime::new(pg_bin, folder.path().to_owned(), options.stubborn_proxies);
        let model = model::seed::model(&options, Arc::new(Ports::default()));
        let tokens = Tokens {
            account: format!("canary-account-token-{}", Uuid::new_v4()),
            workspace: format!("canary-workspace-token-{}", Uuid::new_v4()),
            project: Vec::new(),
        };
        let backend = Backend::new(schema::load()?, options, tokens, model, runtime);
        let authority = Authority::new().context("make the edge's CA")?;
        let (ca_file, ca_pem) = (folder.path().join("ca.pem"), authority.pem().to_owned());
        fs::write(&ca_file, &ca_pem)?;
        let (graphql, edge) = (TcpListener::bind(("127.0.0.1", 0)).await?, TcpListener::bind(("127.0.0.1", 0)).await?);
        let (graphql_port, edge_port) = (graphql.local_addr()?.port(), edge.local_addr()?.port());
        backend.runtime.open_to(format!("http://127.0.0.1:{edge_port}"), ca_pem.clone());
        let router = http::router(backend.clone());
        let edge_server = Edge::new(backend.clone(), router.clone(), authority).serve(edge);
        let servers = vec![
            tokio::spawn(async move {
                if let Err(error) = axum::serve(graphql, router).await {
                    eprintln!("backboard: the GraphQL server stopped: {error}");
                }
            }),
            tokio::spawn(edge_server),
        ];
        let relay = Relay::start(&backend).await?;
        seeded::start(&backend).await?;
        Ok(World { backend, graphql_port, edge_port, ca_file, ca_pem, relay, servers, _folder: folder })
    }

    /// Stops everything; the same as dropping the world, without blocking the caller's thread.
    pub async fn stop(self) {
        if let Err(error) = tokio::task::spawn_blocking(move || drop(self)).await {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    pub fn graphql_url(&self) -> String {
        format!("http://127.0.0.1:{}/graphql/v2", self.graphql_port)
    }

    /// Where `/journal`, `/faults`, `/deploys` and `/state` are.
    pub fn control_url(&self) -> String {
        format!("http://127.0.0.1:{}/control", self.graphql_port)
    }

    /// The edge as an HTTP proxy.
    pub fn proxy_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.edge_port)
    }

    /// The CA that signs the edge's certificates.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// What `railway` and railstage need in their environment to live in this world with an account token.
    pub fn cli_env(&self) -> Vec<(String, String)> {
        [
            ("RAILWAY_BACKBOARD_URL", self.graphql_url()),
            ("RAILWAY_API_TOKEN", self.token()),
            ("HTTPS_PROXY", self.proxy_url()),
            ("SSL_CERT_FILE", self.ca_file.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The account token.
    pub fn token(&self) -> String {
        self.backend.tokens().account
    }

    pub fn workspace_token(&self) -> String {
        self.backend.tokens().workspace
    }

    /// Makes a project token for one environment.
    pub fn project_token(&self, environment: &str) -> Result<String> {
        let token = format!("canary-project-token-{}", Uuid::new_v4());
        self.backend.add_project_token(token.clone(), self.find(environment)?);
        Ok(token)
    }

    pub fn project_id(&self) -> String {
        self.backend.current().projects[0].id.to_string()
    }

    /// The id of the second project, if the options asked for one.
    pub fn second_project_id(&self) -> Option<String> {
        self.backend.current().projects.get(1).map(|project| project.id.to_string())
    }

    /// The id of the project's environment of this name.
    pub fn environment_id(&self, name: &str) -> Result<String> {
        self.find(name).map(|id| id.to_string())
    }

    pub fn service_id(&self, name: &str) -> Result<String> {
        self.find_service(name).map(|id| id.to_string())
    }

    /// The names of the project's services, whatever environments they are in.
    pub fn services(&self) -> Vec<String> {
        self.backend.current().projects[0].services.iter().map(|service| service.name.clone()).collect()
    }

    /// Every environment as it is now, without lag.
    pub fn environments(&self) -> Vec<EnvironmentState> {
        state::environments(&self.backend)
    }

    /// Changes with every setting, domain, proxy and deployment of the environment.
    pub fn state_digest(&self, environment: &str) -> Result<String> {
        let id = self.find(environment)?;
        let model = self.backend.current();
        Ok(state::digest(model.environment(id).map_err(refused)?))
    }

    /// A variable as the container would get it, rendered, sealed or not.
    pub fn variable(&self, environment: &str, service: &str, name: &str) -> Result<Option<String>> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        let model = self.backend.current();
        Ok(variables::rendered(&model, id, Some(service)).map_err(refused)?.remove(name))
    }

    /// The variables of a service as they are written, or, without one, those that all share; no sealed one is among them.
    pub fn written_variables(&self, environment: &str, service: Option<&str>) -> Result<BTreeMap<String, String>> {
        let service = service.map(|name| self.find_service(name)).transpose()?;
        variables::unrendered(&self.backend.current(), self.find(environment)?, service).map_err(refused)
    }

    /// A variable that all services of an environment share, as it is written.
    pub fn shared_variable(&self, environment: &str, name: &str) -> Result<Option<String>> {
        let id = self.find(environment)?;
        let model = self.backend.current();
        let config = &model.environment(id).map_err(refused)?.config;
        Ok(config.variables(None).remove(name).map(|variable| variable.value))
    }

    pub fn journal(&self) -> Vec<Entry> {
        self.backend.journal.entries()
    }

    pub fn clear_journal(&self) {
        self.backend.journal.clear();
    }

    /// The mutations that an environment was the object of; being the source of a copy does not count.
    pub fn mutations_touching(&self, environment_id: &str) -> Vec<Entry> {
        self.journal().into_iter().filter(|entry| entry.is_mutation() && entry.touches(environment_id)).collect()
    }

    pub fn fault(&self, fault: Fault) {
        self.backend.faults.add(fault);
    }

    /// The faults that were ordered and have not struck yet.
    pub fn waiting_faults(&self) -> Vec<Fault> {
        self.backend.faults.waiting()
    }

    /// Forgets the faults and outcomes that were ordered and have not struck yet.
    pub fn forget_orders(&self) {
        self.backend.faults.clear();
        self.backend.runtime.clear_outcomes();
    }

    /// Decides how the next deployments of a service end.
    pub fn order_outcome(&self, outcome: DeployOutcome) {
        self.backend.runtime.order_outcome(outcome);
    }

    /// Finds an environment of the first project by name or id.
    fn find(&self, environment: &str) -> Result<Uuid> {
        let model = self.backend.current();
        let mut all = model.projects[0].environments.iter();
        let found = all.find(|one| one.name == environment || one.id.to_string() == environment);
        found.map(|one| one.id).with_context(|| format!("no environment `{environment}`"))
    }

    fn find_service(&self, name: &str) -> Result<Uuid> {
        let model = self.backend.current();
        let found = model.projects[0].service_named(name).map(|service| service.id);
        found.with_context(|| format!("no service `{name}`"))
    }

    fn change(&self, change: impl FnOnce(&mut Model) -> model::Answer<()>) -> Result<()> {
        self.backend.change(|model| change(Arc::make_mut(model))).map_err(refused)
    }
}

fn refused(refusal: model::Refusal) -> anyhow::Error {
    anyhow::Error::msg(refusal.0)
}

impl Drop for World {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
        self.relay.cut();
        self.backend.runtime.stop_all();
        if !std::thread::panicking() {
            let faults = self.backend.faults.waiting();
            assert!(faults.is_empty(), "faults that never struck: {faults:?}");
            let outcomes = self.backend.runtime.waiting_outcomes();
            assert!(outcomes.is_empty(), "outcomes that no deployment had: {outcomes:?}");
        }
    }
}
