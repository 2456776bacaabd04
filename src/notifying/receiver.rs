//! Where a receiver is: the address that a secret names, looked up once and judged before anything is sent there.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use url::{Host, Url};

use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::external::addresses::{is_link_local, is_public, resolved};
use crate::notifying::retries::Trouble;

/// How long a name may take to be looked up.
const LOOKUP: Duration = Duration::from_secs(10);

/// Whether the owner of the flow says that this receiver may be in a private network.
pub(super) fn may_be_private(policy: &Policy, url: &Url, port: u16) -> bool {
    let host = url.host_str().unwrap_or_default().to_lowercase();
    let with_port = format!("{host}:{port}");
    policy.private_receivers.iter().map(|line| line.to_lowercase()).any(|line| line == host || line == with_port)
}

/// The addresses of a receiver, of which each may be spoken to.
pub(super) async fn addresses(policy: &Policy, url: &Url, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let host = url.host().context("it has no host").map_err(Trouble::lasting)?;
    let late = |_| anyhow!("look up its host: no answer within {} s", LOOKUP.as_secs());
    let found = tokio::time::timeout(LOOKUP, resolved(&host, port)).await.map_err(late);
    let found = found.and_then(|found| found).map_err(Trouble::passing)?;
    let is_granted = may_be_private(policy, url, port);
    let is_literal = !matches!(host, Host::Domain(_));
    for address in found.iter().map(SocketAddr::ip).filter(|address| !is_public(*address)) {
        // No name leads there, whoever grants it: where clouds tell a machine its secrets nobody takes notice.
        if !is_granted || is_link_local(address) && !is_literal {
            return Err(Trouble::lasting(refused().into()));
        }
    }
    Ok(found)
}

/// Neither name nor address is told: the secret is the owner's.
fn refused() -> Failure {
    Failure::invalid("the receiver is in a private network, which the policy does not allow")
        .hint("add its `host` or `host:port` to `private_receivers` in the policy")
}
