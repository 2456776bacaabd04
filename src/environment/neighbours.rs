//! What surrounds a copy, and which variables of its apps point out of it: whatever is not known to be within is outside.

use std::collections::BTreeSet;

use crate::contract::policy::Policy;
use crate::environment::services;
use crate::environment::variables::addresses::{Address, addresses, clean};
use crate::railway::{Environment, Rendered, ServiceInstance};

/// What the copy's apps may talk to, and what of production's is reachable from outside.
#[derive(Default)]
pub(crate) struct Neighbours {
    /// Hosts of the copy.
    own: BTreeSet<String>,
    own_proxies: Vec<Proxy>,
    /// Production's hosts and TCP proxies, of all of its services.
    foreign: BTreeSet<String>,
    foreign_proxies: Vec<Proxy>,
    allowed: Vec<String>,
}

/// A TCP proxy of a service.
struct Proxy {
    is_database: bool,
    host: String,
    port: u16,
}

/// A variable that points out of the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Objection {
    pub variable: String,
    /// What it names, without its value.
    pub what: String,
    /// `host` or `host:port`.
    pub host: String,
    /// Whether the copy's apps must not start with it: it names a server that holds data, or a TCP proxy of production.
    pub stops: bool,
}

impl Neighbours {
    /// What surrounds a copy with these hosts; `rendered` are the variables of each service of the source.
    pub(crate) fn of(policy: &Policy, source: &Environment, rendered: &[(&ServiceInstance, &Rendered)]) -> Self {
        Self {
            foreign: source.hosts().map(clean).collect(),
            foreign_proxies: proxies(rendered),
            allowed: policy.allowed_hosts.iter().map(|host| clean(host)).collect(),
            ..Self::default()
        }
    }

    /// With hosts that are the copy's own.
    pub(crate) fn with_own<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        self.own.extend(hosts.into_iter().map(clean));
        self
    }

    /// With the TCP proxies of the copy's services.
    pub(crate) fn with_own_proxies(mut self, rendered: &[(&ServiceInstance, &Rendered)]) -> Self {
        self.own_proxies = proxies(rendered);
        self
    }

    /// The variables of one app that point out of the copy.
    pub(crate) fn objections<'a>(
        &self,
        variables: &(impl Iterator<Item = (&'a str, &'a str)> + Clone),
    ) -> Vec<Objection> {
        let mut found = Vec::new();
        for (name, value) in variables.clone() {
            found.extend(self.of_variable(name, value));
        }
        found.extend(self.split_in_two(variables));
        found
    }

    fn of_variable(&self, name: &str, value: &str) -> Vec<Objection> {
        let objection = |host: String, what: String, stops| Objection { variable: name.to_owned(), what, host, stops };
        let lower = value.to_ascii_lowercase();
        let named = self.foreign_proxies.iter().find(|proxy| has_whole(&lower, &proxy.endpoint()));
        if let Some(proxy) = named {
            return vec![objection(proxy.endpoint(), proxy.told(), true)];
        }
        let is_known = |host: &str| {
            let is_of = |proxy: &Proxy| proxy.host == host && host != "localhost";
            self.foreign.contains(host) || self.foreign_proxies.iter().any(is_of)
        };
        let outside = addresses(name, value, &is_known).into_iter().filter(|address| !self.is_within(address));
        outside
            .map(|address| {
                let host = address.told();
                let is_proxy = address.host.ends_with(".proxy.rlwy.net")
                    || self.foreign_proxies.iter().any(|p| p.host == address.host && address.host != "localhost");
                match (address.holds_data || is_proxy, self.foreign.contains(&address.host)) {
                    (true, _) => objection(host.clone(), format!("the database host `{host}` outside the copy"), true),
                    (false, true) => objection(host.clone(), format!("production's own host `{host}`"), false),
                    (false, false) => objection(host.clone(), format!("the host `{host}` outside the copy"), false),
                }
            })
            .collect()
    }

    /// A TCP proxy of production whose host stands in one variable and whose port in another.
    fn split_in_two<'a>(&self, variables: &(impl Iterator<Item = (&'a str, &'a str)> + Clone)) -> Vec<Objection> {
        let mut found = Vec::new();
        for proxy in &self.foreign_proxies {
            let of_host = variables.clone().find(|(_, value)| value.trim().eq_ignore_ascii_case(&proxy.host));
            let of_port = variables.clone().find(|(_, value)| value.trim() == proxy.port.to_string());
            if let (Some((variable, _)), Some(_)) = (of_host, of_port) {
                let (variable, host) = (variable.to_owned(), proxy.endpoint());
                found.push(Objection { variable, what: proxy.told(), host, stops: true });
            }
        }
        found
    }

    fn is_within(&self, address: &Address) -> bool {
        let host = address.host.as_str();
        let is_loopback = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        let is_own_proxy = self.own_proxies.iter().any(|p| p.host == host && address.port == Some(p.port));
        let is_allowed = self.allowed.iter().any(|allowed| allowed == host || *allowed == address.told());
        // What was not rendered is Railway's own, and so the copy's.
        let is_reference = host.contains("${{");
        is_reference
            || is_loopback
            || is_own_proxy
            || is_allowed
            || host.ends_with(".railway.internal")
            || !host.contains(['.', ':'])
            || self.own.contains(host)
    }

    /// The variables of an app that go through a TCP proxy of the copy, which is closed once the data is there.
    pub(crate) fn through_own_proxy<'a>(&self, variables: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
        let is_named = |value: &str| {
            value.contains("RAILWAY_TCP_PROXY_")
                || self.own_proxies.iter().any(|proxy| has_whole(&value.to_ascii_lowercase(), &proxy.endpoint()))
        };
        variables.filter(|(_, value)| is_named(value)).map(|(name, _)| name.to_owned()).collect()
    }
}

