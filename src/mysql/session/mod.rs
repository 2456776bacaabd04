//! Sessions with servers: where one leads, how it is secured, who may log in how, what it is set to and what it says.
//! Nothing here knows a table.

mod answer;
mod compression;
#[cfg(test)]
mod compression_tests;
pub(super) mod connect;
mod dial;
pub(super) mod endpoint;
pub(super) mod fault;
mod greeting;
pub(super) mod line;
mod line_speed;
#[cfg(test)]
mod line_tests;
pub(super) mod load_data;
pub(super) mod login;
#[cfg(test)]
mod lying_login_tests;
#[cfg(test)]
mod lying_server_tests;
pub(super) mod many;
pub(super) mod meanwhile;
pub(super) mod refusal;
pub(super) mod row_stream;
mod server_words;
pub(super) mod settings;
pub(super) mod source_session;
pub(super) mod sql;
mod tls;
mod url;
