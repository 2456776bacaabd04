//! A loopback stand-in for Railway's backend, so that the real `railway` CLI and railstage can be tested whole.
//!
//! A [`World`] is one Railway with a workspace, a project `acme` and its environment `production`, and real things
//! behind it: a deployed Postgres, MySQL or MariaDB service is a server of its own, a deployed app a small HTTP server that
//! shows what is in the database of *its own* `DATABASE_URL`. Dropping the world ends them all.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use backboard::{Fault, FaultEffect, World, WorldOptions};
//! let world = World::start(WorldOptions::default()).await?;
//! world.fault(Fault::new("environmentCreate", FaultEffect::Timeout { secs: 3.0 }).after_the_deed());
//! let listed = std::process::Command::new("railway").args(["environment", "list"]).envs(world.cli_env()).output()?;
//! assert!(listed.status.success());
//! let page = world.fetch("shop.example.com", "/").await?;
//! assert_eq!(page.status, 200);
//! assert!(world.mutations_touching(&world.environment_id("production")?).is_empty());
//! world.stop().await;
//! # Ok(()) }
//! ```
//!
//! How a request runs through it: `http` takes it, `graphql` checks the document against Railway's own schema
//! (`schema`, from the CLI's published source), lets `faults` strike, and executes it on the state (`model`), which
//! queries see late (`model::history`); `journal` notes it. What a mutation sets going is carried out by `deploy` and
//! kept in `runtime`: servers of `database`, tasks of `app`, listeners of `proxy`, programs of `caddy` and `wordpress`. `edge` is the proxy that leads
//! `https://…` requests to the apps. What is not modelled answers with an error that names it, never with a guess.
//!
//! `backboard serve` runs a world as a process; [`postgres`] and [`fixture`] are of use without one.

// Whoever calls it is a test, which unwraps.
#![allow(clippy::missing_errors_doc)]

mod app;
mod backend;
pub mod cache;
mod caddy;
mod database;
mod deploy;
mod edge;
mod faults;
pub mod fixture;
mod forward;
mod git;
mod graphql;
mod http;
mod journal;
mod leftovers;
mod model;
pub mod mysql;
mod options;
mod order;
mod outside;
mod ports;
pub mod postgres;
mod private_network;
mod proxy;
pub mod relay;
mod runtime;
pub mod schema;
mod state;
mod upload;
pub mod versions;
pub mod wordpress;
mod world;

pub use faults::{Fault, FaultEffect, RelayFault, When};
pub use journal::{Entry, OperationKind};
pub use model::deployments::DeploymentStatus;
pub use options::{ExtraService, WorldOptions};
pub use outside::Sent;
pub use ports::Port;
pub use relay::{Deed, Relayed};
pub use runtime::DeployOutcome;
pub use state::EnvironmentState;
pub use wordpress::SiteFiles;
pub use world::{Fetched, World};
