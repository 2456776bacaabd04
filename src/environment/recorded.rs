//! The record in an environment, the shared variable `RAILSTAGE`: read from what Railway tells, written as a change.

use crate::contract::record::{Record, VARIABLE};
use crate::railway::{Change, Environment};

/// What railstage wrote about this environment, unless it was written about another.
pub(crate) fn record_of(environment: &Environment) -> Option<Record> {
    Record::read(environment.shared_variable(VARIABLE)?, &environment.id)
}

/// A change that writes a record, and nothing more.
pub(crate) fn writing(record: &Record) -> Change {
    Change { shared_variables: [(VARIABLE, record.to_value())].into(), ..Change::default() }
}
