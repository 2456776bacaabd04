//! Where the relay is: the same backend as the `railway` program's.

use anyhow::{Context as _, Result};

use crate::error::Failure;
use crate::external::process_env::ProcessEnv;

/// For a backend that is none of Railway's own: `host:port`.
const ADDRESS_VARIABLE: &str = "RAILSTAGE_RELAY";

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelayAddress {
    pub(super) host: String,
    pub(super) port: u16,
}

impl RelayAddress {
    /// The relay of the backend that `RAILWAY_ENV` chooses, as the CLI's `get_ssh_relay` has it (`src/config.rs`); only whoever gives the program
    /// another backend can give us another relay, too.
    ///
    /// # Errors
    /// Invalid input for an address that is none.
    pub(super) fn of(env: &ProcessEnv) -> Result<Self> {
        if let (Some(_), Some(given)) = (env.text("RAILWAY_BACKBOARD_URL"), env.text(ADDRESS_VARIABLE)) {
            let parts = given.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
            let (host, port) =
                parts.with_context(|| Failure::invalid(format!("{ADDRESS_VARIABLE}: `{given}` is no `host:port`")))?;
            return Ok(Self { host, port });
        }
        let (host, port) = match env.text("RAILWAY_ENV") {
            Some("staging") => ("ssh.railway-staging.com", 2222),
            Some("dev" | "develop") => ("ssh.railway-develop.com", 2222),
            _ => ("ssh.railway.com", 22),
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> String {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let RelayAddress { host, port } = RelayAddress::of(&ProcessEnv::new(variables)).unwrap();
        format!("{host}:{port}")
    }

    #[test]
    fn the_relay_is_that_of_the_programs_own_backend() {
        assert_eq!(of(&[]), "ssh.railway.com:22");
        assert_eq!(of(&[("RAILWAY_ENV", "production")]), "ssh.railway.com:22");
        assert_eq!(of(&[("RAILWAY_ENV", "staging")]), "ssh.railway-staging.com:2222");
        assert_eq!(of(&[("RAILWAY_ENV", "dev")]), "ssh.railway-develop.com:2222");
    }

    #[test]
    fn another_relay_is_given_only_with_another_backend() {
        let other = ("RAILSTAGE_RELAY", "127.0.0.1:9");
        assert_eq!(of(&[other]), "ssh.railway.com:22");
        assert_eq!(of(&[other, ("RAILWAY_BACKBOARD_URL", "http://127.0.0.1:8/graphql/v2")]), "127.0.0.1:9");
    }
}
