//! The copy's secrets are its own, and never empty.

use backboard::{DeployOutcome, DeploymentStatus};
use serde_json::json;

use super::{created, found, rendered, set};
use crate::stage::Stage;

const JWT: &str = "Jq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5";

/// Secrets of production's, and what of each may be seen in the copy.
const SECRETS: &[(&str, &str, &str)] = &[
    ("web", "JWT_SECRET", JWT),
    ("worker", "SIGNING", JWT),
    ("shared", "SHARED_TOKEN", JWT),
    ("web", "ADMIN_PASSWORD", "admin"),
    ("web", "ADMIN_PIN", "4711"),
    ("web", "API_TOKEN", "plain-words-as-token"),
    ("web", "SECRET_KEY_BASE", "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"),
    ("web", "WEBHOOK_SECRET", "whsec_Q3iT9xLw7Zr2Kp8Nv5Bm0000"),
    ("web", "HOOK", "https://hooks.slack.com/services/T00/B00/c4n4ryXq7Lm2Rz8TvB1k"),
    ("web", "MIXED", "sk-proj-c4n4ryXq7Lm2Rz8TvB1k${{NOTHING}}"),
    ("worker", "STRIPE_KEY", "sk_live_51c4n4ryXq7Lm2Rz8TvB1k"),
    ("nightly", "AUTH_SALT", "put your unique phrase here"),
    ("worker", "MAILER_DSN", "sendgrid+api://c4n4ryWords@default"),
    ("worker", "BRAINTREE_PRIVATE_KEY", "c4n4ry9f86d081884c7d659a2feaa0c5"),
    ("Postgres", "WALG_S3_SECRET_ACCESS_KEY", "c4n4ryXq7Lm2Rz8TvB1kWalg"),
];

/// What stays as it is in every copy.
const STAYS: &[(&str, &str, &str)] = &[
    ("web", "TOKEN_TTL", "3600"),
    ("web", "PASSWORD_MIN_LENGTH", "12"),
    ("web", "AUTH_MODE", "optional"),
    ("web", "JWT_ALGORITHM", "HS256"),
    ("web", "AUTH_PROVIDERS", "google,github"),
    ("web", "DB_ENGINE", "django.db.backends.postgresql"),
    ("worker", "BRAINTREE_PUBLIC_KEY", "braintree-public"),
    ("web", "SECRET_ROTATION", "30d"),
    ("web", "STRIPE_PUBLISHABLE_KEY", "pk_live_51c4n4ryXq7Lm2Rz8TvB1k"),
    ("web", "APP_KEY", "base64:c4n4ryXq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5Bm000="),
    ("web", "VAPID_PRIVATE_KEY", "c4n4ryXq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5Bm"),
];

