use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn verdict(name: &str, text: &str) -> Verdict {
    let has = |other: &str| ["SIGNING_PUBLIC_KEY", "BRAINTREE_PUBLIC_KEY", "MAILJET_APIKEY_PUBLIC"].contains(&other);
    judge(&Name::of(name), text, &Beside { has: &has, account: None }, &mut Fresh::default())
}

#[test]
fn secrets_become_something_random_and_never_nothing() {
    for (name, text) in [
        ("ADMIN_PASSWORD", "admin"),
        ("ADMIN_PASSWORD", "123456"),
        ("JWT_SECRET", "changeme"),
        ("ADMIN_PASSWORD", "localhost"),
        ("ADMIN_PASSWORD", "http://shop.example.com"),
        ("WEBHOOK_SECRET", "whsec_Q3iT9xLw7Zr2Kp8Nv5Bm"),
        ("ANYTHING", "c4n4ryXq7Lm2Rz8TvB1k"),
        ("API_TOKEN", "plain-words-as-token"),
        ("API_TOKEN", "letmein"),
        ("SMTP_URL", "smtp://orders:pw@mail.example.com:587"),
        ("HOOK", "https://hooks.slack.com/services/T00/B00/c4n4ryXq7Lm2Rz8TvB1k"),
        ("BRAINTREE_PRIVATE_KEY", "c4n4ry9f86d081884c7d659a2feaa0c5"),
        ("MAILJET_APIKEY_PRIVATE", "c4n4ry9f86d081884c7d659a2feaa0c5"),
        ("MAILER_DSN", "sendgrid+api://c4n4ryKEY@default"),
        ("MAILER_DSN", "mailgun+https://c4n4ryKEY:mg.example.com@default"),
        ("SLACK_DSN", "slack://c4n4ryTOKEN@default?channel=x"),
        ("SMTP_AUTH", "orders:c4n4ry-words"),
        ("VAULT_TOKEN", "hvs.c4n4ryXq7Lm2Rz8TvB1k"),
        ("RPC_URL", "https://eth.example/v2/c4n4ryXq7Lm2Rz8TvB1k"),
        ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----\nc4n4ry\n-----END RSA PRIVATE KEY-----"),
        ("FEED", "https://api.example.com/x?token=abcdefghijklmnop"),
        ("MIXED", "sk-proj-c4n4ryXq7Lm2Rz8TvB1k${{NOTHING}}"),
        ("CONFIG", r#"{"api_key":"c4n4ryXq7Lm2Rz8TvB1k","mode":"fast"}"#),
    ] {
        let Verdict::Renewed(new) = verdict(name, text) else { panic!("{name}={text}") };
        assert!(!new.is_empty() && new != text, "{name}={text} {new}");
        assert!(!new.contains("c4n4ry") && !new.contains(":pw@"), "{new}");
    }
    let Verdict::Off(new) = verdict("STRIPE_KEY", "sk_live_c4n4ryXq7Lm2Rz8TvB1k") else { panic!("not off") };
    assert!(new.starts_with("sk_test_") && new.len() == "sk_live_c4n4ryXq7Lm2Rz8TvB1k".len(), "{new}");
    assert_eq!(verdict("SENTRY_DSN", "https://c4n4ry@o1.ingest.sentry.io/1"), Verdict::Off(String::new()));
}

#[test]
fn settings_references_and_what_everybody_sees_stay() {
    for (name, text) in [
        ("TOKEN_TTL", "86400"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("AUTH", "optional"),
        ("CACHE_KEY", "products"),
        ("SESSION_KEY_LIFETIME", "P7D"),
        ("SECRET_MODE", "true"),
        ("DATABASE_URL", "${{Postgres.DATABASE_URL}}"),
        ("REDIS_URL", "redis://default:pw@${{RAILWAY_PRIVATE_DOMAIN}}:6379"),
        ("CACHE_URL", "redis://default:pw@redis.railway.internal:6379"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_c4n4ryXq7Lm2Rz8TvB1k"),
        ("NEXT_PUBLIC_MAPS_KEY", "c4n4ryXq7Lm2Rz8TvB1k"),
        ("WP_HOME", "https://shop.example.com"),
        ("TLS_KEY", "/etc/ssl/private.pem"),
        ("API_KEY_ID", "9f86d081884c7d659a2feaa0c55ad015"),
        ("KEY", ""),
    ] {
        assert_eq!(verdict(name, text), Verdict::Plain, "{name}={text}");
    }
}

#[test]
fn keys_that_data_needs_and_halves_of_pairs_are_kept() {
    assert_eq!(verdict("APP_KEY", "base64:c4n4ryXq7Lm2Rz8TvB1k"), Verdict::Kept(Need::Decrypts));
    assert_eq!(verdict("DB_ENCRYPTION_KEY", "c4n4ryXq7Lm2Rz8TvB1k"), Verdict::Kept(Need::Decrypts));
    assert_eq!(verdict("SIGNING_PRIVATE_KEY", &"c4n4ryXq7Lm2Rz8TvB1k".repeat(3)), Verdict::Kept(Need::KeyPair));
    assert_eq!(verdict("DEPLOY", "-----BEGIN PRIVATE KEY-----\nx"), Verdict::Kept(Need::KeyPair));
    assert_eq!(verdict("ENCRYPTION", "enabled"), Verdict::Plain);
}

#[test]
fn a_service_account_becomes_nobodys_in_json_and_in_base64() {
    let account = r#"{"type":"service_account","project_id":"shop","private_key_id":"c4n4ry9f86d081884c7d659a2feaa0c5","private_key":"-----BEGIN PRIVATE KEY-----\nc4n4ry\n-----END PRIVATE KEY-----\n"}"#;
    let in_base64 = STANDARD.encode(account);
    for text in [account, in_base64.as_str()] {
        let Verdict::Renewed(new) = verdict("GOOGLE_CREDENTIALS_BASE64", text) else { panic!("{text}") };
        let new = STANDARD.decode(&new).map_or(new, |bytes| String::from_utf8(bytes).unwrap());
        let json: serde_json::Value = serde_json::from_str(&new).unwrap();
        assert!(!new.contains("c4n4ry") && json["project_id"] == "shop", "{new}");
        assert!(json["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\nMII"), "{new}");
    }
}

#[test]
fn services_that_only_watch_are_off_where_another_value_would_fail_a_start() {
    for name in ["SENTRY_DSN", "SENTRY_AUTH_TOKEN", "DD_API_KEY", "NEW_RELIC_LICENSE_KEY", "ROLLBAR_ACCESS_TOKEN"] {
        assert_eq!(verdict(name, "c4n4ry9f86d081884c7d659a2feaa0c5"), Verdict::Off(String::new()), "{name}");
    }
    assert!(matches!(verdict("BUGSNAG_API_KEY", "c4n4ry9f86d081884c7d659a2feaa0c5"), Verdict::Renewed(_)));
}
