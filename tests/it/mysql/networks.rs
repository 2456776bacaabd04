//! Networks of WordPress sites, which have thousands of tables: what a table costs does not grow with how many there are, and no more
//! is held of them than how they are made.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use backboard::mysql::Family;

use super::Ends;
use super::ends::Database;
use crate::asked;
use crate::measured::measured;
use crate::stage;

/// Tables of each site of a network; one more is a plug-in's own.
const OF_SITE: usize = 11;
/// What a copy holds, in KiB: as much as of any database, and for each table how it is made and what is decided on it.
const HELD_KIB: u64 = 64 << 10;
const HELD_OF_TABLE_KIB: u64 = 32;

/// The tables of the site with this prefix, and some rows of theirs.
fn site(prefix: &str, number: usize) -> String {
    format!(
        "CREATE TABLE {prefix}commentmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, comment_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY comment_id (comment_id), KEY meta_key (meta_key(191)));
         CREATE TABLE {prefix}comments (comment_ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, comment_post_ID bigint unsigned NOT NULL DEFAULT 0, comment_author tinytext NOT NULL, comment_author_email varchar(100) NOT NULL DEFAULT '', comment_author_url varchar(200) NOT NULL DEFAULT '', comment_author_IP varchar(100) NOT NULL DEFAULT '', comment_content text NOT NULL, comment_approved varchar(20) NOT NULL DEFAULT '1', comment_agent varchar(255) NOT NULL DEFAULT '', user_id bigint unsigned NOT NULL DEFAULT 0, KEY comment_post_ID (comment_post_ID), KEY comment_author_email (comment_author_email(10)));
         CREATE TABLE {prefix}links (link_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, link_url varchar(255) NOT NULL DEFAULT '', link_name varchar(255) NOT NULL DEFAULT '', link_notes mediumtext NOT NULL);
         CREATE TABLE {prefix}options (option_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, option_name varchar(191) NOT NULL DEFAULT '', option_value longtext NOT NULL, autoload varchar(20) NOT NULL DEFAULT 'yes', UNIQUE KEY option_name (option_name));
         CREATE TABLE {prefix}postmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, post_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY post_id (post_id), KEY meta_key (meta_key(191)));
         CREATE TABLE {prefix}posts (ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, post_author bigint unsigned NOT NULL DEFAULT 0, post_content longtext NOT NULL, post_title text NOT NULL, post_excerpt text NOT NULL, post_status varchar(20) NOT NULL DEFAULT 'publish', post_password varchar(255) NOT NULL DEFAULT '', post_name varchar(200) NOT NULL DEFAULT '', post_parent bigint unsigned NOT NULL DEFAULT 0, guid varchar(255) NOT NULL DEFAULT '', post_type varchar(20) NOT NULL DEFAULT 'post', KEY post_name (post_name(191)), KEY type_status (post_type, post_status, ID));
         CREATE TABLE {prefix}term_relationships (object_id bigint unsigned NOT NULL DEFAULT 0, term_taxonomy_id bigint unsigned NOT NULL DEFAULT 0, term_order int NOT NULL DEFAULT 0, PRIMARY KEY (object_id, term_taxonomy_id), KEY term_taxonomy_id (term_taxonomy_id));
         CREATE TABLE {prefix}term_taxonomy (term_taxonomy_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, term_id bigint unsigned NOT NULL DEFAULT 0, taxonomy varchar(32) NOT NULL DEFAULT '', description longtext NOT NULL, UNIQUE KEY term_id_taxonomy (term_id, taxonomy));
         CREATE TABLE {prefix}terms (term_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(200) NOT NULL DEFAULT '', slug varchar(200) NOT NULL DEFAULT '', KEY slug (slug(191)));
         CREATE TABLE {prefix}termmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, term_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY term_id (term_id));
         CREATE TABLE {prefix}bookings (id int AUTO_INCREMENT PRIMARY KEY, customer_email varchar(100), customer_name varchar(100), note text, state varchar(20));
         INSERT INTO {prefix}options (option_name, option_value) VALUES ('siteurl', 'https://shop.example.com/s{number}'), ('home', 'https://shop.example.com/s{number}'), ('blogname', 'Site {number}'), ('WPLANG', '');
         INSERT INTO {prefix}posts (post_content, post_title, post_excerpt) VALUES ('see https://shop.example.com/s{number}/a', 'Post {number}', '');
         INSERT INTO {prefix}comments (comment_post_ID, comment_author, comment_author_email, comment_content) VALUES (1, 'Ottokar Quendel', 'ottokar{number}@quendel.example', 'Nice');
         INSERT INTO {prefix}bookings (customer_email, customer_name, note, state) VALUES ('ottokar{number}@quendel.example', 'Ottokar Quendel', 'Ottokar Quendel calls back', 'open');\n"
    )
}

