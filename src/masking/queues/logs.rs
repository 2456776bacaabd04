//! Logs, sessions and tokens that no list has: they tell who was there, or let somebody in, and a copy needs none of them.
//! Only where people are masked are they left behind.

use super::{Finding, plain};
use crate::data::tables::Table;

/// A kind of table: what it is, words of its name, and columns one of which it has.
struct Log {
    what: &'static str,
    words: &'static [&'static str],
    columns: &'static [&'static str],
}

const LOGS: &[Log] = &[
    Log {
        what: "a log of what people did",
        words: &[
            "log",
            "audit",
            "trail",
            "visit",
            "visitor",
            "hit",
            "pageview",
            "click",
            "impression",
            "traffic",
            "404",
            "attempt",
            "accessattempt",
            "accesslog",
            "protokoll",
            "registro",
            "journal",
            "besuche",
        ],
        columns: &[
            "ip",
            "ipaddress",
            "ipaddr",
            "ipaddresses",
            "remoteaddr",
            "remoteip",
            "clientip",
            "userip",
            "useragent",
            "ua",
            "agent",
            "browser",
            "referer",
            "referrer",
            "url",
            "uri",
            "requesturi",
            "requesturl",
            "path",
            "message",
            "level",
            "action",
            "changes",
            "changemessage",
            "objectrepr",
            "userid",
            "userlogin",
            "username",
            "login",
            "email",
            "visitorid",
            "sessionid",
            "fingerprint",
            "device",
            "context",
            "details",
        ],
    },
    Log {
        what: "sessions of people",
        words: &["session", "sitzung", "sesion", "sessione", "sessao"],
        columns: &[
            "sessionkey",
            "sessionid",
            "sid",
            "sessiondata",
            "sessionvalue",
            "sess",
            "payload",
            "expire",
            "expires",
            "expiresat",
            "expiry",
            "expiredate",
            "sessionexpiry",
            "lastactivity",
            "lastactivityat",
            "useragent",
            "ip",
            "ipaddress",
            "token",
            "sessiontoken",
            "refreshtoken",
        ],
    },
    Log {
        what: "what lets somebody in",
        words: &[
            "token",
            "apikey",
            "accessgrant",
            "accesstoken",
            "refreshtoken",
            "reset",
            "passwordreset",
            "verification",
            "onetimepassword",
            "otp",
            "magiclink",
            "invitationtoken",
            "invite",
            "invitation",
            "emailconfirmation",
            "emailverification",
            "pushsubscription",
            "webauthn",
            "webauthncredential",
            "passkey",
            "authenticator",
        ],
        columns: &[
            "token",
            "tokenhash",
            "tokendigest",
            "key",
            "hash",
            "digest",
            "secret",
            "expiresat",
            "expires",
            "revoked",
            "revokedat",
            "accesstoken",
            "refreshtoken",
            "code",
            "abilities",
            "lastusedat",
            "authtoken",
            "keyhash",
            "hashedkey",
            "endpoint",
            "publickey",
            "credentialid",
            "credentialpublickey",
        ],
    },
    Log {
        what: "mails that came in",
        words: &["incomingemail", "inboundemail", "incomingmail", "inboundmail", "receivedemail"],
        columns: &["raw", "messageid", "fromaddress", "from", "body", "subject"],
    },
    Log {
        what: "a cache",
        words: &["cache"],
        columns: &["expire", "expires", "expiresat", "expiration", "expirationdate", "expiry", "ttl"],
    },
    Log {
        what: "what a debugger took down",
        words: &["telescope", "pulse", "silk", "debugbar", "profiler"],
        columns: &["uuid", "entryuuid", "familyhash", "rawbody", "requestid", "keyhash"],
    },
    Log {
        what: "a log of what people did",
        words: &["event", "activity"],
        columns: &[
            "visitid",
            "visitorid",
            "distinctid",
            "anonymousid",
            "ip",
            "ipaddress",
            "remoteaddr",
            "useragent",
            "objectrepr",
        ],
    },
    Log { what: "jobs that failed", words: &["failedjob", "failedmessage"], columns: &["payload", "exception"] },
    Log {
        what: "whom is told of what happens",
        words: &["webhook", "webhookendpoint", "webhooksubscription"],
        columns: &[
            "url",
            "uri",
            "endpoint",
            "targeturl",
            "subscriberurl",
            "deliveryurl",
            "endpointurl",
            "callbackurl",
            "posturl",
        ],
    },
    Log {
        what: "what others were told",
        words: &["eventdelivery", "webhookdelivery", "webhookevent", "webhookrequest", "webhookcall"],
        columns: &["status", "payload", "payloadid", "request", "response", "eventtype", "event"],
    },
];

/// Django writes the words of a model together: `socialtoken`.
const JOINED: &[&str] = &["token", "session", "event", "eventdelivery", "webhook", "accesslog", "accessattempt"];

/// Columns of tables that keep what rows were before: who changed what, with the whole of it.
const VERSIONS: &[&[&str]] = &[
    &["itemtype", "itemid", "event", "whodunnit"],
    &["auditabletype", "auditableid", "auditedchanges"],
    &["auditabletype", "auditableid", "oldvalues"],
    &["subjecttype", "subjectid", "causertype", "causerid", "properties"],
    &["objectrepr", "actionflag", "changemessage"],
    &["objectrepr", "serializeddata", "revisionid"],
    &["historyid", "historydate", "historytype"],
    &["collection", "item", "data", "delta"],
    &["rev", "revtype"],
    &["action", "previousvalue", "newvalue"],
    &["field", "oldvalue", "newvalue"],
];

/// What a table looks like, if that is a log, sessions or tokens.
pub(super) fn find(table: &Table, words: &[String]) -> Option<Finding> {
    let columns: Vec<String> = table.columns.iter().map(|column| plain(&column.name)).collect();
    let has = |name: &&str| columns.iter().any(|column| column == name);
    let is_called = |log: &&Log| {
        // `access_token` counts as one word and as two.
        let pairs = words.windows(2).map(<[String]>::concat);
        let is_one = |word: &str| {
            log.words.contains(&word) || JOINED.iter().any(|end| log.words.contains(end) && word.ends_with(end))
        };
        words.iter().cloned().chain(pairs).any(|word| is_one(&word))
    };
    let log = LOGS.iter().filter(is_called).find(|log| log.columns.iter().any(has));
    let what = log.map(|log| log.what).or_else(|| {
        let is_versions = VERSIONS.iter().any(|columns| columns.iter().all(has));
        is_versions.then_some("a log of what rows were before")
    })?;
    Some(Finding::Acts(format!("it looks like {what}, by its name and columns")))
}
