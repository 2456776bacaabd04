//! The seam to a server for what is decided on its tables: what it is asked, in the words of none. Each engine answers in its own.
//!
//! Tables are called by their places in the list that goes along with whoever is asked, and columns by theirs in the table.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use anyhow::Result;

use super::row_condition::RowCondition;
use crate::masking::nets::unknown::Variety;
use crate::masking::relations::Reference;
use crate::masking::suspects::Sample;

/// The columns of a row as text; `None` is NULL.
pub(crate) type TextRow = Vec<Option<String>>;

/// Rows of a table that are wanted.
pub(crate) struct RowsWish {
    pub(crate) table: usize,
    /// By their names, in whatever case.
    pub(crate) columns: Vec<&'static str>,
    pub(crate) when: RowCondition,
}

/// Takes rows of many tables: the number of the wish, and the columns that it wants.
pub(crate) type TakeRows<'t> = dyn FnMut(usize, Vec<String>) + Send + 't;

/// A foreign key.
pub(crate) struct ForeignKey {
    pub(crate) name: String,
    pub(crate) child: usize,
    /// Columns of the child, each with whether it may be NULL.
    pub(crate) columns: Vec<(usize, bool)>,
    /// Whether all of them must be NULL where one is.
    pub(crate) is_full: bool,
    /// All tables that hold rows of what it refers to.
    pub(crate) parents: Vec<usize>,
    /// What it refers to, for people.
    pub(crate) to: String,
}

/// A condition that a server holds every row of a table to.
pub(crate) struct Check {
    pub(crate) name: String,
    /// In the server's own words.
    pub(crate) expression: String,
    /// The columns that it speaks of.
    pub(crate) columns: Vec<usize>,
    /// By column: what it is called in the condition, and its type.
    pub(crate) spoken_of: Vec<(String, String)>,
}

/// What a sample of a table is to have.
pub(crate) struct SampleWish {
    pub(crate) table: usize,
    /// The column that names what the others hold: some rows of each of its values are wanted.
    pub(crate) key: Option<usize>,
    /// By column, whether its values are looked at; any other is as good as NULL.
    pub(crate) shown: Vec<bool>,
}

/// Looks at samples: the table's place, its rows, and what the server knows of how its values differ.
pub(crate) type SampleLook<'l> = dyn FnMut(usize, &Sample, &Variety) + Send + 'l;

/// The tables of a source, as they are asked about before their rows come.
pub(crate) trait SourceTables: Send {
    /// Those of these tables that the login may read.
    fn readable(&mut self, tables: &[usize]) -> impl Future<Output = Result<HashSet<usize>>> + Send;

    /// How many rows each of these tables has; of a large one about so many.
    fn row_counts(&mut self, tables: &[usize]) -> impl Future<Output = Result<Vec<u64>>> + Send;

    /// Takes some columns of the rows that are meant, by their names in whatever case, all as text and none of them NULL.
    fn each_row(
        &mut self,
        table: usize,
        columns: &[&str],
        when: &RowCondition,
        take: &mut (dyn FnMut(Vec<String>) + Send),
    ) -> impl Future<Output = Result<()>> + Send;

    /// The same rows together.
    fn rows(
        &mut self,
        table: usize,
        columns: &[&str],
        when: &RowCondition,
    ) -> impl Future<Output = Result<Vec<Vec<String>>>> + Send {
        async move {
            let mut rows = Vec::new();
            self.each_row(table, columns, when, &mut |row| rows.push(row)).await?;
            Ok(rows)
        }
    }

    /// Takes rows of many tables, wish by wish. An engine whose server answers several questions at once asks so.
    fn rows_of_each(
        &mut self,
        wishes: &[RowsWish],
        take: &mut TakeRows<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            for (number, RowsWish { table, columns, when }) in wishes.iter().enumerate() {
                self.each_row(*table, columns, when, &mut |row| take(number, row)).await?;
            }
            Ok(())
        }
    }

    /// The foreign keys that a copy must have whole.
    fn foreign_keys(&mut self) -> impl Future<Output = Result<Vec<ForeignKey>>> + Send;

    /// Which columns refer to which.
    fn references(&mut self) -> impl Future<Output = Result<Vec<Reference>>> + Send;

    /// Columns, by table, whose values must stay since they decide in which part of it a row is.
    fn deciding(&mut self) -> impl Future<Output = Result<HashMap<usize, Vec<String>>>> + Send;

    /// The columns, by table, that the server computes itself.
    fn computed(&mut self) -> impl Future<Output = Result<HashMap<usize, Vec<String>>>> + Send;

    /// The checks, by table, that can be tried on values alone.
    fn checks(&mut self, tables: &[usize]) -> impl Future<Output = Result<HashMap<usize, Vec<Check>>>> + Send;

    /// So many rows of a table at most.
    fn first_rows(&mut self, table: usize, most: usize) -> impl Future<Output = Result<Vec<TextRow>>> + Send;

    /// Whether rows, made up of whole rows of a table, pass a check.
    fn passes(&mut self, check: &Check, rows: &[TextRow]) -> impl Future<Output = Result<bool>> + Send;

    /// Shows samples of tables, one after the other.
    fn samples(&mut self, wishes: &[SampleWish], look: &mut SampleLook<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Those of these words that stand in a column of these by which a unique index finds rows; `is_hidden` is one whose values
    /// become others.
    fn keys_among(
        &mut self,
        tables: &[usize],
        words: &[&str],
        is_hidden: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> impl Future<Output = Result<HashSet<String>>> + Send;
}

/// A row of which some columns are shown.
pub(crate) trait ShownRow {
    /// A value of the columns that were asked for, by its number among these; `None` is NULL.
    fn value(&self, number: usize) -> Option<Cow<'_, [u8]>>;
}

/// What rows of several parts are shown to, each with its part's number.
pub(crate) type ShowRow<'s> = dyn FnMut(usize, &dyn ShownRow) + Send + 's;

/// Of tables under this size so many are read together: each costs no more than the way to the server and back.
pub(super) const SMALL_BYTES: u64 = 256 << 10;
pub(super) const SMALL_TOGETHER: usize = 40;

/// A session that reads many rows, none of which is kept.
pub(crate) trait RowReader: Send + 'static {
    /// A part of a table that is read in one go.
    type Part: Send + Sync + 'static;

    /// The parts of some columns of a table, and of those of its rows that are meant, where the source may be asked for these alone.
    /// `most_bytes`: only so many, those that were written last, where that can be told.
    fn parts(&self, table: usize, columns: &[usize], when: &RowCondition, most_bytes: Option<u64>) -> Vec<Self::Part>;

    /// Shows the rows of several parts, one part after the other.
    fn show(&mut self, parts: &[&Self::Part], show: &mut ShowRow<'_>) -> impl Future<Output = Result<()>> + Send;

    /// The values of a column of a large table, each once; nothing where it is no gain to know them, or there are too many.
    fn values_of(&mut self, table: usize, column: usize) -> impl Future<Output = Result<Option<Vec<String>>>> + Send;
}
