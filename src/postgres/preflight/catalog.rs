//! The source's tables as its catalog describes them, and which of them are left out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::catalog_queries::{ANCESTORS, CALLING, COLUMNS, GENERATED, LOCKABLE, SIZES, TABLES};
use super::column_types::{column_type, is_same_in_binary};
use super::families::Families;
use crate::copying::dry_run::DryRunTable;
use crate::data::table_glob::TableGlob;
use crate::data::tables::{Column, ColumnType, Letters, Table};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many tables are asked for their size at a time.
const SIZED_AT_ONCE: usize = 4000;

/// By the OID of each table, the columns that it computes itself.
pub(crate) async fn generated(source: &SourceSession) -> Result<HashMap<u32, Vec<String>>> {
    let rows = source.rows(GENERATED, &[]).await.context("list generated columns")?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The tables of a database.
#[derive(Default)]
pub(crate) struct Relations {
    /// All with rows of their own, biggest first, the excluded ones too.
    pub(crate) all: Vec<Relation>,
    /// Every table and partitioned table, quoted: what the snapshot's holder locks.
    pub(crate) lockable: BTreeSet<String>,
    /// Which are parts of which.
    pub(crate) families: Families,
    /// Foreign keys, by table and name, whose references are taken out on the way, so that what they lead to may be missing.
    pub(crate) cut_keys: HashSet<(u32, String)>,
}

impl Relations {
    /// Reads the catalog. Tables of extensions are the extension's business, except those it marks as holding the
    /// user's rows.
    pub(crate) async fn read(source: &SourceSession, exclude: &[String]) -> Result<Self> {
        let rows = source.rows(&TABLES.replace("{CALLING}", CALLING), &[]).await.context("list the source's tables")?;
        let families = Families::read(source).await?;
        let oids: Vec<u32> = rows.iter().filter(|row| row.get::<_, &str>(3) == "r").map(|row| row.get(0)).collect();
        let sizes = read_sizes(source, &oids).await.context("ask for the tables' sizes")?;
        let mut columns = read_columns(source, &families).await.context("list the source's columns")?;
        let own = || rows.iter().filter(|row| !row.get::<_, bool>(5));
        let lockable = own().map(|row| sql::qualified(row.get(1), row.get(2))).collect();
        let globs = exclude.iter().map(|glob| (glob, TableGlob::new(glob))).collect();
        let ancestors = source.rows(ANCESTORS, &[]).await.context("list what the source's tables are parts of")?;
        let catalog = Catalog {
            rows: rows.iter().map(|row| (row.get(0), row)).collect(),
            ancestors: ancestors.iter().map(|row| (row.get(0), row.get(1))).collect(),
            families: &families,
            sizes,
            globs,
            commands_server: source.commands_server(),
        };
        let mut all: Vec<Relation> = own()
            .filter(|row| catalog.has_rows(row))
            .map(|row| catalog.relation(row, columns.remove(&row.get::<_, u32>(0)).unwrap_or_default()))
            .collect();
        all.sort_by(|a, b| b.table.size_bytes.cmp(&a.table.size_bytes).then_with(|| a.label().cmp(&b.label())));
        Ok(Self { all, lockable, families, cut_keys: HashSet::new() })
    }

    /// What [`Self::lockable`] will be, at little cost.
    pub(crate) async fn lockable(source: &SourceSession) -> Result<BTreeSet<String>> {
        let rows = source.rows(LOCKABLE, &[]).await.context("list the source's tables")?;
        Ok(rows.iter().map(|row| sql::qualified(row.get(0), row.get(1))).collect())
    }

    /// The tables whose rows are copied.
    pub(crate) fn copied(&self) -> impl Iterator<Item = &Relation> {
        self.all.iter().filter(|relation| relation.table.excluded_by.is_none())
    }

    /// The tables that nobody may plan a query on, so that they are read as a whole, for people.
    pub(crate) fn read_whole(&self) -> Vec<String> {
        self.copied().filter(|relation| !relation.may_be_planned).map(Relation::label).collect()
    }

    /// All of them as a copy would treat them, in the same order.
    pub(crate) fn dry_run(&self) -> Vec<DryRunTable> {
        self.all.iter().map(|relation| DryRunTable::of(&relation.table, relation.mask.as_deref())).collect()
    }

    /// All of them as tables, in the same order.
    pub(crate) fn tables(&self) -> Vec<&Table> {
        self.all.iter().map(|relation| &relation.table).collect()
    }
}

/// Its columns, and whether the binary form of them all is the same on every server.
#[derive(Default)]
struct Columns {
    all: Vec<Column>,
    differ_in_binary: bool,
}

/// Why the rows of an unlogged table do not come from a standby.
const STANDBY_HAS_NONE: &str = "are not on a standby, since the table is unlogged: copy from the primary";

/// What was read of the catalog, to make relations of.
struct Catalog<'a> {
    rows: HashMap<u32, &'a Row>,
    /// The names of what each table is a part of, or inherits from, the nearest first, each bare and with its schema.
    ancestors: HashMap<u32, Vec<String>>,
    families: &'a Families,
    /// Bytes and pages.
    sizes: HashMap<u32, (u64, u64)>,
    globs: Vec<(&'a String, TableGlob)>,
    commands_server: bool,
}

impl Catalog<'_> {
    /// Whether a table's own rows are copied, or those of the parts of a tree through it.
    fn has_rows(&self, row: &Row) -> bool {
        let oid: u32 = row.get(0);
        if row.get::<_, &str>(3) == "p" { self.families.is_rerouted_root(oid) } else { !self.families.is_rerouted(oid) }
    }

    fn relation(&self, row: &Row, columns: Columns) -> Relation {
        let oid: u32 = row.get(0);
        let through_root = self.families.is_rerouted_root(oid);
        let leaves: Vec<u32> = match through_root {
            true => self.families.down(oid).into_iter().filter(|part| self.sizes.contains_key(part)).collect(),
            false => Vec::new(),
        };
        let size = |oid: &u32| self.sizes.get(oid).copied().unwrap_or_default();
        let (schema, name): (String, String) = (row.get(1), row.get(2));
        let mut names = vec![name.clone(), format!("{schema}.{name}")];
        names.extend(self.ancestors.get(&oid).into_iter().flatten().cloned());
        let excluded_by = match self.globs.iter().find(|(_, glob)| glob.matches(&names)) {
            Some((text, _)) => Some(format!("left out by `exclude_table_data` ({text})")),
            None => row.get::<_, bool>(9).then(|| STANDBY_HAS_NONE.to_owned()),
        };
        Relation {
            oid,
            pages: size(&oid).1,
            is_heap: row.get(6),
            extension_filter: row.get(4),
            through_root,
            leaves: leaves.iter().map(|leaf| sql::qualified(self.rows[leaf].get(1), self.rows[leaf].get(2))).collect(),
            may_be_planned: !self.commands_server || row.get(8),
            mask: None,
            places: None,
            fits_binary: !columns.differ_in_binary,
            in_binary: false,
            table: Table {
                schema,
                name,
                columns: columns.all.into(),
                size_bytes: size(&oid).0 + leaves.iter().map(|leaf| size(leaf).0).sum::<u64>(),
                excluded_by,
                names,
                rows: row.get::<_, i64>(7).cast_unsigned(),
            },
        }
    }
}

