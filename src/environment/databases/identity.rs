//! Who logs in to a database, as its service's variables or the policy say, and what that comes to at the place where the database is.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use crate::contract::policy::Policy;
use crate::engines::{Endpoint, Kind, KindTraits, Login, LoginNames, Named};
use crate::environment::ways::End;
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::railway::Rendered;
use crate::relay::Line;
use crate::secret::Secret;

/// Where a database is.
pub(super) enum Place {
    At(String, u16),
    /// In a container, listening at this port of its loopback.
    In(Arc<Line>, u16),
}

/// The value of `RAILSTAGE_SECRET_<name>`.
pub(super) fn secret(env: &ProcessEnv, name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env.secret(&variable).with_context(|| {
        Failure::invalid(format!("the policy's `source_login`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}

/// Who logs in, to which database, as a service's variables say.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    database: Option<String>,
}

impl Identity {
    /// Who reads a database. A URL of the service decides nothing but the password, where it is this very user's.
    pub(super) fn of_reader(kind: Kind, variables: &Rendered, urls: &[(&str, Named)]) -> Self {
        Self::first(kind, kind.traits().logins, variables, urls)
    }

    /// Who makes a copy.
    pub(super) fn of_administrator(kind: Kind, variables: &Rendered) -> Self {
        Self::first(kind, kind.traits().administrator, variables, &[])
    }

    /// The first of a kind's logins of which the variables say all.
    fn first(kind: Kind, logins: &[LoginNames], variables: &Rendered, urls: &[(&str, Named)]) -> Self {
        let read = || logins.iter().filter_map(|login| Self::read(kind, login, variables, urls));
        read().find(|identity| identity.password.is_some()).or_else(|| read().next()).unwrap_or_default()
    }

    /// One of a kind's logins, if the variables say whose.
    fn read(kind: Kind, login: &LoginNames, variables: &Rendered, urls: &[(&str, Named)]) -> Option<Self> {
        let value = |names: &[&str]| {
            let values = names.iter().filter_map(|name| variables.get(*name).cloned().flatten());
            values.into_iter().find(|value| !value.is_empty())
        };
        let user = value(login.user).or_else(|| login.usual_user.map(str::to_owned))?;
        let of_url = urls.iter().find(|(_, named)| named.user == user).and_then(|(_, named)| named.password.clone());
        let password = of_url.or_else(|| value(login.password).map(Secret::new));
        let KindTraits { database, is_called_like_login, .. } = kind.traits();
        let database = value(database).or_else(|| is_called_like_login.then(|| user.clone()));
        Some(Self { user, password, database })
    }

    pub(super) fn at(&self, policy: &Policy, name: &str, kind: Kind, place: &Place, end: End) -> Result<Endpoint> {
        let traits = kind.traits();
        let usual = traits.administrator.iter().find_map(|login| login.password.first()).copied().unwrap_or_default();
        let password = self.password.as_ref().with_context(|| {
            Failure::invalid(format!("database `{name}` has no `{usual}` that could be read")).hint(format!(
                "a sealed variable cannot be read: give `source_login` in the policy, or `{usual}` unsealed"
            ))
        })?;
        let Some(database) = &self.database else {
            let usual = traits.database.first().copied().unwrap_or_default();
            bail!(
                Failure::invalid(format!("no variable of `{name}` says which of its databases is the site's"))
                    .hint(format!("give it `{usual}`"))
            )
        };
        let is_weak = policy.weak_lines.iter().any(|service| service == name);
        let (pinned, must_be_proven) = match end {
            End::Source => {
                (policy.pinned_certificates.get(name).map_or(&[][..], Vec::as_slice), policy.proven_servers_only)
            }
            // Its certificate is made with it, and known to nobody before.
            End::Copy => (&[][..], false),
        };
        let (host, port, through) = match place {
            Place::At(host, port) => (host.as_str(), *port, None),
            Place::In(line, port) => ("", *port, Some(line)),
        };
        let login =
            Login { host, port, user: &self.user, password, database, is_weak, pinned, must_be_proven, through };
        kind.at(&login).with_context(|| format!("reach database `{name}`"))
    }
}
