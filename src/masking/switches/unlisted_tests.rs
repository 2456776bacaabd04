//! Plugins that no list has, in every form in which they keep their settings.

use super::Plan;
use crate::masking::key::Key;
use crate::masking::nets::Nets;
use crate::masking::values::ValueMasker;

fn masked(key: &str, value: &str) -> Option<String> {
    let nets = Nets::new(Key::random());
    ValueMasker::settings(&nets).masked(value.as_bytes(), key).map(|new| String::from_utf8(new).unwrap())
}

/// The switches that are named, and whether they are blank.
fn live(key: &str, value: &str) -> Vec<(String, bool)> {
    Plan::of(key, value.as_bytes()).live().iter().map(|live| (live.path.clone(), live.is_blank)).collect()
}

#[test]
fn of_what_no_list_has_flags_are_put_off_in_their_own_words() {
    for (before, after) in [
        (r#"a:1:{s:8:"testmode";s:2:"no";}"#, r#"a:1:{s:8:"testmode";s:3:"yes";}"#),
        (r#"a:1:{s:7:"sandbox";b:0;}"#, r#"a:1:{s:7:"sandbox";b:1;}"#),
        (r#"{"sandbox":false,"live_mode":true}"#, r#"{"sandbox":true,"live_mode":false}"#),
        (r#"{"useSandbox":"0","isLive":"1"}"#, r#"{"useSandbox":"1","isLive":"0"}"#),
        (r#"{"test_mode":"disabled"}"#, r#"{"test_mode":"enabled"}"#),
        // An empty text is in the words of those beside it.
        (
            r#"a:2:{s:7:"enabled";s:3:"yes";s:8:"testmode";s:0:"";}"#,
            r#"a:2:{s:7:"enabled";s:3:"yes";s:8:"testmode";s:3:"yes";}"#,
        ),
        (r#"a:1:{s:8:"testmode";s:0:"";}"#, r#"a:1:{s:8:"testmode";s:1:"1";}"#),
    ] {
        assert_eq!(masked("acme_settings", before).as_deref(), Some(after));
        assert_eq!(masked("acme_settings", after), None);
    }
    assert_eq!(masked("acme_test_mode", "no").as_deref(), Some("yes"));
}

#[test]
fn of_a_mode_that_no_list_has_the_plugin_is_put_off_or_the_mode_is_named() {
    let before = r#"a:3:{s:7:"enabled";s:3:"yes";s:4:"mode";s:4:"live";s:11:"merchant_no";s:1:"7";}"#;
    assert_eq!(masked("woocommerce_acmepay_settings", before), Some(before.replace("3:\"yes", "2:\"no")));
    let nested = r#"{"stripe":{"active":true,"environment":"production"},"other":{"active":true}}"#;
    assert_eq!(masked("acme_pay", nested), Some(nested.replacen("true", "false", 1)));
    let left = r#"{"environment":"production","api_key":"Zz9Live"}"#;
    assert_eq!(masked("acme", left), Some(left.replace("Zz9Live", "").replace("production", "")));
    assert_eq!(live("acme", left), [("environment".to_owned(), true)]);
}

#[test]
fn settings_that_only_sound_like_a_switch_stay() {
    for value in [
        r#"a:2:{s:5:"debug";s:2:"no";s:11:"live_search";s:3:"yes";}"#,
        r#"{"mode":"dark","environment":"kitchen"}"#,
        r#"{"mode":"live","enabled":true}"#,
        r#"a:1:{s:4:"mode";s:4:"live";}"#,
        r#"{"latest":"no","contest_mode":"on","sandbox":"allow-scripts"}"#,
        r#"{"testmode":"maybe"}"#,
        "live",
        "production",
    ] {
        assert_eq!(masked("theme_settings", value), None, "{value}");
    }
}

#[test]
fn numbers_and_flags_of_an_invented_plugin_are_put_off_as_texts_are() {
    for (before, after) in [
        (r#"a:2:{s:8:"testmode";i:0;s:3:"key";s:8:"Zz9Live1";}"#, r#"a:2:{s:8:"testmode";i:1;s:3:"key";s:0:"";}"#),
        (r#"{"test_mode":0}"#, r#"{"test_mode":1}"#),
        (r#"{"is_live":1,"sandbox":false}"#, r#"{"is_live":0,"sandbox":true}"#),
        (r#"{"modo_prueba":"no","clave_api":"x"}"#, r#"{"modo_prueba":"yes","clave_api":""}"#),
        (r#"{"testmodus":false,"live":true,"passwort":"x"}"#, r#"{"testmodus":true,"live":false,"passwort":""}"#),
        (r#"{"modus":"produktiv","aktiv":1,"kennwort":"x"}"#, r#"{"modus":"produktiv","aktiv":0,"kennwort":""}"#),
    ] {
        assert_eq!(masked("acme_settings", before).as_deref(), Some(after));
        assert!(masked("acme_settings", after).is_none_or(|again| again == after), "{after}");
    }
}

#[test]
fn beside_a_live_switch_whatever_nobody_would_write_opens_an_account() {
    let json = r#"{"title":"Pay by card","mode":"live","live":{"mid":"x:7hG2kQ9z","store":"9f86d081884c7d65"},"logo":"visa-2024.png"}"#;
    let off = r#"{"title":"Pay by card","mode":"","live":{"mid":"","store":""},"logo":"visa-2024.png"}"#;
    assert_eq!(masked("acmepay", json).as_deref(), Some(off));
    assert_eq!(live("acmepay", json), [("mode".to_owned(), true)]);
    let php = r#"a:3:{s:5:"title";s:4:"Card";s:8:"testmode";s:2:"no";s:3:"mid";s:8:"Zz9Live1";}"#;
    let off = r#"a:3:{s:5:"title";s:4:"Card";s:8:"testmode";s:3:"yes";s:3:"mid";s:0:"";}"#;
    assert_eq!(masked("woocommerce_acme_settings", php).as_deref(), Some(off));
    // Of several accounts, each.
    let accounts = r#"[{"mode":"live","mid":"Zz9Live1","name":"A"},{"mode":"live","mid":"Zz9Live2","name":"B"}]"#;
    let off = r#"[{"mode":"","mid":"","name":"A"},{"mode":"","mid":"","name":"B"}]"#;
    assert_eq!(masked("acme_payments", accounts).as_deref(), Some(off));
    // A switch of one account is none of what is around it.
    let theme = r#"{"header":"layout3col4","pay":{"sandbox":"0","secret":"x"}}"#;
    let off = r#"{"header":"layout3col4","pay":{"sandbox":"1","secret":""}}"#;
    assert_eq!(masked("acme_theme", theme).as_deref(), Some(off));
}

#[test]
fn a_setting_of_its_own_is_judged_by_its_name() {
    for (key, value, new) in [
        ("acme_pay_mode", "live", ""),
        ("acme_gateway_environment", "PRODUCTION", ""),
        ("acme_test_mode", "0", "1"),
        ("acme_live_mode", "yes", "no"),
        ("acme_pay_secret", "x", ""),
        ("acme_pay_mid", "7x:Zz9Live1", ""),
        ("acme_api_key_live", "Zz9Live1", ""),
    ] {
        assert_eq!(masked(key, value).as_deref(), Some(new), "{key}");
    }
    assert_eq!(live("acme_pay_mode", "live"), [(String::new(), true)]);
    assert_eq!(masked("environment", "production"), None);
    assert_eq!(live("environment", "production"), [(String::new(), false)]);
}

#[test]
fn plugins_that_are_published_and_have_no_entry_lose_their_credentials_by_what_these_are_called() {
    for (key, value, new) in [
        ("adn_test_mode", "no", "yes"),
        ("adn_api_key_live", "Zz9Live1", ""),
        ("zmail_refresh_token", "Zz9Live1", ""),
        ("zmail_auth_code", "1000.Zz9Live1", ""),
        ("llms_gateway_stripe_live_secret_key", "Zz9Live1", ""),
        (
            "woocommerce_opayopi_settings",
            r#"a:3:{s:7:"enabled";s:3:"yes";s:6:"status";s:4:"live";s:20:"integration_password";s:8:"Zz9Live1";}"#,
            r#"a:3:{s:7:"enabled";s:2:"no";s:6:"status";s:4:"live";s:20:"integration_password";s:0:"";}"#,
        ),
        (
            "woocommerce_redlight_swish-ecommerce_settings",
            r#"a:1:{s:20:"redlight_license_key";s:8:"Zz9Live1";}"#,
            r#"a:1:{s:20:"redlight_license_key";s:0:"";}"#,
        ),
        ("wpmandrill", r#"a:1:{s:7:"api_key";s:8:"Zz9Live1";}"#, r#"a:1:{s:7:"api_key";s:0:"";}"#),
        ("wpses_options", r#"a:1:{s:10:"access_key";s:8:"Zz9Live1";}"#, r#"a:1:{s:10:"access_key";s:0:"";}"#),
    ] {
        assert_eq!(masked(key, value).as_deref(), Some(new), "{key}");
    }
}
