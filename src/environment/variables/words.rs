//! The words in names of variables that say what their values are.

/// Words of which one makes a secret of a variable, wherever it stands in the name.
pub(super) const SECRET_WORDS: &[&str] =
    &["CREDENTIAL", "CREDENTIALS", "CREDS", "HMAC", "NONCE", "PASS", "PEPPER", "PW", "PWD", "SALTS", "TOKENS"];

/// Words that make one only at the end of a name: `SMTP_AUTH`, and not `AUTH_PROVIDERS`.
pub(super) const LAST_SECRET_WORDS: &[&str] = &["AUTH", "KEYS", "PIN", "PRIVATE"];

/// What such a word may contain or end with.
pub(super) const WITHIN_WORDS: &[&str] = &["PASSWD", "PASSPHRASE", "PASSWORD", "SECRET"];
pub(super) const ENDS_OF_WORDS: &[&str] = &["DSN", "JWT", "KEY", "SALT", "TOKEN"];

/// The last words of names whose value is what somebody logs in with, or what signs: whatever it is, it is not inherited.
pub(super) const LOGINS: &[&str] = &["PASS", "PEPPER", "PIN", "PW", "PWD", "SALT", "SALTS"];

/// What may follow the word that counts: `SECRET_KEY_BASE`, `API_KEY_2`, `JWT_SECRET_OLD`.
pub(super) const TAILS: &[&str] = &[
    "B64",
    "BASE",
    "BASE64",
    "CURRENT",
    "HEX",
    "LIVE",
    "NEW",
    "OLD",
    "PREVIOUS",
    "PRIMARY",
    "PROD",
    "PRODUCTION",
    "SECONDARY",
    "STRING",
    "VALUE",
];

/// The last words of names that say something about a secret, and not the secret; in the plural, too.
pub(super) const ABOUT: &[&str] = &[
    "ADDRESS",
    "AGE",
    "ALG",
    "ALGO",
    "ALGORITHM",
    "ALGORITHMS",
    "AUD",
    "AUDIENCE",
    "BACKEND",
    "BUCKET",
    "CALLBACK",
    "CLASS",
    "CONNECTION",
    "COST",
    "COUNT",
    "DAYS",
    "DIR",
    "DISABLED",
    "DOMAIN",
    "DRIVER",
    "EMAIL",
    "ENABLED",
    "ENDPOINT",
    "ENGINE",
    "ENV",
    "EXP",
    "EXPIRATION",
    "EXPIRES",
    "EXPIRY",
    "FIELD",
    "FILE",
    "FORMAT",
    "HASHER",
    "HEADER",
    "HOST",
    "HOSTNAME",
    "HOURS",
    "ID",
    "IDS",
    "INTERVAL",
    "ISS",
    "ISSUER",
    "ITERATIONS",
    "LABEL",
    "LEN",
    "LENGTH",
    "LIFETIME",
    "LIMIT",
    "LOCATION",
    "MAX",
    "MAXAGE",
    "METHOD",
    "MIN",
    "MINUTES",
    "MODE",
    "MODEL",
    "MS",
    "NAME",
    "ORIGIN",
    "PATH",
    "POLICY",
    "PORT",
    "PREFIX",
    "PRICE",
    "PROVIDER",
    "REALM",
    "REDIRECT",
    "REGION",
    "REQUIRED",
    "ROLE",
    "ROTATION",
    "ROUNDS",
    "SCHEME",
    "SCOPE",
    "SCOPES",
    "SECONDS",
    "SECS",
    "SERVICE",
    "SIZE",
    "STATUS",
    "STRATEGY",
    "TIMEOUT",
    "TITLE",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "USER",
    "USERNAME",
    "VERSION",
];

/// The last words of names whose value only looks random.
pub(super) const IDENTIFIERS: &[&str] =
    &["CHECKSUM", "COMMIT", "DIGEST", "ETAG", "HASH", "ID", "IDS", "SHA", "VERSION"];

/// Words in names of what every visitor gets to see.
pub(super) const SHOWN: &[&str] = &["PUB", "PUBLIC", "PUBLISHABLE", "SITEKEY"];
pub(super) const SHOWN_BEGINNINGS: &[&str] = &["VITE_", "REACT_APP_", "GATSBY_", "NUXT_PUBLIC_", "NG_APP_"];

/// Keys without which data that is copied cannot be read; of a word, its beginning.
pub(super) const DECRYPTING: &[&str] = &["RAILS_MASTER_KEY", "APP_KEY", "APP_PREVIOUS_KEYS"];
pub(super) const DECRYPTING_WORDS: &[&str] = &[
    "AES", "BLIND", "CIPHER", "CLOAK", "CRYPT", "DECRYPT", "ENCRYPT", "FERNET", "LOCKBOX", "OPENSSL", "PEPPER",
    "SODIUM", "VAULT",
];

/// Of names that hold what everybody may know though it looks random: `STRIPE_PRICE_PRO`.
pub(super) const OF_IDENTIFIERS: &[&str] = &["PRICE", "PRICES"];

/// Providers whose private keys log in at theirs, so that a pair of them is an account.
pub(super) const ACCOUNTS: &[&str] = &[
    "ADYEN",
    "APNS",
    "APPLE",
    "ASC",
    "BIGQUERY",
    "BOX",
    "DOCUSIGN",
    "FCM",
    "FIREBASE",
    "FIRESTORE",
    "GCP",
    "GCS",
    "GITHUB",
    "GOOGLE",
    "GSHEETS",
    "SALESFORCE",
    "SNOWFLAKE",
    "VERTEX",
    "WISE",
];

/// Variables of services that only watch, which are off when these are empty; another value would fail an app's start or a build.
pub(super) const WATCHERS: &[&str] =
    &["*SENTRY*DSN*", "*SENTRY*AUTH_TOKEN*", "*NEW_RELIC*KEY*", "DD_API_KEY", "*DATADOG*KEY*", "*ROLLBAR*TOKEN*"];
