//! Who is let in how, by which servers, and what is known then of who answers.

use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};
use railstage::error::Exit;
use railstage::mysql::{Endpoint, inspect};

use super::ends::Ends;
use super::middle::{Middle, Trick};
use super::{oldest, told};

const PASSWORD: &str = "canary-server-password";

/// What a look at a database warns of.
async fn warnings(url: &str) -> anyhow::Result<Vec<String>> {
    inspect(&Endpoint::parse(url)?).await.map(|report| report.warnings)
}

/// The URL with the certificate pinned that a warning names.
fn pinned(url: &str, warnings: &[String]) -> String {
    let (_, rest) = warnings[0].split_once("add `").unwrap_or_else(|| panic!("{warnings:?}"));
    format!("{url}?{}", rest.split('`').next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_proves_its_certificate_by_the_password_and_nobody_in_between_can() {
    let ends = Ends::of(Family::MariaDb).await;
    let server = &ends.target.server;
    server
        .sql(&format!(
            "INSTALL SONAME 'auth_ed25519'; INSTALL SONAME 'auth_parsec'; CREATE USER pa@'%' IDENTIFIED VIA parsec USING PASSWORD('{PASSWORD}');
             GRANT SELECT ON railway.* TO pa@'%'; CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}');
             GRANT SELECT ON railway.* TO ed@'%'; CREATE USER nobody@'%'; GRANT SELECT ON railway.* TO nobody@'%';"
        ))
        .unwrap();
    for user in ["root", "ed"] {
        let url = server.url_of(user);
        assert_eq!(warnings(&url).await.unwrap(), [""; 0], "{user}");
        for trick in Trick::ALL {
            let middle = Middle::start(server.port(), trick).await;
            let told = told(warnings(&url.replace(&server.port().to_string(), &middle.port.to_string())).await);
            let words = match trick {
                Trick::Relays => "somebody stands between here and the server",
                Trick::AsksForPassword => "by `mysql_clear_password`, which would send the password",
                Trick::HasNoTls => "the server has no TLS",
                Trick::GreetsAsOld => "a server greets there as 10.11.2-MariaDB, and the one that answers is",
            };
            assert!(told.contains(words), "{user} {trick:?}: {told}");
            assert!(!middle.has_heard(PASSWORD), "{user} {trick:?}");
        }
    }
    let told_plugin = told(warnings(&server.url_of("pa")).await);
    assert!(told_plugin.contains("asks to log in by `parsec`"), "{told_plugin}");
    // Who has no password has nothing that proves the server.
    let url = server.url_of("nobody").replace(&format!(":{PASSWORD}"), "");
    let without = warnings(&url).await.unwrap();
    assert_eq!(warnings(&pinned(&url, &without)).await.unwrap(), [""; 0]);
    let told = told(warnings(&server.url().replace(PASSWORD, "wrong")).await);
    assert!(told.contains("log in as `root`: Access denied for user") && told.contains("hint: check user"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_is_proven_by_its_pinned_certificate_alone() {
    let (ends, old) = (Ends::of(Family::MySql).await, oldest(Family::MySql, ServerOptions::default()).await);
    for server in [&*ends.target.server, &old] {
        let mut users = vec!["root"];
        if server.home().number() == (8, 0) {
            server.sql(&format!("CREATE USER old@'%' IDENTIFIED WITH mysql_native_password BY '{PASSWORD}'; GRANT SELECT ON railway.* TO old@'%'")).unwrap();
            users.push("old");
        }
        for user in users {
            let url = server.url_of(user);
            let unproven = warnings(&url).await.unwrap();
            // The second time the server knows the login, and lets it in by another way.
            assert_eq!(warnings(&url).await.unwrap(), unproven);
            let url = pinned(&url, &unproven);
            assert_eq!(warnings(&url).await.unwrap(), [""; 0]);
            for trick in Trick::ALL {
                let middle = Middle::start(server.port(), trick).await;
                let result = warnings(&url.replace(&server.port().to_string(), &middle.port.to_string())).await;
                let told = told(result);
                let words = if trick == Trick::HasNoTls { "the server has no TLS" } else { "is not the pinned one" };
                assert!(told.contains(words), "{user} {trick:?}: {told}");
                assert!(!middle.has_heard(PASSWORD) && !middle.has_heard(user), "{user} {trick:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_unless_its_line_may_be_in_clear() {
    let options = ServerOptions { tls: false, ..ServerOptions::default() };
    let server = oldest(Family::MariaDb, options.clone()).await;
    let result = inspect(&Endpoint::parse(&server.url()).unwrap()).await;
    assert_eq!(Exit::of(result.as_ref().unwrap_err()), Exit::Invalid);
    let told = told(result);
    assert!(told.contains("the server has no TLS") && told.contains("hint: give the server a certificate"), "{told}");
    for mode in ["disable", "prefer"] {
        let warnings = warnings(&format!("{}?sslmode={mode}", server.url())).await.unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains("the line is in clear"), "{warnings:?}");
    }
    let server = oldest(Family::MariaDb, ServerOptions::default()).await;
    let unproven = warnings(&server.url_of("railway")).await.unwrap();
    assert_eq!(warnings(&pinned(&server.url(), &unproven)).await.unwrap(), [""; 0]);
    let newest = MysqlHome::of(Family::MySql).unwrap().pop().unwrap();
    in_clear(&Server::start(&newest, options).await.unwrap()).await;
}

/// MySQL's way to log in gives the password to whoever answers where the line is in clear, unless the server knows it already.
async fn in_clear(server: &Server) {
    let url = format!("{}?sslmode=disable", server.url());
    let told = told(warnings(&url).await);
    assert!(told.contains("would have the password sent to it without TLS"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_tells_what_there_is() {
    for ends in [Ends::of(Family::MySql).await, Ends::of(Family::MariaDb).await] {
        let look = &ends.target;
        look.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int); CREATE VIEW c AS SELECT * FROM a")
            .unwrap();
        let report = inspect(&Endpoint::parse(&look.site_url()).unwrap()).await.unwrap();
        assert_eq!((&report.database, report.tables, report.encoding.as_str()), (&look.name, 2, "utf8mb4"));
        assert!(report.version.starts_with(look.version()), "{}", report.version);
        assert_eq!(i64::from(report.major), i64::from(look.server.home().number().0));
        let nowhere = look.url_of_nowhere();
        let told = told(inspect(&Endpoint::parse(&nowhere).unwrap()).await);
        assert!(
            told.contains("Unknown database 'nowhere' (error 1049)") && told.contains("hint: check the database name"),
            "{told}"
        );
    }
}
