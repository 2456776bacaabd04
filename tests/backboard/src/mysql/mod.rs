//! Real MariaDB and MySQL servers on loopback ports, started as Railway starts them, gone without a trace.
//!
//! [`Server::start`] copies a data directory that was made once, starts the server in it as somebody who is not root, and
//! makes the logins and the database that Railway's templates have. Dropping it stops the server and removes its folder.

mod carried;
mod home;
mod server;

pub use carried::carried;
pub use home::{Family, MysqlHome};
pub use server::{Server, ServerOptions};
