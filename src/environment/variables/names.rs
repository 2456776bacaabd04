//! What the name of a variable says of its value: a secret, a setting about one, a key that stored data needs, something to be shown.

use wildmatch::WildMatch;

use super::words::{
    ABOUT, ACCOUNTS, DECRYPTING, DECRYPTING_WORDS, ENDS_OF_WORDS, IDENTIFIERS, LAST_SECRET_WORDS, LOGINS,
    OF_IDENTIFIERS, SECRET_WORDS, SHOWN, SHOWN_BEGINNINGS, TAILS, WATCHERS, WITHIN_WORDS,
};

/// The words of a variable's name, in capitals: `dbPassword` has two.
pub(super) struct Name<'a> {
    whole: &'a str,
    words: Vec<String>,
}

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

    /// Whether the value names a bucket of objects, or where such are: `S3_BUCKET`, `AWS_BUCKET_NAME`, `S3_ENDPOINT`, `R2_PUBLIC_URL`.
    pub(super) fn says_bucket(&self) -> bool {
        self.has_one_of(&["BUCKET", "BUCKETS"])
            || self.has_one_of(&["S3", "R2", "GCS"]) && self.has_one_of(&["ENDPOINT", "HOST", "URI", "URL", "DOMAIN"])
    }

    /// Whether the value is a secret, however it looks.
    pub(super) fn is_secret(&self) -> bool {
        let is_last = |words: &[&str]| self.last().is_some_and(|last| words.contains(&last));
        !self.is_about()
            && !self.is_railways()
            && (is_last(LAST_SECRET_WORDS) || self.words.iter().any(|word| is_secret_word(word)))
    }

    /// Whether somebody logs in with the value, or it signs something: then no word and no number is too plain for a secret.
    pub(super) fn is_login(&self) -> bool {
        self.last().is_some_and(|word| LOGINS.contains(&word) || WITHIN_WORDS.iter().any(|w| word.ends_with(w)))
    }

    /// The last word that is no tail, without a number.
    fn last(&self) -> Option<&str> {
        let is_tail = |word: &&String| TAILS.contains(&word.as_str()) || word.bytes().all(|b| b.is_ascii_digit());
        let last = self.words.iter().rev().find(|word| !is_tail(word));
        last.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
    }

    fn is_about(&self) -> bool {
        let is_one = |word: &str| ABOUT.contains(&word);
        self.words.last().is_some_and(|last| is_one(last) || last.strip_suffix('S').is_some_and(is_one))
    }

    /// Whether the last word ends with one of `ends`, but for numbers and `tails` behind it.
    pub(super) fn ends_with_one_of(&self, ends: &[&str], tails: &[&str]) -> bool {
        let is_tail = |word: &&String| tails.contains(&word.as_str()) || word.bytes().all(|b| b.is_ascii_digit());
        let last = self.words.iter().rev().find(|word| !is_tail(word));
        let last = last.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).unwrap_or_default();
        ends.iter().any(|end| last.ends_with(end))
    }

    /// Whether it is the last word alone that makes a secret of it, so that a word of any kind may be what it holds: `SMTP_AUTH=LOGIN`.
    pub(super) fn is_auth(&self) -> bool {
        self.last() == Some("AUTH") && !self.words.iter().any(|word| is_secret_word(word))
    }

    /// Whether somebody is named by it: nobody's password, and in a server's data as well.
    pub(super) fn is_user(&self) -> bool {
        matches!(self.last(), Some("USER" | "USERNAME" | "LOGIN"))
    }

    /// Whether its private key is of an account at a provider's; `beside` is the name of the account's address.
    pub(super) fn is_of_account(&self, beside: Option<&str>) -> bool {
        let is_plain = self.words.iter().all(|word| word == "PRIVATE" || word == "KEY");
        let begins_as = |beside: &str| Name::of(beside).words.first() == self.words.first();
        self.has_one_of(ACCOUNTS) || beside.is_some_and(|beside| is_plain || begins_as(beside))
    }

    /// Whether a plain word may be what it holds and no secret: `CACHE_KEY=products`.
    pub(super) fn may_be_of_a_word(&self) -> bool {
        !self
            .words
            .iter()
            .any(|word| word.ends_with("TOKEN") || WITHIN_WORDS.iter().any(|within| word.contains(within)))
    }

    /// Whether a password is what it names: a database's may stand there.
    pub(super) fn says_password(&self) -> bool {
        self.words.iter().any(|word| word.contains("PASS") || ["PW", "PWD"].contains(&word.as_str()))
    }

    /// Whether a value that looks random is one by this name's account: an id, a digest.
    pub(super) fn is_identifier(&self) -> bool {
        self.is_railways()
            || self.words.last().is_some_and(|last| IDENTIFIERS.contains(&last.as_str()))
            || self.has_one_of(OF_IDENTIFIERS)
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
            // What logs in at a vault decrypts nothing here.
            || self.last() != Some("TOKEN") && self.words.iter().any(|word| DECRYPTING_WORDS.iter().any(|beginning| word.starts_with(beginning)))
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
