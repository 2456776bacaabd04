//! People do not come along: whoever is planted in the fixture is nowhere in a masked copy, and relations hold.

use backboard::fixture;
use railstage::copying::{CopyOptions, CopyReport};
use railstage::masking::{Key, Masking, RulesFile, Sheet, Treatment};
use railstage::rewriting::UrlPair;

use super::{Ends, run, texts};

mod apart;
mod apps;
mod audit;
mod canary;
mod credentials;
mod known;
mod opaque;
mod published;
mod residue;
mod rules;
mod switches;
mod unknown;

/// What the fixture lacks: keys and sessions in other places, orders of the old kind, a network of sites.
const MORE: &str = r#"
    INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
        (1, '_application_passwords', 'a:1:{i:0;a:2:{s:4:"name";s:6:"Canary";s:8:"password";s:12:"canary-apppw";}}'),
        (2, 'wp__stripe_customer_id', 'cus_Canary2'),
        (2, 'extra_profile', 'a:2:{s:10:"first_name";s:4:"Zoë";s:4:"tags";a:1:{i:0;s:27:"canary.x@people.example.net";}}');
    UPDATE wp_usermeta SET meta_value = 'a:2:{s:10:"first_name";s:4:"Zoë";s:4:"tags";a:1:{i:0;s:27:"canary.x@people.example.net";}}'
     WHERE meta_key = 'extra_profile';
    INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
        (1, '_billing_email', 'canary.quill.3@people.example.net'), (1, '_billing_first_name', 'Zoë'),
        (1, '_customer_ip_address', '203.0.113.77'), (1, '_stripe_intent_id', 'pi_Canary'), (1, '_trackbackme', 'canary');
    INSERT INTO wp_posts ("ID", post_title, post_content, post_excerpt, post_type) VALUES
        (900001, 'Form', 'canary form', '', 'flamingo_inbound'), (900002, 'Order', '', 'Ring for Zoë Canary', 'shop_order');
    UPDATE wp_posts SET to_ping = 'https://canary.example.org/trackback' WHERE "ID" = 5;
    INSERT INTO wp_options (option_name, option_value) VALUES
        ('mailgun_api_key', 'key-canary'), ('_transient_session', 'canary'),
        ('paypal', '{"sandbox":false,"mode":"live","merchant_email":"canary.shop@people.example.net","note":"gr\u00fcn"}');
    CREATE TABLE wp_2_options (option_id bigserial PRIMARY KEY, option_name varchar(191), option_value text);
    INSERT INTO wp_2_options (option_name, option_value) VALUES ('blog_public', '1'), ('admin_email', 'canary.b@people.example.net');
    CREATE TABLE wp_2_posts AS SELECT * FROM wp_posts LIMIT 3;
    CREATE TABLE wp_woocommerce_api_keys (key_id bigserial, consumer_secret text);
    INSERT INTO wp_woocommerce_api_keys (consumer_secret) VALUES ('cs_canary');
    CREATE TABLE accounts (email varchar(40) NOT NULL UNIQUE, code char(12), first_name varchar(6) UNIQUE, born date, seen inet);
    INSERT INTO accounts VALUES ('canary.one@people.example.net', 'CANARY-1', 'Zoë', '1984-07-23', '203.0.113.1'),
                                ('Canary.One@people.example.net', 'CANARY-2', 'Isolde', NULL, '2001:4860::1'),
                                ('', NULL, 'Ольга', '1990-12-31', NULL);"#;

/// What the preset cannot know.
pub(crate) const RULES: &str = "
rules:
  - {table: shop_visits, column: visitor, transformer: ip}
  - {table: shop_stock_ledger, column: details, transformer: keep}
  - {table: wp_wc_orders, column: payment_method_title, transformer: keep}
  - {table: accounts, column: email, transformer: email}
  - {table: accounts, column: code, transformer: postcode}
  - {table: accounts, column: first_name, transformer: name}
  - {table: accounts, column: born, transformer: date}
  - {table: accounts, column: seen, transformer: ip}
";

