//! The engine of MariaDB and MySQL between real servers: what arrives, what is refused, and what a failure leaves behind.

mod logins;
mod middle;
mod started;

use anyhow::Result;
use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};

/// The newest server of a family.
async fn newest(family: Family) -> Server {
    let home = MysqlHome::of(family).unwrap().pop().unwrap();
    Server::start(&home, ServerOptions::default()).await.unwrap()
}

/// The oldest server of a family.
async fn oldest(family: Family, options: ServerOptions) -> Server {
    let home = MysqlHome::of(family).unwrap().remove(0);
    Server::start(&home, options).await.unwrap()
}

/// The error as a user reads it.
fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    railstage::error::describe("copy-db", &result.unwrap_err())
}
