//! The columns of somebody's record that hold no text, or say by nothing but their place whose they are: a date of birth, the
//! address of a computer, the `name` beside an address. They get a rule, as if the preset had one.

use std::collections::HashSet;
use std::sync::Arc;

use wildmatch::WildMatch;

use super::names::{self, snake};
use super::tables::{About, about};
use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Table};
use crate::masking::assignment::Assignment;
use crate::masking::nets::Nets;
use crate::masking::relations::Reference;
use crate::masking::table::{Condition, Expected, Origin, TableMask, TableRule};
use crate::masking::transformers::misfit;
use crate::masking::{twins, values};

/// Gives such columns a rule where none speaks of them.
pub(crate) fn rule(tables: &[&Table], assignments: &mut [Assignment], references: &[Reference], nets: &Arc<Nets>) {
    let about = about(tables, assignments, references);
    let referring: HashSet<_> = references.iter().flat_map(|reference| [reference.from, reference.to]).collect();
    for (place, (table, assignment)) in tables.iter().zip(assignments).enumerate() {
        if assignment.emptied.is_some() || table.excluded_by.is_some() || about[place] == About::Settings {
            continue;
        }
        let record = Record::of(table, about[place]);
        for (at, column) in table.columns.iter().enumerate() {
            let is_ruled = assignment.settled.contains(&at)
                || assignment
                    .mask
                    .iter()
                    .flat_map(|mask| &mask.rules)
                    .any(|rule| rule.column == Some(at) || rule.column.is_none());
            if is_ruled || referring.contains(&(place, at)) || column.is_key {
                continue;
            }
            let Some((transformer, because)) = record.transformer(column) else { continue };
            if misfit(transformer, column).is_some() {
                continue;
            }
            // A way within the site stays.
            let is_page = transformer == Transformer::Url;
            let condition =
                is_page.then(|| Condition { column: at, expected: Expected::Glob(WildMatch::new("http*://*")) });
            let rule = TableRule {
                column: Some(at),
                condition,
                transformer,
                value: Vec::new(),
                because: Some(because.to_owned()),
                origin: Origin::Preset,
                is_only: false,
            };
            let mask = assignment.mask.get_or_insert_with(|| Arc::new(TableMask::of(table, Vec::new(), nets)));
            Arc::get_mut(mask).expect("nobody else has it yet").rules.push(rule);
            if !is_page {
                assignment.settled.insert(at);
            }
        }
    }
}

/// What the columns of a table tell of each other.
struct Record {
    is_about_people: bool,
    /// Whether each row is somebody: it has an address, a number or a login.
    is_somebody: bool,
    /// Whether each row is an account of somebody's, with all that leads to them.
    is_account: bool,
    /// Whether each row is an account with somebody else.
    has_provider: bool,
}

impl Record {
    fn of(table: &Table, about: About) -> Self {
        let is_text = |column: &&Column| column.column_type.is_plain_text();
        let names: Vec<String> = table.columns.iter().filter(is_text).map(|column| snake(&column.name)).collect();
        let is_about_people = about == About::People;
        let has_contact = names.iter().any(|name| {
            let personal = values::personal(name);
            matches!(personal, Some(Transformer::Email | Transformer::Phone | Transformer::Login | Transformer::Street))
        });
        let is_people = names::is_people(&snake(twins::plain(&table.name)));
        let has_login = names.iter().any(|name| values::personal(name) == Some(Transformer::Login));
        Self {
            is_about_people,
            is_somebody: is_about_people && (has_contact || is_people),
            is_account: is_about_people && (has_login || is_people),
            has_provider: names.iter().any(|name| name == "provider"),
        }
    }

    fn transformer(&self, column: &Column) -> Option<(Transformer, &'static str)> {
        const IS_NAMED: &str = "it stands beside somebody's address or number";
        let name = snake(&column.name);
        let personal = values::personal(&name);
        let is_text = column.column_type.is_plain_text();
        match column.column_type {
            ColumnType::Date | ColumnType::Timestamp if personal == Some(Transformer::Date) => {
                Some((Transformer::Date, "by its name a date of birth"))
            }
            ColumnType::InetAddress => Some((Transformer::Ip, "the address of a computer")),
            ColumnType::LongInteger | ColumnType::Decimal | ColumnType::Scalar if self.is_about_people => {
                let is_number = matches!(
                    personal,
                    Some(
                        Transformer::Phone | Transformer::Card | Transformer::OfficialNumber | Transformer::Coordinates
                    )
                );
                let is_empty = is_number && column.type_name.as_ref() != "bool" && column.is_nullable;
                is_empty.then_some((Transformer::Empty, "by its name somebody's number"))
            }
            ColumnType::Other
                if self.is_about_people && column.type_name.as_ref() == "tsvector" && column.is_nullable =>
            {
                Some((Transformer::Empty, "the words by which people are searched for"))
            }
            _ if is_text && self.is_somebody && names::is_name(&name) => Some((Transformer::Name, IS_NAMED)),
            _ if is_text && self.is_account && names::is_own_page(&name) => {
                Some((Transformer::Url, "it leads to somebody"))
            }
            _ if is_text && self.has_provider && name == "uid" => {
                Some((Transformer::Id, "an account with somebody else"))
            }
            _ => None,
        }
    }
}
