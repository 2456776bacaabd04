//! What rules say, and what no rule speaks of: told before a copy, refused where they do not fit, and heeded before the preset's.

use std::collections::BTreeMap;

use railstage::copying::CopyOptions;
use railstage::masking::{KeepUsers, Masking, Unknown};
use railstage::postgres::{Endpoint, dry_run, inspect_masking};

use super::super::{run, texts, told};
use super::{RULES, masked, masking, with_shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_speaks_of_is_masked_or_refused() {
    let ends = with_shop().await;
    run(&ends.source().await, "CREATE TABLE lines (client_ip cidr); INSERT INTO lines VALUES ('203.0.113.0/24');")
        .await;
    let report = masked(&ends, masking("rules: []")).await;
    let sheet = report.masking.unwrap();
    let suspects: BTreeMap<_, _> =
        sheet.suspects.iter().map(|suspect| (suspect.column.as_str(), suspect.transformer.as_str())).collect();
    // Text is masked by the nets; what they cannot change is told.
    assert_eq!(suspects, BTreeMap::from([("public.lines.client_ip", "empty")]));
    let own = "SELECT count(*) FROM accounts WHERE born IN ('1984-07-23', '1990-12-31') OR seen <<= '203.0.113.0/24'";
    assert_eq!(texts(&ends.target().await, own).await, ["0"]);
    let left = "SELECT count(*) FROM accounts WHERE email <> '' AND email NOT LIKE '%@example.invalid' OR first_name ~ 'Zoë|Isolde|Ольга'";
    assert_eq!(texts(&ends.target().await, left).await, ["0"]);

    let strict = Masking { unknown: Unknown::Refuse, ..masking("rules: []") };
    let options = CopyOptions { masking: Some(strict.clone()), copy_id: "run-2".to_owned(), ..ends.options() };
    let error = told(ends.copy(&options).await);
    assert!(error.contains("public.lines.client_ip") && error.contains("give a rule for each"), "{error}");
    let source = Endpoint::parse(&ends.source.url()).unwrap();
    assert!(inspect_masking(&source, &[], &strict).await.is_err());
    run(&ends.source().await, "DROP TABLE lines").await;
    let refusing = |rules: &str| Masking { unknown: Unknown::Refuse, ..masking(rules) };
    let error = told(inspect_masking(&source, &[], &refusing(RULES)).await);
    assert!(error.contains("where meta_key = extra_profile"), "a key is named as a column is: {error}");
    let profile = "  - {table: wp_usermeta, column: meta_value, when: {column: meta_key, in: [extra_profile]}, transformer: inside}";
    assert_eq!(inspect_masking(&source, &[], &refusing(&[RULES, profile].concat())).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_do_not_fit_are_refused_with_what_is_nearest() {
    let ends = with_shop().await;
    let rules = "
rules:
  - {table: shop_visit, column: visitor, transformer: ip}
  - {table: accounts, column: emails, transformer: email}
  - {table: accounts, column: born, transformer: name}
  - {table: accounts, column: email, transformer: empty}
  - {table: wp_usermeta, column: meta_value, when: {column: meta_keys, in: [x]}, transformer: empty}";
    let error = told(ends.copy(&CopyOptions { masking: Some(masking(rules)), ..ends.options() }).await);
    for words in [
        "`rules.0`: there is no table `shop_visit`; the nearest are `shop_visits`",
        "`rules.1`: table `accounts` has no column `emails`; the nearest are `email`",
        "`rules.2`: column `born` of `public.accounts` is of type date, for which `name` cannot be used",
        "`rules.3`: column `email` of `public.accounts` is unique and NOT NULL",
        "`rules.4`: table `wp_usermeta` has no column `meta_keys`; the nearest are `meta_key`",
    ] {
        assert!(error.contains(words), "{words} is not in\n{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_rules_go_before_the_presets_and_users_are_kept_by_name() {
    let ends = with_shop().await;
    let rules = "
rules:
  - {table: wp_wc_webhooks, transformer: keep, because: they go to a sandbox}
  - {table: wp_users, column: display_name, transformer: keep}
  - {table: wp_usermeta, column: meta_value, when: {column: meta_key, in: [nickname]}, transformer: set, value: Someone}
  - {table: wp_usermeta, when: {column: meta_key, matches: ['last_*']}, transformer: drop_rows}
  - {table: shop_event_log, transformer: empty_table}";
    let keep_users = KeepUsers::parse(&["canary3".to_owned(), "canary.nobody@people.example.net".to_owned()]);
    let report = masked(&ends, Masking { keep_users, ..masking(rules) }).await;
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        "SELECT secret FROM wp_wc_webhooks",
        "SELECT display_name FROM wp_users ORDER BY \"ID\"",
        "SELECT user_pass FROM wp_users WHERE user_login = 'canary3'",
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
    for (none, sql) in [
        ("administrators are masked as well", "SELECT count(*) FROM wp_users WHERE user_login = 'owner'"),
        ("no password opens", "SELECT count(*) FROM wp_users WHERE user_pass <> '!' AND user_login <> 'canary3'"),
        ("rows that a rule drops", "SELECT count(*) FROM wp_usermeta WHERE meta_key IN ('last_ip', 'last_name')"),
        (
            "a fixed value stands",
            "SELECT count(*) FROM wp_usermeta WHERE meta_key = 'nickname' AND meta_value <> 'Someone'",
        ),
        ("a table that a rule empties", "SELECT count(*) FROM shop_event_log"),
        ("the rest is masked", "SELECT count(*) FROM wp_users WHERE user_email NOT LIKE '%@example.invalid'"),
    ] {
        assert_eq!(texts(&target, sql).await, ["0"], "{none}");
    }
    assert_eq!(report.masking.unwrap().kept_users, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_tells_what_would_be_masked() {
    let ends = with_shop().await;
    run(&ends.source().await, "CREATE TABLE lines (client_ip cidr)").await;
    let (source, target) = (Endpoint::parse(&ends.source.url()).unwrap(), Endpoint::parse(&ends.target.url()).unwrap());
    let told = async |options: &CopyOptions| dry_run(&source, &target, options).await.unwrap().summary();
    let masked = told(&CopyOptions { masking: Some(masking("rules: []")), ..ends.options() }).await;
    for words in [
        "public.wp_users, masked: display_name (name), user_activation_key (empty), user_email (email)",
        "public.wp_woocommerce_sessions, its rows left behind by masking",
        "born (date)",
        "seen (ip)",
        "looks personal, and would be copied as it is: `public.lines.client_ip`",
    ] {
        assert!(masked.contains(words), "{words} is not in\n{masked}");
    }
    let plain = told(&ends.options()).await;
    assert!(!plain.contains("masked") && !plain.contains("looks personal"), "{plain}");
}
