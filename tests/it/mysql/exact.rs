//! Values that are changed on their way, of whatever type and character set, and rows that are never held.

use backboard::mysql::Family;
use railstage::copying::CopyOptions;
use railstage::rewriting::UrlPair;

use super::Ends;

const SITE: &str = "
    CREATE TABLE wp_options (option_id int PRIMARY KEY, option_name varchar(64) UNIQUE, option_value longtext) CHARACTER SET utf8mb4;
    INSERT INTO wp_options VALUES (1, 'siteurl', 'https://shop.example.com'),
      (2, 'widget', 'a:1:{s:4:\"text\";s:36:\"see https://shop.example.com/caf\u{e9}!!\";}');
    CREATE TABLE wp_old (id int PRIMARY KEY, body text CHARACTER SET latin1, short tinytext, fl float, js json);
    INSERT INTO wp_old VALUES (1, 'caf\u{e9} https://shop.example.com/a', CONCAT(REPEAT('x', 228), ' https://shop.example.com/'), 16777216,
      '{\"u\": \"https://shop.example.com/\", \"aa\": 1}');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_are_rewritten_in_values_of_whatever_character_set_and_what_is_too_long_is_left() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(SITE).unwrap();
        let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.net").unwrap()];
        let report = ends.copy(&CopyOptions { rewrite, ..Ends::options() }).await.unwrap();
        assert_eq!((report.rewritten_values, report.overflow_left), (4, 1), "{report:?}");
        let there = ends
            .target
            .sql("SELECT option_value FROM wp_options ORDER BY 1 DESC; SELECT body, fl+0e0, js FROM wp_old")
            .unwrap();
        assert_eq!(there[0], "https://staging.example.net");
        assert_eq!(there[1], "a:1:{s:4:\"text\";s:39:\"see https://staging.example.net/caf\u{e9}!!\";}");
        let json = "{\"u\": \"https://staging.example.net/\", \"aa\": 1}";
        assert_eq!(there[2], format!("caf\u{e9} https://staging.example.net/a\t16777216\t{json}"));
        assert_eq!(
            ends.target.sql("SELECT HEX(LEFT(CONVERT(body USING latin1), 4)) FROM wp_old").unwrap(),
            ["636166E9"]
        );
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_many_megabytes_passes_in_pieces() {
    let ends = Ends::of(Family::MariaDb).await;
    ends.source
        .sql(
            "SET GLOBAL max_allowed_packet = 1073741824; CREATE TABLE large (id int PRIMARY KEY, body longblob);
             INSERT INTO large VALUES (1, REPEAT('0123456789\\t\\n\\\\', 1000)), (3, 'x')",
        )
        .unwrap();
    ends.source.sql("INSERT INTO large SELECT 2, REPEAT(body, 3000) FROM large WHERE id = 1").unwrap();
    let report = ends.copy(&Ends::options()).await.unwrap();
    assert!(report.bytes > 39_000_000, "{}", report.bytes);
    let sql = "SELECT id, LENGTH(body), SHA2(body, 256) FROM large ORDER BY id";
    assert_eq!(ends.target.sql(sql).unwrap(), ends.source.sql(sql).unwrap());
    // What would have to be changed must be held.
    ends.source.sql("UPDATE large SET body = CONCAT(body, 'https://shop.example.com/') WHERE id = 2").unwrap();
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.net").unwrap()];
    let told = super::told(ends.copy(&CopyOptions { rewrite, copy_id: "run-2".to_owned(), ..Ends::options() }).await);
    let words = format!("copy table `{}.large`: row `2` has more than 16 MiB", ends.source.name);
    assert!(told.contains(&words), "{told}");
    assert_eq!(ends.target.sql(sql).unwrap().len(), 3);
    ends.assert_nothing_is_left();
}
