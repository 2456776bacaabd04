//! Custom domains as Railway tells of them: which records their DNS needs, and how far these and the certificate have come.

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::batch::Batch;
use super::calls::take;
use super::program::{Railway, Weight};
use crate::contract::ids::{EnvironmentId, ProjectId, ServiceId};

const CUSTOM_DOMAIN_AVAILABLE: &str = include_str!("documents/custom_domain_available.graphql");

/// What is asked of a custom domain's status.
pub(super) const STATUS: &str = "status { verified verificationDnsHost verificationToken certificateStatus \
     certificateErrorMessage dnsRecords { recordType fqdn zone requiredValue currentValue status } }";

/// How a custom domain stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DomainStatus {
    pub domain: String,
    /// Whether Railway has seen in DNS that the domain's owner lets it lead here.
    pub verified: bool,
    pub certificate: Certificate,
    /// What is in the way of the certificate, in Railway's words.
    pub certificate_error: Option<String>,
    /// Every record that its DNS needs.
    pub records: Vec<DnsRecord>,
}

/// How far the certificate of a custom domain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Certificate {
    Valid,
    Issuing,
    /// It waits for the DNS records.
    ValidatingOwnership,
    /// Railway tries again by itself.
    IssueFailed,
    Unknown,
}

/// One DNS record that the owner of a custom domain has to set.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DnsRecord {
    pub record_type: String,
    /// The whole name, with its zone.
    pub host: String,
    /// What it must be.
    pub value: String,
    /// What it is, where Railway tells.
    pub current: Option<String>,
    pub status: RecordStatus,
    /// Whether its name is the zone's own, which takes no CNAME.
    #[serde(skip)]
    pub(super) is_at_the_top: bool,
}

/// Whether Railway sees a record as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecordStatus {
    Set,
    Missing,
    Unknown,
}

impl Certificate {
    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Issuing => "being issued",
            Self::ValidatingOwnership => "waiting for the records",
            Self::IssueFailed => "not issued",
            Self::Unknown => "not told of",
        }
    }
}

impl DnsRecord {
    pub(super) fn new(record_type: &str, host: &str, value: &str, is_at_the_top: bool) -> Self {
        let (record_type, host, value) = (record_type.to_owned(), host.to_owned(), value.to_owned());
        Self { record_type, host, value, current: None, status: RecordStatus::Unknown, is_at_the_top }
    }
}

impl DomainStatus {
    /// Whether it leads to its service, and by HTTPS.
    pub(crate) fn is_good(&self) -> bool {
        self.verified && self.certificate == Certificate::Valid
    }

