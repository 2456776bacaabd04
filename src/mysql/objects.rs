//! What a database has beside tables: routines, views, triggers and events. They are read before the rows move, and made when the
//! new tables have taken their places, since no server takes them along; until then the copy's note has them.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::definer;
use super::schema_text;
use super::session::connect::Session;
use super::session::fault::Fault;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::report::{SchemaText, Skipped};
use crate::copying::schema_texts::SchemaTexts;

/// What an object is, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ObjectKind {
    Function,
    Procedure,
    View,
    Trigger,
    Event,
}

impl ObjectKind {
    const ALL: [Self; 5] = [Self::Function, Self::Procedure, Self::View, Self::Trigger, Self::Event];

    /// The server's word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Event => "EVENT",
        }
    }

    /// The names of all of them in a database, given as a literal.
    fn list(self, database: &str) -> String {
        match self {
            Self::Function | Self::Procedure => format!(
                "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database} AND ROUTINE_TYPE = '{}' ORDER BY 1",
                self.word()
            ),
            Self::View => {
                format!("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {database} ORDER BY 1")
            }
            Self::Trigger => format!(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {database} ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
            ),
            Self::Event => {
                format!("SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {database} ORDER BY 1")
            }
        }
    }

    /// Where in an answer to SHOW CREATE stand the mode, the time zone and the statement; the character set and the collation follow.
    fn places(self) -> (Option<usize>, Option<usize>, usize) {
        match self {
            Self::View => (None, None, 1),
            Self::Event => (Some(1), Some(2), 3),
            Self::Function | Self::Procedure | Self::Trigger => (Some(1), None, 2),
        }
    }
}

/// One object.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Object {
    kind: ObjectKind,
    name: String,
    mode: String,
    time_zone: Option<String>,
    charset: String,
    collation: String,
    statement: String,
}

impl Object {
    fn label(&self) -> String {
        format!("{} {}", self.kind.word().to_lowercase(), self.name)
    }
}

/// All that are to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Objects(Vec<Object>);

impl Objects {
    /// Reads them, and says of those that cannot come, or not as they are, why.
    pub(super) async fn read(source: &mut SourceSession) -> Result<(Self, Vec<Skipped>)> {
        let (mut all, mut told) = (Vec::new(), unseen(source).await?);
        let database = source.database().to_owned();
        for kind in ObjectKind::ALL {
            let rows = source.rows(&kind.list(&sql::literal(&database))).await.context("list what is no table")?;
            for name in rows.iter().map(|row| row.text(0)) {
                match read_one(source, kind, &name).await? {
                    Ok((object, definer)) => {
                        told.push(changed(&object, &definer));
                        all.push(object);
                    }
                    Err(reason) => told.push(Skipped::new(format!("{} {name}", kind.word().to_lowercase()), reason)),
                }
            }
        }
        let packages = format!(
            "SELECT ROUTINE_NAME, LOWER(ROUTINE_TYPE) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {} AND ROUTINE_TYPE NOT IN ('FUNCTION', 'PROCEDURE')",
            sql::literal(&database)
        );
        for row in source.rows(&packages).await.context("list what is no table")? {
            told.push(Skipped::new(
                format!("{} {}", row.text(1), row.text(0)),
                "packages are not copied: make it by hand",
            ));
        }
        Ok((Self(all), told))
    }

    /// Rewrites the texts in them, if that is asked for; what is told of them.
    pub(super) fn settle(&mut self, texts: &SchemaTexts<'_>) -> Vec<SchemaText> {
        let settle = |object: &mut Object| schema_text::settle_object(texts, object.label(), &mut object.statement);
        self.0.iter_mut().filter_map(settle).collect()
    }

    /// Whether each is what it is called: what stands in a copy somebody else may have written.
    pub(super) fn are_objects(&self) -> bool {
        self.0.iter().all(|object| definer::makes(&object.statement, object.kind.word()))
    }

    /// Makes all of them in the place of whatever is there, in a session that is used for nothing else; those that could not be
    /// made, and why. A second time is harmless.
    pub(super) async fn make(&self, session: &mut Session, database: &str) -> Result<Vec<Skipped>> {
        drop_all(session, database).await?;
        session.run(&format!("USE {}", sql::ident(database))).await.context("make what is no table")?;
        let (mut left, mut told): (Vec<_>, Vec<_>) = (self.0.iter().collect(), Vec::new());
        // A view may read another, which then must be there.
        loop {
            let (before, mut again) = (left.len(), Vec::new());
            told.clear();
            for object in left {
                if let Err(fault) = make_one(session, object).await {
                    // Without a number the line is lost, and not the object wrong.
                    if fault.number.is_none() {
                        return Err(anyhow::Error::from(fault).context(format!("make {}", object.label())));
                    }
                    told.push(Skipped::new(object.label(), format!("the target does not take it: {fault}")));
                    again.push(object);
                }
            }
            if again.is_empty() || again.len() == before {
                return Ok(told);
            }
            left = again;
        }
    }
}

