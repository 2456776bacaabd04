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
