//! What a request says of files: which of a volume's come along, and what is done when they are there.

use globset::{Glob, GlobBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::contract::bounds::Refusal;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;

/// In bytes.
const LONGEST_GLOB: usize = 500;

/// What becomes of the files on one service's volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesRequest {
    /// Name of the service whose volume it is; an app's.
    pub service: String,
    /// What of the volume comes along.
    #[serde(default)]
    pub mode: FilesMode,
    /// Files that come along though they would be left behind, as globs of their paths in the volume (`wp-content/updraft/keep.zip`,
    /// `**/*.log`): `*` stays within one name, `**` does not. A key comes along where its own path is given, without a `*`.
    #[serde(default)]
    pub include: Vec<String>,
    /// Files and folders that stay behind, as globs of their paths in the volume, in whatever case; they go before `include`.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// How a second run knows what it need not send again.
    #[serde(default)]
    pub compare: Compare,
}

/// What of a volume comes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilesMode {
    /// All but what is left behind by the list, or by the request.
    #[default]
    Copy,
    /// Nothing: the volume comes up empty.
    Empty,
    /// As `copy`, but for WordPress's uploads: the copy's pages show those of production.
    Production,
}

/// How a file that is there already is compared with its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compare {
    /// By size and time.
    #[default]
    Time,
    /// By a digest of what is in it.
    Digest,
}

/// One line, without characters that a terminal or a shell acts by and nobody sees.
const COMMAND: &str = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,2000}$";

/// A command that runs in a container of the copy when its app is up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterCommand {
    /// Name of the service in whose container it runs.
    pub service: String,
    /// The command, for the container's shell.
    #[schemars(regex(pattern = COMMAND), extend("x-expects" = "a command in one line, of at most 2000 characters"))]
    pub command: String,
    /// What becomes of the clone when it ends with another exit code than 0.
    #[serde(default)]
    pub on_failure: AfterFailure,
}

/// What becomes of a clone when a command of its `after` fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterFailure {
    /// It is told.
    #[default]
    Warn,
    /// The clone fails.
    Fail,
}

/// What becomes of links to buckets (S3), which are not copied; keys to them never come along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Buckets {
    /// Links to production's buckets stay in the data: the copy's pages show what is in them.
    #[default]
    KeepLinks,
    /// The copy knows no bucket: variables that name one come up empty.
    Empty,
}

/// What `files` and `after` of a request say that is wrong by itself, or that the policy does not grant.
pub(crate) fn beyond(request: &CloneRequest, policy: &Policy) -> Vec<Refusal> {
    let CloneRequest { files, after, allow_empty_volumes, .. } = request;
    let mut refusals = Vec::new();
    for (n, asked) in files.iter().enumerate() {
        let name = &asked.service;
        if files[..n].iter().any(|other| other.service == *name) {
            let message = format!("`{name}` is named twice: say all that is asked for it in one");
            refusals.push(Refusal::wrong("files.service", message));
        }
        if asked.mode != FilesMode::Empty && allow_empty_volumes.contains(name) {
            let message = format!(
                "the volume of `{name}` is wanted, and `allow_empty_volumes` has it empty: take it out of one of them"
            );
            refusals.push(Refusal::wrong("files.mode", message));
        }
        if asked.mode == FilesMode::Empty && !asked.include.is_empty() {
            let message = format!("nothing of the volume of `{name}` comes along, since its `mode` is `empty`");
            refusals.push(Refusal::wrong("files.include", message));
        }
        if asked.mode == FilesMode::Production && !request.is_guarded() {
            let message =
                format!("production's uploads are shown by the guard plug-in: take `guard` for `{name}` as well");
            refusals.push(Refusal::wrong("files.mode", message));
        }
        refusals.extend(asked.not_readable());
        refusals.extend(asked.include.iter().filter(|glob| !policy.may_include_files.contains(glob)).map(|glob| {
            let what = format!("to bring `{glob}` of service `{name}` along");
            Refusal::new("files.include", what, format!("may_include_files: [{}]", quoted(glob)))
        }));
    }
    refusals.extend(after.iter().filter_map(|after| after.beyond(policy)));
    refusals
}

/// Text within a line of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Reads a glob of paths in a volume, in which `*` stays within one name.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read_glob(glob: &str, any_case: bool) -> Result<Glob, String> {
    if glob.is_empty() {
        return Err("it is empty".to_owned());
    }
    let read = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).case_insensitive(any_case).build();
    read.map_err(|error| error.kind().to_string())
}

impl FilesRequest {
    /// Asks for the files of a service as they come where nothing is said of them.
    pub(crate) fn of_service(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            mode: FilesMode::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            compare: Compare::default(),
        }
    }

    /// Globs that cannot be read, or name what is in no volume.
    fn not_readable(&self) -> Vec<Refusal> {
        let fields = [("files.include", &self.include), ("files.exclude", &self.exclude)];
        let globs = fields.into_iter().flat_map(|(field, globs)| globs.iter().map(move |glob| (field, glob)));
        let refusals = globs.filter_map(|(field, glob)| {
            let leads_out = glob.split('/').any(|part| matches!(part, "." | ".."));
            let why = match read_glob(glob, false) {
                _ if glob.len() > LONGEST_GLOB => format!("it has more than {LONGEST_GLOB} bytes"),
                _ if glob.chars().any(char::is_control) => "it has control characters; `?` stands for one".to_owned(),
                _ if glob.starts_with('/') || leads_out => {
                    "paths begin at the volume's root without a `/`, and lead nowhere by `.` or `..`".to_owned()
                }
                Ok(_) => return None,
                Err(why) => why,
            };
            Some(Refusal::wrong(field, format!("`{glob}` is no glob of a path in a volume: {why}")))
        });
        refusals.collect()
    }
}

