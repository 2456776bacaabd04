//! The guard plug-in in a real WordPress: what it stops, and where it does nothing.

use std::path::Path;

use backboard::wordpress::{ADMINISTRATOR, HOST, php};
use backboard::{ExtraService, Fetched};
use jiff::Timestamp;
use railstage::files::guard_plugin::{FILE, GuardPlugin, HEADER};
use serde_json::{Value, json};

use super::stage;
use super::visitor::Visitor;
use crate::stage::Stage;

const PROBE: &str = include_str!("probe.php");

/// Puts the plug-in for an environment, and one that tries everything, into the site of another.
async fn put(stage: &Stage, environment: &str, id: &str, production: Option<&str>) {
    let folder = stage.world.volume(environment, "wordpress").unwrap().join("wp-content/mu-plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a-probe.php"), PROBE).unwrap();
    let hosts = [HOST.to_owned(), "mail.example.net".to_owned()];
    std::fs::write(folder.join(FILE), plugin(id, &hosts, production)).unwrap();
    stage.deploy(environment, "wordpress").await;
}

fn plugin(id: &str, hosts: &[String], missing_uploads: Option<&str>) -> Vec<u8> {
    let guard = GuardPlugin {
        environment_id: id.to_owned(),
        copied_from: "<b>O'Neill's</b> ?> \"live\"".to_owned(),
        copied_at: Timestamp::UNIX_EPOCH,
        hosts: hosts.to_vec(),
        missing_uploads: missing_uploads.map(str::to_owned),
    };
    guard.text().unwrap()
}

fn of(page: &Fetched) -> [String; 2] {
    [page.header(HEADER), page.header("x-robots-tag")]
}

async fn probed(stage: &Stage) -> Value {
    let page = stage.world.fetch(HOST, "/?probe=all").await.unwrap();
    serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{}: {}", page.status, page.body))
}

async fn job_ran(stage: &Stage) -> bool {
    let page = stage.world.fetch(HOST, "/wp-cron.php").await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let sql = "SELECT option_value FROM wp_options WHERE option_name = 'probe_job_ran'";
    !stage.world.sql("production", "MariaDB", sql).unwrap().is_empty()
}

