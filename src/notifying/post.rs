//! A body posted to a receiver, and what its answer means.

use anyhow::{Context as _, Result, anyhow, ensure};
use url::Url;

use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::external::http;
use crate::notifying::receiver;
use crate::notifying::retries::Trouble;
use crate::secret::Secret;

/// The address in a secret, of which nothing is told.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it is none, or one without TLS that the policy does not name.
pub(super) fn address(policy: &Policy, variable: &str, secret: &Secret) -> Result<Url> {
    let wrong = || Failure::invalid(format!("{variable} is no address such as `https://hooks.example.com/x`"));
    let url = Url::parse(secret.expose().trim()).ok().with_context(wrong)?;
    ensure!(url.has_host() && matches!(url.scheme(), "https" | "http"), wrong());
    let port = url.port_or_known_default().with_context(wrong)?;
    ensure!(
        url.scheme() == "https" || receiver::may_be_private(policy, &url, port),
        Failure::invalid(format!("{variable} is an address without TLS, which the policy does not allow"))
            .hint("make it `https://`, or add its `host` or `host:port` to `private_receivers` in the policy")
    );
    Ok(url)
}

/// Posts once. The name is looked up and judged each time, and what was judged is connected to.
pub(super) async fn once(policy: &Policy, url: &Url, headers: &[(&str, String)], body: &str) -> Result<(), Trouble> {
    let port = url.port_or_known_default().unwrap_or_default();
    let at = receiver::addresses(policy, url, port).await?;
    let answer = http::post(url, &at, headers, body.to_owned()).await.map_err(Trouble::passing)?;
    let said = anyhow!("the receiver answered with HTTP status {}", answer.status);
    match answer.status {
        200..=299 => Ok(()),
        300..=399 => Err(Trouble::lasting(said.context(Failure::outside("a redirect is not followed")))),
        408 | 425 | 429 | 500.. => Err(Trouble::passing(said).waiting(answer.wait)),
        _ => Err(Trouble::lasting(said.context(Failure::outside("the receiver refused it")))),
    }
}
