//! How a step is run: the trait and its table's row, the run, its context, signals.

pub mod context;
pub mod run;
pub mod step;
pub mod stop;
