//! The flows of `kestra/` in Kestra's own engine, with the built binary, the real CLI, real Postgres and the stand-in.

mod clone;
mod engine;
mod failures;
mod hostile;
mod lifecycle;
mod mailbox;
mod told;
