//! The commands that look at a database of MariaDB's or MySQL's: what a copy would do, a login that can only read, and an audit.

use backboard::mysql::Family;
use serde_json::Value;

use super::ends::Ends;
use crate::golden::called;
use crate::stage::{Call, binary};

const SITE: &str = r#"
    CREATE TABLE wp_options (option_id int PRIMARY KEY, option_name varchar(64) UNIQUE, option_value longtext) CHARACTER SET utf8mb4;
    INSERT INTO wp_options VALUES (1, 'siteurl', 'https://shop.example.com'), (2, 'home', 'https://shop.example.com');
    CREATE TABLE wp_posts (ID int PRIMARY KEY, post_status varchar(20), post_type varchar(20), post_content longtext); INSERT INTO wp_posts VALUES (1, 'publish', 'post', '');
    CREATE TABLE wp_users (ID int PRIMARY KEY, user_login varchar(60), user_pass varchar(255), user_nicename varchar(50), user_email varchar(100), display_name varchar(250));
    CREATE TABLE wp_usermeta (umeta_id int PRIMARY KEY, user_id int, meta_key varchar(255), meta_value longtext);
    INSERT INTO wp_users VALUES (1, 'owner', '$P$BOwner', 'owner', 'owner@people.example.net', 'Owner'),
                                (2, 'canary', '$P$BCanary', 'canary', 'zoe.quill@people.example.net', 'Zoë Quillfeather');
    INSERT INTO wp_usermeta VALUES (1, 1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}');
    CREATE TABLE wp_actionscheduler_actions (action_id int PRIMARY KEY, hook varchar(191), status varchar(20), args varchar(191));
    INSERT INTO wp_actionscheduler_actions VALUES (1, 'mail', 'pending', '[]');
    CREATE VIEW names AS SELECT display_name FROM wp_users;
    CREATE TRIGGER seen BEFORE UPDATE ON wp_users FOR EACH ROW SET NEW.user_nicename = OLD.user_nicename;
    CREATE FUNCTION answer() RETURNS int DETERMINISTIC NO SQL RETURN 1;
    CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM wp_users WHERE ID = 0"#;

async fn command(ends: &Ends, source: &str, arguments: &[&str]) -> Call {
    let mut command = binary();
    command.env("SOURCE_DATABASE_URL", source).env("TARGET_DATABASE_URL", ends.target.url());
    command.env("RAILSTAGE_MASKING_KEY", "canary-masking-key-that-is-long-enough");
    called(command, arguments).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_only_reads_copies_all_and_what_a_copy_would_do_is_told_before() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(SITE).unwrap();
        let printed =
            command(&ends, &ends.source.url(), &["source-login", "--role", &format!("reader_{}", ends.source.name)])
                .await;
        let sql = printed.expect(0).stdout.clone();
        assert!(!sql.contains("canary"), "{sql}");
        let reader = format!("reader_{}", ends.source.name);
        ends.source.sql(&sql).unwrap();
        ends.source
            .sql(&format!("ALTER USER {reader}@'%' IDENTIFIED BY 'canary-server-password' ACCOUNT UNLOCK"))
            .unwrap();
        let source = ends.source.url_of(&reader);
        let grants = ends.source.sql(&format!("SHOW GRANTS FOR {reader}@'%'")).unwrap().join("\n");
        for right in ["INSERT", "UPDATE", "DELETE", "CREATE", "ALL", "SUPER"] {
            assert!(!grants.replace("SHOW CREATE ROUTINE", "").contains(right), "{family:?} {right}: {grants}");
        }

        let masked = ["copy-db", "--anonymize"];
        let dry = command(&ends, &source, &[&masked[..], &["--dry-run", "--json"]].concat()).await;
        let told: Value = serde_json::from_str(&dry.stdout).unwrap_or_else(|_| panic!("{}{}", dry.stdout, dry.stderr));
        let told = &told["plan"];
        assert_eq!(dry.code, 0, "{family:?} {told} {}", dry.stderr);
        assert_eq!(told["problems"], Value::Array(Vec::new()), "{family:?} {told}");
        assert_eq!(told["source"]["wordpress"]["home"], "https://shop.example.com", "{family:?} {told}");
        let (queues, tables) = (told["queues"].to_string(), told["tables"].to_string());
        assert!(queues.contains("wp_options") && tables.contains("left behind by masking"), "{family:?} {told}");
        assert!(tables.contains("\"email\""), "{family:?} {told}");
        assert!(ends.leftovers().is_empty() && ends.target.sql("SHOW TABLES").unwrap().is_empty(), "{family:?}");

        let copied = command(&ends, &source, &[&masked[..], &["--json"]].concat()).await;
        assert_eq!(copied.code, 0, "{family:?} {}{}", copied.stdout, copied.stderr);
        let there = "SELECT CONCAT((SELECT COUNT(*) FROM names), answer(), (SELECT COUNT(*) FROM wp_actionscheduler_actions));
                     SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE();
                     SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE();
                     SELECT user_pass = '$P$BOwner' FROM wp_users WHERE ID = 1; SELECT user_pass = '$P$BCanary' FROM wp_users WHERE ID = 2";
        assert_eq!(ends.target.sql(there).unwrap(), ["210", "1", "1", "1", "0"], "{family:?}");

        let audited = command(&ends, &source, &["audit-db"]).await;
        assert_eq!(audited.code, 0, "{family:?} {}{}", audited.stdout, audited.stderr);
        ends.target.sql("UPDATE wp_users SET display_name = 'Zoë Quillfeather' WHERE ID = 2").unwrap();
        let found = command(&ends, &source, &["audit-db"]).await;
        let told = format!("{}{}", found.stdout, found.stderr);
        assert!(told.contains("wp_users.display_name") && !told.contains("Quill"), "{family:?} {told}");
        ends.assert_nothing_is_left();
    }
}
