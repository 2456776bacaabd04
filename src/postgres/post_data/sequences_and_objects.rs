//! What follows the rows: sequences and large objects.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::copying::transient::Transient;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many sequences are read or set in one round trip.
const SEQUENCES_AT_ONCE: usize = 200;
/// So many large objects are copied in one round trip, as long as they are small.
const OBJECTS_AT_ONCE: usize = 64;
/// A large object goes in pieces of this size.
const PIECE_BYTES: i32 = 256 << 10;

/// Sets every sequence to where the source's is. They are in no snapshot: read after the rows, they may be ahead of
/// them, never behind.
pub(crate) async fn copy_sequences(source: &SourceSession, target: &Session) -> Result<u64> {
    let rows = source.rows(SEQUENCES, &[]).await.context("list the source's sequences")?;
    let all: Vec<Sequence> =
        rows.iter().map(|row| Sequence { name: sql::qualified(row.get(0), row.get(1)), oid: row.get(2) }).collect();
    for some in all.chunks(SEQUENCES_AT_ONCE) {
        let states = states(source, some).await.map_err(|fault| match fault.sqlstate.as_str() {
            // Gone, or something else stands in its place.
            "42P01" | "3F000" | "42809" | "42703" | "22012" | "55000" | "XX000" => {
                Transient(format!("a sequence went away meanwhile: {fault}")).into()
            }
            _ => anyhow::Error::from(fault).context("read the source's sequences"),
        })?;
        let set = |(sequence, state): (&Sequence, &(i64, bool))| {
            format!(
                "pg_catalog.setval({}::pg_catalog.regclass, {}, {})",
                sql::literal(&sequence.name),
                state.0,
                state.1
            )
        };
        let sets: Vec<_> = some.iter().zip(&states).map(set).collect();
        target.run(&format!("SELECT {}", sets.join(", "))).await.context("set the target's sequences")?;
        source.renew().await?;
    }
    Ok(all.len() as u64)
}

struct Sequence {
    /// Quoted.
    name: String,
    oid: u32,
}

/// Where sequences are, and whether the value was given out. They are in no snapshot, so a name may lead elsewhere by now,
/// and what stands there could run code of its owner when it is read: PostgreSQL 18 is asked by OID. So are older ones,
/// which know only of sequences that were used; the others are read by name, where it still leads to them.
async fn states(source: &SourceSession, sequences: &[Sequence]) -> Result<Vec<(i64, bool)>, Fault> {
    let oids: Vec<u32> = sequences.iter().map(|sequence| sequence.oid).collect();
    let sql = if source.major() >= 18 { BY_OID } else { USED_BY_OID };
    let known: HashMap<u32, (i64, bool)> = source
        .rows(sql, &[(&oids, Type::OID_ARRAY)])
        .await?
        .iter()
        .filter_map(|row| Some((row.get(0), (row.get::<_, Option<i64>>(1)?, row.get(2)))))
        .collect();
    let unknown: Vec<_> = sequences.iter().filter(|sequence| !known.contains_key(&sequence.oid)).collect();
    let read = |sequence: &&Sequence| {
        let Sequence { name, oid } = sequence;
        let is_still = sql::is_still(name, *oid);
        format!("SELECT {oid}::pg_catalog.oid, last_value, is_called FROM ONLY {name} WHERE {is_still}")
    };
    let mut by_name = HashMap::new();
    if !unknown.is_empty() {
        let reads: Vec<_> = unknown.iter().map(read).collect();
        let rows = source.rows(&reads.join(" UNION ALL "), &[]).await?;
        by_name.extend(rows.iter().map(|row| (row.get::<_, u32>(0), (row.get::<_, i64>(1), row.get::<_, bool>(2)))));
    }
    let state = |oid: &u32| {
        known.get(oid).or(by_name.get(oid)).copied().ok_or_else(|| Fault::of_answer("a sequence has no value"))
    };
    oids.iter().map(state).collect()
}

const BY_OID: &str = "
    SELECT o.oid, s.last_value, s.is_called
      FROM pg_catalog.unnest($1) AS o(oid), LATERAL pg_catalog.pg_get_sequence_data(o.oid) AS s";
const USED_BY_OID: &str = "
    SELECT o.oid, pg_catalog.pg_sequence_last_value(o.oid), true FROM pg_catalog.unnest($1) AS o(oid)";

const SEQUENCES: &str = "
    SELECT n.nspname::text, c.relname::text, c.oid
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND NOT (c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery())
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                          AND NOT c.oid = ANY (coalesce(e.extconfig, '{}')))
     ORDER BY 1, 2";

