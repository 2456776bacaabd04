//! Queues that no list has: told by words in the table's name, and by columns that work on its rows is written down in.

use super::words::words_of;
use super::{Finding, plain};
use crate::data::tables::Table;

/// A table called after one of these is a queue as soon as its columns do not contradict it.
const QUEUES: &[&str] = &[
    "queue",
    "queued",
    "enqueued",
    "outbox",
    "outgoing",
    "spool",
    "spooler",
    "scheduled",
    "delayed",
    "deferred",
    "warteschlange",
    "postausgang",
    "geplant",
    "geplante",
    "cola",
    "fila",
    "programado",
    "programada",
    "planifie",
];

/// A table called after one of these may be one.
const WORK: &[&str] = &[
    "job",
    "task",
    "work",
    "workitem",
    "message",
    "mail",
    "email",
    "sms",
    "push",
    "notification",
    "event",
    "webhook",
    "hook",
    "callback",
    "delivery",
    "reminder",
    "followup",
    "campaign",
    "broadcast",
    "newsletter",
    "dispatch",
    "schedule",
    "trigger",
    "timer",
    "cron",
    "command",
    "action",
    "transfer",
    "payout",
    "charge",
    "invocation",
];

/// What is about to be done to a row, and when: one of the first, with one of [`AT`] behind it.
const TO_BE_DONE: &[&str] = &[
    "scheduled",
    "schedule",
    "send",
    "tosend",
    "run",
    "nextrun",
    "next",
    "nextattempt",
    "nexttry",
    "nextretry",
    "nextfire",
    "nextexecution",
    "retry",
    "deliver",
    "execute",
    "execution",
    "process",
    "available",
    "visible",
    "dispatch",
    "trigger",
    "fire",
    "start",
    "notify",
    "remind",
    "publish",
    "post",
    "perform",
    "invoke",
    "enqueue",
    "release",
];

/// What was done to a row, and when: one of these, alone or with one of [`AT`] behind it.
const DONE: &[&str] = &[
    "sent",
    "delivered",
    "processed",
    "dispatched",
    "executed",
    "completed",
    "finished",
    "handled",
    "consumed",
    "fired",
    "performed",
    "triggered",
    "acked",
    "acknowledged",
    "enviado",
    "envoye",
    "gesendet",
    "versendet",
];

const AT: &[&str] =
    &["at", "on", "for", "after", "time", "date", "from", "until", "utc", "ts", "timestamp", "datetime"];

/// How far the work on a row is.
const STATE: &[&str] = &["state", "status", "statename", "statuscode", "estado", "statut", "zustand"];

/// Who has taken a row to work on it.
const LOCK: &[&str] = &[
    "locked",
    "lockedat",
    "lockedby",
    "locktoken",
    "lockuntil",
    "lockeduntil",
    "lockid",
    "lockowner",
    "lockexpiresat",
    "reservedat",
    "reservedby",
    "claimedat",
    "claimedby",
    "picked",
    "pickedat",
    "pickedby",
    "leasedby",
    "leaseuntil",
    "leaseexpiresat",
    "heartbeatat",
    "lastheartbeat",
    "workerid",
    "acquiredby",
    "acquiredat",
];

/// How often it was tried.
const TRIES: &[&str] = &[
    "attempts",
    "attempt",
    "attemptcount",
    "attemptnumber",
    "maxattempts",
    "retries",
    "retrycount",
    "maxretries",
    "tries",
    "trycount",
    "failures",
    "failurecount",
    "lasterror",
    "errorcount",
    "deliverycount",
    "readct",
];

/// What is to be done.
const WHAT: &[&str] = &[
    "payload",
    "args",
    "arguments",
    "kwargs",
    "params",
    "parameters",
    "body",
    "data",
    "content",
    "contents",
    "message",
    "event",
    "eventtype",
    "jobdata",
    "jobargs",
    "handler",
    "headers",
    "taskname",
    "jobclass",
    "jobname",
    "jobtype",
    "tasktype",
    "topic",
    "routingkey",
    "recipient",
    "recipients",
    "to",
    "toaddress",
    "toemail",
    "subject",
    "template",
    "command",
    "request",
];

/// What the columns of a table tell.
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of column that is there or not")]
struct Columns {
    to_be_done: bool,
    done: bool,
    /// Done in an outbox; elsewhere only visible.
    published: bool,
    state: bool,
    lock: bool,
    tries: bool,
    what: bool,
}

impl Columns {
    fn of(table: &Table) -> Self {
        let names: Vec<String> = table.columns.iter().map(|column| plain(&column.name)).collect();
        let any = |is_it: &dyn Fn(&str) -> bool| names.iter().any(|name| is_it(name));
        let is_when = |name: &str, stems: &[&str]| {
            stems.iter().any(|stem| name.strip_prefix(stem).is_some_and(|at| AT.contains(&at)))
        };
        let is_done = |name: &str, stems: &[&str]| {
            is_when(name, stems) || stems.contains(&name.strip_prefix("is").unwrap_or(name))
        };
        let listed = |list: &'static [&str]| any(&|name| list.contains(&name));
        Self {
            to_be_done: any(&|name| is_when(name, TO_BE_DONE)),
            done: any(&|name| is_done(name, DONE)),
            published: any(&|name| is_done(name, &["published"])),
            state: listed(STATE),
            lock: listed(LOCK),
            tries: listed(TRIES),
            what: listed(WHAT),
        }
    }
}

/// What a table looks like, if that is a queue.
pub(super) fn find(table: &Table) -> Option<Finding> {
    let words = words_of(table);
    let is_called = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let has = Columns::of(table);
    let is_worked_on = has.lock || has.tries;
    let acts = || {
        Some(Finding::Acts(
            "it looks like a queue, by its name and columns, whose rows would act in the copy".to_owned(),
        ))
    };
    let looks = || Some(Finding::Left("it looks like something that acts, by its name and columns".to_owned()));
    if is_called(QUEUES) {
        return match has.to_be_done || has.done || has.published || is_worked_on || has.state && has.what {
            true => acts(),
            false => looks().filter(|_| has.state),
        };
    }
    if is_called(WORK) {
        if has.to_be_done && (has.done || is_worked_on) || is_worked_on && has.what && (has.state || has.done) {
            return acts();
        }
        return looks().filter(|_| has.state && (has.to_be_done || has.done) || is_worked_on && has.what);
    }
    // Whatever it is called: rows that workers take, try, and try again.
    acts().filter(|_| has.lock && has.tries && has.what && (has.to_be_done || has.state))
}
