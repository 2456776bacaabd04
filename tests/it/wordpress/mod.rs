//! A real WordPress on MariaDB, cloned, and the copy looked at as people do.

mod config;
mod files;
mod guarded;
mod own_volume;
mod visitor;

use std::collections::BTreeMap;

use backboard::wordpress::{ADMINISTRATOR, HOST, PASSWORD_OF_CUSTOMERS};
use backboard::{ExtraService, Sent, WorldOptions};
use serde_json::Value;
use visitor::Visitor;

use crate::asked;
use crate::stage::{Stage, finish};

/// Where visitors, readers of feeds and programs begin.
const STARTS: &[&str] = &[
    "/",
    "/2026/item-300/",
    "/about/",
    "/feed/",
    "/comments/feed/",
    "/?s=wool",
    "/author/anna/",
    "/wp-json/wp/v2/posts?_embed",
    "/wp-json/wp/v2/users",
    "/wp-json/wp/v2/comments",
];

/// What is in the names, addresses and keys of production's people, and nowhere else.
const OF_PEOPLE: &[&str] = &[
    "canary",
    "people.example.net",
    "quillfeather",
    "brambleworth",
    "fennimoor",
    "hollowcroft",
    "pumblechurch",
    "thistlewick",
    "underbough",
    "wexcombe",
    "yarrowdale",
    "zephyrine",
    "larkspurr",
    "aubigny",
    "šťastný",
];

async fn stage(site: ExtraService) -> Stage {
    let extra_services = vec![ExtraService::MariaDb, site];
    Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await
}

/// Clones the site; the host of the copy, and what the command says of it.
async fn clone(stage: &Stage, more: &[&str]) -> (String, Value) {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["clone", "--json", "--environment-name", "site", "--project-id", &stage.world.project_id()]);
    command.args(["--web-service", "wordpress", "--include-services", "wordpress"]);
    command.args(["--allow-empty-volumes", "wordpress"]).arg("--policy").arg(policy.path()).args(more);
    let call = finish(command).await;
    call.expect(0);
    let report = call.json();
    (report["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned(), report)
}

/// What is in the site's tables, in sums.
fn sums(stage: &Stage) -> Vec<String> {
    let names = stage.world.sql("production", "MariaDB", "SHOW TABLES").unwrap();
    stage.world.sql("production", "MariaDB", &format!("CHECKSUM TABLE {}", names.join(", "))).unwrap()
}

/// What a page says of a fact, by its element's id.
fn fact<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("id=\"{name}\">")).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('<').next().unwrap()
}

