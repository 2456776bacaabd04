//! Who gets through a gate: a name with a password for people, a word for programs, and a cookie for whoever has been let in.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::BASE32_NOPAD;
use rand::RngExt as _;

use crate::contract::gate;
use crate::contract::request::CloneRequest;
use crate::environment::variables::changes::wished_secret;
use crate::error::Failure;
use crate::external::http::Credentials;
use crate::external::process_env::ProcessEnv;
use crate::railway::{Environment, ServiceDomain, ServiceInstance};
use crate::running::context::Context;
use crate::secret::Secret;

/// What bcrypt reads of a password, bytes.
const LONGEST: usize = 72;

/// Fewer characters can be tried out.
const SHORTEST: usize = 8;

/// What opens a gate.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(super) bypass: Secret,
    pub(super) cookie: Secret,
}

impl Login {
    /// The login of a run's gate: the same every time that the run comes to make one, where a key is there to make it by.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`] when the request's secret is not there, or no password.
    pub(super) fn made(ctx: &Context, run_hash: &str, request: &CloneRequest) -> Result<Self> {
        let made = |what: &str| {
            let random = || rand::rng().random::<[u8; 32]>();
            let bytes = ctx.record_keys.derived(&format!("gate {what} {run_hash}")).unwrap_or_else(random);
            Secret::new(BASE32_NOPAD.encode(&bytes)[..32].to_lowercase())
        };
        let password = match &request.basic_auth.secret {
            Some(name) => chosen(&ctx.env, name)?,
            None => made("password"),
        };
        let user = request.basic_auth.user.clone();
        Ok(Self { user, password, bypass: made("bypass"), cookie: made("cookie") })
    }

    /// What people need to get in, by a gate's own variables.
    pub(crate) fn of(copy: &Environment, gate: &ServiceInstance) -> Option<Self> {
        let value = |name: &str| {
            let found = copy.variables(&gate.service_id).find(|(of, _)| *of == name);
            found.and_then(|(_, variable)| variable.value.clone())
        };
        let [password, bypass] = [gate::PASSWORD, gate::BYPASS].map(|name| value(name).map(Secret::new));
        Some(Self { user: value(gate::USER)?, password: password?, bypass: bypass?, cookie: Secret::new("") })
    }

    /// What opens the gate that has a domain, if one has it.
    pub(crate) fn at(copy: &Environment, domain: &ServiceDomain) -> Option<Self> {
        let gate = copy.gates.iter().find(|gate| Some(&gate.service_id) == domain.gate.as_ref())?;
        Self::of(copy, gate)
    }

    /// As a visitor gives it.
    pub(crate) fn credentials(&self) -> Credentials<'_> {
        Credentials { user: &self.user, password: &self.password }
    }

    /// The header by which a browser gives name and password.
    pub(super) fn header(&self) -> Secret {
        Secret::new(format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password.expose()))))
    }
}

/// Why there is no password in the request's secret.
pub(crate) fn problem(env: &ProcessEnv, request: &CloneRequest) -> Option<anyhow::Error> {
    chosen(env, request.basic_auth.secret.as_ref()?).err()
}

fn chosen(env: &ProcessEnv, name: &str) -> Result<Secret> {
    let secret = wished_secret(env, "basic_auth.secret", name)?;
    let password = secret.expose();
    let is_plain =
        password.chars().all(|c| !c.is_control()) && !password.contains("${{") && password.trim() == password;
    let fits = password.chars().count() >= SHORTEST && password.len() <= LONGEST;
    if is_plain && fits {
        return Ok(secret);
    }
    let what = format!(
        "`basic_auth.secret`: the secret `{name}` is no password for a gate: it must have {SHORTEST} characters at least and {LONGEST} bytes at most, no blanks at its ends, no control characters and no `${{{{`"
    );
    Err(Failure::invalid(what).into())
}
