//! One execution and the names that follow from it, the same in every step.

use data_encoding::HEXLOWER;
use deunicode::deunicode;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::contract::gate;
use crate::contract::request::CloneRequest;

/// Railway documents no limit for an environment's name; 24 is safe, and leaves room for a service in a DNS label.
const LONGEST_NAME: usize = 24;

/// One Kestra execution, or one `railstage clone`.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub id: String,
}

/// The names under which a run makes its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// 16 hex digits that stand for the run.
    pub run_hash: String,
    /// 16 hex digits that stand for the request's `idempotency_key`.
    pub key_hash: Option<String>,
    /// What the environment is called while it is made: `rs-<run hash>`.
    pub making: String,
    /// What it is called in the end.
    pub target: String,
    /// The field of the request that this comes from.
    pub field: &'static str,
}

impl Run {
    /// 16 hex digits that stand for the run.
    pub(crate) fn hash(&self) -> String {
        hash(&self.id)
    }

    /// The names for `request` in this run.
    pub(crate) fn names(&self, request: &CloneRequest) -> Names {
        let (run_hash, key_hash) = (self.hash(), request.idempotency_key.as_deref().map(hash));
        let named_by = key_hash.as_deref().unwrap_or(&run_hash);
        let target = request.environment_name.clone().unwrap_or_else(|| automatic_name(request, named_by));
        Names { making: format!("{MAKING}{run_hash}"), target, field: naming_field(request), run_hash, key_hash }
    }
}

/// How the name of an environment begins that is still being made.
const MAKING: &str = "rs-";

/// The hash of the run that was making an environment of this name.
pub(crate) fn making_hash(name: &str) -> Option<&str> {
    name.strip_prefix(MAKING).filter(|hash| gate::is_run_hash(hash))
}

/// Whether a run of ours may have given this name to an environment that it was making.
pub(crate) fn is_making_name(name: &str) -> bool {
    making_hash(name).is_some()
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    HEXLOWER.encode(&digest[..8])
}

/// The field of a request that its copy's name comes from: what is wrong with the name is told of that.
fn naming_field(request: &CloneRequest) -> &'static str {
    match (&request.environment_name, &request.idempotency_key, &request.client_name) {
        (None, Some(_), _) => "idempotency_key",
        (None, None, Some(_)) => "client_name",
        (Some(_), ..) | (None, None, None) => "environment_name",
    }
}

/// Runs with one idempotency key wish for one name, and so only one of them gets it.
fn automatic_name(request: &CloneRequest, named_by: &str) -> String {
    let tail = &named_by[..5];
    let client = slug(request.client_name.as_deref().unwrap_or_default());
    let room = LONGEST_NAME - "staging--".len() - tail.len();
    let client = client[..client.len().min(room)].trim_end_matches('-');
    if client.is_empty() { format!("staging-{tail}") } else { format!("staging-{client}-{tail}") }
}

/// `text` as lower-case letters, digits and single dashes, which is what both Railway and DNS take. Umlauts are spelled out
/// as in German, and other scripts by their sound.
pub(crate) fn slug(text: &str) -> String {
    let german = |c: char| match c {
        'ä' | 'Ä' => "ae".to_owned(),
        'ö' | 'Ö' => "oe".to_owned(),
        'ü' | 'Ü' => "ue".to_owned(),
        'ß' | 'ẞ' => "ss".to_owned(),
        other => other.to_string(),
    };
    // An accent may stand as a character of its own.
    let spelled: String = deunicode(&text.nfc().map(german).collect::<String>());
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let dashed: String = spelled.chars().map(plain).collect();
    dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(request: serde_json::Value) -> Names {
        let request = serde_json::from_value(request).unwrap();
        Run { id: "5kQz".into() }.names(&request)
    }

    #[test]
    fn the_automatic_name_fits_and_is_the_same_every_time() {
        let request = json!({"project_id": "p", "client_name": "Müller & Söhne Großhandel"});
        let first = names(request.clone());
        assert_eq!(first, names(request));
        assert!(first.target.starts_with("staging-mueller-s"), "{}", first.target);
        assert!(first.target.len() <= LONGEST_NAME);
        assert_eq!(first.making.len(), "rs-".len() + 16);
    }

    #[test]
    fn names_in_any_script_become_slugs_that_can_be_read() {
        for (name, expected) in [
            ("Müller & Söhne", "mueller-soehne"),
            ("GROẞE ÄPFEL", "grosse-aepfel"),
            ("Mu\u{308}ller", "mueller"),
            ("Café Zoë's", "cafe-zoe-s"),
            ("Łódź", "lodz"),
            ("Ελλάδα", "ellada"),
            ("Київ", "kiyiv"),
            ("北京", "bei-jing"),
            ("  --Acme__Ltd.  ", "acme-ltd"),
            ("\u{202e}\u{0}\n", ""),
            ("../../etc; rm -rf", "etc-rm-rf"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_prefix_and_16_hex_digits_are_a_name_of_ours() {
        assert!(is_making_name(&names(json!({"project_id": "p"})).making));
        for other in
            ["rs-live", "rs-0123456789ABCDEF", "rs-0123456789abcde", "rs-0123456789abcdef0", "0123456789abcdef"]
        {
            assert!(!is_making_name(other), "{other}");
        }
    }

    #[test]
    fn an_idempotency_key_makes_the_wished_name_and_nothing_else() {
        let with_key = json!({"project_id": "p", "idempotency_key": "order-1"});
        let (keyed, plain) = (names(with_key.clone()), names(json!({"project_id": "p"})));
        assert_eq!((&keyed.run_hash, &keyed.making), (&plain.run_hash, &plain.making));
        assert_ne!(keyed.target, plain.target);
        let other = Run { id: "6lRa".into() }.names(&serde_json::from_value(with_key).unwrap());
        assert_eq!((&keyed.target, &keyed.key_hash), (&other.target, &other.key_hash));
        assert_ne!(keyed.making, other.making);
        // A run whose id is somebody's key is another run all the same.
        let same_word = json!({"project_id": "p", "idempotency_key": "5kQz"});
        assert_eq!(names(same_word.clone()).target, plain.target);
        assert_ne!(names(same_word).key_hash, plain.key_hash);
    }
}