fn assert_is_free_of_production(pages: &BTreeMap<String, String>) {
    for (path, page) in pages {
        let page = page.to_lowercase();
        for mark in OF_PEOPLE.iter().chain([&HOST]) {
            let at = page.find(mark).map(|at| page[at.saturating_sub(200)..].chars().take(400).collect::<String>());
            assert_eq!(at, None, "{path}: {mark}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_shows_the_site_lets_its_administrator_in_and_knows_and_writes_to_nobody() {
    let stage = stage(ExtraService::WordPress).await;
    let mut production = Visitor::new(&stage.world, HOST);
    let home = production.page("/").await;
    // What is looked for in the copy is there to be found.
    let shown: Vec<_> = production.crawl(STARTS, STARTS.len()).await.into_values().collect();
    let shown = shown.join("\n").to_lowercase();
    for mark in [HOST, "pk_live_canary", "quillfeather", "fennimoor"] {
        assert!(shown.contains(mark), "{mark} is not in production");
    }
    let before = sums(&stage);
    let (host, _) = clone(&stage, &[]).await;
    assert_eq!(sums(&stage), before, "production's data changed");

    let mut copy = Visitor::new(&stage.world, &host);
    let most = if asked::all() { 500 } else { 60 };
    let pages = copy.crawl(STARTS, most).await;
    assert_eq!(pages.len(), most);
    assert_is_free_of_production(&pages);
    let page = &pages["/"];
    for name in ["title", "customers", "orders", "posts"] {
        assert_eq!(fact(page, name), fact(&home, name));
    }
    assert_eq!((fact(page, "siteurl"), fact(page, "home")), (&*format!("https://{host}"), &*format!("https://{host}")));
    assert_eq!(fact(page, "environment-type"), "staging");
    assert!(page.contains("noindex") && !home.contains("noindex"), "search engines are told the same");
    let maps = [production.get("/wp-sitemap.xml").await.status, copy.get("/wp-sitemap.xml").await.status];
    assert_eq!(maps, [200, 404], "search engines are shown the way");
    assert!(
        pages["/about/"].contains("größer als du denkst")
            && pages["/about/"].contains(&format!("https://{host}/shop/"))
    );

    // Nobody but the administrator gets in.
    assert!(Visitor::new(&stage.world, HOST).log_in("canary7", PASSWORD_OF_CUSTOMERS).await);
    let sql = "SELECT user_login FROM wp_users ORDER BY ID DESC LIMIT 1";
    let stranger = stage.world.sql("site", "MariaDB", sql).unwrap().remove(0);
    for login in ["canary7", &stranger, "canary.ottilie"] {
        assert!(!Visitor::new(&stage.world, &host).log_in(login, PASSWORD_OF_CUSTOMERS).await, "{login}");
    }
    assert!(copy.log_in(ADMINISTRATOR[0], ADMINISTRATOR[1]).await);
    assert!(copy.page("/wp-admin/").await.contains("Dashboard"));
    let mut inside = BTreeMap::new();
    for path in ["/wp-admin/users.php", "/wp-admin/edit-comments.php", "/wp-admin/edit.php"] {
        inside.insert(path.to_owned(), copy.page(path).await);
    }
    assert_is_free_of_production(&inside);
    let (id, link) = copy.write("Something new").await;
    let newest = stage.world.sql("production", "MariaDB", "SELECT MAX(ID) FROM wp_posts").unwrap();
    assert!(id > newest[0].parse().unwrap(), "{id} is no new one");
    let path = link.strip_prefix(&format!("https://{host}")).unwrap();
    assert!(copy.page(path).await.contains("Something new"));

    // Its jobs are called from outside, as they will be.
    let of = |host: &str, sent: &Sent| sent.agent.contains(host) && !sent.url.contains("//api.wordpress.org/");
    copy.page("/wp-cron.php").await;
    copy.page("/wp-cron.php?doing_wp_cron").await;
    let sent = stage.world.sent_outside();
    let mails = stage.world.mails("site").unwrap();
    assert!(mails.is_empty() && !sent.iter().any(|sent| of(&host, sent)), "{mails:?} {sent:#?}");
    production.page("/wp-cron.php").await;
    let (mails, sent) = (stage.world.mails("production").unwrap(), stage.world.sent_outside());
    assert!(mails.iter().any(|mail| mail.contains("Your basket waits")), "{mails:?}");
    assert!(mails.iter().any(|mail| mail.contains("It is on its way")), "{mails:?}");
    assert!(sent.iter().any(|sent| of(HOST, sent) && sent.url.contains("hooks.partner.example.org")), "{sent:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_network_each_site_is_at_home_at_the_copys_address() {
    if !asked::all() {
        return;
    }
    let stage = stage(ExtraService::WordPressNetwork).await;
    let starts = ["/", "/garden/", "/garden/feed/", "/garden/2026/bed-7/", "/garden/wp-json/wp/v2/users"];
    let shown = Visitor::new(&stage.world, HOST).crawl(&starts, starts.len()).await;
    assert!(shown["/garden/2026/bed-7/"].contains("Hollowcroft"), "{}", shown["/garden/2026/bed-7/"]);
    let (host, _) = clone(&stage, &[]).await;
    let mut copy = Visitor::new(&stage.world, &host);
    let pages = copy.crawl(&starts, 200).await;
    assert_is_free_of_production(&pages);
    assert!(pages["/garden/"].contains(&format!("https://{host}/garden/2026/bed-30/")), "{}", pages["/garden/"]);
    assert!(copy.log_in(ADMINISTRATOR[0], ADMINISTRATOR[1]).await);
    for path in ["/wp-admin/network/sites.php", "/garden/wp-admin/edit.php"] {
        let page = copy.page(path).await;
        assert!(page.contains(&host) && !page.contains(HOST), "{path}: {page}");
    }
}
