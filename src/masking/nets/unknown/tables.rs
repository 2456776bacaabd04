//! Which net each column gets: told by the names of its table and columns, and by what these refer to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::links::Named;
use super::names::{self, singular, snake};
use super::wordpress;
use crate::contract::transformer::Transformer;
use crate::contract::unknown::Unknown;
use crate::data::tables::{Column, Table};
use crate::masking::assignment::{Assignment, MaskedSite};
use crate::masking::nets::{Net, Nets};
use crate::masking::relations::Reference;
use crate::masking::table::TableMask;
use crate::masking::{twins, values};
use crate::rewriting::sites_of_tables::SitesOfTables;

/// A table of what the site itself is has few rows.
const FEW_BYTES: u64 = 64 * 1024;

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// People themselves, or what they did.
    People,
    /// Somebody wrote it for others to read.
    Content,
    Settings,
    /// Nothing tells.
    Else,
}

/// Gives each column that holds text, and on which no rule decides in every row, the net that holds for its values.
pub(crate) fn cast(
    tables: &[&Table],
    assignments: &mut [Assignment],
    references: &[Reference],
    sites: &[MaskedSite],
    unknown: Unknown,
    nets: &Arc<Nets>,
) {
    let about = about(tables, assignments, references);
    let referring: HashSet<_> = references.iter().flat_map(|reference| [reference.from, reference.to]).collect();
    let called = referring_by_name(tables);
    let staying = staying(tables, assignments, &about);
    let of_tables = SitesOfTables::new(sites);
    for (place, (table, assignment)) in tables.iter().zip(assignments).enumerate() {
        if assignment.emptied.is_some() || table.excluded_by.is_some() {
            continue;
        }
        let net = match about[place] {
            About::People => Net::Close,
            About::Settings => Net::Settings,
            About::Content | About::Else => Net::Search,
        };
        let is_caught = |column: usize| {
            let is_key = table.columns[column].is_key || referring.contains(&(place, column));
            table.columns[column].column_type.is_changed_as_text() && !is_key && !assignment.settled.contains(&column)
        };
        let columns: Vec<String> = table.columns.iter().map(|column| snake(&column.name)).collect();
        let file_key = names::file_key(&columns);
        let is_of_lines = names::is_of_lines(&snake(&table.name), &columns);
        let caught: Vec<usize> =
            (0..table.columns.len()).filter(|column| is_caught(*column) && Some(*column) != file_key).collect();
        if caught.is_empty() {
            continue;
        }
        let mask = assignment.mask.get_or_insert_with(|| Arc::new(TableMask::of(table, Vec::new(), nets)));
        let mask = Arc::get_mut(mask).expect("nobody else has it yet");
        let twin = twins::of(table, tables);
        for site in of_tables.of(twin.as_ref().unwrap_or(table)) {
            wordpress::cast(twin.as_ref().unwrap_or(table), site, &caught, mask);
        }
        for column in caught {
            // What rows are told apart by is looked up by programs, word for word.
            let own = &mut mask.column_nets[column];
            own.is_key = mask.key_column == Some(column) && mask.key_names_value;
            own.is_linked = !names::Told::of(&columns[column]).is_handle
                && staying.of(&columns[column]).any(|other| other != (place, column));
            if !own.is_known {
                let is_note = about[place] == About::Else && names::is_note(&columns[column]);
                let is_said = is_of_lines && names::is_of_goods(&columns[column]);
                own.net = match net {
                    _ if own.is_key || is_said || called.contains(&(place, column)) => Net::Search,
                    _ if is_note => Net::Close,
                    net => net,
                };
            }
            if unknown == Unknown::Keep && own.net == Net::Close && (!own.is_known || mask.key_names_value) {
                own.net = Net::Search;
            }
        }
        mask.may_close = about[place] == About::Else && unknown != Unknown::Keep;
        mask.is_content = about[place] == About::Content && unknown != Unknown::Keep;
    }
}

/// Keys that stay as they are: whatever is called after one refers to it.
fn staying(tables: &[&Table], assignments: &[Assignment], about: &[About]) -> Named {
    let mut named = Named::default();
    for (place, (table, assignment)) in tables.iter().zip(assignments).enumerate() {
        if assignment.emptied.is_some() || table.excluded_by.is_some() {
            continue;
        }
        for (number, column) in
            table.columns.iter().enumerate().filter(|(_, column)| column.column_type.is_plain_text())
        {
            if column.is_key || column.is_unique && about[place] != About::People {
                named.add((place, number), table);
            }
        }
    }
    named
}

/// The column that names what the row's value is, where a table keeps pairs of name and value.
pub(crate) fn key_column(table: &Table) -> Option<usize> {
    let columns: Vec<String> = table.columns.iter().map(|column| snake(&column.name)).collect();
    names::key_column(&columns)
}

