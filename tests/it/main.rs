//! The built binary against the real `railway` CLI, real Postgres servers and the stand-in for Railway's backend.

mod accounts;
mod asked;
mod attacks;
mod clone;
mod code;
mod copy;
mod diff;
mod docs;
mod every_step;
mod extending;
mod fidelity;
mod golden;
mod guard;
mod health;
mod lifecycle;
mod lineage;
mod plan;
mod records;
mod refresh;
mod requests;
mod rollback;
mod set_policy;
mod stage;
mod terminal;
mod warnings;
mod watched;
