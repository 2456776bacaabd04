//! The site's settings given to the new database, so that the copy's sessions behave as the source's.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::site_settings::{Place, SiteSettings};
use crate::copying::report::Skipped;
use crate::postgres::session::computing::ComputingSettings;
use crate::postgres::session::connect::Session;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::settings::{self, Purpose};
use crate::postgres::session::sql;

/// Settings that no copy gets, and why.
const NEVER: &[(&[&str], &str)] = &[
    (
        &["session_preload_libraries", "local_preload_libraries", "dynamic_library_path", "extension_control_path"],
        "it names libraries of the source's server",
    ),
    (&["role", "session_authorization"], "it names a role of the source's server"),
    (&["default_tablespace", "temp_tablespaces"], "the target's own tablespace holds everything"),
];

/// Why a copy never gets a setting, if so, however it is spelled.
pub(super) fn never(name: &str) -> Option<&'static str> {
    let is_named = |names: &&[&str]| names.iter().any(|never| never.eq_ignore_ascii_case(name));
    NEVER.iter().find(|(names, _)| is_named(names)).map(|(_, reason)| *reason)
}

/// What the new database is to compute under. What it cannot have is named.
pub(crate) async fn settle(site: &SiteSettings, target: &Endpoint) -> Result<(ComputingSettings, Vec<Skipped>)> {
    let wanted = site.deciding();
    let (own, (settled, refusals)) =
        tokio::try_join!(of_target_alone(&wanted, target), ComputingSettings::settle(target, wanted.clone()))?;
    let named = |(name, fault): &(String, Fault)| {
        Skipped::new(format!("setting {name} while the copy was computed"), refused(fault))
    };
    Ok((settled, refusals.iter().map(named).chain(own).collect()))
}

/// Settings of applications and extensions that the target's sessions have and the source's lack: nothing takes one from a
/// session that has begun with it.
async fn of_target_alone(wanted: &[(String, String)], target: &Endpoint) -> Result<Vec<Skipped>> {
    let session = Session::open(target, Purpose::Fill).await?;
    let rows = session.rows(OF_EVERY_SESSION, &[]).await.context("read the settings of the target's sessions")?;
    session.close().await;
    let names = rows.iter().map(|row| row.get::<_, String>(0));
    let alone = names.filter(|name| !wanted.iter().any(|(wanted, _)| wanted.eq_ignore_ascii_case(name)));
    let named = |name| {
        let reason = "the target's sessions have it and the source's do not: what is computed by it may differ; take it from the target's login, database or server";
        Skipped::new(format!("setting {name} of the target"), reason)
    };
    Ok(alone.map(named).collect())
}

const OF_EVERY_SESSION: &str = "
    SELECT DISTINCT pg_catalog.split_part(c.pair, '=', 1)
      FROM pg_catalog.pg_db_role_setting AS s LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole,
           LATERAL pg_catalog.unnest(s.setconfig) AS c(pair)
     WHERE s.setdatabase = 0 AND (s.setrole = 0 OR r.rolname = session_user) AND pg_catalog.strpos(c.pair, '.') BETWEEN 1 AND pg_catalog.strpos(c.pair, '=')
    UNION
    SELECT p.name FROM pg_catalog.pg_settings AS p WHERE p.category = 'Customized Options' AND p.source NOT IN ('default', 'session', 'client')
     ORDER BY 1";

/// Why a server did not take a setting. Its own words may have the value in them, which may be a secret.
fn refused(fault: &Fault) -> String {
    match fault.sqlstate.as_str() {
        "42704" | "42602" => "the target's server does not know it".to_owned(),
        "42501" => "the login of the target may not set it".to_owned(),
        "22023" => "the target's server does not take its value".to_owned(),
        sqlstate => format!("the target's server did not take it (SQLSTATE {sqlstate})"),
    }
}

