//! References of apps to their own hosts: behind a gate an app has none, and Railway would put nothing there.

use crate::environment::guard::Target;
use crate::environment::variables::{Piece, pieces};
use crate::railway::ServiceInstance;

/// Railway's names for the host of a service.
const HOST: &[&str] = &["RAILWAY_PUBLIC_DOMAIN", "RAILWAY_STATIC_URL"];

/// The value of a variable of `service` (none: of one that all share) with the gate's hosts in the place of references to those of
/// apps behind it; `None` where there is none.
pub(crate) fn without_hosts_of_apps(target: &Target, service: Option<&ServiceInstance>, value: &str) -> Option<String> {
    let pieces = pieces(value);
    let resolved: Vec<_> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Reference(reference) => host(target, service, reference),
        })
        .collect();
    resolved.iter().any(Option::is_some).then(|| {
        let text = |(piece, host): (&Piece<'_>, Option<&str>)| match (piece, host) {
            (_, Some(host)) => host.to_owned(),
            (Piece::Text(text), None) => (*text).to_owned(),
            (Piece::Reference(reference), None) => format!("${{{{{reference}}}}}"),
        };
        pieces.iter().zip(resolved).map(text).collect()
    })
}

/// Whether a reference is one to the host of a service, whichever that is.
pub(crate) fn names_host(reference: &str) -> bool {
    let name = reference.trim().rsplit('.').next().unwrap_or_default();
    HOST.contains(&name) || named_after(name).is_some()
}

/// The service in the name of a variable such as `RAILWAY_SERVICE_WEB_URL`, which every service has.
fn named_after(name: &str) -> Option<&str> {
    name.strip_prefix("RAILWAY_SERVICE_")?.strip_suffix("_URL")
}

fn host<'t>(target: &'t Target, service: Option<&ServiceInstance>, reference: &str) -> Option<&'t str> {
    let copy = target.environment();
    let behind = |service: &'t ServiceInstance| {
        let domain = service.domains.service_domains.iter().find(|domain| domain.gate.is_some())?;
        Some(domain.domain.as_str())
    };
    let (of, name) = match reference.trim().rsplit_once('.') {
        Some((of, name)) => (copy.service(of.trim_matches('"')), name),
        None => (service.and_then(|service| copy.service_by_id(&service.service_id)), reference.trim()),
    };
    if HOST.contains(&name) {
        return behind(of?);
    }
    let spelled = named_after(name)?;
    copy.service_instances.iter().find(|service| spelled_for_railway(&service.service_name) == spelled).and_then(behind)
}

/// A service's name as Railway spells it within the name of a variable.
fn spelled_for_railway(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
