//! The settings that the site's sessions run with on the source: those of its login, of the database, of everybody and of
//! the server, in PostgreSQL's own order.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::carried_settings::{self, names_in};
use crate::copying::report::Skipped;
use crate::postgres::dump::spelling::Spelling;
use crate::postgres::session::connect::Session;
use crate::postgres::session::settings;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// What the site's sessions are set to. Values may be secrets, and are in no text that is printed.
pub(crate) struct SiteSettings {
    /// In the order in which they were found: what is set first may decide how the next is read.
    settings: Vec<SiteSetting>,
    others: Vec<RoleSetting>,
    /// Names of settings that the server may have, and that those of the login which reads hide.
    hidden: Vec<String>,
    /// The search path with the login's own schema spelled out, where it has one; `$user` is somebody else on the target.
    pub(super) search_path: Option<String>,
    pub(super) login: String,
}

pub(super) struct SiteSetting {
    /// As it is spelled where it is set.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) place: Place,
}

impl SiteSetting {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Where a setting comes from, the one that gives way first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Server,
    Everybody,
    Database,
    Login,
    LoginInDatabase,
    /// The URL by which the source is reached.
    Url,
}

/// A setting of a role that is not the site's login.
pub(super) struct RoleSetting {
    pub(super) role: String,
    pub(super) in_database: bool,
    pub(super) name: String,
    pub(super) value: String,
}

/// Settings of extensions that decide what is computed and that a server's file may set; no list has them until the
/// extension is at work.
const OF_EXTENSIONS: &[&str] = &[
    "pg_trgm.similarity_threshold",
    "pg_trgm.word_similarity_threshold",
    "pg_trgm.strict_word_similarity_threshold",
    "plpgsql.variable_conflict",
];

impl SiteSettings {
    pub(crate) async fn read(source: &SourceSession) -> Result<Self> {
        let login = login(source).await.context("read whose settings the site's are")?;
        let rows = source.rows(OF_ROLES, &[]).await.context("read the settings of databases and roles")?;
        let (mut settings, mut others, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (role, in_database): (Option<String>, bool) = (row.get(0), row.get(1));
            let (name, value): (String, String) = (row.get(2), row.get(3));
            if role.as_deref() == Some(source.user()) {
                own.push(name.to_lowercase());
            }
            let place = match (&role, in_database) {
                (None, false) => Place::Everybody,
                (None, true) => Place::Database,
                (Some(role), false) if *role == login => Place::Login,
                (Some(role), true) if *role == login => Place::LoginInDatabase,
                (Some(role), _) => {
                    others.push(RoleSetting { role: role.clone(), in_database, name, value });
                    continue;
                }
            };
            add(&mut settings, name, value, place);
        }
        let in_url = source.settings_in_url();
        own.extend(in_url.iter().map(|(name, _)| name.to_lowercase()));
        if login == source.user() {
            for (name, value) in in_url {
                add(&mut settings, name, value, Place::Url);
            }
        }
        let mut site = Self { settings, others, hidden: Vec::new(), search_path: None, login };
        site.add_servers(source, &own).await.context("read the server's settings")?;
        site.ask(source, OF_EXTENSIONS.iter().map(|name| (*name).to_owned()).collect()).await?;
        site.search_path = site.spelled_out(source).await?;
        Ok(site)
    }

    /// Adds what the server's own configuration says. What our login (`own`) has set for itself hides that.
    async fn add_servers(&mut self, source: &SourceSession, own: &[String]) -> Result<()> {
        let names = settings::governing();
        for row in source.rows(OF_SERVER, &[(&names, Type::TEXT_ARRAY)]).await? {
            let (name, value, default): (String, Option<String>, Option<String>) = (row.get(0), row.get(1), row.get(2));
            // Our sessions begin with none.
            let is_hidden = name == "search_path" || own.contains(&name.to_lowercase());
            let value = if is_hidden { default } else { value };
            if own.contains(&name.to_lowercase()) && self.value(&name).is_none() {
                self.hidden.push(name.clone());
            }
            add(&mut self.settings, name, value.unwrap_or_default(), Place::Server);
        }
        if source.is_superuser() {
            for row in source.rows(OF_FILES, &[]).await? {
                let (name, value): (String, Option<String>) = (row.get(0), row.get(1));
                self.settings.retain(|known| known.place > Place::Server || !known.is(&name));
                add(&mut self.settings, name, value.unwrap_or_default(), Place::Server);
            }
        }
        Ok(())
    }

    /// Looks at settings of applications that something asks for by name, since the server lists none of them.
    pub(crate) async fn ask(&mut self, source: &SourceSession, names: Vec<String>) -> Result<()> {
        let names: Vec<_> = names.into_iter().filter(|name| self.value(name).is_none()).collect();
        let rows =
            source.rows(ASKED, &[(&names, Type::TEXT_ARRAY)]).await.context("read settings of the application")?;
        for row in rows {
            if let Some(value) = row.get::<_, Option<String>>(1) {
                add(&mut self.settings, row.get(0), value, Place::Server);
            }
        }
        Ok(())
    }

