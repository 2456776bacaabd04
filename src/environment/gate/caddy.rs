//! A gate's configuration: that of Caddy, which runs in it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::login::Login;
use crate::contract::gate::{AUTHORIZATION, BYPASS_HEADER};

/// Caddy's official image on Alpine, by the digest of its index of platforms, as its publishers list it (`docker-library/repo-info` at
/// GitHub, `repos/caddy/remote/2.11.4-alpine.md`).
pub(super) const IMAGE: &str = "caddy@sha256:ad27e531c8b286ff153c0e6e16587a1583e4111bb58c4d83bd73d6d3ef0a0ce1";

/// How hard a password is to try out: two to the power of this many rounds.
const BCRYPT_COST: u32 = 10;

/// The cookie of whoever has been let in: browsers keep it for one host alone, and send it over TLS alone.
const COOKIE: &str = "__Host-railstage-gate";

/// What an answer to a browser's question before its request may say; nothing else of it gets out.
const OF_CORS: &[&str] = &[
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Private-Network",
    "Access-Control-Max-Age",
    "Vary",
];

/// One app behind a gate.
pub(super) struct Behind {
    /// How its hosts begin.
    pub(super) label: String,
    /// Where it is within the environment.
    pub(super) dial: String,
}

/// The configuration as Caddy reads it. Whoever is none of those that get in is asked for name and password, whatever the path.
pub(super) fn config(login: &Login, behind: &[Behind]) -> Result<String> {
    let hash = bcrypt::hash(login.password.expose(), BCRYPT_COST).context("hash the gate's password")?;
    let account = json!({ "username": login.user, "password": hash });
    let asks = json!({
        "handler": "authentication",
        "providers": { "http_basic": { "accounts": [account], "realm": "staging copy", "hash_cache": {} } },
    });
    let pass = json!({
        "handler": "headers",
        "response": { "deferred": true, "add": { "Set-Cookie": [
            format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=None", login.cookie.expose())
        ] } },
    });
    let cookie = format!("(?:^|;\\s*){COOKIE}={}(?:;|$)", login.cookie.expose());
    let let_in = json!([
        { "header": { BYPASS_HEADER: [login.bypass.expose()] } },
        { "header_regexp": { "Cookie": { "pattern": cookie } } },
    ]);
    let preflight = json!([{
        "method": ["OPTIONS"], "header": { "Origin": ["*"], "Access-Control-Request-Method": ["*"] },
    }]);
    // Name and password of the gate's are nobody's behind it: a browser that has been let in goes on to send them.
    let own = json!([{ "header": { "Authorization": [format!("{{env.{AUTHORIZATION}}}")] } }]);
    let routes = json!([
        // Set at once, an error's answer has it; set again at the end, no app can take it away.
        { "handle": [noindex(false), noindex(true)] },
        { "match": preflight, "terminal": true, "handle": [without_authorization(), to(behind, true)] },
        { "match": let_in, "terminal": true, "handle": [
            subroute(&json!([{ "match": own, "handle": [without_authorization()] }])), to(behind, false)
        ] },
        { "handle": [asks, pass, without_authorization(), to(behind, false)] },
    ]);
    let refused = json!({
        "handler": "static_response", "status_code": "{http.error.status_code}",
        "body": "{http.error.status_code} {http.error.status_text}\n",
    });
    let server = json!({
        "listen": [":{env.PORT}"],
        "automatic_https": { "disable": true },
        // Nobody comes to it but by Railway's edge, which says by what scheme, or from within the copy.
        "trusted_proxies": { "source": "static", "ranges": ["0.0.0.0/0", "::/0"] },
        "routes": routes,
        "errors": { "routes": [{ "handle": [noindex(false), refused] }] },
    });
    let config = json!({
        "admin": { "disabled": true, "config": { "persist": false } },
        "apps": { "http": { "servers": { "gate": server } } },
    });
    Ok(config.to_string())
}

fn noindex(deferred: bool) -> Value {
    json!({ "handler": "headers", "response": {
        "deferred": deferred, "set": { "X-Robots-Tag": ["noindex, nofollow"] },
    } })
}

fn without_authorization() -> Value {
    json!({ "handler": "headers", "request": { "delete": ["Authorization"] } })
}

fn subroute(routes: &Value) -> Value {
    json!({ "handler": "subroute", "routes": routes })
}

/// Hands a request on to the app of its host; the last gets what is no other's.
fn to(behind: &[Behind], is_preflight: bool) -> Value {
    let route = |(n, app): (usize, &Behind)| {
        let mut route = json!({ "terminal": true, "handle": [proxy(&app.dial, is_preflight)] });
        if n + 1 < behind.len() {
            let pattern = format!("(?i)^{}\\.", app.label);
            route["match"] = json!([{ "header_regexp": { "Host": { "pattern": pattern } } }]);
        }
        route
    };
    subroute(&behind.iter().enumerate().map(route).collect())
}

fn proxy(dial: &str, is_preflight: bool) -> Value {
    let cookie = format!("(?:^|;\\s*){COOKIE}=[^;]*");
    let mut proxy = json!({
        "handler": "reverse_proxy",
        "upstreams": [{ "dial": dial }],
        "headers": { "request": {
            "delete": [BYPASS_HEADER],
            "replace": { "Cookie": [{ "search_regexp": cookie, "replace": "" }] },
        } },
    });
    if is_preflight {
        proxy["handle_response"] = json!([{ "routes": [{ "handle": [
            { "handler": "copy_response_headers", "include": OF_CORS },
            { "handler": "static_response", "status_code": 204 },
        ] }] }]);
    }
    proxy
}
