//! The way to the databases that run in a world.

use super::World;
use anyhow::{Context, Result};

impl World {
    /// Production's database through its TCP proxy, as `DATABASE_PUBLIC_URL` renders.
    pub fn source_database_url(&self) -> Result<String> {
        self.variable("production", "Postgres", "DATABASE_PUBLIC_URL")?.context("DATABASE_PUBLIC_URL is not set")
    }

    /// The `Postgres` of an environment without its proxy; its login is a superuser.
    pub fn database_url(&self, environment: &str) -> Result<String> {
        let (id, service) = (self.find(environment)?, self.find_service("Postgres")?);
        let url = self.backend.runtime.database_url(id, service);
        url.with_context(|| format!("no database runs in `{environment}`"))
    }

    /// Runs statements as `root` of a MySQL or MariaDB service of an environment, past its proxy; the rows of all answers, their fields
    /// with tabs between.
    pub fn sql(&self, environment: &str, service: &str, statements: &str) -> Result<Vec<String>> {
        let (id, found) = (self.find(environment)?, self.find_service(service)?);
        let rows = self.backend.runtime.sql(id, found, statements);
        rows.with_context(|| format!("ask `{service}` of `{environment}`"))
    }
}
