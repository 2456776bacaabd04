//! The environment that a field of a request names, or what is said when there is none.

use anyhow::{Context as _, Result};

use crate::error::Failure;
use crate::railway::{Environment, Project};

/// The environment that a field of a request names.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when the project has none of this name or id.
pub(crate) fn environment<'a>(project: &'a Project, field: &str, name_or_id: &str) -> Result<&'a Environment> {
    project.environment(name_or_id).with_context(|| none_called(project, field, name_or_id))
}

/// What is said where a field names no environment.
pub(crate) fn none_called(project: &Project, field: &str, name_or_id: &str) -> Failure {
    Failure::invalid(format!("`{field}`: project `{}` has no environment `{name_or_id}`", project.name))
}
