//! What a caller asks for who wants new data in a copy that is there: of a clone's request, what is about data.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract::bounds::Refusal;
use crate::contract::connect::Connect;
use crate::contract::copying_request::CopyingRequest;
use crate::contract::ids::ProjectId;
use crate::contract::on_residue::OnResidue;
use crate::contract::policy::Policy;
use crate::contract::request::{Asked, CloneRequest, DatabaseRequest, administrators, yes};
use crate::contract::unknown::Unknown;

/// Asks for new data in a copy that is there; all else of it stays as it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9-]{1,64}$"), extend("x-expects" = "the id of a Railway project"))]
    pub project_id: ProjectId,
    /// Name or id of the copy.
    #[schemars(length(min = 1, max = 64), extend("x-expects" = "the name or id of an environment"))]
    pub environment: String,
    /// The databases to refresh; empty means every one that was copied into it.
    #[serde(default)]
    pub databases: Vec<DatabaseRequest>,
    /// How fast the databases are copied, and how patiently; what is not named is the policy's.
    #[serde(default)]
    pub copying: CopyingRequest,
    /// Bring the files on the volumes of apps anew as well, those that were copied into it: beside the old ones, which stand until all is there.
    /// What its people have put there since goes with the old ones.
    #[serde(default)]
    pub files: bool,
    /// By which way the databases are reached, those of the source and those of the copy.
    #[serde(default)]
    pub connect: Connect,
    /// Mask personal data on the way; without it, the copy holds personal data as it is. What would act in the copy stays behind in any case.
    #[serde(default = "yes")]
    pub anonymize: bool,
    /// WordPress users, by login or e-mail address, who keep login and password; the word `administrators` stands for all of these, and `none` alone for nobody.
    #[serde(default = "administrators")]
    pub keep_users: Vec<String>,
    /// What becomes of free text and what may be names, in tables that refer to people, where no masking rule speaks of them.
    #[serde(default)]
    pub unknown: Unknown,
    /// What becomes of a refresh in which e-mail addresses, telephone or account numbers, streets or secrets of production are found after masking: `fail` leaves the copy as it was, `warn` tells it. Names are told in any case.
    #[serde(default)]
    pub residue: OnResidue,
    /// Rewrite the site's URLs in the data to those of the copy.
    #[serde(default = "yes")]
    pub wordpress_url_replace: bool,
    /// Rewrite URLs, and mask people's e-mail addresses, in literals of the databases' schema too: in defaults, functions, views, comments.
    #[serde(default)]
    pub rewrite_schema: bool,
    /// Leave URLs in columns called `guid`, by which feed readers know a post; else the copy's feeds and answers name the copy.
    #[serde(default)]
    pub keep_guid: bool,
    /// Fail before the new data takes its place when one of production's hosts is left anywhere in it, in whatever spelling.
    #[serde(default)]
    pub fail_on_left: bool,
    /// Print the last log lines of a database that does not come up again, which may hold personal data; without it, their address in Railway is told.
    #[serde(default)]
    pub logs: bool,
}

impl RefreshRequest {
    /// The request of a clone that asks the same of data; what is about all else of a clone is at its default.
    pub(crate) fn of_clone(&self) -> CloneRequest {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            project_id,
            environment: _,
            databases,
            copying,
            // What a copy has of them says its record.
            files: _,
            connect,
            anonymize,
            keep_users,
            unknown,
            residue,
            wordpress_url_replace,
            rewrite_schema,
            keep_guid,
            fail_on_left,
            logs,
        } = self.clone();
        CloneRequest {
            databases,
            copying,
            connect,
            anonymize,
            keep_users,
            unknown,
            residue,
            wordpress_url_replace,
            rewrite_schema,
            keep_guid,
            fail_on_left,
            logs,
            ..CloneRequest::of_project(&project_id)
        }
    }
}

impl Asked for RefreshRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }

    fn refusals(&self, policy: &Policy) -> Vec<Refusal> {
        // How long the copy lives is not asked for.
        CloneRequest { ttl: policy.max_ttl, ..self.of_clone() }.refusals(policy)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusals(policy: serde_json::Value, more: &serde_json::Value) -> Vec<String> {
        let mut request = json!({"project_id": "p", "environment": "staging"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request: RefreshRequest = serde_json::from_value(request).unwrap();
        request.refusals(&Policy::read(policy).unwrap()).iter().map(Refusal::told).collect()
    }

    #[test]
    fn a_refresh_asks_no_more_of_the_policy_than_it_says() {
        let short = json!({"min_ttl": "PT1H", "max_ttl": "PT2H"});
        assert!(refusals(short.clone(), &json!({})).is_empty());
        let refused = refusals(short, &json!({"anonymize": false, "logs": true, "copying": {"jobs": 9}}));
        for line in ["may_be_unmasked: true", "may_print_logs: true", "production_connections: 9"] {
            assert!(refused.iter().any(|told| told.contains(line)), "{refused:?}");
        }
        assert_eq!(refused.len(), 3);
    }

    /// What the second asks for, such as a rule of masking, would be forgotten.
    #[test]
    fn a_database_is_named_once() {
        let twice = json!({"databases": [{"service": "Postgres"}, {"service": "Other"}, {"service": "Postgres"}]});
        let refused = refusals(json!({}), &twice);
        assert!(matches!(&refused[..], [one] if one.starts_with("`databases.service`: `Postgres` is named twice")));
    }
}
