//! How a step is run: the trait and its table's row, the run, its context, signals.

pub(crate) mod account;
pub(crate) mod context;
pub(crate) mod first;
pub(crate) mod outcome;
pub(crate) mod relay_key;
pub(crate) mod run;
pub(crate) mod shown;
pub(crate) mod step;
pub(crate) mod stop;
