//! A plan for people: a line for each thing, with a sign for what becomes of it.

use super::data::DatabasePlan;
use super::seconds::From;
use super::services::{Health, ServicePlan, VolumePlan};
use super::variables::{Change, VariablePlan};
use super::{Mark, Plan};
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
    lines.push(match plan.cost.usd_per_day {
        Some(usd) => format!(
            "the copy costs about ${usd:.2} a day, by the source's last seven days and prices of {}",
            plan.cost.prices_as_of
        ),
        None => "what the copy costs is unknown: Railway tells nothing of the source's use".to_owned(),
    });
    if let Some(hash) = &plan.plan_hash {
        lines.push(format!("plan_hash {hash}"));
    }
    lines
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
        Health::UnderWay => "; a deployment of the source's is under way",
        Health::Down => "; the source's is down",
        Health::NeverDeployed => "; the source's was never deployed",
    });
    line
}

fn variables(all: &[VariablePlan]) -> Vec<(Mark, String)> {
    let told = all.iter().filter(|variable| variable.change != Change::Same || variable.looks_live);
    let mut lines: Vec<_> = told
        .map(|variable| {
            let VariablePlan { service, name, change, because: why, looks_live } = variable;
            let live = if *looks_live { ", LOOKS LIVE" } else { "" };
            (change.mark(), format!("{service}.{name}{}{live}", because(why.as_ref())))
        })
        .collect();
    let same = all.iter().filter(|variable| variable.change == Change::Same).count();
    if same > 0 {
        lines.push((Mark::Same, format!("{same} as in the source")));
    }
    lines
}

fn volume(volume: &VolumePlan) -> (Mark, String) {
    let path = volume.mount_path.as_deref().unwrap_or("a volume");
    match volume.filled {
        true => (Mark::Comes, format!("{} {path}, filled with the source's data", volume.service)),
        false => (Mark::Stays, format!("{} {path}, empty: Railway copies no volume", volume.service)),
    }
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