/// A network of so many sites.
fn fill(database: &Database, sites: usize) {
    let mut sql = "SET SESSION sql_mode = '';
        CREATE TABLE wp_users (ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, user_login varchar(60) NOT NULL, user_pass varchar(255) NOT NULL, user_nicename varchar(50) NOT NULL, user_email varchar(100) NOT NULL, user_url varchar(100) NOT NULL, display_name varchar(250) NOT NULL, KEY user_login_key (user_login));
        CREATE TABLE wp_usermeta (umeta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext, KEY user_id (user_id));
        CREATE TABLE wp_blogs (blog_id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, site_id bigint NOT NULL DEFAULT 0, domain varchar(200) NOT NULL DEFAULT '', path varchar(100) NOT NULL DEFAULT '');
        INSERT INTO wp_users VALUES (1, 'boss', '$P$Bboss', 'boss', 'boss@quendel.example', '', 'Boss'), (2, 'ottokar', '$P$Bottokar', 'ottokar', 'ottokar@quendel.example', '', 'Ottokar Quendel');
        INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (1, 'wp_capabilities', 'a:1:{s:13:\"administrator\";b:1;}');\n"
        .to_owned();
    for number in 1..=sites {
        let prefix = if number == 1 { "wp_".to_owned() } else { format!("wp_{number}_") };
        sql += &site(&prefix, number);
        writeln!(sql, "INSERT INTO wp_blogs VALUES ({number}, 1, 'shop.example.com', '/s{number}/');").unwrap();
    }
    database.sql(&sql).unwrap();
}

/// Copies with the built program, masked and rewritten; how long that takes, and the most memory that it holds, in KiB.
async fn copied(ends: &Ends) -> (Duration, u64) {
    let mut command = stage::binary();
    command.args(["copy-db", "--anonymize", "--max-snapshot-age", "180", "--stall", "600"]);
    command.args(["--rewrite-url", "https://shop.example.com=https://staging.example.net"]);
    command.env("SOURCE_DATABASE_URL", ends.source.site_url()).env("TARGET_DATABASE_URL", ends.target.url());
    command.env("RAILSTAGE_MASKING_KEY", "canary-masking-key-of-a-network-0123456789");
    let began = Instant::now();
    let (output, peak) = measured(&mut command).await;
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (began.elapsed(), peak)
}

async fn comes_over(family: Family, tables: usize) {
    let ends = Ends::of(family).await;
    let sites = tables / OF_SITE;
    fill(&ends.source, sites);
    let (took, peak) = copied(&ends).await;
    let count = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'railstage%'";
    assert_eq!(ends.target.sql(count).unwrap(), ends.source.sql(count).unwrap());
    println!("{family:?}, {tables} tables: {took:?}, {} MiB", peak >> 10);
    assert!(peak < HELD_KIB + tables as u64 * HELD_OF_TABLE_KIB, "{} MiB for {tables} tables", peak >> 10);
    for number in [1, 2, sites / 2, sites] {
        let prefix = if number == 1 { "wp_".to_owned() } else { format!("wp_{number}_") };
        let sql = format!(
            "SELECT option_value FROM {prefix}options WHERE option_name = 'siteurl'; SELECT post_content FROM {prefix}posts;
             SELECT COUNT(*) FROM {prefix}comments WHERE comment_author_email LIKE '%quendel%' OR comment_author LIKE '%Quendel%';
             SELECT COUNT(*) FROM {prefix}bookings WHERE CONCAT_WS(' ', customer_email, customer_name, note) LIKE '%uendel%'; SELECT state FROM {prefix}bookings"
        );
        let url = format!("https://staging.example.net/s{number}");
        assert_eq!(
            ends.target.sql(&sql).unwrap(),
            [url.clone(), format!("see {url}/a"), "0".into(), "0".into(), "open".into()],
            "{prefix}"
        );
    }
    ends.assert_nothing_is_left();
    for end in [&ends.source, &ends.target] {
        end.server.sql(&format!("DROP DATABASE {}", end.name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_of_thousands_of_tables_is_masked_and_rewritten_in_flat_memory() {
    if asked::all() {
        comes_over(Family::MariaDb, 20_000).await;
        comes_over(Family::MySql, 20_000).await;
    } else {
        comes_over(Family::MariaDb, 2_000).await;
    }
}
