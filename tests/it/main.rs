//! The built binary against the real `railway` CLI, real Postgres servers and the stand-in for Railway's backend.

mod asked;
mod attacks;
mod clone;
mod copy;
mod diff;
mod docs;
mod every_step;
mod golden;
mod guard;
mod lifecycle;
mod plan;
mod records;
mod requests;
mod rollback;
mod set_policy;
mod stage;
mod terminal;
mod watched;
