//! What becomes of ordinary variables of widespread programs: settings survive, secrets do not.

use super::*;

/// What becomes of one.
#[derive(Debug, PartialEq)]
enum Fate {
    Stays,
    /// Comes along, and is named.
    Needed,
    Renewed,
    Off,
}

use Fate::{Needed, Off, Renewed, Stays};

const HEX: &str = "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015";
const WORDS: &str = "Xq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5";

const ORDINARY: &[(&str, &str, Fate)] = &[
    // WordPress
    ("WP_HOME", "https://shop.example.com", Stays),
    ("WORDPRESS_DB_HOST", "mysql.railway.internal:3306", Stays),
    ("WORDPRESS_TABLE_PREFIX", "wp_", Stays),
    ("WORDPRESS_AUTH_KEY", "put your unique phrase here", Renewed),
    ("NONCE_SALT", WORDS, Renewed),
    ("WORDPRESS_DEBUG", "1", Stays),
    // Laravel
    ("APP_KEY", "base64:Xq7Lm2Rz8TvB1kQ3iT9xLw7Zr2Kp8Nv5Bm000000000=", Needed),
    ("CACHE_PREFIX", "shop_cache", Stays),
    ("SESSION_DRIVER", "redis", Stays),
    ("MAIL_PASSWORD", "hunter2", Renewed),
    ("BROADCAST_CONNECTION", "pusher", Stays),
    ("AUTH_PASSWORD_BROKER", "users", Renewed),
    ("AUTH_MODEL", "App\\Models\\User", Stays),
    ("LOG_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T00/B00/Xq7Lm2Rz8TvB1kQ3iT9x", Renewed),
    // Rails
    ("RAILS_MASTER_KEY", "9f86d081884c7d659a2feaa0c55ad015", Needed),
    ("SECRET_KEY_BASE", HEX, Renewed),
    ("LOCKBOX_MASTER_KEY", HEX, Needed),
    ("SMTP_AUTH", "LOGIN", Stays),
    ("RAILS_LOG_LEVEL", "info", Stays),
    ("SMTP_DOMAIN", "shop.example.com", Stays),
    // Django
    ("DB_ENGINE", "django.db.backends.postgresql", Stays),
    ("PASSWORD_HASHER", "django.contrib.auth.hashers.Argon2PasswordHasher", Stays),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.production", Stays),
    ("DJANGO_SECRET_KEY", "django-insecure-words", Renewed),
    ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com,https://www.example.com", Stays),
    ("EMAIL_HOST_USER", "orders@example.com", Stays),
    // Next.js
    ("NEXT_PUBLIC_MAPS_KEY", WORDS, Stays),
    ("NEXTAUTH_URL", "https://shop.example.com", Stays),
    ("NEXTAUTH_SECRET", WORDS, Renewed),
    ("AUTH_TRUST_HOST", "true", Stays),
    ("AUTH_PROVIDERS", "google,github", Stays),
    ("AUTH_GOOGLE_LABEL", "Google", Stays),
    ("AUTH_ALLOWED_EMAILS", "a@example.com,b@example.com", Stays),
    ("AUTH_ALLOWED_ORIGINS", r#"["https://shop.example.com","https://www.example.com"]"#, Stays),
    ("AUTH0_CONNECTION", "Username-Password-Authentication", Stays),
    ("STRIPE_PRICE_PRO", "price_1MoxxXq7Lm2Rz8TvB1kQ3iT9", Stays),
    ("LOGO_URL", "https://cdn.example.com/9f86d081884c7d659a2feaa0c55ad015.png", Stays),
    ("SENTRY_AUTH_TOKEN", "sntrys_Xq7Lm2Rz8TvB1kQ3iT9", Off),
    // Strapi, Directus, n8n
    ("APP_KEYS", "Xq7Lm2Rz8TvB1kQ3,iT9xLw7Zr2Kp8Nv5", Renewed),
    ("API_TOKEN_SALT", WORDS, Renewed),
    ("TRANSFER_TOKEN_SALT", WORDS, Renewed),
    ("DATABASE_CLIENT", "postgres", Stays),
    ("DATABASE_FILENAME", ".tmp/data.db", Stays),
    ("ADMIN_EMAIL", "admin@example.com", Stays),
    ("ACCESS_TOKEN_TTL", "15m", Stays),
    ("SHEET_URL", "https://docs.google.com/spreadsheets/d/Xq7Lm2Rz8TvB1kQ3iT9xLw7/edit", Stays),
    ("N8N_ENCRYPTION_KEY", WORDS, Needed),
    ("N8N_BASIC_AUTH_ACTIVE", "true", Stays),
    ("WEBHOOK_URL", "https://n8n.example.com/", Stays),
    // Others
    ("TOKENIZER", "gpt2", Stays),
    ("TOKENIZER_MODEL", "cl100k_base", Stays),
    ("TOKEN_ADDRESS", "0x9f86d081884c7d659a2feaa0c55ad0159f86d081", Stays),
    ("AUTH_SERVICE", "auth.railway.internal:8080", Stays),
    ("AUTH_HOSTNAME", "auth.example.com", Stays),
    ("PRIVATE_API", "web.railway.internal:80", Stays),
    ("PROXY_PASS", "http://web.railway.internal:3000", Stays),
    ("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer", Stays),
];

#[test]
fn ordinary_variables_survive_and_secrets_among_them_do_not() {
    let fate = |name: &str, text: &str| match judge(&Name::of(name), text, &Beside::NOTHING, &mut Fresh::default()) {
        Verdict::Plain => Stays,
        Verdict::Kept(_) => Needed,
        Verdict::Renewed(_) => Renewed,
        Verdict::Off(_) => Off,
    };
    let wrong: Vec<_> = ORDINARY
        .iter()
        .map(|(name, text, expected)| (name, text, expected, fate(name, text)))
        .filter(|(_, _, expected, found)| *expected != found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
