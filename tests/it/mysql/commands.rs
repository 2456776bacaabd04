//! `copy-db` with the URLs of these servers: what is printed and with which exit code it ends.

use backboard::mysql::Family;
use serde_json::Value;

use super::Ends;
use crate::golden::called;
use crate::stage::{Call, binary};

async fn copy_db(source: &str, target: &str, more: &[&str]) -> Call {
    let mut command = binary();
    command.env("SOURCE_DATABASE_URL", source).env("TARGET_DATABASE_URL", target);
    called(command, &[&["copy-db"], more].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_copied_by_its_urls_and_what_is_of_another_kind_is_refused_by_name() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source
        .sql("CREATE TABLE words (id int PRIMARY KEY, word text); INSERT INTO words VALUES (1, 'käse')")
        .unwrap();
    let (source, target) = (ends.source.site_url(), ends.target.url());
    // Many a MariaDB is known by the older scheme.
    let call = copy_db(&source, &target.replace("mariadb://", "mysql://"), &["--json"]).await;
    let told: Value =
        serde_json::from_str(&call.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", call.stdout, call.stderr));
    assert_eq!((call.code, &told["status"], &told["copy"]["rows"]), (0, &"ok".into(), &1.into()), "{}", call.stderr);
    assert_eq!(ends.target.sql("SELECT word FROM words").unwrap(), ["käse"]);

    let postgres = "postgresql://railway:canary-other-password@localhost:1/railway";
    for (source, target, code, words) in [
        (
            source.as_str(),
            postgres,
            2,
            "the source is a MySQL or MariaDB database and the target a PostgreSQL database",
        ),
        (
            postgres,
            target.as_str(),
            2,
            "the source is a PostgreSQL database and the target a MySQL or MariaDB database",
        ),
        (
            "redis://:canary-other-password@localhost:1/0",
            target.as_str(),
            2,
            "`postgres://`, `postgresql://`, `mysql://` or `mariadb://`",
        ),
        (source.as_str(), "mysql://root:canary-other-password@localhost:1/railway", 4, "connect to `localhost:1/`"),
    ] {
        let call = copy_db(source, target, &["--attempts", "1"]).await;
        let told = format!("{}{}", call.stdout, call.stderr);
        assert_eq!(call.code, code, "{told}");
        assert!(told.contains(words) && !told.contains("canary"), "{told}");
    }
    ends.assert_nothing_is_left();
}
