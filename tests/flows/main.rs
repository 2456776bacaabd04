//! The flows of `kestra/` in Kestra's own engine, with the built binary, the real CLI, real Postgres and the stand-in.

mod action;
#[expect(dead_code, reason = "nothing here is skipped")]
#[path = "../it/asked.rs"]
mod asked;
mod clone;
mod demo;
mod engine;
mod failures;
mod flow_text;
mod github;
mod hostile;
mod launch;
mod lifecycle;
mod mailbox;
mod plan;
mod refresh;
mod told;
mod worker;
mod workers;
