//! Sessions in which the new database computes: its values, indexes, constraints and views come out as they would in the
//! source's own sessions.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::connect::Session;
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::settings::Purpose;

/// The source's settings that decide what is computed, as far as the target takes them. A session that has them runs the
/// dump's statements, COPY and what the server makes of these by itself (REFRESH, ANALYZE); a query of ours runs in it
/// only pinned.
#[derive(Clone, Debug, Default)]
pub(crate) struct ComputingSettings {
    names: Vec<String>,
    values: Vec<String>,
}

impl ComputingSettings {
    /// Those of `wanted` that the target takes, and for each of the others its name and what the server said.
    pub(crate) async fn settle(
        target: &Endpoint,
        wanted: Vec<(String, String)>,
    ) -> Result<(Self, Vec<(String, Fault)>)> {
        let (names, values) = wanted.into_iter().unzip();
        let all = Self { names, values };
        let session = Session::open(target, Purpose::Compute).await?;
        let mut refused = Vec::new();
        let settled = match all.apply(&session).await {
            Ok(()) => all,
            Err(fault) if fault.sqlstate.is_empty() => return Err(anyhow::Error::from(fault).context(SET)),
            Err(_) => {
                let mut taken = Self::default();
                for (name, value) in all.names.into_iter().zip(all.values) {
                    let one = Self { names: vec![name.clone()], values: vec![value.clone()] };
                    match one.apply(&session).await {
                        Ok(()) => {
                            taken.names.push(name);
                            taken.values.push(value);
                        }
                        Err(fault) if fault.sqlstate.is_empty() => return Err(anyhow::Error::from(fault).context(SET)),
                        Err(fault) => refused.push((name, fault)),
                    }
                }
                taken
            }
        };
        session.close().await;
        Ok((settled, refused))
    }

    /// Opens a session in the new database that computes as the source's own do.
    pub(crate) async fn open(&self, target: &Endpoint) -> Result<Session> {
        let session = Session::open(target, Purpose::Compute).await?;
        self.apply(&session).await.context(SET)?;
        Ok(session)
    }

    async fn apply(&self, session: &Session) -> Result<(), Fault> {
        let sql = "SELECT pg_catalog.set_config(own.name, own.value, false)
                     FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS own(name, value)";
        session.rows(sql, &[(&self.names, Type::TEXT_ARRAY), (&self.values, Type::TEXT_ARRAY)]).await?;
        Ok(())
    }
}

const SET: &str = "set a session to the source's own settings";
