//! What would move money, send mail or work off a queue: in a masked copy each is put off, in its plugin's own word.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};
use railstage::rewriting::UrlPair;
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Client;

use super::super::odd::Odd;
use super::canary::readable;

/// A setting, or how many rows of a table come along.
#[derive(Debug, Deserialize)]
struct Case {
    table: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    path: Vec<Value>,
    #[serde(default)]
    want: Vec<Value>,
    /// Right too, if the gateway is switched off there.
    #[serde(default)]
    or_off: Option<Off>,
    #[serde(default)]
    rows: Option<u64>,
    why: String,
}

#[derive(Debug, Deserialize)]
struct Off {
    path: Vec<Value>,
    want: Vec<Value>,
}

/// What stands at a path; `<absent>` where nothing does.
fn at(text: &str, path: &[Value]) -> Value {
    if path.is_empty() {
        return Value::from(text);
    }
    let read = readable::php(text).or_else(|_| serde_json::from_str(text).map_err(|error| error.to_string()));
    let step = |value: Value, name: &Value| match value {
        Value::Object(mut members) => members.remove(&name.as_str().map_or_else(|| name.to_string(), str::to_owned)),
        _ => None,
    };
    let found = path.iter().try_fold(read.unwrap_or_else(|why| panic!("{why}: {text}")), step);
    found.unwrap_or_else(|| Value::from("<absent>"))
}

