//! What the name of a variable says of its value: a secret, a setting about one, a key that stored data needs, something to be shown.

use wildmatch::WildMatch;

/// The words of a variable's name, in capitals: `dbPassword` has two.
pub(super) struct Name<'a> {
    whole: &'a str,
    words: Vec<String>,
}

/// Words of which one makes a secret of a variable, wherever it stands in the name.
const SECRET_WORDS: &[&str] = &[
    "AUTH",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "HMAC",
    "KEYS",
    "NONCE",
    "PASS",
    "PEPPER",
    "PIN",
    "PRIVATE",
    "PW",
    "PWD",
    "SALTS",
    "TOKENS",
];

/// What such a word may contain or end with.
const WITHIN_WORDS: &[&str] = &["PASSWD", "PASSPHRASE", "PASSWORD", "SECRET", "TOKEN"];
const ENDS_OF_WORDS: &[&str] = &["DSN", "JWT", "KEY", "SALT"];

/// The last words of names whose value is what somebody logs in with, or what signs: whatever it is, it is not inherited.
const LOGINS: &[&str] = &["PASS", "PEPPER", "PIN", "PW", "PWD", "SALT", "SALTS"];

/// What may follow the word that counts: `SECRET_KEY_BASE`, `API_KEY_2`, `JWT_SECRET_OLD`.
const TAILS: &[&str] = &[
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

/// The last words of names that say something about a secret, and not the secret.
const ABOUT: &[&str] = &[
    "AGE",
    "ALG",
    "ALGO",
    "ALGORITHM",
    "ALGORITHMS",
    "AUD",
    "AUDIENCE",
    "BUCKET",
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
    "EXP",
    "EXPIRATION",
    "EXPIRES",
    "EXPIRY",
    "FILE",
    "FORMAT",
    "HEADER",
    "HOST",
    "HOURS",
    "ID",
    "IDS",
    "INTERVAL",
    "ISS",
    "ISSUER",
    "ITERATIONS",
    "LEN",
    "LENGTH",
    "LIFETIME",
    "LIMIT",
    "MAX",
    "MAXAGE",
    "METHOD",
    "MIN",
    "MINUTES",
    "MODE",
    "MS",
    "NAME",
    "PATH",
    "POLICY",
    "PORT",
    "PREFIX",
    "PROVIDER",
    "REALM",
    "REDIRECT",
    "REGION",
    "REQUIRED",
    "ROTATION",
    "ROUNDS",
    "SCHEME",
    "SCOPE",
    "SCOPES",
    "SECONDS",
    "SECS",
    "SIZE",
    "STRATEGY",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "USER",
    "USERNAME",
    "VERSION",
];

/// The last words of names whose value only looks random.
const IDENTIFIERS: &[&str] = &["CHECKSUM", "COMMIT", "DIGEST", "ETAG", "HASH", "ID", "IDS", "SHA", "VERSION"];

/// Words in names of what every visitor gets to see.
const SHOWN: &[&str] = &["PUB", "PUBLIC", "PUBLISHABLE", "SITEKEY"];
const SHOWN_BEGINNINGS: &[&str] = &["VITE_", "REACT_APP_", "GATSBY_", "NUXT_PUBLIC_", "NG_APP_"];

/// Keys without which data that is copied cannot be read; of a word, its beginning.
const DECRYPTING: &[&str] = &["RAILS_MASTER_KEY", "APP_KEY", "APP_PREVIOUS_KEYS"];
const DECRYPTING_WORDS: &[&str] = &["CIPHER", "CRYPT", "DECRYPT", "ENCRYPT", "FERNET"];

/// Variables that switch a service off that only watches, when they are empty.
const WATCHERS: &[&str] = &[
    "*SENTRY*DSN*",
    "*BUGSNAG*KEY*",
    "*NEW_RELIC*KEY*",
    "DD_API_KEY",
    "*DATADOG*KEY*",
    "*ROLLBAR*TOKEN*",
    "*HONEYBADGER*KEY*",
    "*AIRBRAKE*KEY*",
    "*APPSIGNAL*KEY*",
    "*LOGTAIL*TOKEN*",
    "*LOGDNA*KEY*",
    "*SEGMENT*KEY*",
    "*MIXPANEL*TOKEN*",
    "*AMPLITUDE*KEY*",
];

impl<'a> Name<'a> {
    pub(super) fn of(whole: &'a str) -> Self {
        let mut spelled = String::new();
        let mut last = '_';
        for c in whole.chars() {
            if last.is_lowercase() && c.is_uppercase() {
                spelled.push('_');
            }
            spelled.push(c);
            last = c;
        }
        let spelled = spelled.to_ascii_uppercase();
        let words = spelled.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        Self { whole, words: words.map(str::to_owned).collect() }
    }

    /// Whether one of these words stands in it.
    pub(super) fn has_one_of(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// Whether the value is a secret, however it looks.
    pub(super) fn is_secret(&self) -> bool {
        let is_about = self.words.last().is_some_and(|last| ABOUT.contains(&last.as_str()));
        !is_about && !self.is_railways() && self.words.iter().any(|word| is_secret_word(word))
    }

    /// Whether somebody logs in with the value, or it signs something: then no word and no number is too plain for a secret.
    pub(super) fn is_login(&self) -> bool {
        let is_tail = |word: &&String| TAILS.contains(&word.as_str()) || word.bytes().all(|b| b.is_ascii_digit());
        let last = self.words.iter().rev().find(|word| !is_tail(word));
        last.is_some_and(|word| {
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
            LOGINS.contains(&word) || WITHIN_WORDS.iter().any(|w| word.ends_with(w) && *w != "TOKEN")
        })
    }

    /// Whether a plain word may be what it holds and no secret: `CACHE_KEY=products`.
    pub(super) fn may_be_of_a_word(&self) -> bool {
        !self.words.iter().any(|word| WITHIN_WORDS.iter().any(|within| word.contains(within)))
    }

    /// Whether a password is what it names: a database's may stand there.
    pub(super) fn says_password(&self) -> bool {
        self.words.iter().any(|word| word.contains("PASS") || ["PW", "PWD"].contains(&word.as_str()))
    }

    /// Whether a value that looks random is one by this name's account: an id, a digest.
    pub(super) fn is_identifier(&self) -> bool {
        self.is_railways() || self.words.last().is_some_and(|last| IDENTIFIERS.contains(&last.as_str()))
    }

    pub(super) fn is_shown(&self) -> bool {
        let is_site_key = self.words.windows(2).any(|two| two == ["SITE", "KEY"]);
        is_site_key
            || self.words.iter().any(|word| SHOWN.contains(&word.as_str()))
            || SHOWN_BEGINNINGS.iter().any(|beginning| self.whole.starts_with(beginning))
    }

    /// Whether stored data may be encrypted with it.
    pub(super) fn decrypts(&self) -> bool {
        let spelled = self.words.join("_");
        DECRYPTING.contains(&spelled.as_str())
            || self.words.iter().any(|word| DECRYPTING_WORDS.iter().any(|beginning| word.starts_with(beginning)))
    }

    /// The name of the public half, when this is the private half of a pair.
    pub(super) fn public_half(&self) -> Option<String> {
        let whole = self.whole.to_ascii_uppercase();
        whole.contains("PRIVATE").then(|| whole.replace("PRIVATE", "PUBLIC"))
    }

    pub(super) fn is_vapid(&self) -> bool {
        self.words.iter().any(|word| word == "VAPID")
    }

    /// Whether an empty value switches something off that only watches.
    pub(super) fn is_watcher(&self) -> bool {
        let spelled = self.words.join("_");
        WATCHERS.iter().any(|glob| WildMatch::new(glob).matches(&spelled))
    }

    /// Railway's own variables are ids, names and hosts.
    fn is_railways(&self) -> bool {
        self.whole.starts_with("RAILWAY_") && !self.whole.ends_with("_TOKEN")
    }
}

fn is_secret_word(word: &str) -> bool {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    SECRET_WORDS.contains(&bare)
        || WITHIN_WORDS.iter().any(|within| word.contains(within))
        || ENDS_OF_WORDS.iter().any(|end| bare.ends_with(end))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