impl Proxy {
    fn endpoint(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn told(&self) -> String {
        let what = if self.is_database { "production's database" } else { "a TCP proxy of production" };
        format!("{what} at `{}`", self.endpoint())
    }
}

impl Address {
    fn told(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

fn proxies(rendered: &[(&ServiceInstance, &Rendered)]) -> Vec<Proxy> {
    let of = |(service, variables): &(&ServiceInstance, &Rendered)| {
        let value = |name: &str| variables.get(name).cloned().flatten().filter(|v| !v.is_empty());
        let (host, port) = (value("RAILWAY_TCP_PROXY_DOMAIN")?, value("RAILWAY_TCP_PROXY_PORT")?.parse().ok()?);
        Some(Proxy { is_database: services::is_data_server(service), host: clean(&host), port })
    };
    rendered.iter().filter_map(of).collect()
}

/// Whether `endpoint` stands in a text, and not as a part of a longer one.
fn has_whole(text: &str, endpoint: &str) -> bool {
    text.match_indices(endpoint).any(|(at, _)| {
        let is_longer = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !text[..at].ends_with(|c: char| is_longer(c) || c == '.')
            && !text[at + endpoint.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> Neighbours {
        let proxy = |is_database, port| Proxy { is_database, host: "roundhouse.proxy.rlwy.net".into(), port };
        Neighbours {
            own: ["staging.up.railway.app".into()].into(),
            own_proxies: vec![proxy(true, 2000)],
            foreign: ["shop.example".into()].into(),
            foreign_proxies: vec![proxy(true, 1000), proxy(false, 1001)],
            allowed: vec!["search.example".into(), "events.example:9092".into()],
        }
    }

    /// What is said of each variable, `!` before what stops the start.
    fn said(variables: &[(&str, &str)]) -> Vec<String> {
        let objections = world().objections(&variables.iter().copied());
        objections.iter().map(|o| format!("{}{}", if o.stops { "!" } else { "" }, o.what)).collect()
    }

    #[test]
    fn any_proxy_of_production_stops_the_start() {
        let database = ["!production's database at `roundhouse.proxy.rlwy.net:1000`"];
        assert_eq!(said(&[("NOTE", "host is Roundhouse.proxy.rlwy.net:1000 today")]), database);
        assert_eq!(said(&[("H", "roundhouse.proxy.rlwy.net"), ("P", "1000")])[1..], database);
        assert_eq!(
            said(&[("X", "tcp://roundhouse.proxy.rlwy.net:1001")]),
            ["!a TCP proxy of production at `roundhouse.proxy.rlwy.net:1001`"]
        );
        assert_eq!(said(&[("X", "roundhouse.proxy.rlwy.net")]).len(), 1);
        assert!(said(&[("X", "roundhouse.proxy.rlwy.net")])[0].starts_with('!'));
    }

    #[test]
    fn a_database_outside_stops_the_start_unless_it_is_allowed() {
        assert_eq!(
            said(&[("DATABASE_URL", "postgresql://u:hunter2@db.example/x")]),
            ["!the database host `db.example` outside the copy"]
        );
        assert!(
            said(&[("SEARCH_URL", "redis://search.example:6379"), ("BROKER", "kafka://events.example:9092")])
                .is_empty()
        );
        assert_eq!(said(&[("BROKER", "kafka://events.example:9093")]).len(), 1);
    }

    #[test]
    fn other_hosts_outside_are_told_and_the_copys_own_are_not() {
        assert_eq!(said(&[("API", "https://api.example/x")]), ["the host `api.example` outside the copy"]);
        assert_eq!(said(&[("HOME", "https://shop.example")]), ["production's own host `shop.example`"]);
        let own = [
            ("A", "postgresql://u:p@postgres.railway.internal:5432/x"),
            ("B", "postgresql://u:p@roundhouse.proxy.rlwy.net:2000/x"),
            ("C", "https://staging.up.railway.app/x"),
            ("D", "redis://${{RAILWAY_PRIVATE_DOMAIN}}:6379"),
            ("E", "postgres://localhost/x"),
        ];
        assert!(said(&own).is_empty(), "{:?}", said(&own));
        assert_eq!(world().through_own_proxy(own.into_iter()), ["B"]);
    }
}
