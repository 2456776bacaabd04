//! The environment variables that this process was started with. The command line takes them in and hands them down;
//! nothing else asks the system for one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::error::{Exit, Failure};
use crate::secret::Secret;

/// Variables by name. Its `Debug` shows none: many are secrets.
#[derive(Clone, Default)]
pub struct ProcessEnv(Arc<BTreeMap<OsString, OsString>>);

impl ProcessEnv {
    /// Takes in variables, as `std::env::vars_os` gives them.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(Arc::new(variables.into_iter().collect()))
    }

    /// A variable as it is.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A variable that is text; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// A secret; an empty one counts as absent.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// The full path of `program`: a path to one, or a name to be looked for on PATH.
    ///
    /// # Errors
    /// [`Exit::Program`] when it is not there.
    pub fn find(&self, program: &str) -> Result<PathBuf> {
        which::which_in(program, self.raw("PATH"), ".").map_err(|_| {
            Failure::new(Exit::Program, format!("`{program}` is not on PATH"))
                .hint(format!("install `{program}`, or use the railstage image"))
                .into()
        })
    }
}

impl std::fmt::Debug for ProcessEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}
