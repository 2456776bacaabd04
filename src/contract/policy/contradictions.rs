//! Lines of a policy that are wrong, or contradict each other.

use super::{LEAST_FOR_DATABASES, LONGEST_RUN, OTHER_STEPS, Policy};
use crate::contract::code_source::CodeSource;
use crate::contract::files_request::{AfterCommand, read_glob};
use crate::contract::input::Problem;
use crate::contract::source_login::SourceLogin;

impl Policy {
    /// Each wrong line, and why.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let least = OTHER_STEPS + LEAST_FOR_DATABASES;
        let mut problems = Vec::new();
        let mut wrong = |path: &str, message: String| problems.push(Problem { path: path.to_owned(), message });
        if !(least..=LONGEST_RUN).contains(&self.longest_run.duration()) {
            wrong("longest_run", format!("{} is not from PT75M to PT48H", self.longest_run));
        }
        if self.min_ttl > self.max_ttl {
            wrong("min_ttl", format!("{} is longer than `max_ttl`, {}", self.min_ttl, self.max_ttl));
        }
        for project in self.unswept_projects.iter().filter(|project| !self.allowed_projects.contains(project)) {
            wrong("unswept_projects", format!("`{project}` is not one of `allowed_projects`"));
        }
        let SourceLogin { user_secret, password_secret } = &self.source_login;
        if user_secret.is_empty() != password_secret.is_empty() {
            wrong("source_login", "one of its two names is missing".to_owned());
        }
        for secret in [user_secret, password_secret].into_iter().filter(|secret| self.secrets.contains(secret)) {
            wrong("secrets", format!("`{secret}` is of `source_login`, which a copy must not hold"));
        }
        let is_sha256 = |text: &String| {
            let digits = text.replace(':', "");
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit())
        };
        for (service, pinned) in &self.pinned_certificates {
            if pinned.is_empty() {
                wrong("pinned_certificates", format!("`{service}` has none, so no server could be it"));
            }
            for other in pinned.iter().filter(|pinned| !is_sha256(pinned)) {
                wrong("pinned_certificates", format!("`{other}` of `{service}` is no SHA-256: 64 hexadecimal digits"));
            }
        }
        for service in self.weak_lines.iter().filter(|_| self.proven_servers_only) {
            wrong("weak_lines", format!("`{service}` would not be proven, and `proven_servers_only` wants it so"));
        }
        let is_host_key = |text: &str| {
            let digest = text.trim().strip_prefix("SHA256:").map(|digest| digest.trim_end_matches('='));
            digest.is_some_and(|d| d.len() == 43 && d.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b)))
        };
        for other in self.relay_host_keys.iter().filter(|key| !is_host_key(key)) {
            wrong("relay_host_keys", format!("`{other}` is no `SHA256:…` as `ssh-keygen -lf` prints it"));
        }
        if self.private_only && self.relay_host_keys.is_empty() {
            wrong("private_only", "there is no way left without `relay_host_keys`".to_owned());
        }
        let lists = [
            ("variables", &self.variables),
            ("inherit_secrets", &self.inherit_secrets),
            ("allow_live", &self.allow_live),
        ];
        for (path, glob) in lists.iter().flat_map(|(path, globs)| globs.iter().map(move |glob| (path, glob))) {
            if !glob.contains('.') {
                wrong(path, format!("`{glob}` is no `SERVICE.NAME`, such as `web.SITE_*` or `*.DEBUG`"));
            }
        }
        for line in self.other_code.iter().filter(|line| !CodeSource::is_granted_by(line)) {
            wrong("other_code", format!("`{line}` is no `SERVICE=KIND:NAME`, such as `web=branch:*`"));
        }
        for line in self.after_commands.iter().filter(|line| !AfterCommand::is_granted_by(line)) {
            wrong("after_commands", format!("`{line}` is no `SERVICE=COMMAND`, such as `wordpress=wp cache flush`"));
        }
        for glob in &self.may_include_files {
            if let Err(why) = read_glob(glob, false) {
                wrong("may_include_files", format!("`{glob}` is no glob of a path in a volume: {why}"));
            }
        }
        for secret in self.deploy.secrets().filter(|secret| self.secrets.iter().any(|open| open == secret)) {
            wrong("secrets", format!("`{secret}` is of `deploy.tokens`, which no variable may hold"));
        }
        for (path, message) in self.deploy.problems() {
            wrong(path, message);
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_that_contradict_each_other_are_named() {
        let wrong = json!({
            "min_ttl": "P9D", "max_ttl": "P7D", "longest_run": "PT1H", "unswept_projects": ["p"], "variables": ["DEBUG"],
            "pinned_certificates": {"a": [], "b": ["12:34"]}, "weak_lines": ["c"], "proven_servers_only": true,
            "after_commands": ["wp cache flush"], "may_include_files": ["a["],
        });
        let error = Policy::read(wrong).unwrap_err().to_string();
        for line in [
            "`min_ttl`",
            "`longest_run`",
            "`unswept_projects`",
            "`variables`",
            "`a` has none",
            "`12:34` of `b`",
            "`weak_lines`",
            "`after_commands`",
            "`may_include_files`",
        ] {
            assert!(error.contains(line), "{error}");
        }
    }
}
