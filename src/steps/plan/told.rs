//! A plan for people: a line for each thing, with a sign for what becomes of it.

use super::cost::CostPlan;
use super::data::DatabasePlan;
use super::seconds::From;
use super::services::{BucketPlan, ServicePlan, VolumePlan};
use super::variables::{Change, VariablePlan};
use super::{Mark, Plan};
use crate::environment::standing::Health;
use crate::error::counted;

/// So many lines has a list at most.
const MOST_LINES: usize = 200;

/// The plan in lines.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let Plan { project, source, environment_name, .. } = plan;
    let mut lines = vec![format!("a clone would copy `{source}` of project `{project}` to `{environment_name}`:")];
    let mut list = |head: &str, all: Vec<(Mark, String)>| {
        if all.is_empty() {
            return;
        }
        lines.push(head.to_owned());
        let more = all.len().saturating_sub(MOST_LINES);
        lines.extend(all.into_iter().take(MOST_LINES).map(|(mark, line)| format!("  {} {line}", mark.sign())));
        lines.extend((more > 0).then(|| format!("  and {more} more")));
    };
    list("services", plan.services.iter().map(|s| (s.mark(), service(s))).collect());
    list("variables", variables(&plan.variables));
    list("volumes", plan.volumes.iter().map(volume).collect());
    list("buckets", plan.buckets.iter().map(bucket).collect());
    let domains = plan.domains.iter().map(|domain| {
        let mark = if domain.after.is_some() { Mark::Changes } else { Mark::Stays };
        let after: Vec<_> = domain.custom.iter().chain(&domain.after).map(String::as_str).collect();
        let [before, after] = [domain.before.join(", "), after.join(", ")].map(|hosts| or(hosts, "none"));
        (mark, format!("{}: {before} → {after}", domain.service))
    });
    list("domains", domains.collect());
    list("data", plan.databases.iter().flat_map(database).collect());
    let from = match plan.seconds.from {
        From::EarlierCopies => "as the last copy of it did",
        From::Sizes => "by the sizes of its tables",
    };
    lines.push(format!("the data takes about {:.0} s, {from}", plan.seconds.expected.ceil()));
    lines.push(cost(&plan.cost));
    lines.push("`+` comes, `~` changes, `-` stays behind, `=` is the same, `⚷` gets a secret of its own".to_owned());
    if let Some(hash) = &plan.plan_hash {
        lines.push(format!("plan_hash {hash}"));
    }
    lines
}

fn cost(cost: &CostPlan) -> String {
    let Some(usd) = cost.usd_per_day else {
        return "what the copy costs is unknown: Railway tells nothing of the source's use".to_owned();
    };
    let unknown = cost.services.iter().filter(|cost| cost.usd_per_day.is_none());
    let unknown: Vec<_> = unknown.map(|cost| format!("`{}`", cost.service)).collect();
    let without =
        if unknown.is_empty() { String::new() } else { format!("; Railway tells nothing of {}", unknown.join(", ")) };
    let prices = &cost.prices_as_of;
    format!("the copy costs about ${usd:.2} a day, by the source's last seven days and prices of {prices}{without}")
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

fn because(because: Option<&String>) -> String {
    because.map(|because| format!(", {because}")).unwrap_or_default()
}

fn service(service: &ServicePlan) -> String {
    let ServicePlan { service: name, commit, image, other_code, cron_schedule, auto_deploy_off, health, .. } = service;
    let mut line = name.clone();
    if let Some(other) = other_code {
        line.push_str(&format!(" at {}, not production's", other.told()));
    } else if let Some(at) = commit.as_ref().or(image.as_ref()) {
        line.push_str(&format!(" at {at}"));
    }
    line.push_str(&because(service.because.as_ref()));
    if let Some(schedule) = cron_schedule {
        line.push_str(&format!(", schedule `{schedule}` off"));
    }
    if *auto_deploy_off {
        line.push_str(", deployed by no push");
    }
    line.push_str(match health {
        Health::Up => "",
        Health::Starting => "; the source's does not run yet",
        Health::Down => "; the source's is down",
        Health::NeverDeployed => "; the source's was never deployed",
    });
    if service.deployment_under_way {
        line.push_str("; a deployment of the source's is under way");
    }
    line
}

fn variables(all: &[VariablePlan]) -> Vec<(Mark, String)> {
    let is_plain = |v: &&VariablePlan| v.change == Change::Same && !v.looks_live && !v.live_allowed;
    let told = all.iter().filter(|variable| !is_plain(variable));
    let mut lines: Vec<_> = told
        .map(|variable| {
            let VariablePlan { service, name, change, because: why, looks_live, live_allowed } = variable;
            let live = match (looks_live, live_allowed) {
                (true, _) => ", LOOKS LIVE",
                (false, true) => ", acts LIVE, as `allow_live` says",
                (false, false) => "",
            };
            (change.mark(), format!("{service}.{name}{}{live}", because(why.as_ref())))
        })
        .collect();
    let same = all.iter().filter(is_plain).count();
    if same > 0 {
        lines.push((Mark::Same, format!("{same} as in the source")));
    }
    lines
}

fn volume(volume: &VolumePlan) -> (Mark, String) {
    let path = volume.mount_path.as_deref().unwrap_or("a volume");
    let size = volume.size_bytes.map(|bytes| format!(" ({:.1} MB)", bytes as f64 / 1e6)).unwrap_or_default();
    match volume.filled {
        true => (Mark::Comes, format!("{} {path}, filled with the source's data{size}", volume.service)),
        false => (Mark::Stays, format!("{} {path}, empty: Railway copies no volume{size}", volume.service)),
    }
}

fn bucket(bucket: &BucketPlan) -> (Mark, String) {
    let region = bucket.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
    (Mark::Stays, format!("{}{region}, empty: Railway copies no objects", bucket.bucket))
}

fn database(database: &DatabasePlan) -> Vec<(Mark, String)> {
    let DatabasePlan { service, bytes, rows, tables, suspects, queues, .. } = database;
    let columns: usize = tables.iter().filter(|t| t.excluded_by.is_none()).map(|table| table.masked.len()).sum();
    let rows = rows.map_or_else(
        || "an unknown number of rows".to_owned(),
        |rows| format!("about {}", counted(rows, "row", "rows")),
    );
    let masked = match database.masked {
        true => format!("{} masked", counted(columns, "column", "columns")),
        false => "people come along".to_owned(),
    };
    let urls = if database.rewritten { ", URLs rewritten" } else { "" };
    let mut lines = vec![(
        Mark::Comes,
        format!(
            "{service}: {}, {rows}, {:.1} MB; {masked}{urls}",
            counted(tables.len(), "table", "tables"),
            *bytes as f64 / 1e6
        ),
    )];
    let left =
        tables.iter().filter_map(|t| Some((Mark::Stays, format!("{}: rows {}", t.table, t.excluded_by.as_ref()?))));
    lines.extend(left);
    lines.extend(queues.iter().map(|queue| (Mark::Changes, format!("would act, and is {queue}"))));
    lines.extend(
        suspects.iter().map(|suspect| (Mark::Same, format!("looks personal, and no rule speaks of it: {suspect}"))),
    );
    lines
}