/// Kinds that this login may not see all of: what is not seen cannot be told by name.
async fn unseen(source: &mut SourceSession) -> Result<Vec<Skipped>> {
    const SEEN_BY: [(&str, &str); 3] = [("TRIGGER", "triggers"), ("EVENT", "events"), ("SHOW VIEW", "views")];
    let sql = "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
               UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA";
    let rows = source.rows(sql).await.context("ask what this login may see")?;
    let has = |right: &str| rows.iter().any(|row| row.text(0) == right);
    let unseen = SEEN_BY.iter().filter(|(right, _)| !has(right));
    let told = unseen.map(|(right, what)| {
        let reason = format!("the login may not see them: GRANT {right} on the database, or log in as its owner");
        Skipped::new(format!("{what} that there may be"), reason)
    });
    Ok(told.collect())
}

/// An object and whose rights it had, or why it does not come.
async fn read_one(
    source: &mut SourceSession,
    kind: ObjectKind,
    name: &str,
) -> Result<Result<(Object, String), String>> {
    let show = format!("SHOW CREATE {} {}", kind.word(), sql::qualified(source.database(), name));
    let rows = match source.rows(&show).await {
        Ok(rows) => rows,
        Err(fault) if fault.number.is_some() => return Ok(Err(format!("it cannot be read: {fault}"))),
        Err(fault) => return Err(anyhow::Error::from(fault).context("read what is no table")),
    };
    let (mode, time_zone, statement) = kind.places();
    let shown = rows.first().and_then(|row| Some((row, row.maybe(statement)?)));
    let Some((row, shown)) = shown else { return Ok(Err("the login may not read it".to_owned())) };
    let Some((mut text, definer)) = definer::of_whoever_makes_it(&shown, kind.word()) else {
        return Ok(Err("it is not told what it is, and whose rights it has".to_owned()));
    };
    if kind == ObjectKind::Event {
        let Some(disabled) = definer::disabled(&text) else {
            return Ok(Err("it is not told whether it is on".to_owned()));
        };
        text = disabled;
    }
    let object = Object {
        kind,
        name: name.to_owned(),
        mode: mode.map(|at| row.text(at)).unwrap_or_default(),
        time_zone: time_zone.map(|at| row.text(at)),
        charset: row.text(statement + 1),
        collation: row.text(statement + 2),
        statement: text,
    };
    Ok(Ok((object, definer)))
}

/// What of an object is not as on the source.
fn changed(object: &Object, definer: &str) -> Skipped {
    if object.kind == ObjectKind::Event {
        return Skipped::new(object.label(), "it is there, and switched off: in a copy nothing shall happen by itself");
    }
    let reason = format!("it is there, with the rights of the copy's own login in the place of {definer}'s");
    Skipped::new(format!("definer of {}", object.label()), reason)
}

async fn make_one(session: &mut Session, object: &Object) -> Result<(), Fault> {
    session.run(&format!("SET SESSION sql_mode = {}", sql::literal(&object.mode))).await?;
    if let Some(time_zone) = &object.time_zone {
        session.run(&format!("SET SESSION time_zone = {}", sql::literal(time_zone))).await?;
    }
    // The statement is sent in UTF-8: what another character set would read in it must be the same.
    let is_same = object.charset.starts_with("utf8") || object.statement.is_ascii();
    if is_same && !object.charset.is_empty() {
        let (charset, collation) = (sql::literal(&object.charset), sql::literal(&object.collation));
        session
            .run(&format!("SET SESSION character_set_client = {charset}, collation_connection = {collation}"))
            .await?;
    } else {
        session.run("SET NAMES utf8mb4").await?;
    }
    let made = session.run(&object.statement).await;
    session.run("SET NAMES utf8mb4").await?;
    session.run("SET SESSION sql_mode = '', time_zone = '+00:00'").await?;
    made.map(drop)
}

/// Drops all that a database has beside tables.
async fn drop_all(session: &mut Session, database: &str) -> Result<()> {
    for kind in ObjectKind::ALL {
        let rows =
            session.rows(&kind.list(&sql::literal(database))).await.context("list what else the database has")?;
        for name in rows.iter().map(|row| row.text(0)) {
            let drop = format!("DROP {} IF EXISTS {}", kind.word(), sql::qualified(database, &name));
            session.run(&drop).await.context("drop what else the database has")?;
        }
    }
    Ok(())
}
