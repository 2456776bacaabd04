//! Columns of which one refers to the other: what masks one of them masks both, so that the reference still holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::contract::transformer::Transformer;
use crate::data::tables::Table;
use crate::masking::assignment::Assignment;
use crate::masking::nets::Nets;
use crate::masking::table::{TableMask, TableRule};
use crate::masking::transformers::misfit;

/// A column: the place of its table, and its own in that.
pub(crate) type Place = (usize, usize);

/// Two columns whose values must stay equal, since the first refers to the second.
pub(crate) struct Reference {
    pub(crate) from: Place,
    pub(crate) to: Place,
    /// The foreign key's name.
    pub(crate) key: String,
}

/// Gives the columns of each group the same rule. What cannot be is returned, for people.
pub(crate) fn take_along(
    tables: &[&Table],
    assignments: &mut [Assignment],
    references: &[Reference],
    equal: &[BTreeSet<Place>],
    nets: &Arc<Nets>,
) -> BTreeSet<String> {
    let unite = |places| Group { tables, places, references }.unite(assignments, nets).err();
    equal.iter().filter_map(unite).collect()
}

/// Columns that must stay equal, as far as their rows come along.
pub(crate) fn groups(tables: &[&Table], assignments: &[Assignment], references: &[Reference]) -> Vec<BTreeSet<Place>> {
    let has_rows = |(table, _): Place| tables[table].excluded_by.is_none() && assignments[table].emptied.is_none();
    let mut beside: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    for Reference { from, to, .. } in references.iter().filter(|both| has_rows(both.from) && has_rows(both.to)) {
        beside.entry(*from).or_default().insert(*to);
        beside.entry(*to).or_default().insert(*from);
    }
    let mut groups = Vec::new();
    while let Some((first, _)) = beside.first_key_value() {
        let (mut group, mut waiting) = (BTreeSet::new(), vec![*first]);
        while let Some(place) = waiting.pop() {
            waiting.extend(beside.remove(&place).unwrap_or_default());
            group.insert(place);
        }
        groups.push(group);
    }
    groups
}

/// Columns that must stay equal.
struct Group<'a> {
    tables: &'a [&'a Table],
    places: &'a BTreeSet<Place>,
    references: &'a [Reference],
}

