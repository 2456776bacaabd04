//! How many copies a project may have, and how many may be made in it within an hour.

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};

use crate::environment::guard;
use crate::error::{Failure, counted};
use crate::railway::{Environment, Project};
use crate::running::context::Context;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Refuses to make one more copy than there may be.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming the policy's line.
pub(super) fn ensure_room(ctx: &Context, project: &Project) -> Result<()> {
    let copies: Vec<_> = project.environments.iter().filter(|e| guard::is_copy_of_ours(ctx, project, e)).collect();
    match reason(ctx, project, &copies, Timestamp::now()) {
        Some(reason) => bail!(reason),
        None => Ok(()),
    }
}

/// Why a copy that was made is one too many. A reading that shows it shows all that were made before it.
pub(super) fn over(ctx: &Context, project: &Project, made: &Environment) -> Option<Failure> {
    let at = |e: &Environment| (e.created_at, e.id.clone());
    let copies = project.environments.iter().filter(|e| guard::is_copy_of_ours(ctx, project, e));
    let before: Vec<_> = copies.filter(|e| at(e) < at(made)).collect();
    reason(ctx, project, &before, made.created_at)
}

/// The limit that a copy would be beyond which is made at `now` beside these.
fn reason(ctx: &Context, project: &Project, copies: &[&Environment], now: Timestamp) -> Option<Failure> {
    let (most, per_hour) = (ctx.policy.max_copies_per_project, ctx.policy.max_runs_per_hour);
    let recent: Vec<_> = copies.iter().map(|e| e.created_at).filter(|at| now.duration_since(*at) < HOUR).collect();
    if copies.len() >= most as usize {
        let has = counted(copies.len(), "copy", "copies");
        let what = format!("project `{}` has {has}, and the policy allows {most}", project.name);
        return Some(Failure::invalid(what).hint("delete one, or raise `max_copies_per_project`"));
    }
    if recent.len() < per_hour as usize {
        return None;
    }
    let of_project = format!(
        "in project `{}` {} made within an hour",
        project.name,
        counted(recent.len(), "copy was", "copies were")
    );
    let room_at = recent.iter().min().and_then(|oldest| oldest.checked_add(HOUR).ok());
    let wait = room_at.map_or(String::new(), |at| format!("send it again after {at:.0}, or "));
    Some(
        Failure::invalid(format!("{of_project}, and the policy allows {per_hour}"))
            .hint(format!("{wait}raise `max_runs_per_hour`")),
    )
}