/// Copies every large object under its own OID, and reads all back to compare. How many there are, and their digest.
pub(crate) async fn copy_large_objects(
    source: &SourceSession,
    target: &Session,
    watchdog: &Watchdog,
) -> Result<(u64, ContentDigest)> {
    let rows = source.rows("SELECT oid FROM pg_catalog.pg_largeobject_metadata ORDER BY oid", &[]).await;
    let oids: Vec<u32> = rows.context("list the source's large objects")?.iter().map(|row| row.get(0)).collect();
    let (mut sent, mut there) = (ContentDigest::default(), ContentDigest::default());
    for oids in oids.chunks(OBJECTS_AT_ONCE) {
        let mut unfinished = Vec::new();
        let rows = source.rows(FIRST_PIECES, &[(&oids, Type::OID_ARRAY), (&PIECE_BYTES, Type::INT4)]).await;
        let pieces: Vec<(u32, Vec<u8>)> =
            rows.context("read large objects")?.iter().map(|row| (row.get(0), row.get(1))).collect();
        watchdog.feed();
        source.throttle().wait(pieces.iter().map(|(_, piece)| piece.len()).sum()).await;
        watchdog.feed();
        for (oid, piece) in &pieces {
            add(&mut sent, *oid, 0, piece);
            unfinished.extend((piece.len() == PIECE_BYTES as usize).then_some(*oid));
        }
        let (ids, data): (Vec<u32>, Vec<Vec<u8>>) = pieces.into_iter().unzip();
        let make = "SELECT pg_catalog.lo_from_bytea(o, d) FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS x(o, d)";
        target
            .rows(make, &[(&ids, Type::OID_ARRAY), (&data, Type::BYTEA_ARRAY)])
            .await
            .context("write large objects")?;
        watchdog.feed();
        for oid in unfinished {
            copy_rest(source, target, oid, &mut sent, watchdog)
                .await
                .with_context(|| format!("copy large object {oid}"))?;
        }
    }
    for oid in &oids {
        read_back(target, *oid, &mut there, watchdog).await.with_context(|| format!("read large object {oid} back"))?;
    }
    if sent != there {
        bail!("the large objects that arrived are not those that were sent");
    }
    comment_on_objects(source, target).await.context("comment on large objects")?;
    Ok((oids.len() as u64, sent))
}

async fn comment_on_objects(source: &SourceSession, target: &Session) -> Result<()> {
    let comments = source.rows(OBJECT_COMMENTS, &[]).await?;
    for comments in comments.chunks(OBJECTS_AT_ONCE) {
        let comment =
            |row: &Row| format!("COMMENT ON LARGE OBJECT {} IS {};", row.get::<_, u32>(0), sql::literal(row.get(1)));
        target.run(&comments.iter().map(comment).collect::<String>()).await?;
    }
    Ok(())
}

const OBJECT_COMMENTS: &str = "
    SELECT objoid, description FROM pg_catalog.pg_description
     WHERE classoid = 'pg_catalog.pg_largeobject'::regclass AND objoid IN (SELECT oid FROM pg_catalog.pg_largeobject_metadata)";

const FIRST_PIECES: &str = "SELECT o, pg_catalog.lo_get(o, 0, $2) FROM pg_catalog.unnest($1) AS x(o)";
const PIECE: &str = "SELECT pg_catalog.lo_get($1, $2, $3)";

async fn copy_rest(
    source: &SourceSession,
    target: &Session,
    oid: u32,
    sent: &mut ContentDigest,
    watchdog: &Watchdog,
) -> Result<()> {
    let mut at = i64::from(PIECE_BYTES);
    loop {
        let piece: Vec<u8> =
            source.row(PIECE, &[(&oid, Type::OID), (&at, Type::INT8), (&PIECE_BYTES, Type::INT4)]).await?.get(0);
        watchdog.feed();
        if piece.is_empty() {
            return Ok(());
        }
        source.throttle().wait(piece.len()).await;
        watchdog.feed();
        add(sent, oid, at, &piece);
        let put = "SELECT pg_catalog.lo_put($1, $2, $3)";
        target.rows(put, &[(&oid, Type::OID), (&at, Type::INT8), (&piece, Type::BYTEA)]).await?;
        watchdog.feed();
        at += i64::try_from(piece.len())?;
    }
}

async fn read_back(target: &Session, oid: u32, there: &mut ContentDigest, watchdog: &Watchdog) -> Result<()> {
    let mut at = 0_i64;
    loop {
        let piece: Vec<u8> =
            target.row(PIECE, &[(&oid, Type::OID), (&at, Type::INT8), (&PIECE_BYTES, Type::INT4)]).await?.get(0);
        watchdog.feed();
        if at == 0 || !piece.is_empty() {
            add(there, oid, at, &piece);
        }
        at += i64::try_from(piece.len())?;
        if piece.len() < PIECE_BYTES as usize {
            return Ok(());
        }
    }
}

/// A piece counts with its object and place, so that none can stand for another.
fn add(digest: &mut ContentDigest, oid: u32, at: i64, piece: &[u8]) {
    digest.add(&[&oid.to_be_bytes(), at.to_be_bytes().as_slice(), piece].concat());
}