/// What each table is about.
pub(super) fn about(tables: &[&Table], assignments: &[Assignment], references: &[Reference]) -> Vec<About> {
    let columns: Vec<Vec<String>> =
        tables.iter().map(|table| table.columns.iter().map(|column| snake(&column.name)).collect()).collect();
    let mut about: Vec<About> = tables
        .iter()
        .zip(assignments)
        .zip(&columns)
        .map(|((table, assignment), columns)| by_itself(table, assignment, columns))
        .collect();
    let may_be = |child: usize, column: usize, about: About| match about {
        About::Else => true,
        About::Content => {
            let is_content = |column: &String| names::is_of_content(column);
            let name = snake(&tables[child].name);
            !names::is_content(&name)
                && !names::is_of_kinds(&name)
                && !columns[child].iter().any(is_content)
                && !names::is_author(&columns[child][column])
        }
        _ => false,
    };
    // What refers to what people did is about them as well, and so on.
    loop {
        let is_new = |(child, column): (usize, usize), parent: usize| {
            child != parent && about[parent] == About::People && may_be(child, column, about[child])
        };
        let by_key = references.iter().map(|reference| (reference.from, reference.to.0));
        let found: HashSet<usize> = by_key
            .chain(by_name(tables, &columns))
            .filter(|(from, parent)| is_new(*from, *parent))
            .map(|((child, _), _)| child)
            .collect();
        if found.is_empty() {
            return about;
        }
        for child in found {
            about[child] = About::People;
        }
    }
}

fn by_itself(table: &Table, assignment: &Assignment, columns: &[String]) -> About {
    let name = snake(twins::plain(&table.name));
    let is_of_site = names::is_of_site(&name) && table.size_bytes <= FEW_BYTES;
    if is_of_site || names::is_settings(&name) && names::key_column(columns).is_some() {
        return About::Settings;
    }
    let holds_person = || {
        let mut rules = assignment.mask.iter().flat_map(|mask| &mask.rules).filter(|rule| rule.condition.is_none());
        rules.any(|rule| rule.column.is_some() && matches!(rule.transformer, Transformer::Email | Transformer::Login))
    };
    let is_person = |column: &String| names::is_of_person(column);
    if names::is_of_kinds(&name) {
        // Templates say whom they are from.
        let is_somebodys = |column: &&String| is_person(column) && values::personal(column) != Some(Transformer::Name);
        if name.trim_end_matches('s').ends_with("template") || !columns.iter().any(|column| is_somebodys(&column)) {
            return About::Content;
        }
    }
    if holds_person() || columns.iter().any(is_person) || columns.iter().any(|column| names::is_of_people(column)) {
        return About::People;
    }
    let is_note = names::is_note(&name);
    let is_content = names::is_content(&name)
        || columns.iter().any(|column| names::is_of_content(column) || names::is_of_content_alone(column));
    match columns.iter().any(|column| names::is_author(column)) {
        is_written if (is_written || is_note) && !is_content => About::People,
        _ if is_content => About::Content,
        _ => About::Else,
    }
}

/// Columns called after a table, each with the place of that: `order_id` is of `orders`, whatever stands before both.
fn by_name<'a>(
    tables: &'a [&'a Table],
    columns: &'a [Vec<String>],
) -> impl Iterator<Item = ((usize, usize), usize)> + 'a {
    let plain: HashMap<(&str, String), usize> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| ((table.schema.as_str(), singular(&snake(&table.name))), place))
        .collect();
    tables.iter().zip(columns).enumerate().flat_map(move |(child, (table, columns))| {
        let name = snake(&table.name);
        let stems = columns.iter().enumerate().filter_map(|(at, column)| Some((at, column.strip_suffix("_id")?)));
        let found: Vec<_> = stems
            .flat_map(|(at, stem)| {
                let prefixes = std::iter::once("").chain(name.match_indices('_').map(|(at, _)| &name[..=at]));
                prefixes
                    .filter_map(|prefix| plain.get(&(table.schema.as_str(), format!("{prefix}{stem}"))).copied())
                    .map(|parent| ((child, at), parent))
                    .collect::<Vec<_>>()
            })
            .collect();
        found
    })
}

/// Columns that refer to the key of another table by their names alone, where that is a text, as apps make whose parts have
/// no foreign keys between them.
fn referring_by_name(tables: &[&Table]) -> HashSet<(usize, usize)> {
    let columns: Vec<Vec<String>> =
        tables.iter().map(|table| table.columns.iter().map(|column| snake(&column.name)).collect()).collect();
    let is_key =
        |column: &Column| column.is_key && column.name.eq_ignore_ascii_case("id") && column.column_type.is_plain_text();
    let has_texts = |parent: usize| tables[parent].columns.iter().any(is_key);
    by_name(tables, &columns)
        .filter(|((child, _), parent)| child != parent && has_texts(*parent))
        .map(|(child, _)| child)
        .collect()
}