impl Group<'_> {
    fn unite(&self, assignments: &mut [Assignment], nets: &Arc<Nets>) -> Result<(), String> {
        let masked: Vec<Place> =
            self.places.iter().copied().filter(|place| !self.is_let_go(*place, &assignments[place.0])).collect();
        let is_ruled = |place: &&Place| rules_of(&assignments[place.0], place.1).next().is_some();
        let Some(giver) = masked.iter().find(is_ruled).copied() else { return Ok(()) };
        let rule = self.only_rule(giver, &assignments[giver.0])?.clone();
        for place in masked.iter().filter(|place| **place != giver) {
            let column = &self.tables[place.0].columns[place.1];
            let has_rules = rules_of(&assignments[place.0], place.1).next().is_some();
            if has_rules {
                let own = self.only_rule(*place, &assignments[place.0])?;
                if (own.transformer, &own.value) != (rule.transformer, &rule.value) {
                    return Err(format!(
                        "{}, and are masked in two ways: give both the same transformer",
                        self.told(giver, *place)
                    ));
                }
                continue;
            }
            let keeps_rows = assignments[place.0].mask.iter().flat_map(|mask| &mask.rules);
            let keeps = keeps_rows.clone().any(|rule| rule.column.is_none() && rule.transformer == Transformer::Keep);
            if keeps || assignments[place.0].settled.contains(&place.1) {
                return Err(format!("{}, and only the first is masked", self.told(giver, *place)));
            }
            if let Some(reason) = misfit(rule.transformer, column) {
                return Err(format!("{}, and the second {reason}", self.told(giver, *place)));
            }
            self.give(*place, giver, &rule, &mut assignments[place.0], nets);
        }
        self.without_case(giver, rule.transformer)?;
        self.share_limits(&masked, assignments);
        Ok(())
    }

    /// Whether a column refers to nothing any more, or to what the caller says, whatever becomes of the others.
    fn is_let_go(&self, place: Place, assignment: &Assignment) -> bool {
        let is_referred_to = self.references.iter().any(|reference| reference.to == place);
        let is_nullable = self.tables[place.0].columns[place.1].is_nullable;
        let mut rules = rules_of(assignment, place.1).peekable();
        !is_referred_to
            && rules.peek().is_some()
            && rules.all(|rule| match rule.transformer {
                Transformer::Empty => is_nullable,
                transformer => transformer == Transformer::Set,
            })
    }

    /// The one rule of a column, which must hold in all rows.
    fn only_rule<'r>(&self, place: Place, assignment: &'r Assignment) -> Result<&'r TableRule, String> {
        let mut rules = rules_of(assignment, place.1);
        match (rules.next(), rules.next()) {
            (Some(rule), None) if rule.condition.is_none() => Ok(rule),
            _ => Err(format!(
                "`{}` is part of a foreign key ({}), so a rule for it must hold in all rows",
                self.label(place),
                self.keys(place)
            )),
        }
    }

    /// Values that differ in case only are equal there, so what becomes of them must be as well.
    fn without_case(&self, giver: Place, transformer: Transformer) -> Result<(), String> {
        let fits = matches!(
            transformer,
            Transformer::Email | Transformer::Login | Transformer::Ip | Transformer::Empty | Transformer::Keep
        );
        let is_without = |place: &Place| self.tables[place.0].columns[place.1].type_name.as_ref() == "citext";
        if !fits && self.places.iter().any(is_without) {
            return Err(format!(
                "`{}` is part of a foreign key ({}) whose values differ in case: mask it by `email` or `login`",
                self.label(giver),
                self.keys(giver)
            ));
        }
        Ok(())
    }

    fn give(&self, to: Place, from: Place, rule: &TableRule, assignment: &mut Assignment, nets: &Arc<Nets>) {
        let because = Some(format!("as `{}`, since a foreign key makes them equal", self.label(from)));
        let rule = TableRule { column: Some(to.1), because, is_only: true, ..rule.clone() };
        assignment.settled.insert(to.1);
        let table = self.tables[to.0];
        let mask = assignment.mask.get_or_insert_with(|| Arc::new(TableMask::of(table, Vec::new(), nets)));
        Arc::get_mut(mask).expect("nobody else has it yet").rules.push(rule);
    }

    /// What a value becomes depends on its column's limits, so these must be the same.
    fn share_limits(&self, places: &[Place], assignments: &mut [Assignment]) {
        let columns = places.iter().map(|(table, column)| &self.tables[*table].columns[*column]);
        let max_chars = columns.clone().filter_map(|column| column.max_chars).min();
        let is_unique = columns.into_iter().any(|column| column.is_unique);
        for (table, column) in places {
            let Some(mask) = assignments[*table].mask.as_mut().and_then(Arc::get_mut) else { continue };
            let limits = &mut mask.limits[*column].value;
            (limits.max_chars, limits.is_unique) = (max_chars, is_unique);
        }
    }

    fn label(&self, (table, column): Place) -> String {
        format!("{}.{}", self.tables[table].label(), self.tables[table].columns[column].name)
    }

    fn keys(&self, place: Place) -> String {
        let is_of = |reference: &&Reference| reference.from == place || reference.to == place;
        let names: BTreeSet<_> = self.references.iter().filter(is_of).map(|r| format!("`{}`", r.key)).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn told(&self, a: Place, b: Place) -> String {
        format!("`{}` and `{}` must stay equal for a foreign key ({})", self.label(a), self.label(b), self.keys(b))
    }
}

/// The rules of a column.
fn rules_of(assignment: &Assignment, column: usize) -> impl Iterator<Item = &TableRule> {
    assignment.mask.iter().flat_map(|mask| &mask.rules).filter(move |rule| rule.column == Some(column))
}