impl AfterCommand {
    /// Whether a line of the policy can grant anything.
    pub(super) fn is_granted_by(line: &str) -> bool {
        line.split_once('=').is_some_and(|(of, command)| !of.is_empty() && !command.is_empty())
    }

    /// What of it the policy does not grant.
    fn beyond(&self, policy: &Policy) -> Option<Refusal> {
        let Self { service, command, on_failure: _ } = self;
        let grants = |line: &String| {
            let Some((of, granted)) = line.split_once('=') else { return false };
            let is_granted =
                granted == command || has_no_words_of_shells(command) && WildMatch::new(granted).matches(command);
            WildMatch::new(of).matches(service) && is_granted
        };
        let asked = format!("{service}={command}");
        let refusal =
            || Refusal::new("after.command", format!("`{asked}`"), format!("after_commands: [{}]", quoted(&asked)));
        (!policy.after_commands.iter().any(grants)).then(refusal)
    }
}

/// Whether a shell makes one command of it and nothing more, so that a `*` of the policy grants arguments and no second command.
fn has_no_words_of_shells(command: &str) -> bool {
    command.chars().all(|c| c.is_alphanumeric() || " -_./:=,@%+".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::input;

    fn refused(policy: serde_json::Value, asked: &serde_json::Value) -> Vec<String> {
        let mut request = json!({"project_id": "p"});
        request.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        let request: CloneRequest = input::read("request", request).unwrap();
        beyond(&request, &Policy::read(policy).unwrap()).iter().map(Refusal::told).collect()
    }

    #[test]
    fn a_star_of_the_policy_grants_arguments_and_no_second_command() {
        let asked = |command: &str, lines: serde_json::Value| {
            refused(json!({ "after_commands": lines }), &json!({"after": [{"service": "web", "command": command}]}))
        };
        assert!(asked("wp cache flush", json!(["web=wp cache *"])).is_empty());
        assert!(asked("a && b", json!(["w*=a && b"])).is_empty(), "spelled out");
        for evil in [
            "wp cache flush; id",
            "wp cache flush && id",
            "wp cache flush | id",
            "wp cache $(id)",
            "wp cache `id`",
            "wp cache > x",
            "wp cache flush & id",
            "wp cache \"x",
            "wp cache {a,b}",
            "wp cache ~",
            "wp cache flush *",
        ] {
            assert_eq!(asked(evil, json!(["web=wp cache *"])).len(), 1, "{evil}");
        }
        // The star of a service's name reaches no further than the name.
        assert_eq!(asked("id x=wp cache flush", json!(["w*=wp cache flush"])).len(), 1);
        assert_eq!(asked("WP cache flush", json!(["web=wp cache flush"])).len(), 1);
        assert_eq!(asked("wp cache flush", json!(["worker=*"])).len(), 1);
    }

    #[test]
    fn a_volume_is_spoken_of_once_and_not_in_two_ways() {
        let none = json!({});
        let twice = json!({"files": [{"service": "a"}, {"service": "b"}, {"service": "a", "mode": "empty"}]});
        assert!(refused(none.clone(), &twice)[0].contains("`a` is named twice"));
        let both = |mode: &str| json!({"files": [{"service": "a", "mode": mode}], "allow_empty_volumes": ["a"]});
        assert!(refused(none.clone(), &both("copy"))[0].contains("`allow_empty_volumes` has it empty"));
        assert!(refused(none.clone(), &both("production"))[0].contains("take it out of one of them"));
        assert!(refused(none.clone(), &both("empty")).is_empty());
        let unguarded = json!({"files": [{"service": "a", "mode": "production"}], "guard": false});
        let refusals = refused(json!({"may_be_unguarded": true}), &unguarded);
        assert!(refusals[0].contains("shown by the guard plug-in"), "{refusals:?}");
        assert!(refused(none, &json!({"files": [{"service": "a", "mode": "production"}]})).is_empty());
    }

    #[test]
    fn globs_that_cannot_be_read_or_lead_out_of_the_volume_are_refused() {
        for glob in ["a[", "{a", "", "/x", "a\nb", "../x", "a/../../x", "a\\", "./x"] {
            let refusals = refused(json!({}), &json!({"files": [{"service": "a", "exclude": [glob]}]}));
            assert!(refusals.len() == 1 && refusals[0].contains("`files.exclude`"), "{glob}: {refusals:?}");
        }
        let fine = json!({"files": [{"service": "a", "exclude": ["**/*.zip", "-rf", "a b/{c,d}/[!e]?/", "ö"]}]});
        assert_eq!(refused(json!({}), &fine), [""; 0]);
    }
}
