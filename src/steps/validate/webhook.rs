//! What Kestra keeps of the webhook's call that began a run: its headers, which everybody sees who may see the execution.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::findings::Findings;
use crate::external::process_env::ProcessEnv;

/// The names of the call's headers: base64 of a JSON list. The flow hands over no value of one.
const VARIABLE: &str = "RAILSTAGE_WEBHOOK_HEADERS";

/// What a header's name says when its value lets somebody in.
const CREDENTIAL_WORDS: &[&str] =
    &["auth", "cookie", "credential", "key", "passw", "secret", "session", "signature", "token"];

/// Warns of headers that hold credentials.
pub(super) fn check(env: &ProcessEnv, findings: &mut Findings) {
    for name in names(env) {
        let lower = name.to_lowercase();
        if CREDENTIAL_WORDS.iter().any(|word| lower.contains(word)) {
            findings.warning(
                "webhook",
                format!(
                    "Kestra keeps the header `{name}` of this call with the execution; call the webhook with its key alone, and change that credential"
                ),
            );
        }
    }
}

fn names(env: &ProcessEnv) -> Vec<String> {
    let decoded = env.text(VARIABLE).and_then(|text| STANDARD.decode(text).ok());
    decoded.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_let_somebody_in_are_told_by_name() {
        let json = r#"["host", "Authorization", "content-type", "X-Api-Key", "cookie"]"#;
        let env = ProcessEnv::new([(VARIABLE.into(), STANDARD.encode(json).into())]);
        let mut findings = Findings::default();
        check(&env, &mut findings);
        let told: Vec<_> = findings.told().into_iter().map(|finding| finding.message).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("`Authorization`") && told[1].contains("`X-Api-Key`"), "{told:?}");
    }

    #[test]
    fn what_is_no_list_of_names_is_none() {
        for text in ["", "%%%", "e30="] {
            assert!(names(&ProcessEnv::new([(VARIABLE.into(), text.into())])).is_empty(), "{text}");
        }
    }
}
