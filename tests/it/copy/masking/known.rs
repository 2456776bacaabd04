//! Known people: whoever a site names as its user, customer or commenter is a stranger in every other text as well.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, Unknown};

use super::super::odd::Odd;
use super::super::texts;

/// A site whose people stand in users, meta and orders, and are named elsewhere in all the ways in which texts name somebody.
const SITE: &str = r#"
    CREATE TABLE wp_users ("ID" bigint PRIMARY KEY, user_login text, user_pass text, user_nicename text, user_email text, display_name text);
    INSERT INTO wp_users VALUES (1, 'owner', 'x', 'owner', 'owner@example.com', 'Ida Keeper'), (2, 'zquill84', 'x', 'zquill84', 'zoe.q@example.com', 'Zoë Quill'),
                                (3, 'imprint', 'x', 'imprint', 'imprint@example.com', 'Otto Imprint');
    CREATE TABLE wp_usermeta (umeta_id bigint PRIMARY KEY, user_id bigint, meta_key text, meta_value text);
    CREATE INDEX ON wp_usermeta (meta_key);
    INSERT INTO wp_usermeta VALUES (1, 1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}'),
        (2, 2, 'billing_phone', '020 7946 0123'), (3, 2, 'billing_address_1', '12 Quill Street'),
        (4, 2, 'profile', 'a:2:{s:10:"first_name";s:6:"Ottilie";s:9:"last_name";s:5:"Brass";}'),
        (5, 3, 'billing_last_name', 'Marzipan'), (6, 3, 'nickname', 'otto'), (7, 3, 'billing_first_name', 'Bodo');
    CREATE TABLE wp_wc_order_addresses (id bigint PRIMARY KEY, order_id bigint, first_name text, last_name text, company text, address_1 text, email text, phone text);
    INSERT INTO wp_wc_order_addresses VALUES (1, 7, 'Anna', 'Long', 'Long & Long', 'Langstraße 7', 'anna@example.net', '+49 30 23125 012');
    CREATE TABLE wp_options (option_id bigint PRIMARY KEY, option_name text, option_value text);
    INSERT INTO wp_options VALUES (1, 'blogname', 'Brass, Ottilie'), (2, 'woocommerce_store_address', 'Langstr. 7');
    CREATE TABLE wp_posts ("ID" bigint PRIMARY KEY, post_title text, post_content text, post_excerpt text, post_status text, post_type text, post_password text);
    INSERT INTO wp_posts VALUES (1, 'Imprint', 'Responsible: Otto Imprint', '', 'publish', 'page', ''), (2, 'Draft', 'Anna Long is no secret', '', 'draft', 'post', '');
    CREATE TABLE notebook (id bigint PRIMARY KEY, body text);
    INSERT INTO notebook VALUES
        (1, 'Zoë Quill rang about the lamp, see 12 Quill St.'), (2, 'QUILL, ZOE'), (3, 'zo\u00eb quill and <b>Anna</b> <i>Long</i>'),
        (4, '{"who":"Anna Long","at":"Langstra\u00dfe 7, Ort"}'), (5, 'a:1:{s:3:"who";s:12:"Bodo Marzipan";}'), (6, 'call +44 20 7946 0123 or 030/23125-012'),
        (7, 'a long way to Anna, see Otto Imprint'), (8, 'Ottilie Brass sells brass'), (9, 'Ida Keeper keeps'), (10, 'lamp'), (11, '2079460123');
    UPDATE notebook SET body = replace(body, 's:12:"Bodo', 's:13:"Bodo');
    CREATE TABLE gadget (id bigint PRIMARY KEY, username text, what text);
    INSERT INTO gadget VALUES (1, 'zquill84', 'lamp');"#;

#[tokio::test]
async fn whoever_the_site_knows_is_a_stranger_in_every_other_text() {
    let odd = Odd::start().await;
    odd.load("known", SITE).await;
    let options = CopyOptions {
        masking: Some(Masking { unknown: Unknown::Keep, ..Masking::new(Key::random()) }),
        ..odd.options()
    };
    let report = odd.copy("known", &options).await.unwrap_or_else(|error| panic!("{error:#}"));
    let target = odd.target.connect("known").await.unwrap();
    let bodies = texts(&target, "SELECT body FROM notebook ORDER BY id").await;
    for (body, names) in bodies.iter().zip([
        &["Zoë", "Quill"][..],
        &["QUILL", "ZOE"],
        &["quill", "Anna", "Long"],
        &["Anna", "Long"],
        &["Bodo", "Marzipan"],
        &["7946", "23125"],
    ]) {
        assert!(names.iter().all(|name| !body.contains(name)), "{body}");
    }
    let stranger = texts(&target, "SELECT display_name FROM wp_users WHERE \"ID\" = 2").await.remove(0);
    assert!(bodies[0].starts_with(&format!("{stranger} rang about the lamp, see ")), "{} {stranger}", bodies[0]);
    let (_, last) = stranger.split_once(' ').unwrap();
    assert!(bodies[1].starts_with(&format!("{}, ", last.to_uppercase())), "{}", bodies[1]);
    serde_json::from_str::<serde_json::Value>(&bodies[3]).unwrap();
    assert!(bodies[3].contains("Langstra"), "the shop's own street is no secret: {}", bodies[3]);
    assert!(bodies[4].starts_with("a:1:{s:3:\"who\";s:"), "{}", bodies[4]);
    assert_eq!(
        bodies[6..],
        ["a long way to Anna, see Otto Imprint", "Ottilie Brass sells brass", "Ida Keeper keeps", "lamp", "2079460123"]
    );
    let login = texts(&target, "SELECT user_login FROM wp_users WHERE \"ID\" = 2").await;
    assert_eq!(texts(&target, "SELECT username FROM gadget").await, login);
    let sheet = report.masking.unwrap();
    let body = sheet.searched.iter().filter(|line| line.column == "public.notebook.body");
    let found: u64 = body.map(|line| line.people + line.shapes + line.fields).sum();
    assert!(found >= 6, "{:?}", sheet.searched);
}