fn set_all(stage: &Stage) {
    for (service, name, value) in SECRETS.iter().chain(STAYS) {
        set(stage, service, name, value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_become_random_ones_of_the_same_shape_and_equal_ones_stay_equal() {
    let stage = Stage::prompt().await;
    set_all(&stage);
    set(&stage, "web", "SENTRY_DSN", "https://c4n4ry@o1.ingest.sentry.io/1");
    set(&stage, "web", "BY_REFERENCE", "${{worker.SIGNING}}");
    let request = stage.request(json!({"environment_name": "secrets"}));
    let validated = stage.step("validate", "secrets", &request).await;
    validated.expect(0);
    created(&stage, "secrets").await;
    for (service, name, old) in SECRETS {
        let new = rendered(&stage, "secrets", service, name);
        assert!(!new.is_empty() && new != *old && !new.contains("c4n4ry"), "{service}.{name}: {new}");
        let listed = validated.outputs()["secrets"].to_string();
        assert!(listed.contains(&format!("\"{name}\"")), "{name} is not in {listed}");
        let block = validated.outputs()["secrets_block"].to_string();
        assert!(block.contains(&format!("  - {service}.{name}\\n")), "{service}.{name} is not in {block}");
    }
    let new = rendered(&stage, "secrets", "web", "JWT_SECRET");
    assert_eq!(new.len(), JWT.len());
    for (service, name) in [("worker", "SIGNING"), ("shared", "SHARED_TOKEN"), ("web", "BY_REFERENCE")] {
        assert_eq!(rendered(&stage, "secrets", service, name), new, "{service}.{name}");
    }
    for (service, name, value) in STAYS {
        assert_eq!(rendered(&stage, "secrets", service, name), *value, "{service}.{name}");
    }
    let begins = |service, name, with: &str| rendered(&stage, "secrets", service, name).starts_with(with);
    assert!(begins("web", "WEBHOOK_SECRET", "whsec_") && begins("worker", "STRIPE_KEY", "sk_test_"));
    assert_eq!(rendered(&stage, "secrets", "web", "SENTRY_DSN"), "");
    for kept in ["APP_KEY", "VAPID_PRIVATE_KEY"] {
        assert!(found(&validated, &format!("web.{kept}"))[0].contains("comes along"), "{kept}");
    }
    assert!(!validated.stdout.contains("c4n4ry") && !validated.stdout.contains(JWT));
    // The demo's own mail login, and its database by reference.
    let smtp = rendered(&stage, "secrets", "web", "SMTP_URL");
    assert!(smtp.starts_with("smtp://orders:") && !smtp.contains("canary-smtp-password"), "{smtp}");
    assert!(rendered(&stage, "secrets", "web", "DATABASE_URL").contains("postgres.railway.internal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_along_only_as_the_policy_says() {
    let mut stage = Stage::prompt().await;
    set_all(&stage);
    stage.policy["inherit_secrets"] = json!(["web.API_*", "shared.SHARED_TOKEN", "!*.APP_KEY"]);
    created(&stage, "granted").await;
    for (service, name, old) in SECRETS {
        // A value that is in the copy anyway may as well agree with itself.
        let comes = *name == "API_TOKEN" || *old == JWT;
        assert_eq!(rendered(&stage, "granted", service, name) == *old, comes, "{service}.{name}");
    }
    assert_ne!(rendered(&stage, "granted", "web", "APP_KEY"), STAYS[6].2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_changes_no_secret_again() {
    let stage = Stage::prompt().await;
    set_all(&stage);
    created(&stage, "again").await;
    let all = || SECRETS.iter().map(|(s, n, _)| rendered(&stage, "again", s, n)).collect::<Vec<_>>();
    let before = all();
    created(&stage, "again").await;
    assert_eq!(all(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_come_up_says_which_of_its_variables_were_replaced() {
    let stage = Stage::prompt().await;
    set_all(&stage);
    let request = stage.request(json!({"environment_name": "down"}));
    stage.steps_until("sync-db", "down", &request).await;
    let status = DeploymentStatus::Crashed;
    stage.world.order_outcome(DeployOutcome { service: "web".into(), status, log: Vec::new(), times: 2 });
    let call = stage.step("start-apps", "down", &request).await;
    call.expect(1);
    for name in ["`JWT_SECRET`", "`ADMIN_PASSWORD`", "`shared.SHARED_TOKEN`"] {
        assert!(call.error().contains(name), "{name} is not in {}", call.error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_into_productions_buckets_and_who_asks_for_it_knows_none() {
    let stage = Stage::prompt().await;
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAC4N4RYC4N4RYC4N4"),
        ("AWS_SECRET_ACCESS_KEY", "c4n4ryXq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5Bm"),
        ("S3_BUCKET", "shop-uploads"),
        ("S3_ENDPOINT", "https://s3.example.net"),
        ("OWN_BUCKET", "own-${{worker.NAME}}"),
    ] {
        set(&stage, "web", name, value);
    }
    set(&stage, "worker", "NAME", "of-the-copy");
    for (environment, buckets, kept) in [("links", "keep_links", true), ("none", "empty", false)] {
        let request = stage.request(json!({"environment_name": environment, "buckets": buckets}));
        stage.step("validate", environment, &request).await.expect(0);
        stage.step("create-env", environment, &request).await.expect(0);
        let now = |name| rendered(&stage, environment, "web", name);
        let key = now("AWS_SECRET_ACCESS_KEY");
        assert!(!key.is_empty() && !key.contains("c4n4ry"), "{key}");
        assert_eq!((now("S3_BUCKET") == "shop-uploads", now("S3_BUCKET").is_empty()), (kept, !kept));
        assert_eq!((now("S3_ENDPOINT") == "https://s3.example.net", now("S3_ENDPOINT").is_empty()), (kept, !kept));
        assert_eq!(now("OWN_BUCKET"), "own-of-the-copy", "what is made of the copy's own variables is its own");
    }
}
