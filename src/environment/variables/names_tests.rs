use super::*;

#[test]
fn names_of_secrets_are_told_from_names_of_settings() {
    for name in [
        "STRIPE_SECRET_KEY",
        "dbPassword",
        "JWT_SECRET",
        "APIKEY",
        "SECRET_KEY_BASE",
        "AUTH_SALT",
        "API_KEY_2",
        "SMTP_PASS",
        "MY_TOKEN_FOR_X",
        "SENTRY_DSN",
        "access-token",
    ] {
        assert!(Name::of(name).is_secret(), "{name}");
    }
    for name in [
        "TOKEN_TTL",
        "JWT_ALGORITHM",
        "PASSWORD_MIN_LENGTH",
        "API_KEY_ID",
        "SITE_NAME",
        "KEYCLOAK_URL",
        "RAILWAY_GIT_AUTHOR",
        "KEYWORDS",
        "TOKENIZER",
        "PASSWORD_HASHER",
        "AUTH_PROVIDERS",
        "AUTH_GOOGLE_LABEL",
        "PRIVATE_API",
        "TOKEN_ADDRESS",
    ] {
        assert!(!Name::of(name).is_secret(), "{name}");
    }
    assert!(
        ["ADMIN_PASSWORD", "ADMIN_PASS_2", "JWT_SECRET_OLD", "AUTH_SALT"].iter().all(|name| Name::of(name).is_login())
    );
    assert!(!Name::of("CACHE_KEY").is_login() && !Name::of("AUTH_MODE").is_login());
    assert!(
        [
            "APP_KEY",
            "N8N_ENCRYPTION_KEY",
            "RAILS_MASTER_KEY",
            "FERNET_KEY",
            "LOCKBOX_MASTER_KEY",
            "CLOAK_KEY",
            "VAULT_KEY",
            "OPENSSL_KEY",
            "AES_KEY",
            "BLIND_INDEX_MASTER_KEY",
            "PASSWORD_PEPPER",
        ]
        .iter()
        .all(|name| Name::of(name).decrypts())
    );
    assert!(!Name::of("MY_APP_KEY_ID").decrypts());
}

#[test]
fn what_names_a_bucket_is_told_from_what_only_sounds_like_it() {
    for name in ["S3_BUCKET", "AWS_BUCKET_NAME", "s3_endpoint", "R2_PUBLIC_URL", "BUCKETS", "GCS_HOST"] {
        assert!(Name::of(name).says_bucket(), "{name}");
    }
    for name in ["RATE_BUCKETING", "S3_REGION", "ENDPOINT", "AWS_REGION", "R2D2_URL"] {
        assert!(!Name::of(name).says_bucket(), "{name}");
    }
}
