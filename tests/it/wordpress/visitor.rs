//! Somebody with a browser: follows links, keeps cookies, fills in forms.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use backboard::{Fetched, World};
use futures_util::future::join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// How many pages are asked for at once.
const AT_ONCE: usize = 4;

pub(super) struct Visitor<'a> {
    world: &'a World,
    pub(super) host: String,
    cookies: BTreeMap<String, String>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(world: &'a World, host: &str) -> Self {
        Self { world, host: host.to_owned(), cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Fetched {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [headers, &[("cookie", &cookies)]].concat();
        let page = self.world.send(&self.host, method, path, &headers, body).await.unwrap();
        for set in page.headers.get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        page
    }

    pub(super) async fn get(&mut self, path: &str) -> Fetched {
        self.send("GET", path, &[], String::new()).await
    }

    /// A page that must be there.
    pub(super) async fn page(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}{path}: {:?} {}", self.host, page.location, page.body);
        page.body
    }

    /// Whether a login opens the door.
    pub(super) async fn log_in(&mut self, login: &str, password: &str) -> bool {
        self.page("/wp-login.php").await;
        let fields = [("log", login), ("pwd", password), ("wp-submit", "Log In"), ("testcookie", "1")];
        let fields = fields.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send("POST", "/wp-login.php", &form, fields.join("&")).await;
        let refused = answer.status == 200 && answer.body.contains("login_error");
        assert!(refused || answer.status == 302, "{}: {}", answer.status, answer.body);
        !refused
    }

    /// Writes a post as the editor does; its id and its address.
    pub(super) async fn write(&mut self, title: &str) -> (u64, String) {
        let nonce = self.page("/wp-admin/admin-ajax.php?action=rest-nonce").await;
        let headers = [("content-type", "application/json"), ("x-wp-nonce", nonce.as_str())];
        let post = serde_json::json!({"title": title, "content": "Written here.", "status": "publish"});
        let answer = self.send("POST", "/wp-json/wp/v2/posts", &headers, post.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let written: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        (written["id"].as_u64().unwrap(), written["link"].as_str().unwrap().to_owned())
    }

    /// Every page that links lead to from here, up to so many, by their paths; each must be there.
    pub(super) async fn crawl(&self, from: &[&str], most: usize) -> BTreeMap<String, String> {
        let mut seen: BTreeSet<String> = from.iter().map(|&path| path.to_owned()).collect();
        let mut next: VecDeque<String> = seen.iter().cloned().collect();
        let mut pages = BTreeMap::new();
        while !next.is_empty() && pages.len() < most {
            let batch: Vec<_> = next.drain(..next.len().min(AT_ONCE).min(most - pages.len())).collect();
            let fetched = join_all(batch.iter().map(|path| self.world.fetch(&self.host, path))).await;
            for (path, page) in batch.into_iter().zip(fetched) {
                let page = page.unwrap();
                let location = page.location.unwrap_or_default();
                assert!([200, 301, 302].contains(&page.status), "{path}: {} {}", page.status, page.body);
                let found = links(&self.host, &page.body).into_iter().chain(local(&self.host, &location));
                next.extend(found.filter(|path| seen.insert(path.clone())));
                pages.insert(path, format!("{location}\n{}", page.body));
            }
        }
        pages
    }
}

/// The pages of a host that a page has links to.
fn links(host: &str, page: &str) -> Vec<String> {
    let found = ["href=\"", "src=\"", "<link>", "<loc>"].iter().flat_map(|start| page.split(start).skip(1));
    found.filter_map(|rest| local(host, rest.split(['"', '<']).next()?)).collect()
}

/// The path of an address on a host, where it is a page that anybody may visit.
fn local(host: &str, url: &str) -> Option<String> {
    let url = url.replace("&#038;", "&").replace("&amp;", "&");
    let rest = ["https://", "http://", "//"].iter().find_map(|start| url.strip_prefix(start)?.strip_prefix(host));
    let path = rest.or_else(|| url.starts_with('/').then_some(url.as_str()).filter(|url| !url.starts_with("//")))?;
    let path = path.split('#').next().unwrap_or_default();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let closed =
        ["/wp-login.php", "/wp-admin", "/xmlrpc.php", "/wp-comments-post.php", "/wp-includes/", "/wp-content/"];
    let is_open = !closed.iter().any(|start| path.starts_with(start)) && !path.contains("replytocom=");
    is_open.then_some(path)
}
