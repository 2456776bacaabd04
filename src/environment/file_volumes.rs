//! The volumes of apps, and what of their files a request wants along. Volumes of databases are never copied as files.

use anyhow::{Context as _, Result};

use crate::contract::files_request::{FilesMode, FilesRequest};
use crate::contract::policy::Policy;
use crate::contract::record::{FilesRecord, Record};
use crate::contract::request::CloneRequest;
use crate::environment::services::{Role, with_role};
use crate::error::Failure;
use crate::railway::{Environment, ServiceInstance};

/// The volume of an app that runs in the copy.
pub(crate) struct FileVolume<'a> {
    pub service: &'a ServiceInstance,
    pub mount_path: &'a str,
    pub mode: FilesMode,
    /// What the request says of it, if it says anything.
    pub asked: Option<&'a FilesRequest>,
}

impl FileVolume<'_> {
    /// Whether anything of it comes along.
    pub(crate) fn is_wanted(&self) -> bool {
        self.mode != FilesMode::Empty
    }
}

/// The volumes of all apps that `request` has run in the copy, by service.
pub(crate) fn of_request<'a>(source: &'a Environment, request: &'a CloneRequest) -> Vec<FileVolume<'a>> {
    let apps = with_role(source, request, &[Role::App]);
    let volumes = apps.into_iter().flat_map(|service| {
        let asked = request.files.iter().find(|files| files.service == service.service_name);
        let is_empty = asked.is_none() && request.allow_empty_volumes.contains(&service.service_name);
        let mode = if is_empty { FilesMode::Empty } else { asked.map(|files| files.mode).unwrap_or_default() };
        let mounts = source.config.services.get(&service.service_id).map(|config| &config.volume_mounts);
        mounts.into_iter().flatten().filter_map(move |(_, mount)| {
            let mount_path = mount.as_ref()?.mount_path.as_deref()?;
            Some(FileVolume { service, mount_path, mode, asked })
        })
    });
    volumes.collect()
}

/// Those of which anything comes along: none where the policy knows no relay, since there is no other way to files.
pub(crate) fn wanted<'a>(
    policy: &Policy,
    environment: &'a Environment,
    request: &'a CloneRequest,
) -> Vec<FileVolume<'a>> {
    if policy.relay_host_keys.is_empty() {
        return Vec::new();
    }
    of_request(environment, request).into_iter().filter(FileVolume::is_wanted).collect()
}

/// Those whose files a copy has from its source, where `request` wants them anew: as its record has it.
///
/// # Errors
/// Invalid input when the source has one of them no more.
pub(crate) fn refreshed<'a>(
    source: &'a Environment,
    request: &'a CloneRequest,
    record: &Record,
) -> Result<Vec<FileVolume<'a>>> {
    if request.files.is_empty() {
        return Ok(Vec::new());
    }
    let mut there = of_request(source, request);
    let recorded = record.files.iter().map(|files| {
        let FilesRecord { service, mount_path, .. } = files;
        let is_it =
            |volume: &FileVolume<'_>| volume.service.service_name == *service && volume.mount_path == mount_path;
        let at = there.iter().position(is_it).with_context(|| {
            let source = &source.name;
            Failure::invalid(format!(
                "`files`: service `{service}` of `{source}` has no volume at `{mount_path}` any more"
            ))
            .hint("leave `files` out, or make a new copy")
        })?;
        Ok(there.swap_remove(at))
    });
    recorded.collect()
}
