//! The servers that a value names: in URLs of any scheme, in connection strings, as `host:port`, or as a bare host.

use percent_encoding::percent_decode_str;

use super::names::Name;
use super::server_words::{
    BESIDE_SERVER, DATA_NAMES, DATA_PORTS, DATA_SCHEMES, HOST_ENDS, HOST_TAILS, LOCAL_SCHEMES, SERVER_WORDS,
};
use crate::secret::logins;

/// A server that a value names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// In small letters.
    pub host: String,
    pub port: Option<u16>,
    /// Whether it holds data, by the scheme, the port, the words around it or the variable's name.
    pub holds_data: bool,
}

/// Every server that the value of variable `name` names; of bare hosts, those that the name or `is_known` makes some.
pub(crate) fn addresses(name: &str, value: &str, is_known: &dyn Fn(&str) -> bool) -> Vec<Address> {
    let name = Name::of(name);
    let is_of_data = name.has_one_of(DATA_NAMES);
    let mut found = in_urls(value, is_of_data);
    found.extend(in_words(value));
    found.extend(go_style(value));
    found.extend(in_pairs(value, is_of_data));
    for token in
        value.split(|c: char| c.is_whitespace() || ",;|\"'`[]{}()<>".contains(c)).filter(|t| !t.contains("://"))
    {
        found.extend(host_and_port(token, is_of_data));
        if is_host(token) && (is_known(&clean(token)) || is_ip(token) && token == value.trim()) {
            found.push(Address { host: clean(token), port: None, holds_data: is_of_data });
        }
    }
    let whole = value.trim();
    if is_host(whole) && name.ends_with_one_of(HOST_ENDS, HOST_TAILS) {
        found.push(Address { host: clean(whole), port: None, holds_data: is_of_data });
    }
    found.sort();
    found.dedup_by(|second, first| {
        second.host == first.host && second.port == first.port && {
            first.holds_data |= second.holds_data;
            true
        }
    });
    found
}

fn in_urls(text: &str, is_of_data: bool) -> Vec<Address> {
    let logins = logins(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
        let scheme = &text[text[..at].rfind(|c| !is_scheme(c)).map_or(0, |before| before + 1)..at];
        let base = scheme.split('+').next().unwrap_or_default().to_ascii_lowercase();
        if LOCAL_SCHEMES.contains(&base.as_str()) {
            continue;
        }
        let login = logins.iter().find(|login| login.start == at + 3);
        let rest = &text[login.map_or(at + 3, |login| login.end + 1)..];
        let authority =
            &rest[..rest.find(|c: char| c.is_whitespace() || "/?#;\"'`<>\\)".contains(c)).unwrap_or(rest.len())];
        let holds_data = is_of_data || DATA_SCHEMES.contains(&base.as_str());
        // A cluster has several.
        found.extend(authority.split(',').filter_map(|server| server_of(server, holds_data)));
    }
    // Oracle's own way: `jdbc:oracle:thin:@host:1521:name`.
    if let Some((_, rest)) = text.split_once("jdbc:oracle:").and_then(|(_, rest)| rest.split_once('@')) {
        let rest = rest.trim_start_matches('/');
        let host_and_port: Vec<_> = rest.split([':', '/']).take(2).collect();
        found.extend(server_of(&host_and_port.join(":"), true));
    }
    found
}

/// `host`, `host:port` or `[address]:port`.
fn server_of(text: &str, holds_data: bool) -> Option<Address> {
    let text = percent_decode_str(text).decode_utf8_lossy();
    let text = text.rsplit('@').next().unwrap_or_default();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.and_then(|port| port.parse().ok());
    let holds_data = holds_data || port.is_some_and(|port| DATA_PORTS.contains(&port));
    (!host.is_empty()).then(|| Address { host: clean(host), port, holds_data })
}

/// `host=… port=…`, `Server=tcp:…,1433;`, `Data Source=…;`.
fn in_words(text: &str) -> Vec<Address> {
    let lower = text.to_ascii_lowercase();
    let value = |word: &str| {
        lower.match_indices(word).find_map(|(at, _)| {
            let is_whole = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let value = lower[at + word.len()..].trim_start().strip_prefix('=').filter(|_| is_whole)?.trim_start();
            let value = value.trim_start_matches(['\'', '"']);
            Some(
                value[..value.find(|c: char| c.is_whitespace() || ";&'\"".contains(c)).unwrap_or(value.len())]
                    .to_owned(),
            )
        })
    };
    let holds_data = BESIDE_SERVER.iter().any(|word| lower.contains(word)) && lower.contains('=');
    let port = value("port").and_then(|port| port.parse().ok());
    let mut found = Vec::new();
    for server in SERVER_WORDS.iter().filter_map(|word| value(word)) {
        let server = server.trim_start_matches("tcp:").trim_start_matches("np:").trim_start_matches("admin:");
        // `host,1433` of ADO, `host1,host2` of libpq.
        let mut last: Option<Address> = None;
        for part in server.split(',') {
            if let (Ok(number), Some(last)) = (part.trim().parse(), &mut last) {
                last.port = Some(number);
                continue;
            }
            found.extend(last.take());
            let host = part.split('\\').next().unwrap_or_default();
            last = server_of(host.trim(), holds_data).map(|a| Address { port: a.port.or(port), ..a });
        }
        found.extend(last);
    }
    found.retain(|address| !address.host.starts_with('/'));
    for address in &mut found {
        address.holds_data |= address.port.is_some_and(|port| DATA_PORTS.contains(&port));
    }
    found
}

/// `user:password@tcp(host:3306)/name`.
fn go_style(text: &str) -> Option<Address> {
    let (_, rest) = text.rsplit_once("@tcp(")?;
    server_of(rest.split(')').next()?, true)
}

/// `"host": "…"` of JSON, `define('WP_REDIS_HOST', '…')` and `'host' => '…'` of PHP: what is named within a value as a variable would be.
fn in_pairs(text: &str, is_of_data: bool) -> Vec<Address> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut last: Option<&str> = None;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, from) = rest.split_at(at);
        let quote = &from[..1];
        let Some((word, after)) = from[1..].split_once(quote) else { break };
        let is_second = matches!(before.trim(), "," | ":" | "=>");
        if let Some(name) = last.filter(|_| is_second).map(Name::of)
            && name.ends_with_one_of(HOST_ENDS, HOST_TAILS)
        {
            let holds_data = is_of_data || name.has_one_of(DATA_NAMES);
            let bare = is_host(word).then(|| Address { host: clean(word), port: None, holds_data });
            found.extend(bare.or_else(|| host_and_port(word, holds_data)));
        }
        (last, rest) = (Some(word), after);
    }
    found
}

/// `host:port` with or without a login before and a path behind it.
fn host_and_port(token: &str, is_of_data: bool) -> Option<Address> {
    let token = token.rsplit('@').next()?.split('/').next()?;
    let (host, port) = token.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    let is_named = is_host(host) || host.eq_ignore_ascii_case("localhost") || host.starts_with('[');
    is_named.then(|| server_of(&format!("{host}:{port}"), is_of_data)).flatten()
}

/// Whether a text is a whole host name, or the address of one.
fn is_host(text: &str) -> bool {
    let text = text.trim_end_matches('.');
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_name = last.len() >= 2 && last.bytes().any(|b| b.is_ascii_alphabetic());
    text.contains('.') && text.split('.').all(is_label) && (is_name || is_ip(text))
}

fn is_ip(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// A host as it is compared.
pub(crate) fn clean(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
#[path = "addresses_tests.rs"]
mod tests;
