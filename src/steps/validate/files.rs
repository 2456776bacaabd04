//! The checks of `validate` about files: that what a request names is there, and that there is a way to it.

use super::findings::Findings;
use crate::contract::request::CloneRequest;
use crate::environment::file_volumes;
use crate::environment::services::{Role, is_data_server};
use crate::railway::Environment;
use crate::running::context::Context;

/// Checks what a request says of files and commands, and the volumes of apps.
pub(super) fn check(ctx: &Context, source: &Environment, request: &CloneRequest, findings: &mut Findings) {
    let has_relay = !ctx.policy.relay_host_keys.is_empty();
    let volumes = file_volumes::of_request(source, request);
    for asked in &request.files {
        let field = "files.service";
        let name = &asked.service;
        match source.service(name) {
            None => findings.error(field, format!("there is no service `{name}`")),
            Some(service) if is_data_server(service) => {
                findings
                    .error(field, format!("`{name}` is a database: its data is copied by `databases`, never as files"));
            }
            Some(service) if Role::of(service, request) != Role::App => {
                findings
                    .error(field, format!("`{name}` does not run in the copy, so that its files cannot be reached"));
            }
            Some(_) if !volumes.iter().any(|volume| volume.service.service_name == *name) => {
                findings.error(field, format!("service `{name}` has no volume"));
            }
            Some(_) => {}
        }
    }
    for asked in &request.after {
        let (field, name) = ("after.service", &asked.service);
        match source.service(name) {
            None => findings.error(field, format!("there is no service `{name}`")),
            Some(service) if Role::of(service, request) != Role::App => {
                findings.error(field, format!("`{name}` is no app that runs in the copy"));
            }
            Some(_) if !has_relay => findings.error(
                field,
                "commands run through Railway's SSH relay, whose host key `relay_host_keys` of the policy must name",
            ),
            Some(_) => {}
        }
    }
    for volume in volumes.iter().filter(|volume| volume.is_wanted()) {
        let name = &volume.service.service_name;
        if !has_relay {
            findings.error(name.as_str(), "has a volume, and Railway copies none: its files come along through Railway's SSH relay, whose host key `relay_host_keys` of the policy must name; or name it in `allow_empty_volumes`, and it comes up empty");
        } else if volume.service.running().is_none() {
            findings.error(name.as_str(), "has a volume and does not run, so that its files cannot be reached; name it in `allow_empty_volumes`, and it comes up empty");
        } else {
            findings.info(
                name.as_str(),
                format!("the files of its volume at `{}` come along, but for what is left behind", volume.mount_path),
            );
        }
    }
}
