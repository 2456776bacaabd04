//! The environment variables that this process was started with. The command line takes them in and hands them down;
//! nothing else asks the system for one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Exit, Failure};
use crate::secret::{Secret, learn};

/// Variables by name. Its `Debug` shows none: many are secrets.
#[derive(Clone, Default)]
pub struct ProcessEnv(Arc<BTreeMap<OsString, OsString>>);

impl ProcessEnv {
    /// Takes in variables, as `std::env::vars_os` gives them.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        for (name, value) in &variables {
            learn_own(&name.to_string_lossy(), &value.to_string_lossy());
        }
        Self(Arc::new(variables))
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

/// Makes known what is secret in our own environment: all that a flow's author says is, Kestra's own secrets (which it hands to every process, in
/// Base64), and what looks like one.
fn learn_own(name: &str, value: &str) {
    let is_kestras = name.starts_with("SECRET_");
    if is_kestras || name.starts_with("RAILSTAGE_SECRET_") || name == "RAILSTAGE_MASKING_KEY" {
        Secret::new(value);
    }
    if is_kestras && let Some(decoded) = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        Secret::new(decoded);
    }
    if !matches!(name, "RAILSTAGE_REQUEST" | "RAILSTAGE_POLICY" | "RAILSTAGE_RUN_ID") {
        learn(name, value);
    }
}

impl std::fmt::Debug for ProcessEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}
