//! Whether each WordPress that has the copy's guard plug-in says so: one that does not may write to production's customers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::visiting::Visited;
use crate::environment::gate::Login;
use crate::environment::guard::Target;
use crate::environment::hosts::host_of;
use crate::error::{Exit, Failure};
use crate::external::http;
use crate::files::guard_plugin::HEADER;
use crate::railway::ServiceDomain;
use crate::running::context::Context;

/// How long a site that answers may take until it says what it is.
const WITHIN: Duration = Duration::from_mins(1);

/// How many redirects within the copy are followed.
const REDIRECTS: usize = 5;

/// Asks each guarded service at its own domain; one without a domain is seen through what was `visited`.
///
/// # Errors
/// [`Exit::Failed`] when one does not say that it is this copy.
pub(super) async fn ensure(ctx: &Context, client: &http::Client, target: &Target, visited: &[Visited]) -> Result<()> {
    let mut services: Vec<_> = target.record.files.iter().filter(|f| f.is_guarded).map(|f| &f.service).collect();
    services.dedup();
    for service in services {
        let domains = target.environment().service(service).map(|s| s.domains.service_domains.as_slice());
        let own: Vec<_> = domains.unwrap_or_default().iter().map(|own| format!("https://{}/", own.domain)).collect();
        let urls = if own.is_empty() { visited.iter().map(|page| page.url.clone()).collect() } else { own };
        let last = Mutex::new(String::from("no answer yet"));
        let look = || async {
            for url in &urls {
                match says_so(client, target, url).await {
                    Ok(()) => return Ok(Some(())),
                    Err(error) => *last.lock().unwrap_or_else(PoisonError::into_inner) = format!("{error:#}"),
                }
            }
            Ok(None)
        };
        let seen = ctx.within("the copy's guard plug-in", WITHIN, Duration::from_secs(1), look).await?;
        seen.ok_or_else(|| {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            Failure::new(Exit::Failed, format!("the guard plug-in of service `{service}` does not act: {last}"))
                .hint(format!("PHP must see the container's variables, `RAILWAY_ENVIRONMENT_ID` among them (PHP-FPM's `clear_env = no`), and what answers must be this WordPress: a service without a domain is seen at the pages of `health`; `guard: false` does without the plug-in, and `{HEADER}` is the header that was looked for"))
        })?;
    }
    Ok(())
}

/// Follows redirects within the copy until an answer has the copy's id.
async fn says_so(client: &http::Client, target: &Target, url: &str) -> Result<()> {
    let mut url = url.to_owned();
    for _ in 0..REDIRECTS {
        let domain = own_domain(target, &url).ok_or_else(|| anyhow!("it leads out of the copy"))?;
        let login = Login::at(target.environment(), domain);
        let page = http::visit(client, &url, login.as_ref().map(Login::credentials).as_ref()).await?;
        match page.header(HEADER) {
            Some(id) if id == target.environment().id.as_ref() => return Ok(()),
            Some(_) => return Err(anyhow!("it says that it is another copy")),
            None => {}
        }
        match page.location {
            Some(next) => url = next,
            None => return Err(anyhow!("HTTP status {}, without the header", page.status)),
        }
    }
    Err(anyhow!("more than {REDIRECTS} redirects, without the header"))
}

/// The domain of the copy that a URL is at.
fn own_domain<'t>(target: &'t Target, url: &str) -> Option<&'t ServiceDomain> {
    let host = host_of(url)?;
    let services = &target.environment().service_instances;
    services.iter().flat_map(|service| &service.domains.service_domains).find(|own| own.domain == host)
}