    /// A custom domain of Railway's answer.
    pub(super) fn of(custom: &Value) -> Self {
        let status = &custom["status"];
        let verified = status["verified"] == true;
        let mut records: Vec<_> = status["dnsRecords"].as_array().into_iter().flatten().map(record).collect();
        let zone = status["dnsRecords"][0]["zone"].as_str().unwrap_or_default();
        let (host, token) = (status["verificationDnsHost"].as_str(), status["verificationToken"].as_str());
        if let Some((host, token)) = host.zip(token).filter(|(host, _)| !host.is_empty()) {
            // Railway writes the token with this word before it or without (`verification_txt_value` of the CLI).
            let value = format!("railway-verify={}", token.trim_start_matches("railway-verify="));
            let status = if verified { RecordStatus::Set } else { RecordStatus::Missing };
            records.push(DnsRecord { status, ..DnsRecord::new("TXT", &whole(host, zone), &value, false) });
        }
        Self {
            domain: text(&custom["domain"]),
            verified,
            certificate: match status["certificateStatus"].as_str().unwrap_or_default() {
                "CERTIFICATE_STATUS_TYPE_VALID" => Certificate::Valid,
                "CERTIFICATE_STATUS_TYPE_ISSUING" => Certificate::Issuing,
                "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP" => Certificate::ValidatingOwnership,
                "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED" => Certificate::IssueFailed,
                _ => Certificate::Unknown,
            },
            certificate_error: status["certificateErrorMessage"].as_str().map(str::to_owned),
            records,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn record(record: &Value) -> DnsRecord {
    let kind = text(&record["recordType"]).trim_start_matches("DNS_RECORD_TYPE_").to_owned();
    let (host, zone) = (text(&record["fqdn"]), text(&record["zone"]));
    let status = match record["status"].as_str().unwrap_or_default() {
        "DNS_RECORD_STATUS_PROPAGATED" => RecordStatus::Set,
        "DNS_RECORD_STATUS_REQUIRES_UPDATE" => RecordStatus::Missing,
        _ => RecordStatus::Unknown,
    };
    let current = record["currentValue"].as_str().filter(|current| !current.is_empty()).map(str::to_owned);
    DnsRecord { current, status, ..DnsRecord::new(&kind, &host, &text(&record["requiredValue"]), host == zone) }
}

/// A name with its zone: Railway tells it with or without.
fn whole(host: &str, zone: &str) -> String {
    let host = host.trim_end_matches('.');
    if zone.is_empty() || host == zone || host.ends_with(&format!(".{zone}")) {
        return host.to_owned();
    }
    format!("{host}.{zone}")
}

/// Whether Railway gives a custom domain, and what it says when it does not.
#[derive(Deserialize)]
pub(crate) struct Availability {
    pub available: bool,
    pub message: String,
}

impl Railway {
    /// How the custom domains of services stand, each service in an environment of the project; in one call.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn custom_domains(
        &self,
        project_id: &ProjectId,
        of: &[(&EnvironmentId, &ServiceId)],
        weight: Weight,
    ) -> Result<Vec<Vec<DomainStatus>>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Domains {
            custom_domains: Vec<Value>,
        }
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::query();
        let selection = format!("{{ customDomains {{ domain {STATUS} }} }}");
        for (n, (environment_id, service_id)) in of.iter().enumerate() {
            let arguments = [
                ("projectId", "String!", json!(project_id)),
                ("environmentId", "String!", json!(environment_id)),
                ("serviceId", "String!", json!(service_id)),
            ];
            batch.field(&format!("domains{n}"), "domains", arguments, &selection);
        }
        let (document, variables) = batch.into_parts();
        let mut data: Map<String, Value> = self.send(&document, &variables, weight).await?;
        let one = |n| {
            let domains: Domains = take(&mut data, &format!("domains{n}"))?;
            Ok(domains.custom_domains.iter().map(DomainStatus::of).collect())
        };
        (0..of.len()).map(one).collect()
    }

    /// Whether Railway would give a custom domain to a service.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn custom_domain_available(&self, domain: &str) -> Result<Availability> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            custom_domain_available: Availability,
        }
        let data: Data = self.send(CUSTOM_DOMAIN_AVAILABLE, &json!({ "domain": domain }), Weight::Repeatable).await?;
        Ok(data.custom_domain_available)
    }

    /// Takes custom domains off their services, by the ids that they have there.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn detach(&self, ids: &[&str]) -> Result<()> {
        let mut batch = Batch::mutation();
        for (n, id) in ids.iter().enumerate() {
            batch.field(&format!("detach{n}"), "customDomainDelete", [("id", "String!", json!(id))], "");
        }
        let (document, variables) = batch.into_parts();
        self.send::<Value>(&document, &variables, Weight::Repeatable).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_that_proves_the_owner_is_whole_however_railway_tells_of_it() {
        let of = |domain: &str, zone: &str, host: &str, token: &str| {
            let record = json!({ "recordType": "DNS_RECORD_TYPE_CNAME", "fqdn": domain, "zone": zone });
            let status = json!({ "verificationDnsHost": host, "verificationToken": token, "dnsRecords": [record] });
            let status = DomainStatus::of(&json!({ "domain": domain, "status": status }));
            let proof = &status.records[1];
            (proof.host.clone(), proof.value.clone(), status.records[0].is_at_the_top)
        };
        let whole = ("_railway-verify.staging.acme.example".to_owned(), "railway-verify=0a".to_owned(), false);
        for host in ["_railway-verify.staging", "_railway-verify.staging.acme.example", "_railway-verify.staging."] {
            for token in ["0a", "railway-verify=0a", "railway-verify=railway-verify=0a"] {
                assert_eq!(of("staging.acme.example", "acme.example", host, token), whole);
            }
        }
        let (host, _, is_at_the_top) = of("acme.example", "acme.example", "_railway-verify", "0a");
        assert_eq!((host.as_str(), is_at_the_top), ("_railway-verify.acme.example", true));
    }

    #[test]
    fn what_railway_does_not_say_is_not_good() {
        for status in [json!(null), json!({}), json!({"verified": "yes"}), json!({"verified": true})] {
            let status = DomainStatus::of(&json!({ "domain": "a.test", "status": status }));
            assert!(!status.is_good() && status.certificate == Certificate::Unknown);
        }
    }
}
