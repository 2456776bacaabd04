//! What is published stays as it is; what waits, was refused or was hidden does not.

use super::super::{Ends, run, texts};
use super::{masked, masking};

/// A site with a type of post that only its permalinks tell of, and one that nothing tells of.
const SITE: &str = r#"
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191), option_value text, autoload varchar(20) DEFAULT 'yes');
    INSERT INTO wp_options (option_name, option_value) VALUES ('siteurl', 'https://shop.example.com'),
        ('rewrite_rules', 'a:1:{s:17:"boats/([^/]+)/?$";s:27:"index.php?boats=$matches[1]";}');
    CREATE TABLE wp_users ("ID" bigserial PRIMARY KEY, user_login varchar(60), user_pass varchar(255), user_nicename varchar(50), user_email varchar(100), display_name varchar(250));
    CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, post_author bigint DEFAULT 1, post_title text DEFAULT '', post_content text DEFAULT '',
        post_excerpt text DEFAULT '', post_status varchar(20), post_password varchar(255) DEFAULT '', post_name varchar(200) DEFAULT '',
        post_type varchar(20), post_parent bigint DEFAULT 0);
    INSERT INTO wp_posts (post_title, post_content, post_status, post_type) VALUES
        ('Welcome Aboard', '<p>Our crew builds boats.</p>', 'publish', 'page'), ('Blue Dinghy', 'Two seats.', 'publish', 'boats'),
        ('Hidden Draft', 'Quietly kept.', 'draft', 'page'), ('Private Matter', 'Quietly kept.', 'private', 'post'),
        ('Waiting Room', 'Quietly kept.', 'pending', 'post'), ('Binned Note', 'Quietly kept.', 'trash', 'post'),
        ('Secret Register', 'Quietly kept.', 'publish', 'crm_record');
    INSERT INTO wp_posts (post_title, post_content, post_status, post_type, post_parent, post_password) VALUES
        ('Old Version', 'Quietly kept.', 'inherit', 'revision', 1, ''), ('Closed Door', 'Quietly kept.', 'publish', 'page', 0, 'open sesame'),
        ('Harbour Picture', 'A harbour.', 'inherit', 'attachment', 1, ''), ('Scanned Letter', 'Quietly kept.', 'inherit', 'attachment', 3, '');
    CREATE TABLE wp_postmeta (meta_id bigserial PRIMARY KEY, post_id bigint, meta_key varchar(255), meta_value text);
    INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
        (1, 'hero_text', 'Come and sail with us.'), (1, '_yoast_wpseo_title', 'Boats by Hand'), (1, '_secret_note', 'write to zoe@example.com'),
        (3, 'hero_text', 'Quietly kept words.'), (7, 'record', 'a:1:{s:4:"memo";s:13:"Quietly kept.";}'), (7, 'stage', 'in-progress');
    CREATE TABLE wp_comments ("comment_ID" bigserial PRIMARY KEY, comment_author text, comment_author_email varchar(100), comment_content text,
        comment_approved varchar(20), comment_type varchar(20) DEFAULT 'comment');
    INSERT INTO wp_comments (comment_author, comment_content, comment_approved, comment_type) VALUES
        ('Zoe', 'What a fine boat.', '1', 'comment'), ('Zoe', 'Quietly kept.', '0', 'comment'), ('Zoe', 'Quietly kept.', 'spam', ''),
        ('Zoe', 'Quietly kept.', '1', 'crm_remark');"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_may_see_stays_and_the_rest_does_not() {
    let ends = Ends::start().await;
    run(&ends.source().await, SITE).await;
    let report = masked(&ends, masking("rules: []")).await;
    let target = ends.target().await;
    assert_eq!(
        texts(&target, "SELECT post_title FROM wp_posts WHERE \"ID\" IN (1, 2, 10) ORDER BY 1").await,
        ["Blue Dinghy", "Harbour Picture", "Welcome Aboard"]
    );
    assert_eq!(
        texts(&target, "SELECT post_content FROM wp_posts WHERE \"ID\" = 1").await,
        ["<p>Our crew builds boats.</p>"]
    );
    let titles = "Hidden|Private|Waiting|Binned|Secret|Old|Closed|Scanned";
    let left = format!(
        "SELECT post_title FROM wp_posts WHERE post_title ~ '{titles}' OR post_content ~ 'Quietly'
          UNION ALL SELECT meta_value FROM wp_postmeta WHERE meta_value ~ 'Quietly|zoe@'
          UNION ALL SELECT comment_content FROM wp_comments WHERE comment_content ~ 'Quietly'
          UNION ALL SELECT post_password FROM wp_posts WHERE post_password = 'open sesame'"
    );
    assert_eq!(texts(&target, &left).await, Vec::<String>::new());
    let kept = "SELECT meta_value FROM wp_postmeta WHERE post_id = 1 AND meta_key <> '_secret_note' OR meta_key = 'stage' ORDER BY 1";
    assert_eq!(texts(&target, kept).await, ["Boats by Hand", "Come and sail with us.", "in-progress"]);
    let kept = "SELECT comment_content FROM wp_comments WHERE comment_approved = '1' AND comment_type = 'comment'";
    assert_eq!(texts(&target, kept).await, ["What a fine boat."]);
    assert_eq!(report.masking.unwrap().suspects, []);
}
