//! An event in words: a first line, and what stands below it. Names and texts of others are data in it: one line each, with nothing that anything obeys.

use crate::error::counted;
use crate::inert::one_line;
use crate::notifying::event::{Data, Event, Kind};
use crate::running::account::CopyAccount;

/// How many of a list are told in words.
const MOST: usize = 20;

/// What it is about, on one line.
pub(super) fn subject(event: &Event) -> String {
    let Data { flow, copy, account, warned, .. } = &event.data;
    let copies = account.iter().flat_map(|account| &account.copies);
    let name = copy.environment_name.as_deref().or(copies.clone().map(|copy| copy.name.as_str()).next());
    let about = name.map_or_else(|| flow.clone(), |name| format!("{name} ({flow})"));
    let told = match event.kind {
        Kind::NeedsPerson => format!("A person is needed: {about}"),
        Kind::Failed if event.data.state == "KILLED" => format!("Killed: {about}"),
        Kind::Failed => format!("Failed: {about}"),
        Kind::EndsSoon => format!("{} soon", counted(warned.len(), "copy ends", "copies end")),
        Kind::Account => match copies.clone().next() {
            Some(copy) if copies.count() == 1 => format!("{} {} ({flow})", copy.name, copy.deed.told()),
            Some(_) => format!("{} accounted for ({flow})", counted(account_len(&event.data), "copy", "copies")),
            None => format!("Done: {about}"),
        },
    };
    one_line(&told)
}

fn account_len(data: &Data) -> usize {
    data.account.as_ref().map_or(0, |account| account.copies.len())
}

/// All else, line by line.
pub(super) fn lines(event: &Event) -> Vec<String> {
    let data = &event.data;
    let mut lines = Vec::new();
    let mut say = |what: &str, value: &str| lines.push(format!("{what}: {}", one_line(value)));
    data.copy.url.iter().for_each(|url| say("URL", url));
    data.error.iter().for_each(|error| say("Error", &on_one_line(error)));
    data.rollback_error.iter().for_each(|error| say("Rollback", &on_one_line(error)));
    if event.kind == Kind::NeedsPerson && data.error.is_none() && data.rollback_error.is_none() {
        say("Error", "whether anything is left is unknown: it did not say");
    }
    data.hint.iter().for_each(|hint| say("What to do", hint));
    for warned in data.warned.iter().take(MOST) {
        let by = warned.owner.as_ref().map_or(String::new(), |owner| format!(", for {owner}"));
        say("Ends", &format!("{} at {}{by}", warned.name, warned.expires_at));
    }
    for copy in data.account.iter().flat_map(|account| &account.copies).take(MOST) {
        say("Copy", &told(copy));
    }
    if let Some(copied) = &data.copied {
        let what = counted(copied.databases, "database", "databases");
        let rows = counted(copied.rows, "row", "rows");
        say("Copied", &format!("{what}, {rows}, {:.1} MB", copied.bytes as f64 / 1e6));
        let values = counted(copied.masked_values, "value", "values");
        let dropped = counted(copied.dropped_rows, "row", "rows");
        say("Masked", &format!("{}: {values} changed, {dropped} left behind", copied.masked.told()));
    }
    let steps: Vec<_> = data.steps.iter().map(|step| format!("{} {:.1} s", step.step, step.seconds)).collect();
    if !steps.is_empty() {
        say("Steps", &steps.join(", "));
    }
    data.copy.project_id.iter().for_each(|id| say("Project", id));
    say("Execution", &format!("{} of {}, {}", data.execution, data.flow, data.state));
    lines
}

fn on_one_line(error: &str) -> String {
    error.split('\n').map(str::trim).collect::<Vec<_>>().join(" / ")
}

fn told(copy: &CopyAccount) -> String {
    let until = copy.expires_at.as_ref().map_or(String::new(), |end| format!(", until {end}"));
    let by = copy.owner.as_ref().map_or(String::new(), |owner| format!(", by {owner}"));
    let cost = copy.cost_usd.map_or(String::new(), |cost| format!(", ${cost:.2} so far"));
    format!("{} ({}) {}{until}{by}{cost}", copy.name, copy.environment_id, copy.deed.told())
}

/// The whole as a text.
pub(super) fn text(event: &Event) -> String {
    lines(event).join("\n")
}
