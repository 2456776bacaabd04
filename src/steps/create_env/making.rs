//! What makes a fresh environment a run's copy: its record, its changes, and its name, which is the lock between runs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::{CreateEnv, limits};
use crate::contract::made::Made;
use crate::contract::record::{self, Lease, Record, State, VARIABLE};
use crate::contract::request::CloneRequest;
use crate::contract::signature::Reading;
use crate::environment::drift::{self, Expected};
use crate::environment::recorded::reading;
use crate::environment::services::{Role, with_role};
use crate::environment::variables::changes::changes;
use crate::environment::{code, gate, guard, lineage, plan_hash, recorded, same_key, ways};
use crate::error::Failure;
use crate::railway::{Change, Environment, GraphqlErrors, Project, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::running::run::{Names, slug};
use crate::running::step::{RunTarget, Undo as _};

/// How long a record may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// A fresh environment with all that is needed to make it this run's copy.
pub(super) struct Making<'a> {
    pub(super) ctx: &'a Context,
    pub(super) request: &'a CloneRequest,
    pub(super) names: &'a Names,
    pub(super) project: &'a Project,
    pub(super) environment: &'a Environment,
    pub(super) source: &'a Environment,
}

impl Making<'_> {
    /// Refuses an environment of the run's own name with a record that is neither its own nor its source's.
    pub(super) fn ensure_unclaimed(&self) -> Result<()> {
        let reading = reading(self.ctx, self.project, self.environment);
        let [own, inherited] = [self.environment, self.source].map(|e| e.shared_variable(VARIABLE));
        ensure!(
            reading == Reading::Absent || (own.is_some() && own == inherited),
            Failure::invalid(format!("environment `{}` bears a record that is not this run's", self.environment.name))
        );
        Ok(())
    }

    pub(super) fn new_record(&self) -> Record {
        let now = record::now();
        let left_out = with_role(self.source, self.request, &[Role::LeftOut, Role::Cron]);
        Record {
            project_id: self.project.id.clone(),
            environment_id: self.environment.id.clone(),
            environment_created_at: self.environment.created_at,
            run_id: self.ctx.run.id.clone(),
            run_hash: self.names.run_hash.clone(),
            key_hash: self.names.key_hash.clone(),
            request_hash: Some(self.request.hash()),
            source_id: self.source.id.clone(),
            source_name: self.source.name.clone(),
            ancestors: lineage::ancestors(self.ctx, self.project, self.source),
            owner: self.request.owner.clone(),
            target_name: self.names.target.clone(),
            client: self.request.client_name.as_deref().map(slug).filter(|slug| !slug.is_empty()),
            created_at: now,
            ready_at: None,
            ttl: Some(self.request.ttl),
            expires_at: self.request.ttl.after(now),
            warned: Vec::new(),
            give_up_at: record::give_up_at(now, self.ctx.policy.longest_run),
            state: State::Cloning,
            lease: Lease::kept(self.ctx, State::Cloning),
            changed_by: None,
            refreshing: None,
            refreshed: None,
            keep: self.request.keep,
            environment_type: self.request.environment_type,
            domains: Vec::new(),
            domain_seen_at: None,
            databases: Vec::new(),
            files: Vec::new(),
            held: Vec::new(),
            made: Made {
                set_variables: self.request.names_of_variables(),
                sources: self.request.sources.clone(),
                deployed: BTreeMap::new(),
                added: Vec::new(),
                left_out: left_out.into_iter().map(|service| service.service_name.clone()).collect(),
                not_copied: self.not_copied(),
                source_marks: drift::marks(self.source, |text| {
                    self.ctx.record_keys.short_hashes(text).into_iter().next()
                }),
            },
        }
    }

    /// What Railway has not copied as it is in the source.
    fn not_copied(&self) -> Vec<String> {
        let expected = Expected::by_rules(&self.ctx.policy, self.source, self.environment, self.request);
        drift::not_copied(self.source, self.environment, &expected)
    }

    /// Of several runs that come to a limit at once, those stay whose environments Railway made first.
    pub(super) async fn ensure_within_limits(&self) -> Result<()> {
        match limits::over(self.ctx, self.project, self.environment) {
            Some(reason) => self.give_up(reason).await,
            None => Ok(()),
        }
    }

    /// Whether the source is what the request's plan was made of still, now that Railway has copied it.
    pub(super) async fn ensure_unmoved(&self) -> Result<()> {
        match plan_hash::refusal(&plan_hash::moved(self.ctx, self.request, self.source, None)?) {
            Some(reason) => self.give_up(reason).await,
            None => Ok(()),
        }
    }

    /// Records the run, makes every change that needs no data, and takes the wished name, which is the lock between runs.
    pub(super) async fn settle(&self, record: &Record) -> Result<()> {
        let ids = |services: Vec<&ServiceInstance>| services.into_iter().map(|s| s.service_id.clone()).collect();
        let proxied = with_role(self.source, self.request, &[Role::Database]);
        let plan = changes(&self.ctx.policy, &self.ctx.env, self.source, self.environment, self.request)?;
        let own_service = match self.request.enable_basic_auth {
            true => {
                let row = gate::ensure_row(self.ctx, self.project, self.names).await?;
                Some(gate::own_service(self.ctx, row, self.source, self.request, self.names)?)
            }
            false => None,
        };
        let change = Change {
            own_service,
            removed_services: gate::inherited(self.environment, &self.names.run_hash),
            auto_deploy_off: ids(self.source.service_instances.iter().filter(|s| s.has_repo()).collect()),
            variables: plan.variables,
            shared: plan.shared,
            sources: code::changes(self.source, self.request),
            tcp_proxies: ways::proxies_of_copy(&self.ctx.policy, self.request, self.source, &proxied),
            rename: Some(self.names.target.clone()),
            ..recorded::writing(self.ctx, record)
        };
        let changed = self.ctx.railway.change(&self.project.id, &self.environment.id, &change).await;
        let Err(error) = changed else { return Ok(()) };
        let refused = error.downcast_ref::<GraphqlErrors>().and_then(|e| e.at("rename"));
        if !refused.is_some_and(|message| message.contains("already exists")) {
            return Err(error.context("set the copy's variables"));
        }
        self.give_up(taken(self.names)).await
    }

    /// Takes back what this run has made, and ends: with the run that came first with the same idempotency key, if there is
    /// one, else for this reason.
    async fn give_up(&self, reason: Failure) -> Result<()> {
        let (ctx, names) = (self.ctx, self.names);
        let target = RunTarget { project_id: self.project.id.clone(), names: names.clone() };
        CreateEnv::undo(ctx, &target).await?;
        if names.key_hash.is_none() {
            bail!(reason);
        }
        let look = || async move {
            let project = ctx.railway.project(&self.project.id, Weight::Poll).await?;
            same_key::first(ctx, &project, names, self.request)
        };
        match ctx.within("the run that came first", SHOWS_WITHIN, Duration::from_millis(500), look).await? {
            Some(first) => bail!(first),
            None => bail!(reason),
        }
    }

    /// Whether nobody has begun another request with the same key at the same time: of two records the later one's run sees
    /// both, and gives up.
    pub(super) async fn ensure_only_one_of_its_key(&self) -> Result<()> {
        if self.names.key_hash.is_none() {
            return Ok(());
        }
        let (ctx, names) = (self.ctx, self.names);
        let look = || async move {
            let project = ctx.railway.project(&self.project.id, Weight::Poll).await?;
            let is_shown = guard::own(ctx, &project, names).is_some();
            Ok(is_shown.then(|| same_key::first(ctx, &project, names, self.request)))
        };
        let seen = ctx.until("the copy's record", SHOWS_WITHIN, Duration::from_millis(300), look).await?;
        match seen {
            Ok(_) => Ok(()),
            Err(error) => {
                let target = RunTarget { project_id: self.project.id.clone(), names: names.clone() };
                CreateEnv::undo(ctx, &target).await?;
                Err(error)
            }
        }
    }
}

pub(super) fn taken(names: &Names) -> Failure {
    let Names { target, field, .. } = names;
    Failure::invalid(format!("`{field}`: there is an environment `{target}` already, and it is not this run's"))
        .hint("choose another name, or leave it out for an automatic one")
}
