//! What environments descend from: by our records, which know those that are gone, and else by Railway's own account.

use std::collections::BTreeSet;

use crate::contract::ids::EnvironmentId;
use crate::contract::record::Ancestor;
use crate::environment::recorded::reading;
use crate::railway::{Environment, Project};
use crate::running::context::Context;

/// How many generations are told of.
const MOST: usize = 32;

/// What an environment was copied from, and what that was, nearest first; names as they are now, or were when the copy was made.
pub(crate) fn ancestors(ctx: &Context, project: &Project, environment: &Environment) -> Vec<Ancestor> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::from([environment.id.clone()]));
    // What is recorded of those that nothing else can be known of any more.
    let mut recorded = Vec::new().into_iter();
    let mut parent = parent(ctx, project, environment, &mut recorded);
    while let Some(ancestor) = parent.take().or_else(|| recorded.next()).filter(|_| found.len() < MOST) {
        if !seen.insert(ancestor.id.clone()) {
            continue;
        }
        match project.environment_by_id(&ancestor.id) {
            Some(there) => {
                found.push(Ancestor { name: there.name.clone(), ..ancestor });
                parent = self::parent(ctx, project, there, &mut recorded);
            }
            None => found.push(ancestor),
        }
    }
    found
}

/// What an environment was copied from; with it, what its record knows of the generations before.
fn parent(
    ctx: &Context,
    project: &Project,
    environment: &Environment,
    recorded: &mut std::vec::IntoIter<Ancestor>,
) -> Option<Ancestor> {
    if let Some(record) = reading(ctx, project, environment).record() {
        *recorded = record.ancestors.clone().into_iter();
        return Some(Ancestor { id: record.source_id.clone(), name: record.source_name.clone() });
    }
    let id = environment.source_environment.as_ref()?.id.clone();
    let name = project.environment_by_id(&id).map_or_else(|| id.to_string(), |source| source.name.clone());
    Some(Ancestor { id, name })
}

/// A project's environments, each after what it was copied from and before what that has no part in; with how many generations
/// of it are there.
pub(crate) fn tree<'a>(project: &'a Project, ancestors: &[(&'a Environment, Vec<Ancestor>)]) -> Vec<(usize, usize)> {
    let is_there = |ancestor: &&Ancestor| project.environment_by_id(&ancestor.id).is_some();
    let nearest = |n: usize| ancestors[n].1.iter().find(is_there).map(|ancestor| &ancestor.id);
    let mut placed = Vec::new();
    let mut waiting: Vec<_> = (0..ancestors.len()).rev().filter(|n| nearest(*n).is_none()).map(|n| (n, 0)).collect();
    while let Some((n, depth)) = waiting.pop() {
        if placed.iter().any(|(other, _)| *other == n) {
            continue;
        }
        placed.push((n, depth));
        let own: &EnvironmentId = &ancestors[n].0.id;
        waiting.extend((0..ancestors.len()).rev().filter(|m| nearest(*m) == Some(own)).map(|m| (m, depth + 1)));
    }
    // Whoever names each other as ancestors stands under nobody.
    let lost: Vec<_> = (0..ancestors.len()).filter(|n| !placed.iter().any(|(other, _)| other == n)).collect();
    placed.extend(lost.into_iter().map(|n| (n, 0)));
    placed
}
