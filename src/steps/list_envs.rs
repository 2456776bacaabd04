//! `list-envs`: the environments of a project as a tree, each copy with what its record tells.

mod history;
mod listed;
mod verifying;

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use self::history::Past;
use self::listed::{Listed, line, row};
use crate::contract::nearest::nearest;
use crate::contract::record::Ancestor;
use crate::contract::request::ListRequest;
use crate::environment::{guard, lineage};
use crate::error::{Failure, chain, counted};
use crate::railway::{Environment, PRICES, Prices, Project, Usage, Weight};
use crate::running::context::Context;
use crate::running::shown::table;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct ListEnvs;

/// The environments of a project.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// Each after what it was copied from: a tree, with the depth of each.
    pub environments: Vec<Listed>,
    /// By which prices costs are told.
    pub prices: Prices,
    /// Why no cost is told, where Railway does not tell what was used.
    pub costs_unknown: Option<String>,
    /// What past runs did, the newest first, where the request asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Past>>,
}

impl Step for ListEnvs {
    const NAME: &'static str = "list-envs";
    const ABOUT: &'static str = "List the environments of a project as a tree of copies";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_secs(110));
    type Input = ListRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        let rows: Vec<_> = output.environments.iter().map(row).collect();
        let copies = output.environments.iter().filter(|listed| listed.ours).count();
        let table = table(["NAME", "FOR", "BY", "STATE", "FROM", "DATA", "SIZE", "ENDS", "COST", "URL"], &rows);
        let history = output.history.iter().flatten().flat_map(Past::lines).map(|line| format!("\n{line}"));
        format!("{table}\n{}{}", counted(copies, "copy", "copies"), history.collect::<String>()).trim_start().to_owned()
    }

    async fn run(ctx: &Context, request: ListRequest) -> Result<Output> {
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let used = used(ctx, &project).await;
        let costs_unknown = used.as_ref().err().map(chain);
        if let Some(why) = &costs_unknown {
            tracing::warn!("what copies cost is not known: {why}");
        }
        let usage = used.unwrap_or_default();
        let families: Vec<_> = project.environments.iter().map(|e| (e, lineage::ancestors(ctx, &project, e))).collect();
        let wanted = match &request.source {
            Some(source) => descendants(&families, source)?,
            None => (0..families.len()).collect(),
        };
        let placed = lineage::tree(&project, &families).into_iter().filter(|(n, _)| wanted.contains(n));
        let mut environments: Vec<_> = placed
            .map(|(n, depth)| Listed::of(ctx, &project, (families[n].0, &families[n].1), depth, &usage))
            .collect();
        if request.verify {
            verifying::verify(ctx, &project, &mut environments).await?;
        }
        for listed in &environments {
            tracing::info!("{}", line(listed));
        }
        let copies = environments.iter().filter(|listed| listed.ours).count();
        tracing::info!("{} in project `{}`", counted(copies, "copy", "copies"), project.name);
        let history = match request.history {
            true => Some(history::of(ctx, &project.id, request.source.as_deref()).await?),
            false => None,
        };
        Ok(Output { environments, prices: PRICES, costs_unknown, history })
    }
}

/// What the project has used since its oldest copy was made; nothing where it has none.
async fn used(ctx: &Context, project: &Project) -> Result<Usage> {
    let copies = project.environments.iter().filter(|e| guard::is_copy_of_ours(ctx, project, e));
    match copies.map(|copy| copy.created_at).min() {
        Some(start) => ctx.railway.usage(&project.id, start.min(Timestamp::now())).await,
        None => Ok(Usage::default()),
    }
}

/// Which environments descend from the one of this name or id, be it gone.
fn descendants(families: &[(&Environment, Vec<Ancestor>)], source: &str) -> Result<Vec<usize>> {
    let of = |n: &usize| families[*n].1.iter().any(|a| a.id.as_ref() == source || a.name == source);
    let found: Vec<_> = (0..families.len()).filter(of).collect();
    let is_there = families.iter().any(|(e, _)| e.id.as_ref() == source || e.name == source);
    if found.is_empty() && !is_there {
        let known = families.iter().flat_map(|(e, of)| of.iter().map(|a| a.name.as_str()).chain([e.name.as_str()]));
        let mut refusal =
            Failure::invalid(format!("`source`: there is no environment `{source}`, and none descends from it"));
        if let Some((_, near)) = nearest(source, known).first() {
            refusal = refusal.hint(format!("the nearest name is `{near}`"));
        }
        bail!(refusal);
    }
    Ok(found)
}