impl Case {
    /// What is wrong in the copy.
    async fn wrong(&self, target: &Client) -> Option<String> {
        let Self { table, key, why, .. } = self;
        if let Some(rows) = self.rows {
            let count = super::texts(target, &format!("SELECT count(*) FROM {table}")).await;
            return (count[0] != rows.to_string()).then(|| format!("{table}: {} rows ({why})", count[0]));
        }
        let sql = format!("SELECT option_value FROM {table} WHERE option_name = '{key}'");
        let value = super::texts(target, &sql).await;
        let text = value.first()?;
        let is_off = |off: &Off| off.want.contains(&at(text, &off.path));
        let is_right = self.want.contains(&at(text, &self.path)) || self.or_off.as_ref().is_some_and(is_off);
        (!is_right).then(|| format!("{table} {key} {:?}: {text} ({why})", self.path))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_switch_of_a_live_shop_is_off_in_its_copy() {
    let odd = Odd::start().await;
    odd.load("switches", include_str!("../../../fixtures/masking/switches.sql")).await;
    let rewrite = vec![UrlPair::parse("https://shop.acme-prod.test", "https://copy.example.test").unwrap()];
    let options = CopyOptions { masking: Some(Masking::new(Key::random())), rewrite, ..odd.options() };
    let report = odd.copy("switches", &options).await.unwrap_or_else(|error| panic!("{error:#}"));
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../fixtures/masking/switches.json")).unwrap();
    let target = odd.target.connect("switches").await.unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(case.wrong(&target).await);
    }
    assert!(wrong.is_empty(), "{} of {} are live:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let held: Vec<_> = super::texts(&target, "SELECT option_value FROM wp_options").await;
    assert!(!held.iter().any(|value| value.contains("Zz9Live")), "{held:?}");
    let sheet = report.masking.unwrap();
    let line = super::line(&sheet, "public.wp_options.option_value", Some("option_name = woocommerce_stripe_settings"));
    assert_eq!(line.because.as_deref().unwrap().split(':').next(), Some("WooCommerce Stripe Gateway"));
}

/// Credentials in other places than options: a network's settings, forms and their feeds, tables of plugins that are known
/// and of one that is not. Each begins with the same letters, and one setting looks live that nothing tells how to put off.
const CREDENTIALS: &str = r#"
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name varchar(191) UNIQUE, option_value text);
    CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, post_content text);
    CREATE TABLE wp_sitemeta (meta_id bigserial PRIMARY KEY, site_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_postmeta (meta_id bigserial PRIMARY KEY, post_id bigint, meta_key varchar(255), meta_value text);
    CREATE TABLE wp_gf_addon_feed (id serial PRIMARY KEY, form_id int, is_active int, meta text, addon_slug varchar(50));
    CREATE TABLE wp_fluentform_form_meta (id serial PRIMARY KEY, form_id int, meta_key varchar(255), value text);
    CREATE TABLE wp_latepoint_settings (id serial PRIMARY KEY, name varchar(110), value text);
    CREATE TABLE wp_b2s_user (id serial PRIMARY KEY, token varchar(255), blog_user_id bigint);
    CREATE TABLE wp_acme_accounts (id serial PRIMARY KEY, label varchar(60), api_key varchar(80), settings jsonb);
    INSERT INTO wp_options (option_name, option_value) VALUES
        ('home', 'https://shop.acme-prod.test'),
        ('woocommerce_flat_rate_3_settings', 'a:2:{s:5:"title";s:3:"DHL";s:7:"api_key";s:9:"Zz9Live-1";}'),
        ('acme_bill', '{"environment":"production","currency":"EUR","client_secret":"Zz9Live-2"}'),
        ('acme_theme', '{"environment":"production","colour":"white"}'),
        ('wpforms_settings', 'a:2:{s:22:"stripe-live-secret-key";s:9:"Zz9Live-3";s:8:"currency";s:3:"EUR";}');
    INSERT INTO wp_sitemeta (site_id, meta_key, meta_value) VALUES
        (1, 'wp_mail_smtp', 'a:2:{s:7:"general";a:1:{s:11:"do_not_send";b:0;}s:4:"smtp";a:1:{s:4:"pass";s:9:"Zz9Live-4";}}'),
        (1, 'pmpro_last_known_url', 'https://shop.acme-prod.test');
    INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
        (1, '_give_stripe_secret_key', 'Zz9Live-5'), (1, '_form_settings', '{"webhook":{"auth_token":"Zz9Live-6"},"layout":"wide"}');
    INSERT INTO wp_gf_addon_feed (form_id, is_active, meta, addon_slug) VALUES
        (1, 1, '{"feedName":"Newsletter","apiKey":"Zz9Live-7","list":"a1"}', 'gravityformsmailchimp');
    INSERT INTO wp_fluentform_form_meta (form_id, meta_key, value) VALUES
        (1, 'slack', '{"enabled":true,"access_token":"Zz9Live-8"}'), (1, 'formSettings', '{"layout":{"labelPlacement":"top"}}');
    INSERT INTO wp_latepoint_settings (name, value) VALUES ('stripe_secret_key', 'Zz9Live-9'), ('time_system', '24');
    INSERT INTO wp_b2s_user (token, blog_user_id) VALUES ('Zz9Live-10', 1);
    INSERT INTO wp_acme_accounts (label, api_key, settings) VALUES ('main', 'Zz9Live-11', '{"password": "Zz9Live-12", "retries": 3}');"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_comes_along_and_a_mode_that_is_left_live_is_named() {
    let odd = Odd::start().await;
    odd.load("credentials", CREDENTIALS).await;
    let rewrite = vec![UrlPair::parse("https://shop.acme-prod.test", "https://copy.example.test").unwrap()];
    let options = CopyOptions { masking: Some(Masking::new(Key::random())), rewrite, ..odd.options() };
    let report = odd.copy("credentials", &options).await.unwrap_or_else(|error| panic!("{error:#}"));
    let target = odd.target.connect("credentials").await.unwrap();
    let tables = super::texts(&target, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").await;
    for table in tables {
        let held =
            super::texts(&target, &format!("SELECT t::text FROM {table} AS t WHERE t::text LIKE '%Zz9Live%'")).await;
        assert!(held.is_empty(), "{table}: {held:?}");
    }
    let value = async |table: &str, key: &str| {
        let column = if table == "wp_options" { ["option_name", "option_value"] } else { ["meta_key", "meta_value"] };
        let sql = format!("SELECT {} FROM {table} WHERE {} = '{key}'", column[1], column[0]);
        super::texts(&target, &sql).await.concat()
    };
    assert_eq!(value("wp_sitemeta", "pmpro_last_known_url").await, "https://shop.acme-prod.test");
    assert!(value("wp_sitemeta", "wp_mail_smtp").await.contains(r#"s:11:"do_not_send";b:1;"#));
    assert!(value("wp_options", "wpforms_settings").await.contains(r#"s:16:"stripe-test-mode";b:1;"#));
    assert_eq!(value("wp_options", "acme_theme").await, r#"{"environment":"production","colour":"white"}"#);
    let sheet = report.masking.unwrap();
    let left: Vec<_> =
        sheet.columns.iter().filter(|line| line.because.iter().any(|why| why.contains("said live"))).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].rows.as_deref(), Some("option_name = acme_bill"));
}