/// What reached somebody outside; WordPress's own looking for news apart.
fn sent(stage: &Stage) -> Vec<String> {
    let all = stage.world.sent_outside().into_iter().map(|sent| sent.url);
    all.filter(|url| !url.contains("//api.wordpress.org/core/version-check")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_site_writes_to_nobody_asks_nobody_and_says_what_it_is() {
    let stage = stage(ExtraService::WordPress).await;
    let id = stage.world.environment_id("production").unwrap();

    // The file in an environment that it was not written for: all that it would stop happens.
    put(&stage, "production", "another-environment", Some("https://shop.example.net")).await;
    let probe = probed(&stage).await;
    assert_eq!(
        (&probe["mail"], &probe["own_mail"], &probe["queue"]),
        (&json!(true), &json!(true), &json!(true)),
        "{probe}"
    );
    assert!(probe["ready"] == true && job_ran(&stage).await, "{probe}");
    assert_ne!(probe["leading"], "railstage", "{probe}");
    assert!(sent(&stage).iter().any(|url| url.contains("hooks.partner.example.org")), "{:?}", sent(&stage));
    assert!(sent(&stage).iter().any(|url| url.contains("elsewhere.example.org")), "{:?}", sent(&stage));
    let mails = stage.world.mails("production").unwrap().concat();
    assert!(mails.contains("canary-mail@") && mails.contains("canary-own-bcc@"), "{mails}");
    let page = stage.world.fetch(HOST, "/").await.unwrap();
    assert!(of(&page) == [String::new(), String::new()] && !page.body.contains("railstage"), "{:?}", page.headers);
    let missing = stage.world.fetch(HOST, "/wp-content/uploads/2020/01/missing.png").await.unwrap();
    assert_eq!((missing.status, missing.location), (404, None));
    let before = sent(&stage).len();

    // The same site where it acts. The container is a new one, which has sent no mail.
    put(&stage, "production", &id, Some("https://shop.example.net")).await;
    let probe = probed(&stage).await;
    let blocked = json!(["railstage"; 7].to_vec());
    assert_eq!(probe["outside"], blocked, "{probe}");
    assert_eq!((&probe["leading"], &probe["own"]), (&json!("http_request_failed"), &json!("200")), "{probe}");
    assert_ne!(probe["neighbour"], "railstage", "{probe}");
    assert_ne!(probe["loopback"], "railstage", "{probe}");
    assert_eq!(
        (&probe["mail"], &probe["own_mail"], &probe["queue"]),
        (&json!(true), &json!(false), &json!(false)),
        "{probe}"
    );
    assert!(probe["ready"] == false && !job_ran(&stage).await, "{probe}");
    let since: Vec<_> = sent(&stage).drain(before..).collect();
    let may_be = |url: &String| ["https://mail.example.net/", "https://127.0.0.1/"].contains(&url.as_str());
    assert!(since.iter().all(may_be), "{since:?}");

    let told = [id.clone(), "noindex, nofollow".to_owned()];
    for path in [
        "/",
        "/2026/item-300/",
        "/feed/",
        "/wp-json/wp/v2/posts",
        "/wp-login.php",
        "/wp-admin/",
        "/wp-admin/admin-ajax.php",
        "/wp-cron.php",
        "/nothing/",
        "/wp-content/uploads/2020/01/missing.png",
        "/xmlrpc.php",
    ] {
        let page = stage.world.fetch(HOST, path).await.unwrap();
        assert_eq!(of(&page), told, "{path}: {}", page.status);
    }
    let ribbon = "STAGING, copied from &lt;b&gt;O&#039;Neill&#039;s&lt;/b&gt; ?&gt; &quot;live&quot; on 1970-01-01, mail is off</div>";
    let mut visitor = Visitor::new(&stage.world, HOST);
    let page = visitor.page("/").await;
    assert!(page.contains(ribbon), "{page}");
    assert!(page.contains("<meta name='robots' content='noindex, nofollow' />"), "{page}");
    assert!(visitor.page("/wp-login.php").await.contains(ribbon));
    assert!(visitor.log_in(ADMINISTRATOR[0], ADMINISTRATOR[1]).await);
    assert!(visitor.page("/wp-admin/").await.contains(ribbon));
    missing_uploads(&stage).await;
    // None of these visits, and nobody's login, has written to anybody.
    assert_eq!(stage.world.mails("production").unwrap(), Vec::<String>::new());
}

/// What production answers for: files of uploads that are not here, and nothing else.
async fn missing_uploads(stage: &Stage) {
    let uploads = stage.world.volume("production", "wordpress").unwrap().join("wp-content/uploads");
    std::fs::write(uploads.join("here.txt"), "here").unwrap();
    let asked = async |method: &str, path: &str| {
        let page = stage.world.fetch_with(HOST, method, path, &[]).await.unwrap();
        (page.status, page.location.unwrap_or_default())
    };
    let at_production = |path: &str| (302, format!("https://shop.example.net{path}"));
    for path in ["/wp-content/uploads/2020/01/missing.png", "/wp-content/uploads/gr%C3%B6%C3%9Fer%20da.jpg"] {
        assert_eq!(asked("GET", path).await, at_production(path));
        assert_eq!(asked("HEAD", path).await, at_production(path));
    }
    assert_eq!(asked("GET", "/wp-content/uploads/a.png?token=x").await, at_production("/wp-content/uploads/a.png"));
    assert_eq!(asked("GET", "/wp-content/uploads/here.txt").await, (200, String::new()));
    for path in [
        "/wp-content/uploads/a.php",
        "/wp-content/uploads/a.PHP7",
        "/wp-content/uploads/a.php.jpg",
        "/wp-content/uploads/none/",
        "/wp-content/uploads/%2e%2e/%2e%2e/x.png",
        "/wp-content/uploads/..%5cx.png",
        "/wp-content/uploads/a%0d%0aSet-Cookie:x.png",
        "/wp-content/themes/missing.png",
        "/missing.png",
        "//evil.example/wp-content/uploads/a.png",
    ] {
        let (status, location) = asked("GET", path).await;
        assert!(!location.contains("shop.example.net"), "{path}: {status} {location}");
    }
    assert_ne!(asked("POST", "/wp-content/uploads/a.png").await.0, 302);
}

/// Runs the plug-in with no more of WordPress than that it is there; how many hooks it takes.
fn hooks(prepare: &str, variables: &[(&str, &str)], file: &Path) -> String {
    let script = format!(
        "define('ABSPATH', '/'); $hooks = []; function add_filter($name) {{ global $hooks; $hooks[] = $name; }} \
         function add_action($name) {{ add_filter($name); }} {prepare} require $argv[1]; echo count($hooks);"
    );
    let mut php = php().unwrap();
    php.args(["-d", "display_errors=1", "-d", "error_reporting=-1", "-r", &script]).arg(file);
    let output = php.envs(variables.iter().copied()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_environment_is_known_wherever_php_has_its_variables_and_nothing_happens_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    std::fs::write(&file, plugin("the-copy", &[], None)).unwrap();
    const NAME: &str = "RAILWAY_ENVIRONMENT_ID";
    let acts = hooks("", &[(NAME, "the-copy")], &file);
    assert!(acts.parse::<u32>().unwrap() > 8, "{acts}");
    for place in [
        "$_SERVER['RAILWAY_ENVIRONMENT_ID']",
        "$_SERVER['REDIRECT_RAILWAY_ENVIRONMENT_ID']",
        "$_ENV['RAILWAY_ENVIRONMENT_ID']",
    ] {
        assert_eq!(hooks(&format!("{place} = 'the-copy';"), &[], &file), acts, "{place}");
        assert_eq!(hooks(&format!("{place} = 'the-source';"), &[], &file), "0", "{place}");
        // What the process itself says comes first.
        assert_eq!(hooks(&format!("{place} = 'the-copy';"), &[(NAME, "the-source")], &file), "0", "{place}");
    }
    for value in ["", "the-source", "the-copy ", "THE-COPY"] {
        assert_eq!(hooks("", &[(NAME, value)], &file), "0", "{value:?}");
    }
    assert_eq!(hooks("$_SERVER['HTTP_RAILWAY_ENVIRONMENT_ID'] = 'the-copy';", &[], &file), "0");
}
