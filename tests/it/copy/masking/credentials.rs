//! What an enemy would look for in a copy: credentials of production in places and spellings that nobody has listed.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};
use railstage::rewriting::UrlPair;

use super::super::odd::Odd;

/// Each credential has these letters, in the spelling in which it stands.
const SPELLINGS: &[&str] = &["Zz9Live", "zz9live", "Wno5TGl2", "5TGl2Z", "o5TGl2"];

/// A site with tables of plugins that nobody has heard of.
const SITE: &str = r##"
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191) UNIQUE, option_value text);
    CREATE TABLE wp_users ("ID" bigserial PRIMARY KEY, user_login varchar(60), user_pass varchar(255), user_email varchar(100));
    CREATE TABLE wp_usermeta (umeta_id bigserial PRIMARY KEY, user_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, post_content text, post_type varchar(20), post_status varchar(20));
    CREATE TABLE wp_postmeta (meta_id bigserial PRIMARY KEY, post_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_termmeta (meta_id bigserial PRIMARY KEY, term_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_sitemeta (meta_id bigserial PRIMARY KEY, site_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_actionscheduler_actions (action_id bigserial PRIMARY KEY, hook varchar(191), status varchar(20), scheduled_date_gmt timestamp, args varchar(191), extended_args text);
    CREATE TABLE wp_acme_settings (id bigserial PRIMARY KEY, name varchar(100), value text);
    CREATE TABLE wp_acme_einstellungen (id bigserial PRIMARY KEY, schluessel varchar(100), wert text);
    CREATE TABLE wp_acme_konten (id bigserial PRIMARY KEY, anbieter varchar(40), zugang text, daten jsonb, modus varchar(10));
    CREATE TABLE wp_acme_hooks (id bigserial PRIMARY KEY, event varchar(40), target text, active boolean);
    CREATE TABLE wp_acme_notes (id bigserial PRIMARY KEY, body text);
    CREATE TABLE wp_uap_options (option_id bigserial PRIMARY KEY, option_name varchar(191), option_value text);
    CREATE TABLE app_config (id serial PRIMARY KEY, key text, value jsonb);
    INSERT INTO wp_users (user_login, user_pass, user_email) VALUES ('zq', '$P$BZz9LiveZz9LiveZz9LiveZz9Live00', 'zq@mail.example.net');
    INSERT INTO wp_options (option_name, option_value) VALUES
        ('siteurl', 'https://shop.acme-prod.test'), ('home', 'https://shop.acme-prod.test'), ('blogname', 'Acme'),
        ('cron', 'a:2:{i:1790000000;a:1:{s:9:"acme_push";a:1:{s:32:"0f1e2d3c4b5a69780f1e2d3c4b5a6978";a:3:{s:8:"schedule";b:0;s:4:"args";a:1:{s:5:"token";s:8:"Zz9Live1";}s:8:"interval";i:5;}}}s:7:"version";i:2;}'),
        ('_transient_acme_oauth', 'a:1:{s:12:"access_token";s:8:"Zz9Live1";}'),
        ('_transient_timeout_acme_oauth', '1790000000'),
        ('acme_camel', '{"apiPassword":"Zz9Live1","merchantKey":"Zz9Live2","SMTPPassword":"Zz9Live3","xApiToken":"Zz9Live4"}'),
        ('acme_deutsch', 'a:3:{s:14:"API-Schlüssel";s:8:"Zz9Live1";s:12:"Zugangsdaten";s:14:"shop:Zz9Live22";s:13:"SMTP-Passwort";s:8:"Zz9Live3";}'),
        ('acme_francais', '{"Clé API":"Zz9Live1","Mot de passe SMTP":"Zz9Live2","Jeton":"Zz9Live3","Identifiants":"shop:Zz9Live44"}'),
        ('acme_packed', 'eyJ1c2VyIjoic2hvcCIsImFwaVBhc3N3b3JkIjoiWno5TGl2ZTIiLCJtb2RlIjoibGl2ZSJ9'),
        ('acme_twice', 's:77:"a:2:{s:4:"user";s:4:"shop";s:13:"refresh_token";s:20:"Zz9LiveZz9LiveZz9Liv";}";'), ('acme_counted_wrong', 's:81:"a:2:{s:4:"user";s:4:"shop";s:13:"refresh_token";s:20:"Zz9LiveZz9LiveZz9Liv";}";'),
        ('acme_header', 'Authorization: Bearer Zz9LiveZz9LiveZz9Live'),
        ('acme_basic', 'Authorization: Basic c2hvcDpaejlMaXZlWno5TGl2ZQ=='),
        ('acme_remote', 'https://shop:Zz9Live1@api.example.com/v1/orders'),
        ('acme_slack', '{"channel":"#orders","ziel":"https://hooks.slack.com/services/T00000001/B00000001/Zz9LiveZz9Live0000"}'),
        ('acme_teams', 'https://acme.webhook.office.com/webhookb2/zz9live0-aaaa-4000-aaaa-000000000001@zz9live0-aaaa-4000-aaaa-000000000001/IncomingWebhook/0000/1'),
        ('acme_discord', 'https://discord.com/api/webhooks/100000000000000001/Zz9LiveZz9Live_Zz9Live'),
        ('acme_zapier', 'https://hooks.zapier.com/hooks/catch/1000001/zz9live/'),
        ('acme_make', 'https://hook.eu2.make.com/zz9livezz9livezz9live00000000001'),
        ('acme_n8n', 'https://flows.example.com/webhook/zz9live0-aaaa-4000-aaaa-000000000001'),
        ('acme_smtp', 'a:3:{s:4:"host";s:16:"smtp.example.com";s:4:"user";s:4:"shop";s:12:"pass_crypted";s:28:"Zz9LiveZz9LiveZz9LiveZz9Li==";}'),
        ('acme_pem', E'-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQZz9LiveZz9Live\n-----END PRIVATE KEY-----\n'),
        ('acme_der', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQZz9LiveZz9LiveZz9Live'),
        ('acme_licence', 'a:2:{s:13:"purchase_code";s:36:"Zz9Live0-aaaa-4000-aaaa-000000000001";s:6:"status";s:5:"valid";}'),
        ('acme_license_key', 'ZZ9L-Zz9Live1-0000-0001'),
        ('widget_acme', 'a:2:{i:2;a:2:{s:5:"title";s:4:"Hi 2";s:12:"access_token";s:8:"Zz9Live1";}s:12:"_multiwidget";i:1;}'),
        ('acme_accounts', 'a:2:{i:0;a:3:{s:4:"mode";s:4:"live";s:4:"shop";s:12:"7x:Zz9Live11";s:6:"secret";s:8:"Zz9Live1";}i:1;a:3:{s:4:"mode";s:4:"live";s:4:"shop";s:12:"7x:Zz9Live12";s:6:"secret";s:8:"Zz9Live2";}}'),
        ('acmepay_mode', 'live'), ('acmepay_mid', '7x:Zz9Live1'), ('acmepay_hash_secret', 'Zz9Live1'), ('acmepay_sandbox', '0'),
        ('woocommerce_acmepay_settings', 'a:4:{s:7:"enabled";s:3:"yes";s:8:"testmode";s:2:"no";s:3:"mid";s:8:"Zz9Live1";s:5:"title";s:4:"Card";}');
    INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
        (1, 'acme_dropbox', 'a:2:{s:12:"access_token";s:8:"Zz9Live1";s:12:"refreshToken";s:8:"Zz9Live2";}'),
        (1, 'acme_api_login', '{"benutzer":"zq","Kennwort":"Zz9Live1"}'),
        (1, 'acme_api_key', 'Zz9Live1'), (1, 'acme_2fa_secret', 'Zz9Live1');
    INSERT INTO wp_posts (post_content, post_type, post_status) VALUES ('{"hook":"https://hooks.zapier.com/hooks/catch/1000001/zz9live/","Passwort":"Zz9Live1"}', 'acme_feed', 'publish');
    INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
        (1, '_acme_feed', 'a:2:{s:6:"ftp_pw";s:8:"Zz9Live1";s:3:"url";s:44:"https://shop:Zz9Live2@ftp.example.com/feed/x";}'),
        (1, '_acme_token', 'Zz9Live1');
    INSERT INTO wp_termmeta (term_id, meta_key, meta_value) VALUES (1, 'acme_channel_token', 'Zz9Live1');
    INSERT INTO wp_sitemeta (site_id, meta_key, meta_value) VALUES (1, 'acme_network', '{"smtp":{"kennwort":"Zz9Live1"}}');
    INSERT INTO wp_actionscheduler_actions (hook, status, args) VALUES ('acme_charge', 'pending', '{"token":"Zz9Live1"}');
    INSERT INTO wp_acme_settings (name, value) VALUES ('mode', 'live'), ('gateway_environment', 'production'), ('merchant_secret', 'Zz9Live1'), ('API-Schlüssel', 'Zz9Live2'), ('sandbox', '0'), ('colour', 'white');
    INSERT INTO wp_acme_einstellungen (schluessel, wert) VALUES ('API-Schlüssel', 'Zz9Live1'), ('smtp_kennwort', 'Zz9Live2'), ('farbe', 'weiss');
    INSERT INTO wp_acme_konten (anbieter, zugang, daten, modus) VALUES ('acmepay', 'shop:Zz9Live1', '{"Zugangsschlüssel": "Zz9Live2", "jeton": "Zz9Live3", "versuche": 3}', 'live');
    INSERT INTO wp_acme_hooks (event, target, active) VALUES ('order', 'https://hooks.example.com/hooks/zz9livezz9live0000000001', true);
    INSERT INTO wp_acme_notes (body) VALUES ('The API answers to token=Zz9LiveZz9Live0001, and the password: Zz9Live1 is new'), ('curl -H "Authorization: Bearer Zz9LiveZz9LiveZz9Live" https://api.example.com');
    INSERT INTO wp_uap_options (option_name, option_value) VALUES ('automator_acme_client', 'a:1:{s:4:"vault";s:8:"Zz9Live1";}'), ('uap_automator_pro_license_key', 'Zz9Live1');
    INSERT INTO app_config (key, value) VALUES ('payments', '{"provider": "acme", "live": true, "apiSecret": "Zz9Live1", "signing": {"hmacKey": "Zz9Live2"}}');"##;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_survives_in_a_spelling_or_place_that_nobody_has_listed() {
    let odd = Odd::start().await;
    odd.load("enemy", SITE).await;
    let options = CopyOptions { masking: Some(Masking::new(Key::random())), ..odd.options() };
    let report = odd.copy("enemy", &options).await.unwrap_or_else(|error| panic!("{error:#}"));
    let target = odd.target.connect("enemy").await.unwrap();
    let mut held = Vec::new();
    for table in super::texts(&target, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").await {
        let rows = super::texts(&target, &format!("SELECT t::text FROM {table} AS t")).await;
        held.extend(rows.into_iter().filter(|row| SPELLINGS.iter().any(|text| row.contains(text))));
    }
    assert!(held.is_empty(), "{} rows:\n{}", held.len(), held.join("\n"));
    let value = async |table: &str, name: &str| {
        let [key, value] = if table == "wp_options" { ["option_name", "option_value"] } else { ["name", "value"] };
        super::texts(&target, &format!("SELECT {value} FROM {table} WHERE {key} = '{name}'")).await.concat()
    };
    for (table, name, wanted) in [
        ("wp_options", "acmepay_mode", ""),
        ("wp_options", "acmepay_sandbox", "1"),
        ("wp_acme_settings", "sandbox", "1"),
        ("wp_acme_settings", "gateway_environment", ""),
        ("wp_acme_settings", "colour", "white"),
        ("wp_options", "blogname", "Acme"),
    ] {
        assert_eq!(value(table, name).await, wanted, "{name}");
    }
    let gateway = value("wp_options", "woocommerce_acmepay_settings").await;
    assert!(
        gateway.contains(r#"s:8:"testmode";s:3:"yes";"#) && gateway.contains(r#"s:5:"title";s:4:"Card";"#),
        "{gateway}"
    );
    let sheet = report.masking.unwrap();
    for rows in
        ["option_name = acmepay_mode", "option_name = acme_accounts", "name = mode", "name = gateway_environment"]
    {
        let named = |line: &&railstage::masking::ColumnLine| {
            line.rows.as_deref() == Some(rows) && line.because.iter().any(|why| why.contains("live, and"))
        };
        assert!(sheet.columns.iter().any(|line| named(&line)), "{rows}");
    }
}

/// Values by which plugins know that they run in a copy: they stay production's, where options are and where a network's are.
const SENTINELS: &[&str] = &[
    "wc_subscriptions_siteurl",
    "pmpro_last_known_url",
    "llms_site_url",
    "wp_rocket_last_base_url",
    "googlesitekit_connected_proxy_url",
    "ivole_siteurl",
    "cocart_instance_name",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_by_which_a_plugin_knows_that_it_is_a_copy_are_never_rewritten() {
    const URL: &str = "https://shop.acme-prod.test";
    let values = [
        URL.to_owned(),
        "https://shop.acm_[wc_subscriptions_siteurl]_e-prod.test".to_owned(),
        "aHR0cHM6Ly9zaG9wLmFjbWUtcHJvZC50ZXN0".to_owned(),
        format!(r#"a:1:{{s:3:"url";s:{}:"{URL}";}}"#, URL.len()),
        format!(r#"{{"url":"{}"}}"#, URL.replace('/', "\\/")),
    ];
    let odd = Odd::start().await;
    for (number, value) in values.iter().enumerate() {
        let name = format!("sentinels{number}");
        let rows = |before: &str| {
            let rows: Vec<_> = SENTINELS.iter().map(|key| format!("({before}'{key}', '{value}')")).collect();
            rows.join(", ")
        };
        let sql = format!(
            r#"CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191) UNIQUE, option_value text);
               CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, post_content text);
               CREATE TABLE wp_sitemeta (meta_id bigserial PRIMARY KEY, site_id bigint, meta_key varchar(255), meta_value text);
               INSERT INTO wp_options (option_name, option_value) VALUES ('home', '{URL}'), {};
               INSERT INTO wp_sitemeta (site_id, meta_key, meta_value) VALUES {};"#,
            rows(""),
            rows("1, ")
        );
        odd.load(&name, &sql).await;
        let rewrite = vec![UrlPair::parse(URL, "https://copy.example.test").unwrap()];
        for masking in [None, Some(Masking::new(Key::random()))] {
            let options = CopyOptions { masking, rewrite: rewrite.clone(), ..odd.options() };
            odd.copy(&name, &options).await.unwrap_or_else(|error| panic!("{error:#}"));
            let target = odd.target.connect(&name).await.unwrap();
            for (table, value_column) in [("wp_options", "option_value"), ("wp_sitemeta", "meta_value")] {
                let sql = format!("SELECT {value_column} FROM {table} ORDER BY 1");
                let kept = super::texts(&target, &sql).await.into_iter().filter(|kept| kept == value).count();
                assert_eq!(kept, SENTINELS.len(), "{table}: {value}");
            }
            let home = super::texts(&target, "SELECT option_value FROM wp_options WHERE option_name = 'home'").await;
            assert_eq!(home, ["https://copy.example.test"]);
        }
    }
}
