//! What a plan says of services, their volumes, and the buckets beside them.

use schemars::JsonSchema;
use serde::Serialize;

use super::Mark;
use crate::contract::code_source::CodeSource;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::code;
use crate::environment::file_volumes;
use crate::environment::services::{self, Role};
use crate::environment::standing::{self, Health};
use crate::railway::{Bucket, Environment, ServiceInstance, Usage, VolumeMount};

/// A service in the copy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ServicePlan {
    pub service: String,
    pub role: RoleTold,
    /// Whether it would run in the copy.
    pub runs: bool,
    /// Why it would not, or not as in the source.
    pub because: Option<String>,
    /// How the source's own stands.
    pub health: Health,
    /// Whether a deployment of the source's own is under way.
    pub deployment_under_way: bool,
    /// The commit it would run, production's own unless the request names other code; absent for the newest of a branch.
    pub commit: Option<String>,
    pub image: Option<String>,
    /// What the request would have it run in the place of production's code.
    pub other_code: Option<CodeSource>,
    /// Its schedule in the source, by which nothing is run in the copy.
    pub cron_schedule: Option<String>,
    /// Whether pushes deploy it in the source as a rule, and would not in the copy.
    pub auto_deploy_off: bool,
}

/// The part that a service plays in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleTold {
    /// A database server that is filled.
    Database,
    /// A database server that comes up empty.
    EmptyDatabase,
    App,
    LeftOut,
    Cron,
}

/// A volume in the copy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VolumePlan {
    pub service: String,
    pub mount_path: Option<String>,
    /// How much the source's holds, in bytes; absent where Railway does not tell it.
    pub size_bytes: Option<u64>,
    /// Whether it would hold the source's data: a database's, or the files of an app, but for what stays behind. Railway itself copies no volume.
    pub filled: bool,
}

/// A bucket in the copy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct BucketPlan {
    pub bucket: String,
    pub region: Option<String>,
    /// Whether it would hold the source's objects; it would not: the copy has an instance of its own, empty.
    pub filled: bool,
}

pub(super) fn of(source: &Environment, request: &CloneRequest) -> Vec<ServicePlan> {
    source.service_instances.iter().map(|service| one(service, request)).collect()
}

fn one(service: &ServiceInstance, request: &CloneRequest) -> ServicePlan {
    let (role, because) = match Role::of(service, request) {
        Role::Database => (RoleTold::Database, None),
        Role::EmptyDatabase => (RoleTold::EmptyDatabase, Some(services::why_empty(service))),
        Role::App => (RoleTold::App, None),
        Role::LeftOut if request.exclude_services.contains(&service.service_name) => {
            (RoleTold::LeftOut, Some("is in `exclude_services`"))
        }
        Role::LeftOut => (RoleTold::LeftOut, Some("is not in `include_services`")),
        Role::Cron => (RoleTold::Cron, Some("has a schedule, and would run its job at once")),
    };
    let runs = matches!(role, RoleTold::Database | RoleTold::EmptyDatabase | RoleTold::App);
    let other_code = request.sources.get(&service.service_name).cloned();
    let image = match &other_code {
        Some(CodeSource::Image(image)) => Some(image.clone()),
        _ => service.image().map(str::to_owned),
    };
    ServicePlan {
        service: service.service_name.clone(),
        role,
        runs,
        because: because.map(str::to_owned),
        health: Health::of(service),
        deployment_under_way: standing::is_under_way(service),
        commit: code::deploy(service, request).commit.filter(|_| role == RoleTold::App),
        image,
        other_code,
        cron_schedule: service.cron_schedule.clone(),
        auto_deploy_off: service.has_repo(),
    }
}

pub(super) fn volumes(policy: &Policy, source: &Environment, request: &CloneRequest, usage: &Usage) -> Vec<VolumePlan> {
    let of_files = file_volumes::wanted(policy, source, request);
    let of = |service: &ServiceInstance| {
        let has_files = of_files.iter().any(|volume| volume.service.service_id == service.service_id);
        let filled = has_files || Role::of(service, request) == Role::Database;
        let mounts = source.config.services.get(&service.service_id).map(|config| &config.volume_mounts);
        let volume = |(id, mount): (&String, &VolumeMount)| VolumePlan {
            service: service.service_name.clone(),
            mount_path: mount.mount_path.clone(),
            size_bytes: usage.bytes_of_volume(&source.id, id),
            filled,
        };
        let mounts = mounts.into_iter().flatten();
        mounts.filter_map(|(id, mount)| Some((id, mount.as_ref()?))).map(volume).collect::<Vec<_>>()
    };
    source.service_instances.iter().flat_map(of).collect()
}

pub(super) fn buckets(source: &Environment) -> Vec<BucketPlan> {
    let of = |bucket: &Bucket| BucketPlan { bucket: bucket.name.clone(), region: bucket.region.clone(), filled: false };
    source.buckets.iter().map(of).collect()
}

impl ServicePlan {
    pub(super) fn mark(&self) -> Mark {
        if self.runs { Mark::Comes } else { Mark::Stays }
    }
}