/// Gives a database the settings of the site's sessions, and those of roles that the target has, too. What the target
/// cannot have is returned.
pub(super) async fn apply(site: &SiteSettings, session: &Session, database: &str) -> Result<Vec<Skipped>> {
    let there = Target::read(site, session).await.context("look at the target's settings and roles")?;
    let quoted = sql::ident(database);
    let mut wanted = Vec::new();
    for setting in site.all().into_iter().filter(|setting| never(&setting.name).is_none()) {
        let is_other_login = there.login != site.login;
        let spelled = site.search_path.as_ref().filter(|_| is_other_login && setting.name == "search_path");
        let is_there = spelled.is_none() && there.has(&setting.name, &setting.value);
        if setting.place == Place::Url || setting.place == Place::Server && is_there {
            continue;
        }
        let set = format!(
            "SET {} TO {}",
            setting_name(&setting.name),
            setting_value(&setting.name, spelled.unwrap_or(&setting.value))
        );
        let object = format!("setting {} of the site's sessions", setting.name);
        wanted.push((object.clone(), format!("ALTER DATABASE {quoted} {set}")));
        // Otherwise it would hold for others only.
        if there.of_login.iter().any(|own| own.eq_ignore_ascii_case(&setting.name)) {
            wanted.push((object, format!("ALTER ROLE {} IN DATABASE {quoted} {set}", sql::ident(&there.login))));
        }
    }
    let mut skipped = Vec::new();
    for other in site.others().iter().filter(|other| other.in_database && never(&other.name).is_none()) {
        let object = format!("setting {} of role {}", other.name, other.role);
        if !there.roles.contains(&other.role) {
            skipped.push(Skipped::new(object, "the role is not on the target"));
            continue;
        }
        let set = format!("SET {} TO {}", setting_name(&other.name), setting_value(&other.name, &other.value));
        wanted.push((object, format!("ALTER ROLE {} IN DATABASE {quoted} {set}", sql::ident(&other.role))));
    }
    for (object, set) in wanted {
        match session.run(&set).await {
            // A version may not know it any more, and a login may not be allowed to set it.
            Err(fault) if !fault.sqlstate.is_empty() => skipped.push(Skipped::new(object, refused(&fault))),
            done => done.with_context(|| format!("give the new database the source's {object}"))?,
        }
    }
    skipped.dedup();
    Ok(skipped)
}

/// What the target has of itself.
struct Target {
    login: String,
    /// What its server's own configuration says of what governs sessions.
    governing: Vec<(String, Option<String>)>,
    /// Names of the settings that its login has of its own.
    of_login: Vec<String>,
    roles: Vec<String>,
}

impl Target {
    async fn read(site: &SiteSettings, session: &Session) -> Result<Self> {
        let login = session.row("SELECT session_user::text", &[]).await?.get(0);
        let names = settings::governing();
        let governing = session.rows(GOVERNING, &[(&names, Type::TEXT_ARRAY)]).await?;
        let of_login = session.rows(OF_LOGIN, &[]).await?;
        let roles: Vec<&str> = site.others().iter().map(|other| other.role.as_str()).collect();
        let sql = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname::text = ANY ($1)";
        let roles = session.rows(sql, &[(&roles, Type::TEXT_ARRAY)]).await?;
        Ok(Self {
            login,
            governing: governing.iter().map(|row| (row.get(0), row.get(1))).collect(),
            of_login: of_login.iter().map(|row| row.get(0)).collect(),
            roles: roles.iter().map(|row| row.get(0)).collect(),
        })
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.governing.iter().any(|(there, has)| there == name && has.as_deref().unwrap_or_default() == value)
    }
}

/// Our session begins without a search path.
const GOVERNING: &str = "
    SELECT name, CASE name WHEN 'search_path' THEN boot_val ELSE reset_val END FROM pg_catalog.pg_settings WHERE name = ANY ($1)";

const OF_LOGIN: &str = "
    SELECT pg_catalog.split_part(c.pair, '=', 1)
      FROM pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole,
           LATERAL pg_catalog.unnest(s.setconfig) AS c(pair)
     WHERE s.setdatabase = 0 AND r.rolname = session_user";

/// `a.b` of an extension's setting is two names.
fn setting_name(name: &str) -> String {
    name.split('.').map(sql::ident).collect::<Vec<_>>().join(".")
}

/// Settings that the catalog keeps as a list of quoted names; as one literal the list would become a single name.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

fn setting_value(name: &str, value: &str) -> String {
    if !LISTS.contains(&name.to_lowercase().as_str()) {
        return sql::literal(value);
    }
    let names: Vec<_> = names_in(value).iter().map(|name| sql::literal(name)).collect();
    if names.is_empty() { "''".to_owned() } else { names.join(", ") }
}

/// `"a b", c` as `a b` and `c`.
pub(super) fn names_in(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut in_quotes, mut was_quoted) = (String::new(), false, false);
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') => name.extend(chars.next()),
            '"' => (in_quotes, was_quoted) = (!in_quotes, true),
            ',' if !in_quotes => names.push((std::mem::take(&mut name), std::mem::take(&mut was_quoted))),
            c if c.is_whitespace() && !in_quotes => {}
            c => name.push(c),
        }
    }
    names.push((name, was_quoted));
    names.into_iter().filter(|(name, was_quoted)| *was_quoted || !name.is_empty()).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_setting_stays_a_list() {
        assert_eq!(setting_value("search_path", "\"$user\", public, \"a, \"\"b\""), "'$user', 'public', 'a, \"b'");
        assert_eq!(setting_value("search_path", "\"\""), "''");
        assert_eq!(setting_value("work_mem", "4MB"), "'4MB'");
        assert_eq!(setting_name("app.tenant"), "\"app\".\"tenant\"");
    }
}