async fn read_sizes(source: &SourceSession, oids: &[u32]) -> Result<HashMap<u32, (u64, u64)>> {
    let mut sizes = HashMap::with_capacity(oids.len());
    for oids in oids.chunks(SIZED_AT_ONCE) {
        for row in source.rows(SIZES, &[(&oids, Type::OID_ARRAY)]).await? {
            let size = |column| row.get::<_, Option<i64>>(column).unwrap_or(0).max(0).cast_unsigned();
            sizes.insert(row.get(0), (size(1), size(2)));
        }
    }
    Ok(sizes)
}

async fn read_columns(source: &SourceSession, families: &Families) -> Result<HashMap<u32, Columns>> {
    let mut columns: HashMap<u32, Columns> = HashMap::new();
    let mut type_names: HashSet<Arc<str>> = HashSet::new();
    let add = |row: Row| {
        let (oid, name): (u32, String) = (row.get(0), row.get(1));
        let type_name: Arc<str> = match type_names.get(row.get::<_, &str>(6)) {
            Some(known) => known.clone(),
            None => row.get::<_, &str>(6).into(),
        };
        type_names.insert(type_name.clone());
        let of_table = columns.entry(oid).or_default();
        of_table.differ_in_binary |= !(row.get::<_, bool>(7) && is_same_in_binary(&type_name));
        of_table.all.push(Column {
            is_key: row.get::<_, bool>(3) || families.decides(oid, &name),
            name,
            // A type of somebody's own may be called like one of PostgreSQL's.
            column_type: if row.get(8) { column_type(&type_name) } else { ColumnType::Other },
            type_name,
            max_chars: row.get::<_, Option<i32>>(2).and_then(|n| usize::try_from(n).ok()),
            is_unique: row.get(4),
            max_bytes: None,
            letters: Letters::All,
            is_nullable: row.get(5),
        });
    };
    source.each_row(COLUMNS, &[], add).await?;
    Ok(columns)
}