pub(crate) async fn with_shop() -> Ends {
    let ends = Ends::start().await;
    let source = ends.source().await;
    fixture::load(&source, 600_000).await.unwrap();
    run(&source, MORE).await;
    ends
}

fn masking(rules: &str) -> Masking {
    Masking { rules: RulesFile::read(rules).unwrap(), ..Masking::new(Key::random()) }
}

async fn masked(ends: &Ends, masking: Masking) -> CopyReport {
    ends.copy(&CopyOptions { masking: Some(masking), ..ends.options() }).await.unwrap()
}

/// Rows of any table of the target whose text has a match of `pattern`, whatever its case.
async fn found(ends: &Ends, pattern: &str) -> Vec<String> {
    let target = ends.target().await;
    let tables =
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^pg_|^information_schema'";
    let mut all = Vec::new();
    for table in texts(&target, tables).await {
        let rows = texts(&target, &format!("SELECT t::text FROM {table} AS t WHERE t::text ~* '{pattern}'")).await;
        all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    all
}

fn line<'a>(sheet: &'a Sheet, column: &str, rows: Option<&str>) -> &'a railstage::masking::ColumnLine {
    let found = sheet.columns.iter().find(|line| line.column == column && line.rows.as_deref() == rows);
    found.unwrap_or_else(|| panic!("no line for {column} {rows:?} in\n{}", sheet.lines().join("\n")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_of_the_source_is_in_a_masked_copy() {
    let ends = with_shop().await;
    let report = masked(&ends, masking(RULES)).await;
    let owner = texts(&ends.source().await, "SELECT user_pass FROM wp_users WHERE user_login = 'owner'").await;
    assert!(owner[0].contains("Canary"));
    let canaries = found(&ends, "canary").await;
    assert!(!canaries.is_empty(), "not even the owner's own password was found");
    for canary in canaries {
        let rest = canary.replace(&owner[0], "");
        assert!(!rest.to_lowercase().contains("canary"), "{canary}");
    }
    let names = "Zoë|Łukasz|Søren|Chloé|Anaïs|José|Ольга|美咲|Mürşide|Tamsin|Barnaby|Ottoline|Ignatius|Philippa|Cosmo|Marigold|\
        Thaddeus|Isolde|Quillfeather|Brambleworth|Fennimoor|Hollowcroft|Pumblechurch|Thistlewick|Underbough|Wexcombe|Yarrowdale|\
        Zephyrine|Larkspurr|Okonjo-Vale|Aubigny|Ødegård|Nachtigall|Šťastný";
    for pattern in [
        names,
        r"203\.0\.113\.",
        r"\+1-555-01",
        "people.example.net",
        "sk_live|pk_live|cus_|ch_C|pi_C",
        "Mozilla/5.0 .Canary",
    ] {
        assert_eq!(found(&ends, pattern).await, Vec::<String>::new(), "{pattern}");
    }
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT count(*) FROM wp_users WHERE user_login = 'owner'").await, ["1"]);
    assert_eq!(texts(&target, "SELECT user_pass FROM wp_users WHERE user_login = 'owner'").await, owner);
    let columns = "SELECT count(*), count(email), count(nullif(email, '')) FROM accounts";
    assert_eq!(texts(&target, columns).await, ["3|3|2"]);
    assert_eq!(texts(&target, "SELECT born FROM accounts ORDER BY 1").await, ["1984-01-01", "1990-01-01", "~"]);
    let sheet = report.masking.unwrap();
    assert_eq!((sheet.kept_users, sheet.suspects), (1, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relations_survive_and_people_agree_with_themselves() {
    let ends = with_shop().await;
    masked(&ends, masking(RULES)).await;
    let (source, target) = (ends.source().await, ends.target().await);
    for joined in [
        "SELECT count(*), count(DISTINCT user_email) FROM wp_users JOIN wp_wc_orders ON billing_email = user_email",
        "SELECT count(*), count(DISTINCT user_email) FROM wp_users JOIN wp_comments ON comment_author_email = user_email",
        "SELECT count(*) FROM wp_users JOIN wp_comments ON comment_author_email = user_email AND comment_author = display_name",
        "SELECT count(*) FROM wp_users JOIN wp_wc_customer_lookup ON username = user_login AND email = user_email",
        "SELECT count(*) FROM wp_users JOIN wp_usermeta ON user_id = \"ID\" AND meta_key = 'billing_email' AND meta_value = user_email",
        "SELECT count(*) FROM wp_users JOIN wp_wc_order_addresses AS a ON a.email = user_email AND concat_ws(' ', first_name, last_name) = display_name",
        "SELECT count(*) FROM wp_wc_orders_meta JOIN wp_wc_order_addresses AS a USING (order_id)
          WHERE meta_key = '_billing_address_index' AND meta_value = concat_ws(' ', first_name, last_name, email)",
    ] {
        let (before, after) = (texts(&source, joined).await, texts(&target, joined).await);
        assert_ne!(before[0], "0", "{joined}");
        assert_eq!(before, after, "{joined}");
    }
    let same = "SELECT count(DISTINCT lower(email)) FROM accounts";
    assert_eq!(texts(&source, same).await, texts(&target, same).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_masked_copy_acts_on_its_own() {
    let ends = with_shop().await;
    let report = masked(&ends, masking(RULES)).await;
    let target = ends.target().await;
    for table in ["wp_actionscheduler_actions", "wp_wc_webhooks", "wp_woocommerce_sessions", "wp_woocommerce_api_keys"]
    {
        assert_eq!(texts(&target, &format!("SELECT count(*) FROM {table}")).await, ["0"], "{table}");
    }
    let option = |name: &str| format!("SELECT option_value FROM wp_options WHERE option_name = '{name}'");
    for (name, value) in [
        ("blog_public", "0"),
        ("cron", r#"a:1:{s:7:"version";i:2;}"#),
        ("mailserver_pass", ""),
        ("mailgun_api_key", ""),
        ("blogname", "Acme Outfitters"),
        ("wc_subscriptions_siteurl", "https://shop.example_[wc_subscriptions_siteurl]_.com"),
    ] {
        assert_eq!(texts(&target, &option(name)).await, [value], "{name}");
    }
    let stripe = &texts(&target, &option("woocommerce_stripe_settings")).await[0];
    for part in [r#"s:8:"testmode";s:3:"yes";"#, r#"s:10:"secret_key";s:0:"";"#, r#"s:15:"publishable_key";s:0:"";"#] {
        assert!(stripe.contains(part), "{part} is not in {stripe}");
    }
    let paypal = &texts(&target, &option("paypal")).await[0];
    assert!(
        paypal.starts_with(r#"{"sandbox":true,"mode":"live","merchant_email":"user-"#)
            && paypal.ends_with(r#""gr\u00fcn"}"#),
        "{paypal}"
    );
    assert_eq!(texts(&target, "SELECT option_value FROM wp_2_options WHERE option_name = 'blog_public'").await, ["0"]);
    let gone = "SELECT count(*) FROM wp_usermeta WHERE meta_key IN ('session_tokens', '_application_passwords', 'wp__stripe_customer_id')";
    assert_eq!(texts(&target, gone).await, ["0"]);
    let gone = "SELECT count(*) FROM wp_options WHERE option_name IN ('auth_key', '_transient_session', '_transient_feed_https')";
    assert_eq!(texts(&target, gone).await, ["0"]);
    let roles =
        "SELECT count(*) FROM wp_usermeta WHERE meta_key = 'wp_capabilities' AND meta_value LIKE '%administrator%'";
    assert_eq!(texts(&target, roles).await, ["1"]);

    let sheet = report.masking.unwrap();
    let users: u64 = texts(&target, "SELECT count(*) FROM wp_users").await[0].parse().unwrap();
    assert_eq!(line(&sheet, "public.wp_users.user_email", None).values, users);
    assert_eq!(line(&sheet, "public.wp_users.user_login", Some("the user keeps the login")).treatment, Treatment::Left);
    assert_eq!(line(&sheet, "public.wp_usermeta.meta_value", Some("meta_key = billing_phone")).values, users);
    assert_eq!(line(&sheet, "public.wp_options.option_value", Some("option_name = cron")).treatment, Treatment::Set);
    let scheduler = sheet.emptied.iter().find(|line| line.table == "public.wp_actionscheduler_actions").unwrap();
    assert_eq!(
        scheduler.rows.to_string(),
        texts(&ends.source().await, "SELECT count(*) FROM wp_actionscheduler_actions").await[0]
    );
    let tokens = sheet.dropped.iter().find(|line| line.rows == "meta_key = session_tokens").unwrap();
    assert_eq!(tokens.count, users);
}

/// Where a serialized value ends.
fn php_end(text: &[u8], at: usize) -> Option<usize> {
    let until = |at: usize, sign: u8| Some(at + text.get(at..)?.iter().position(|b| *b == sign)?);
    let number = |from: usize, to: usize| std::str::from_utf8(&text[from..to]).ok()?.parse::<usize>().ok();
    match text.get(at)? {
        b'N' | b'b' | b'i' | b'd' => Some(until(at, b';')? + 1),
        b's' => {
            let colon = until(at + 2, b':')?;
            let end = colon + 2 + number(at + 2, colon)?;
            (text.get(end..end + 2)? == b"\";").then_some(end + 2)
        }
        b'a' => {
            let colon = until(at + 2, b':')?;
            let mut end = colon + 2;
            for _ in 0..2 * number(at + 2, colon)? {
                end = php_end(text, end)?;
            }
            (*text.get(end)? == b'}').then_some(end + 1)
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serialized_values_have_right_lengths_after_masking_and_rewriting() {
    let ends = with_shop().await;
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://s-7.up.railway.app").unwrap()];
    let options = CopyOptions { masking: Some(masking(RULES)), rewrite, ..ends.options() };
    ends.copy(&options).await.unwrap();
    let target = ends.target().await;
    let mut seen = 0;
    for values in [
        "SELECT meta_value FROM wp_usermeta WHERE meta_value ~ '^a:[0-9]+:'",
        "SELECT meta_value FROM wp_postmeta WHERE meta_value ~ '^a:[0-9]+:'",
        "SELECT meta_value FROM wp_wc_orders_meta WHERE meta_value ~ '^a:[0-9]+:'",
        "SELECT option_value FROM wp_options WHERE option_value ~ '^a:[0-9]+:' AND option_name NOT IN ('broken_serialized', 'theme_mods_storefront')",
    ] {
        for value in texts(&target, values).await {
            assert_eq!(php_end(value.as_bytes(), 0), Some(value.len()), "{value}");
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
    // What is masked in part is rewritten as well.
    let stripe =
        texts(&target, "SELECT option_value FROM wp_options WHERE option_name = 'woocommerce_stripe_settings'").await;
    assert!(
        stripe[0].contains("https://s-7.up.railway.app/?wc-api=wc_stripe") && stripe[0].contains("\"yes\""),
        "{stripe:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_become_the_same_in_either_format() {
    let ends = with_shop().await;
    let masking = masking(RULES);
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://s-7.up.railway.app").unwrap()];
    let mut contents = Vec::new();
    for (copy_id, binary_from_bytes) in [("text", u64::MAX), ("binary", 0)] {
        let (copy_id, masking, rewrite) = (copy_id.to_owned(), Some(masking.clone()), rewrite.clone());
        let options = CopyOptions { copy_id, masking, rewrite, binary_from_bytes, ..ends.options() };
        let report = ends.copy(&options).await.unwrap();
        let target = ends.target().await;
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
        let mut all = Vec::new();
        for table in texts(&target, tables).await {
            let digest = format!("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t");
            all.push((table, texts(&target, &digest).await));
        }
        contents.push((all, report.rows, report.rewritten_values, report.left, report.masking));
    }
    assert!(contents[0].0.len() > 10 && contents[0].2 > 0);
    assert_eq!(contents[0], contents[1]);
}
