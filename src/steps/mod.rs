//! The steps, a file each, and the one table of them: subcommands, `--help`, schemas, rollback order, the README's table
//! and the tests that hold for every step are made from it.

use std::time::Duration;

use crate::running::step::Group;

pub(crate) use self::plan::Plan;
pub use self::validate::OLDEST_RAILWAY;
pub use crate::running::step::{Deadline, StepDef};

mod assign_domain;
mod check_domain;
mod check_health;
mod create_env;
mod delete_env;
mod deploy;
mod diff_env;
mod extend_env;
mod list_envs;
mod notify;
mod plan;
mod refresh_env;
mod rollback;
mod rollback_refresh;
mod start_apps;
mod sweep_envs;
mod sync_db;
mod sync_files;
mod validate;

/// Each step; those of a clone stand in the order in which the flow runs them.
pub const STEPS: &[StepDef] = &[
    StepDef::of::<validate::Validate>(),
    StepDef::undoable::<create_env::CreateEnv>(),
    StepDef::of::<assign_domain::AssignDomain>(),
    StepDef::of::<sync_db::SyncDb>(),
    StepDef::of::<sync_files::SyncFiles>(),
    StepDef::of::<start_apps::StartApps>(),
    StepDef::of::<check_health::CheckHealth>(),
    StepDef::of::<rollback::Rollback>(),
    StepDef::of::<plan::PlanStep>(),
    StepDef::of::<list_envs::ListEnvs>(),
    StepDef::of::<diff_env::DiffEnv>(),
    StepDef::of::<check_domain::CheckDomain>(),
    StepDef::of::<extend_env::ExtendEnv>(),
    StepDef::of::<delete_env::DeleteEnv>(),
    StepDef::of::<sweep_envs::SweepEnvs>(),
    StepDef::of::<deploy::Deploy>(),
    StepDef::of::<refresh_env::RefreshEnv>(),
    StepDef::of::<rollback_refresh::RollbackRefresh>(),
    StepDef::of::<notify::Notify>(),
];

/// The steps of a clone, in the order in which they run.
pub fn of_a_clone() -> impl Iterator<Item = &'static StepDef> {
    STEPS.iter().filter(|step| step.group == Group::Clone)
}

/// What the steps of a clone that come after the one of this name may take.
fn time_after(name: &str) -> Duration {
    let after = of_a_clone().skip_while(|step| step.name != name).skip(1);
    after.filter_map(|step| step.deadline.fixed()).sum()
}

/// The step of this name.
pub fn find(name: &str) -> Option<&'static StepDef> {
    STEPS.iter().find(|step| step.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::policy::OTHER_STEPS;

    #[test]
    fn the_policy_knows_what_all_steps_take_but_those_that_copy() {
        let sum: Duration = of_a_clone().filter_map(|step| step.deadline.fixed()).sum();
        assert!(sum <= OTHER_STEPS && sum + Duration::from_mins(1) > OTHER_STEPS, "{sum:?}");
    }
}