    async fn spelled_out(&self, source: &SourceSession) -> Result<Option<String>> {
        let path = self.value("search_path").map(names_in).unwrap_or_default();
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::pg_catalog.name)";
        if !path.iter().any(|name| name == "$user")
            || !source.row(sql, &[(&self.login, Type::TEXT)]).await?.get::<_, bool>(0)
        {
            return Ok(None);
        }
        let spelled = |name: &String| sql::ident(if name == "$user" { &self.login } else { name });
        Ok(Some(path.iter().map(spelled).collect::<Vec<_>>().join(", ")))
    }

    /// The settings under which the target is to compute, those first that others are read by.
    pub(crate) fn deciding(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.all();
        all.retain(|setting| settings::decides(&setting.name));
        let mut all: Vec<_> = all.into_iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect();
        all.sort_by_key(|(name, _)| name != "search_path");
        if let (Some(spelled), Some(path)) = (&self.search_path, all.first_mut()) {
            path.1.clone_from(spelled);
        }
        all
    }

    /// The search path of the site's sessions.
    pub(crate) fn path(&self) -> String {
        self.search_path.as_deref().or_else(|| self.value("search_path")).unwrap_or_default().to_owned()
    }

    /// How the source spells money and strings, as far as the target can read it.
    pub(crate) async fn spelling(&self, database_encoding: &str, target: &Session) -> Result<Spelling> {
        let plain_backslashes = self.value("standard_conforming_strings") != Some("off");
        Spelling::agree(self.value("lc_monetary").unwrap_or("C"), plain_backslashes, database_encoding, target).await
    }

    fn value(&self, name: &str) -> Option<&str> {
        Some(self.settings.iter().find(|setting| setting.is(name))?.value.as_str())
    }

    /// In the order in which a session gets them.
    pub(super) fn all(&self) -> Vec<&SiteSetting> {
        let mut all: Vec<_> = self.settings.iter().collect();
        all.sort_by_key(|setting| setting.place);
        all
    }

    pub(super) fn others(&self) -> &[RoleSetting] {
        &self.others
    }

    /// What of the settings no copy carries, as far as the source tells.
    pub(crate) fn not_carried(&self) -> Vec<Skipped> {
        let of_login = self.all().into_iter().filter_map(|setting| {
            let reason = carried_settings::never(&setting.name)?;
            Some(Skipped::new(format!("setting {} of the site's sessions", setting.name), reason))
        });
        let read_otherwise = settings::READ_AS.iter().filter_map(|(name, value)| {
            let object = format!("setting {name} while the copy was made");
            let reason = format!("its rows and schema were read with `{value}`; computed values may depend on it");
            self.value(name).filter(|own| own != value).map(|_| Skipped::new(object, reason))
        });
        let of_others = self.others.iter().filter(|other| !other.in_database).map(|other| {
            let object = format!("setting {} of role {}", other.name, other.role);
            Skipped::new(object, "roles belong to a server, not to a database")
        });
        let hidden = self.hidden.iter().map(|name| {
            let reason = "the login that reads has one of its own, which hides it, so PostgreSQL's default was taken: take it from that login";
            Skipped::new(format!("setting {name} of the source's server"), reason)
        });
        of_login.chain(read_otherwise).chain(of_others).chain(hidden).collect()
    }
}

fn add(settings: &mut Vec<SiteSetting>, name: String, value: String, place: Place) {
    if !settings.iter().any(|there| there.is(&name) && there.place >= place) {
        settings.retain(|there| !there.is(&name));
        settings.push(SiteSetting { name, value, place });
    }
}

/// The login that the site writes with: the one whose it is said to be, or ours if it may write; else the database's owner.
async fn login(source: &SourceSession) -> Result<String> {
    let written_by = source.written_by();
    let row = source.row(WRITES, &[(&written_by, Type::TEXT)]).await?;
    if let Some(login) = written_by.filter(|_| row.get(2)) {
        return Ok(login.to_owned());
    }
    Ok(if row.get(0) { source.user().to_owned() } else { row.get(1) })
}

const WRITES: &str = "
    SELECT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user AND r.rolsuper)
           OR d.datdba = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user)
           OR EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                       WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
                         AND pg_catalog.has_table_privilege(session_user, c.oid, 'INSERT')),
           pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text,
           EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname::pg_catalog.text = $1)
      FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()";

/// A setting that the server knows may be hidden from our login, and then asking for it would be an error.
const ASKED: &str = "
    SELECT asked.name, CASE WHEN known.name IS NULL THEN pg_catalog.current_setting(asked.name, true)
                            WHEN known.source <> 'default' THEN known.setting END
      FROM pg_catalog.unnest($1) AS asked(name) LEFT JOIN pg_catalog.pg_settings AS known ON known.name = asked.name";

const OF_ROLES: &str = "
    SELECT r.rolname::text, s.setdatabase <> 0, pg_catalog.split_part(c.pair, '=', 1),
           pg_catalog.substr(c.pair, pg_catalog.strpos(c.pair, '=') + 1)
      FROM pg_catalog.pg_db_role_setting AS s
      LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole,
           LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(pair, ordinal)
     WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
       AND (s.setrole = 0 OR r.rolname IS NOT NULL)
     ORDER BY 1, 2, c.ordinal";

/// What a session is reset to is what it would have had without settings of its own.
const OF_SERVER: &str = "
    SELECT name, reset_val, boot_val FROM pg_catalog.pg_settings WHERE name = ANY ($1)";

/// An application's settings stand in no other list, and our sessions hide the server's search path.
const OF_FILES: &str = "
    SELECT f.name, f.setting FROM pg_catalog.pg_file_settings AS f
     WHERE f.applied AND (f.name = 'search_path' OR pg_catalog.strpos(f.name, '.') > 0
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_settings AS s WHERE s.name = f.name))";
